"""Runs a function after a module was imported, so that nothing is imported that the program would not have.

Misuse: for what a program imports with a finder of its own: it is not met, and stays as it is.
"""

import sys
from importlib.machinery import PathFinder


class _AfterImport:
    """Stands in front of the other finders and finds only what is waited for, as the usual one does."""

    def __init__(self):
        self.waiting = {}

    def find_spec(self, name, path=None, target=None):
        if name not in self.waiting:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if hasattr(spec, "loader") and hasattr(spec.loader, "exec_module"):
            self.run_after(spec.loader, name)
        return spec

    def run_after(self, loader, name):
        """Its spec may be only looked at: then it waits on."""
        execute = loader.exec_module

        def exec_module(module):
            execute(module)
            if module.__name__ == name and (then := self.waiting.pop(name, None)) is not None:
                vars(loader).pop("exec_module", None)
                _quietly(then, module)

        try:
            loader.exec_module = exec_module
        except AttributeError:
            pass  # a loader that cannot be told


def _quietly(then, module):
    try:
        then(module)
    except Exception:  # whatever it is, it is not the program's
        pass


_FINDER = _AfterImport()


def after_import(name, then):
    """At once, when it is there already. Of several functions for one name the last is run."""
    if (module := sys.modules.get(name)) is not None:
        _quietly(then, module)
        return
    _FINDER.waiting[name] = then
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)

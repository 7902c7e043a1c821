"""Names the Python line of a call that blocked an event loop. Found by PYTHONPATH, works only beside the preload
library; then hands on to the sitecustomize that it stands in front of."""

import sys


def _watch():
    import atexit
    import ctypes
    import os
    import sysconfig

    set_hook = ctypes.CDLL(None).assay_probe_set_stack_hook  # AttributeError: the library is not loaded
    has_state = ctypes.cast(ctypes.pythonapi.PyGILState_GetThisThreadState, ctypes.c_void_p)
    paths = sysconfig.get_paths()
    libraries = tuple(
        sorted(
            {
                os.path.join(os.path.realpath(path), "")
                for path in (*(paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")),)
            },
            key=len,
            reverse=True,
        )
    )
    most_frames = 48
    # Bound here: at interpreter shutdown globals of modules are taken away one by one.
    getframe, memmove, realpath, getcwd, myself = sys._getframe, ctypes.memmove, os.path.realpath, os.getcwd, __file__
    known = {}

    def place_of(filename):
        """(is own code, short name), looked up once a file."""
        if filename in known:
            return known[filename]
        name, own = filename, not filename.startswith("<")
        if own:
            full = realpath(filename)
            own = "/site-packages/" not in full and "/dist-packages/" not in full
            for library in libraries:
                if full.startswith(library):
                    own, name = False, full[len(library) :]
                    break
            else:
                here = getcwd() + "/"
                name = full[len(here) :] if full.startswith(here) else full.rpartition("/")[2]
                if "/site-packages/" in full:
                    name = full.rpartition("/site-packages/")[2]
        if len(known) < 4096:
            known[filename] = own, name
        return own, name

    def write_stack(text, capacity):
        try:
            frame, lines, room = getframe(1), [], capacity - 1
            seen_own = False
            for _ in range(most_frames):
                if frame is None:
                    break
                code = frame.f_code
                if code.co_filename != myself:
                    own, name = place_of(code.co_filename)
                    line = f"{'*' if own else ' '}{name}:{frame.f_lineno} in {code.co_name}\n".encode("utf-8", "replace")
                    # The frames of libraries must not crowd out the first own one.
                    if len(line) > (room if own or seen_own else room - 200):
                        if own:
                            break
                    else:
                        lines.append(line)
                        room -= len(line)
                        seen_own = seen_own or own
                frame = frame.f_back
            data = b"".join(lines) + b"\0"
            memmove(text, data, len(data))
        except BaseException:  # whatever it is, it is not the program's
            pass

    hook_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)
    hook = hook_type(write_stack)
    set_hook.restype = None
    set_hook.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    set_hook(ctypes.cast(hook, ctypes.c_void_p), has_state)
    _watch.kept = hook, set_hook  # as long as the library may call it
    atexit.register(set_hook, None, None)


def _load_next():
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec
    from os.path import abspath, dirname, realpath

    here = realpath(dirname(abspath(__file__)))
    spec = PathFinder.find_spec("sitecustomize", [path for path in sys.path if realpath(path or ".") != here])
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


try:
    from os import environ as _environ

    if _environ.get("ASSAY_PROBE_DIR"):
        _watch()
except (AttributeError, ImportError, OSError):
    pass  # no library, no ctypes: the calls are still seen, without their lines
_load_next()

"""Names the Python line of a call that blocked an event loop, pauses of the collector and failures that nobody handled.
With ASSAY_PROBE_STACKS=1 also where a loop computes, and how many tasks of which coroutine there are. Found by
PYTHONPATH, works only beside the preload library; then hands on to the sitecustomize that it stands in front of."""

import sys


def _stack_writer(lines_of):
    """What the library calls on a blocked thread. Everything is bound here: at shutdown modules lose their globals."""
    from ctypes import memmove

    getframe = sys._getframe

    def write_stack(text, capacity):
        try:
            data = b"".join(lines_of(getframe(1), capacity - 1)) + b"\0"
            memmove(text, data, len(data))
        except BaseException:  # whatever it is, it is not the program's
            pass

    return write_stack


def _collection_watcher(collected):
    """What the collector calls as it begins and ends. It runs on the thread that it holds up."""
    from time import monotonic_ns

    least_ns, began = 5_000_000, 0

    def on_collection(phase, _):
        nonlocal began
        if phase == "start":
            began = monotonic_ns()
        elif monotonic_ns() - began >= least_ns:
            collected(began)

    return on_collection


def _watch(directory, stacks):
    import atexit
    import ctypes
    import gc

    library = ctypes.CDLL(None)
    set_hook = library.assay_probe_set_stack_hook  # AttributeError: the library is not loaded
    set_hook.restype = None
    set_hook.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    has_state = ctypes.cast(ctypes.pythonapi.PyGILState_GetThisThreadState, ctypes.c_void_p)
    main, here = ctypes.pythonapi["PyInterpreterState_Main"], ctypes.pythonapi["PyInterpreterState_Get"]
    main.restype = here.restype = ctypes.c_void_p
    if main() != here():  # the library has one hook, and an interpreter that ends with a thread left ends the process
        return
    from _assay_failures import watch_failures
    from _assay_notes import note_writer
    from _assay_places import line_writer, place_finder

    place_of = place_finder()
    lines_of = line_writer(place_of)
    hook = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)(_stack_writer(lines_of))
    # As long as the library may call it, and that is longer than anything refers to this module: the next sitecustomize
    # takes its place, and a collection would take the hook.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(hook))
    set_hook(ctypes.cast(hook, ctypes.c_void_p), has_state)
    atexit.register(set_hook, None, None)
    library.assay_probe_collected.restype = None
    library.assay_probe_collected.argtypes = [ctypes.c_uint64]
    on_collection = _collection_watcher(library.assay_probe_collected)
    gc.callbacks.append(on_collection)
    atexit.register(lambda: on_collection in gc.callbacks and gc.callbacks.remove(on_collection))
    note = note_writer(directory)
    watch_failures(note, place_of)
    if stacks:
        from _assay_sampler import watch_closely

        watch_closely(directory, note, place_of, lines_of)


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
        _watch(_environ["ASSAY_PROBE_DIR"], _environ.get("ASSAY_PROBE_STACKS") == "1")
except Exception:  # no library, no ctypes, no memory that may be run: the calls are still seen, without their lines
    pass
_load_next()

"""Names the Python line of a call that blocked an event loop, pauses of the collector and failures that nobody handled.
With ASSAY_PROBE_STACKS=1 also where a loop computes, and how many tasks of which coroutine there are. Found by
PYTHONPATH, works only beside the preload library; then hands on to the sitecustomize that it stands in front of."""

import sys

_UNSENT = 3  # below SIGRTMAX: a signal that nobody sends
_UNOPENED = 0x7FFFFFFF  # what the library takes in the place of a descriptor


def _lend_stacks(library, libraries):
    """Has the library tell a thread's stack by itself (python_stack.c). Nothing of Python's may run on a thread that is
    blocked: it would have to wait for the global lock, perhaps for ever, and signals' handlers would run in it.

    False: it cannot."""
    import ctypes
    import faulthandler
    from _signal import SIGRTMAX
    from os.path import dirname, join

    signal = SIGRTMAX - _UNSENT
    library.assay_probe_python_lent.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p]
    library.assay_probe_python_lends(signal)
    try:
        faulthandler.register(signal, file=_UNOPENED, all_threads=False, chain=False)
    finally:
        folders = (join(dirname(__file__), ""), "\n".join(libraries))
        library.assay_probe_python_lent(signal, *(each.encode("utf-8", "surrogateescape") for each in folders))
    told = ctypes.create_string_buffer(1024)
    library.assay_probe_python_stack(told, ctypes.c_uint32(len(told)))
    return bool(told.value)


def _watch_collections(library):
    """By a function of C: Python's own would run signals' handlers where what they raise is lost."""
    import atexit
    import ctypes
    import gc

    on_collection = library.assay_probe_python_collects
    on_collection.restype = None
    on_collection.argtypes = [ctypes.c_wchar_p, ctypes.py_object]
    gc.callbacks.append(on_collection)
    atexit.register(lambda: on_collection in gc.callbacks and gc.callbacks.remove(on_collection))


def _watch(directory, stacks):
    import atexit
    import ctypes

    library = ctypes.PyDLL(None)
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
    from _assay_places import library_folders, line_writer, place_finder

    libraries = library_folders()
    place_of = place_finder(libraries)
    try:
        if _lend_stacks(library, libraries):
            set_hook(ctypes.cast(library.assay_probe_python_stack, ctypes.c_void_p), has_state)
            atexit.register(set_hook, None, None)
    except (ImportError, AttributeError, OSError, RuntimeError, ValueError):
        pass  # not CPython: the rest may still do
    _watch_collections(library)
    note = note_writer(directory)
    watch_failures(note, place_of)
    if stacks:
        from _assay_sampler import watch_closely

        watch_closely(directory, note, place_of, line_writer(place_of))


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
except Exception:  # no library, no ctypes: the calls are still seen, without their lines
    pass
_load_next()

"""Names the Python line of a call that blocked an event loop. Found by PYTHONPATH, works only beside the preload
library; then hands on to the sitecustomize that it stands in front of."""

import sys


def _place_finder():
    """A function from a file's name to (is own code, short name); it remembers."""
    from os import getcwd
    from os.path import join, realpath
    from sysconfig import get_paths

    paths = get_paths()
    kinds = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    libraries = sorted({join(realpath(paths[kind]), "") for kind in kinds}, key=len, reverse=True)
    most_known, known = 4096, {}

    def look_up(filename):
        if filename.startswith("<"):
            return False, filename
        full = realpath(filename)
        for folder in ("/site-packages/", "/dist-packages/"):
            if folder in full:
                return False, full.rpartition(folder)[2]
        for library in libraries:
            if full.startswith(library):
                return False, full[len(library) :]
        here = join(getcwd(), "")
        return True, full[len(here) :] if full.startswith(here) else full.rpartition("/")[2]

    def place_of(filename):
        if (place := known.get(filename)) is None:
            place = look_up(filename)
            if len(known) < most_known:
                known[filename] = place
        return place

    return place_of


def _line_writer():
    """A function from a frame and a number of bytes to the lines of its stack that fit, innermost first."""
    myself, place_of = __file__, _place_finder()
    most_frames, kept_for_own = 48, 200  # frames of libraries must not crowd out the first own one

    def lines_of(frame, room):
        seen_own = False
        for _ in range(most_frames):
            if frame is None:
                return
            code = frame.f_code
            if code.co_filename != myself:
                own, name = place_of(code.co_filename)
                mark = "*" if own else " "
                line = f"{mark}{name}:{frame.f_lineno} in {code.co_name}\n".encode("utf-8", "replace")
                if len(line) <= (room if own or seen_own else room - kept_for_own):
                    yield line
                    room -= len(line)
                    seen_own = seen_own or own
                elif own:
                    return
            frame = frame.f_back

    return lines_of


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


def _sampler(directory, lines_of):
    """A function to run on a thread of its own: when the first thread's loop has been away for a while, it notes where
    that thread is (struct assay_probe_note in probe_format.h). It asks for the global lock every 15 ms, which costs
    more than what is compared should bear."""
    import os
    from struct import Struct
    from time import monotonic_ns, sleep

    period_s, away_ns, most_notes, sample = 0.015, 30_000_000, 4096, 2
    note, stack_bytes = Struct("=QQI4x40s1024s"), 1024
    first_slot, slot_bytes, slots, tid_at, ended_at, busy_at = 128, 5304, 64, 8, 40, 48  # of probe_format.h
    frames, first_thread = sys._current_frames, _ident()

    def number(file, at, size=8):
        return int.from_bytes(os.pread(file, size, at), "little")

    def find_slot(file):
        for at in range(first_slot, first_slot + slots * slot_bytes, slot_bytes):
            tid = number(file, at + tid_at, 4)
            if tid == 0:
                return -1
            if tid == os.getpid() and number(file, at + ended_at) == 0:
                return at
        return -1

    def look(files, slot, asked):
        """The beginning of a long stretch that was not asked about yet, noted; else `asked`."""
        since = number(files[0], slot + busy_at)
        if since in (0, asked) or monotonic_ns() - since < away_ns:
            return asked
        text = b"".join(lines_of(frames().get(first_thread), stack_bytes - 1))
        if text and number(files[0], slot + busy_at) == since:
            os.write(files[1], note.pack(since, monotonic_ns(), sample, b"computing", text))
        return since

    def run():
        start, slot, asked = f"{directory}/{os.getpid()}", -1, 0
        try:
            append = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            files = os.open(start + ".probe", os.O_RDONLY | os.O_CLOEXEC), os.open(start + ".notes", append, 0o600)
            noted = 0
            while noted < most_notes:
                sleep(period_s)
                if slot < 0:
                    slot = find_slot(files[0])
                elif (since := look(files, slot, asked)) != asked:
                    asked, noted = since, noted + 1
        except BaseException:  # as above
            pass

    return run


def _ident():
    from _thread import get_ident

    return get_ident()


def _sample(directory, lines_of):
    from _thread import start_new_thread
    from os import register_at_fork

    def start():
        start_new_thread(_sampler(directory, lines_of), ())

    start()
    register_at_fork(after_in_child=start)


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
    lines_of = _line_writer()
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
    if stacks:
        _sample(directory, lines_of)


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
except (AttributeError, ImportError, OSError):
    pass  # no library, no ctypes: the calls are still seen, without their lines
_load_next()

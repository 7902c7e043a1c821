"""Where code stands, as the lab shows it: "app.py:12 in answer", and which of it is the program's own.

Misuse: keeping a frame or a traceback that was asked about: it keeps alive all that its functions hold.
"""

from os import getcwd
from os.path import dirname, join, realpath
from sysconfig import get_paths

_MOST_KNOWN = 4096  # files that are remembered
_MOST_FRAMES = 48  # of a stack
_MOST_DEEP = 2000  # entries of a traceback that are gone through
_MOST_AWAITS = 32  # coroutines that wait for one another
_KEPT_FOR_OWN = 200  # bytes: frames of libraries must not crowd out the first own one


def library_folders():
    """Those of Python's own code and of its packages, the longest first."""
    paths = get_paths()
    kinds = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    return sorted({join(realpath(paths[kind]), "") for kind in kinds}, key=len, reverse=True)


def place_finder(libraries):
    """A function from a file's name to (is own code, short name); it remembers. python_stack.c has the same in C."""
    known = {}

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
            if len(known) < _MOST_KNOWN:
                known[filename] = place
        return place

    return place_of


def line_writer(place_of):
    """A function from a frame and a number of bytes to the lines of its stack that fit, innermost first."""
    ours, most_frames, kept_for_own = join(dirname(__file__), ""), _MOST_FRAMES, _KEPT_FOR_OWN

    def lines_of(frame, room):
        stack, seen_own = [], False
        while frame is not None and len(stack) < most_frames:
            stack.append((frame.f_code, frame.f_lineno))
            frame = frame.f_back
        frame = None  # to look up a place lets its thread run on: who lets go of a frame last ends what it holds
        for code, number in stack:
            if not code.co_filename.startswith(ours):
                own, name = place_of(code.co_filename)
                mark = "*" if own else " "
                line = f"{mark}{name}:{number} in {code.co_name}\n".encode("utf-8", "replace")
                if len(line) <= (room if own or seen_own else room - kept_for_own):
                    yield line
                    room -= len(line)
                    seen_own = seen_own or own
                elif own:
                    return

    return lines_of


def raise_finder(place_of):
    """A function from a traceback to the innermost place of the program's own code in it, else to the innermost."""
    most_deep = _MOST_DEEP

    def raised_at(traceback):
        own = last = None
        for _ in range(most_deep):
            if traceback is None:
                break
            last = traceback.tb_frame.f_code, traceback.tb_lineno
            if place_of(last[0].co_filename)[0]:
                own = last
            traceback = traceback.tb_next
        if last is None:
            return ""
        code, line = own or last
        return f"{place_of(code.co_filename)[1]}:{line} in {code.co_name}"

    return raised_at


def _frame_and_awaited(coroutine):
    for frame, awaited in (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await")):
        if (found := getattr(coroutine, frame, None)) is not None:
            return found, getattr(coroutine, awaited, None)
    return None, None


def await_finder(place_of):
    """A function from a coroutine to where it waits: the innermost place of the program's own code, else of any."""
    most_awaits = _MOST_AWAITS

    def waits_at(coroutine):
        own = last = ""
        for _ in range(most_awaits):
            frame, coroutine = _frame_and_awaited(coroutine)
            if frame is None:
                break
            is_own, name = place_of(frame.f_code.co_filename)
            last = f"{name}:{frame.f_lineno}"
            if is_own:
                own = last
        return own or last

    return waits_at

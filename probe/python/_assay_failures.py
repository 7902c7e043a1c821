"""Failures that nobody handled: exceptions that end the program or a thread, tasks and futures whose exception nobody
asked for, tasks that were destroyed while they waited, callbacks that raise, coroutines that were never awaited. Each
is noted on its way to what Python does with it, which it then does as ever.

Misuse: taking an asyncio failure for one that nobody heard of. The program's own exception handler of a loop may log
it; whoever should have awaited the task still did not.
"""

import sys

from _assay_imports import after_import
from _assay_notes import FAILURE, STACK_BYTES
from _assay_places import await_finder, raise_finder

_MOST_PLACES = 256  # whose first message is remembered
_MESSAGE_BYTES = 300


def _described(error):
    """Its type, and the first line of its message. That is the program's own code: it may raise."""
    try:
        message = str(error).partition("\n")[0][:_MESSAGE_BYTES]
    except Exception:
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _teller(note, raised_at):
    """A function that notes a failure: what it is, its error, whose it is, and where. The lab counts them by their
    text, so that the first message of a kind, an owner and a place stands for all."""
    from time import monotonic_ns

    first_messages = {}

    def tell(what, error=None, owner="", place=""):
        try:
            if error is not None:
                place = raised_at(error.__traceback__) or place
            where = ", ".join(part for part in (owner, place) if part)
            key = what, type(error), where
            if (message := first_messages.get(key)) is None:
                message = "" if error is None else _described(error)
                if len(first_messages) < _MOST_PLACES:
                    first_messages[key] = message
            text = "\n".join(part for part in (message, where) if part)
            now = monotonic_ns()
            note(FAILURE, now, now, what.encode("ascii", "replace"), text.encode("utf-8", "replace")[:STACK_BYTES])
        except Exception:  # whatever it is, it is not the program's
            pass

    return tell


def _replace(module, names, old, new):
    for name in names:
        if getattr(module, name, None) is old:
            setattr(module, name, new)


def _hear_of_the_uncaught(tell):
    """The hooks that Python has by itself. One that the program sets in their place is its own way to handle them;
    where that hands on to Python's, it is heard of."""
    default = sys.__excepthook__

    def excepthook(kind, error, traceback, /):
        if kind is not KeyboardInterrupt:
            tell("uncaught exception", error)
        default(kind, error, traceback)

    _replace(sys, ("excepthook", "__excepthook__"), default, excepthook)


def _hear_of_the_ignored(tell):
    default = sys.__unraisablehook__

    def owner_of(ignored):
        try:
            return f"in {ignored.object.__qualname__}"
        except Exception:  # not of a function, or not to be asked any more
            return ""

    def unraisablehook(ignored, /):
        if ignored.exc_value is not None and not isinstance(ignored.exc_value, KeyboardInterrupt):
            tell("exception ignored", ignored.exc_value, owner_of(ignored))
        default(ignored)

    _replace(sys, ("unraisablehook", "__unraisablehook__"), default, unraisablehook)


def _hear_of_threads(tell):
    """The module threading takes its hook from here; it is there already, or comes later."""
    import _thread

    default = getattr(_thread, "_excepthook", None)
    if default is None:
        return

    def excepthook(args, /):
        if args.exc_value is not None and not isinstance(args.exc_value, (SystemExit, KeyboardInterrupt)):
            tell("exception in a thread", args.exc_value)
        default(args)

    _thread._excepthook = excepthook
    if (threading := sys.modules.get("threading")) is not None:
        _replace(threading, ("excepthook", "__excepthook__"), default, excepthook)


def _hear_of_loops(tell, waits_at, place_of):
    """What an event loop tells its exception handler, its own or the program's."""

    def place_in(coroutine):
        """Of one that the collector has ended already only where it begins."""
        code = getattr(coroutine, "cr_code", None)
        begins = "" if code is None else f"begins at {place_of(code.co_filename)[1]}:{code.co_firstlineno}"
        return waits_at(coroutine) or begins

    def whose(context):
        task = context.get("task")
        if task is None:
            task = context.get("future")
        coroutine = task.get_coro() if hasattr(task, "get_coro") else None
        if coroutine is None:
            return "", ""
        return f"task of {getattr(coroutine, '__qualname__', type(coroutine).__name__)}", place_in(coroutine)

    def tell_of(context):
        try:
            message = "exception in a callback" if "handle" in context else str(context.get("message", "asyncio"))
            tell(message, context.get("exception"), *whose(context))
        except Exception:  # as above
            pass

    def stand_before(loop_class):
        from functools import wraps

        handle = loop_class.call_exception_handler

        @wraps(handle)
        def call_exception_handler(self, context):
            tell_of(context)
            return handle(self, context)

        loop_class.call_exception_handler = call_exception_handler

    after_import("asyncio.base_events", lambda module: stand_before(module.BaseEventLoop))
    after_import("uvloop", lambda module: stand_before(module.Loop))


def _hear_of_the_unawaited(tell, place_of):
    """The module warnings looks up the stack for the line that it warns of, and passes over the import system's frames:
    by their file's name. Ours must not be that line."""
    getframe, most_frames = sys._getframe, 16

    def let_go_at():
        frame = getframe(2).f_back  # at the end of the program there may be none
        for _ in range(most_frames):
            if frame is None:
                break
            own, name = place_of(frame.f_code.co_filename)
            if own:
                return f"let go at {name}:{frame.f_lineno} in {frame.f_code.co_name}"
            frame = frame.f_back
        return ""

    def tell_of(coroutine):
        try:
            code = coroutine.cr_code
            owner = f"coroutine {coroutine.__qualname__} of {place_of(code.co_filename)[1]}:{code.co_firstlineno}"
            tell("never awaited", None, owner, let_go_at())
        except Exception:  # as above
            pass

    def stand_before(warnings):
        warn = warnings._warn_unawaited_coroutine

        def _warn_unawaited_coroutine(coroutine):
            tell_of(coroutine)
            warn(coroutine)

        code = _warn_unawaited_coroutine.__code__
        _warn_unawaited_coroutine.__code__ = code.replace(co_filename="<passed over like importlib._bootstrap>")
        warnings._warn_unawaited_coroutine = _warn_unawaited_coroutine

    after_import("warnings", stand_before)


def watch_failures(note, place_of):
    waits_at = await_finder(place_of)
    tell = _teller(note, raise_finder(place_of))
    _hear_of_the_uncaught(tell)
    _hear_of_the_ignored(tell)
    _hear_of_threads(tell)
    _hear_of_loops(tell, waits_at, place_of)
    _hear_of_the_unawaited(tell, place_of)

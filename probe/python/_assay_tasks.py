"""How many asyncio tasks there are, by coroutine and by where they wait: what a task that never ends holds, and who
started too many. uvloop's tasks are asyncio's.

Misuse: counting on another thread than the loop's. Whoever holds a task for a moment may be the last to let go of it,
and then runs what its coroutine does at its end.
"""

import sys
from _thread import get_ident
from itertools import islice
from time import monotonic
from weakref import ref

from _assay_imports import after_import
from _assay_places import await_finder

_MOST_LOOPS = 8  # that run at once
_MOST_TASKS = 500  # looked at: a millisecond or two; of more a part stands for all
_MOST_NAME = 48  # characters, of a coroutine and of a place


def _registered(loop):
    """Some of the loop's tasks, and how many each stands for. Of others' none is held for longer than a glance."""
    from asyncio import tasks

    if sys.version_info >= (3, 14):  # they are no longer in a set of Python's
        found = tasks.all_tasks(loop)
        some = list(islice(found, _MOST_TASKS))
        return some, len(found) / max(1, len(some))
    known = (tasks._scheduled_tasks if sys.version_info >= (3, 12) else tasks._all_tasks).data
    some = list(islice(known, _MOST_TASKS))
    own = [task for each in some if (task := each()) is not None and task.get_loop() is loop]
    return own, len(known) / max(1, len(some))


def _counter(waits_at):
    """A function that counts a loop's tasks, to be called by that loop."""

    def kind_of(task):
        coroutine = task.get_coro()
        name = getattr(coroutine, "__qualname__", type(coroutine).__name__)
        place = waits_at(coroutine)
        kind = f"{name[:_MOST_NAME]} at {place[-_MOST_NAME:]}" if place else name[:_MOST_NAME]
        return "".join(each if " " <= each <= "~" else "?" for each in kind)

    def count(loop):
        tasks, scale = _registered(loop)
        counts = {}
        for task in tasks:
            if not task.done():
                kind = kind_of(task)
                counts[kind] = counts.get(kind, 0) + 1
        return {kind: round(number * scale) for kind, number in counts.items()}

    return count


class Census:
    """Of all loops that run. Whoever asks and takes is on another thread than they are."""

    def __init__(self, place_of):
        self.count = _counter(await_finder(place_of))
        self.loops = {}  # by the thread that it runs on
        self.asked = {}  # of them, as above
        self.counts = {}  # what was counted, as above
        self.last_s = 0.0  # it took on a loop's thread
        after_import("asyncio.events", self.hear_of_loops)

    def hear_of_loops(self, events):
        set_running_loop = events._set_running_loop

        def _set_running_loop(loop):
            set_running_loop(loop)
            self.note_loop(loop)

        events._set_running_loop = _set_running_loop

    def note_loop(self, loop):
        thread = get_ident()
        try:
            if loop is None:
                self.loops.pop(thread, None)
            elif thread in self.loops or len(self.loops) < _MOST_LOOPS:
                self.loops[thread] = ref(loop)
        except TypeError:
            pass  # a loop that cannot be referred to weakly

    def forget(self):
        """In a child of fork: a call to the parent's loop would wake the parent."""
        self.loops.clear()
        self.asked = {}

    def answer(self, thread, loop, counts):
        began = monotonic()
        try:
            counts[thread] = self.count(loop)
        except Exception:  # whatever it is, it is not the program's
            counts[thread] = {}
        self.last_s = monotonic() - began

    def ask(self):
        self.asked, self.counts = dict(self.loops), {}
        for thread, known in self.asked.items():
            if (loop := known()) is None:
                continue
            try:
                loop.call_soon_threadsafe(self.answer, thread, loop, self.counts)
            except Exception:  # it was closed a moment ago
                self.counts[thread] = {}

    def take(self):
        """What was counted, by kind; None as long as a loop that still runs has not answered."""
        for thread, known in self.asked.items():
            if thread not in self.counts and self.loops.get(thread) is known:
                return None
        sums = {}
        for counts in list(self.counts.values()):
            for kind, number in counts.items():
                sums[kind] = sums.get(kind, 0) + number
        return sums

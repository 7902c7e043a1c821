"""A thread of its own in the observed process. When the first thread's loop has been away for a while, it notes where
that thread is; once a second it has the loops count their tasks and writes what they say into <pid>.state, "name value"
a line between two lines with the number of the look, so that a reader knows a torn one.

It asks for the global lock every 15 ms, which costs more than what is compared should bear: only where
ASSAY_PROBE_STACKS=1 asks for it.
"""

import os
import sys
from _signal import SIG_BLOCK, pthread_sigmask, valid_signals
from _thread import get_ident, start_new_thread
from time import monotonic, monotonic_ns, sleep

from _assay_notes import SAMPLE, STACK_BYTES, STATE_BYTES, File, is_paused, open_apart
from _assay_tasks import Census

_NAME = b"assay-stacks"
_PERIOD_S = 0.015
_AWAY_NS = 30_000_000
_MOST_ASKED = 4096
_CENSUS_PERIOD_S = 1.0
_RESTS_FOR_EACH = 500  # as long as a count took on the loop's thread
_MOST_KINDS = 32
# Of probe_format.h.
_FIRST_SLOT, _SLOT_BYTES, _SLOTS, _TID_AT, _ENDED_AT, _BUSY_AT = 128, 5312, 64, 8, 40, 48


def _number(file, at, size=8):
    return int.from_bytes(os.pread(file, size, at), "little")


class _Stretches:
    """Long ones of the first thread, as the library's file tells them."""

    def __init__(self, directory, note, lines_of, first_thread):
        self.file = open_apart(f"{directory}/{os.getpid()}.probe", os.O_RDONLY | os.O_CLOEXEC)
        self.note, self.lines_of, self.first_thread = note, lines_of, first_thread
        self.slot, self.asked, self.left = -1, 0, _MOST_ASKED

    def find_slot(self):
        for at in range(_FIRST_SLOT, _FIRST_SLOT + _SLOTS * _SLOT_BYTES, _SLOT_BYTES):
            tid = _number(self.file, at + _TID_AT, 4)
            if tid == 0:
                return -1
            if tid == os.getpid() and _number(self.file, at + _ENDED_AT) == 0:
                return at
        return -1

    def look(self):
        """Notes the beginning of one that was not asked about yet, and where it is now."""
        if self.slot < 0:
            self.slot = self.find_slot()
            return
        since = _number(self.file, self.slot + _BUSY_AT)
        if since in (0, self.asked) or monotonic_ns() - since < _AWAY_NS or self.left == 0:
            return
        text = b"".join(self.lines_of(sys._current_frames().get(self.first_thread), STACK_BYTES - 1))
        if text and _number(self.file, self.slot + _BUSY_AT) == since:
            self.note(SAMPLE, since, monotonic_ns(), b"computing", text)
        self.asked, self.left = since, self.left - 1


class _State:
    """The census in its file, which is there from the first count on."""

    def __init__(self, directory, census):
        self.directory, self.census, self.file, self.looks = directory, census, None, 0
        self.asked, self.due = False, monotonic() + _CENSUS_PERIOD_S

    def look(self):
        if self.asked:
            if (counts := self.census.take()) is not None:
                self.asked = False
                self.due = monotonic() + max(_CENSUS_PERIOD_S, _RESTS_FOR_EACH * self.census.last_s)
                if counts or self.file is not None:
                    self.write(counts)
        elif monotonic() >= self.due and not is_paused(self.directory):
            self.asked = True
            self.census.ask()

    def write(self, counts):
        if self.file is None:
            self.file = File(f"{self.directory}/{os.getpid()}.state", os.O_TRUNC)
        if self.file.is_ours():
            self.looks += 1
            os.pwrite(self.file.descriptor, self.text_of(counts), 0)

    def text_of(self, counts):
        most = sorted(counts.items(), key=lambda each: -each[1])[:_MOST_KINDS]
        lines = [f"look {self.looks}", *(f"active {kind} {number}" for kind, number in most), f"end {self.looks}"]
        return "\n".join(lines).encode("ascii").ljust(STATE_BYTES, b"\n")


def _take_name():
    """By which the lab tells what this thread uses from what the program does."""
    try:
        descriptor = os.open("/proc/thread-self/comm", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(descriptor, _NAME)
    finally:
        os.close(descriptor)


def watch_closely(directory, note, place_of, lines_of):
    census = Census(place_of)

    def run(first_thread):
        try:
            _take_name()
            pthread_sigmask(SIG_BLOCK, valid_signals())  # they are the program's, also where it has blocked them itself
            stretches, state = _Stretches(directory, note, lines_of, first_thread), _State(directory, census)
            while True:
                sleep(_PERIOD_S)
                stretches.look()
                state.look()
        except BaseException:  # whatever it is, it is not the program's
            pass

    def start():
        census.forget()
        try:
            start_new_thread(run, (get_ident(),))
        except RuntimeError:
            pass  # there are too many, or the program ends

    start()
    os.register_at_fork(after_in_child=start)

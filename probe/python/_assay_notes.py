"""What a process says to the lab: records appended to <pid>.notes (struct assay_probe_note of probe_format.h), and a
text that is written over in <pid>.state, both in ASSAY_PROBE_DIR.

Misuse: writing to a descriptor because it was ours once. A program that becomes a daemon closes whatever it finds open,
and its next socket has that number.
"""

import os
from fcntl import F_DUPFD_CLOEXEC, fcntl
from struct import Struct

SAMPLE, FAILURE = 2, 4
STACK_BYTES = 1024
STATE_BYTES = 4096
_MOST_NOTES = 4096  # of one process
_WHAT_BYTES = 40
_PAUSED_AT = 72  # in the library's file
_NOTE = Struct(f"=QQI4x{_WHAT_BYTES}s{STACK_BYTES}s")
_FOR_WRITING = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def open_apart(path, flags):
    """Never 0, 1 or 2: where the program has one of them closed, what it opens next gets it."""
    descriptor = os.open(path, flags, 0o600)
    if descriptor > 2:
        return descriptor
    try:
        return fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(descriptor)


class File:
    """One that is still the file it was opened as, or none."""

    def __init__(self, path, flags):
        try:
            self.descriptor = open_apart(path, _FOR_WRITING | flags)
            self.identity = self.look()
        except OSError:
            self.identity = None

    def look(self):
        about = os.fstat(self.descriptor)
        return about.st_dev, about.st_ino

    def is_ours(self):
        try:
            return self.identity is not None and self.look() == self.identity
        except OSError:
            return False

    def close(self):
        if self.is_ours():
            os.close(self.descriptor)
        self.identity = None


def is_paused(directory):
    try:
        file = os.open(f"{directory}/{os.getpid()}.probe", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return any(os.pread(file, 8, _PAUSED_AT))
    finally:
        os.close(file)


def note_writer(directory):
    """A function that appends a note. Its file is open from the beginning: a server that begins as root gives its
    rights up. It raises nothing but what the system says of the write."""
    file, written, append, pack = None, 0, os.O_APPEND, _NOTE.pack

    def open_file():
        nonlocal file, written
        if file is not None:  # the parent's, in a child of fork
            file.close()
        file, written = File(f"{directory}/{os.getpid()}.notes", append), 0

    def note(kind, start_ns, end_ns, what, stack):
        nonlocal written
        if written >= _MOST_NOTES or not file.is_ours() or is_paused(directory):
            return
        written += 1
        os.write(file.descriptor, pack(start_ns, end_ns, kind, what[: _WHAT_BYTES - 1], stack[: STACK_BYTES - 1]))

    open_file()
    os.register_at_fork(after_in_child=open_file)
    return note

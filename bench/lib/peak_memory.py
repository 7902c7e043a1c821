"""The peak of a command's memory, asked from a process that is small itself.

What wait4() says of a child begins with what its parent held when it was begun: until exec() the memory is the
parent's. A benchmark that has read what another program printed would find that, and not the command's.

    python3 -B peak_memory.py COMMAND ARGUMENT...   standard input is the command's; prints KiB
"""

from __future__ import annotations

import os
import subprocess
import sys


def main(command: list[str]) -> int:
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    print(usage.ru_maxrss)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

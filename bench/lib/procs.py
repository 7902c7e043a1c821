"""Starting, pinning, timing and stopping the programs under measurement.

Every process here is a child of this one, is pinned before its first instruction and is ended by its own id:
a service of the same name which runs on the machine is never touched.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence


MOST_PORTS = 3  # that are tried for a server
MOST_WORDS = 800  # of what a program says of its failure


class MeasurementError(Exception):
    """A program did not start, failed, or answered wrongly: there is no figure."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _pin_to(core: int) -> Callable[[], None]:
    def in_child() -> None:
        os.sched_setaffinity(0, {core})
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    return in_child


@dataclass(frozen=True)
class Run:
    """A finished generator: what it printed, how long it took, what CPU time it and its threads used, its exit code.
    `max_rss_bytes` is the most memory it held at once, and not less than this process held when it started it: the
    kernel keeps the mark across exec."""

    output: str
    wall_s: float
    cpu_ns: int
    max_rss_bytes: int
    exit_code: int


def run(command: Sequence[str], core: int, timeout_s: float, during: Callable[[], None] | None = None,
        any_exit_code: bool = False, watch: Callable[[int], None] | None = None) -> Run:
    """Runs a program to its end on one core. The CPU time is the kernel's account of the child (wait4), its
    start-up included: keep runs at 4 s or longer. `during` is called once, after the start, and so is `watch`, with
    the id of the process."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started_s = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                 preexec_fn=_pin_to(core))
        watchdog = threading.Timer(timeout_s, child.kill)
        watchdog.start()
        try:
            if during is not None:
                during()
            if watch is not None:
                watch(child.pid)
        finally:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            watchdog.cancel()
        wall_s = time.monotonic() - started_s
        output.seek(0)
        errors.seek(0)
        text = output.read()
        # A negative code is a signal's, the watchdog's among them: never a verdict.
        if child.returncode < 0 or (child.returncode != 0 and not any_exit_code):
            raise MeasurementError(f"{' '.join(command)}\n  ended with {child.returncode} after {wall_s:.1f} s: "
                                   f"{(errors.read() + text)[-MOST_WORDS:].strip()}")
        return Run(text, wall_s, round((usage.ru_utime + usage.ru_stime) * 1e9), 1024 * usage.ru_maxrss,
                   child.returncode)


@dataclass(frozen=True)
class ResponseSize:
    head_bytes: int
    body_bytes: int


def probe(port: int) -> ResponseSize:
    """One GET / by hand; the answer has to be a 200 with the 13 bytes every server here answers with."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        connection.settimeout(5)
        received = b""
        while b"\r\n\r\n" not in received or len(received.partition(b"\r\n\r\n")[2]) < 13:
            chunk = connection.recv(65536)
            if not chunk:
                break
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200") or len(body) != 13:
        raise MeasurementError(f"GET / was answered with {received[:200]!r}, not with status 200 and 13 bytes")
    return ResponseSize(len(head) + 4, len(body))


class Server:
    """A server process on one core and a free port, with a temporary directory of its own.

    with Server("nginx", lambda port, home: [...], core=1) as server: ...
    """

    def __init__(self, name: str, command: Callable[[int, Path], Sequence[str]], core: int) -> None:
        self.name = name
        self._make_command = command
        self._core = core

    def __enter__(self) -> Server:
        """Somebody else may take the port, as the local end of a connection, before the server does."""
        for _ in range(MOST_PORTS - 1):
            try:
                return self._start()
            except MeasurementError as error:
                if "in use" not in str(error):
                    raise
        return self._start()

    def _start(self) -> Server:
        self.home = Path(tempfile.mkdtemp(prefix="assay-bench-"))
        self.port = free_port()
        self._errors = open(self.home / "stderr", "w+")
        try:
            command = list(self._make_command(self.port, self.home))
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           stderr=self._errors, preexec_fn=_pin_to(self._core))
        except OSError as error:
            self._clean_up()
            raise MeasurementError(f"{self.name} did not start: {error}") from error
        try:
            self.response = self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.resume()
        self._child.terminate()
        try:
            self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._child.wait()
        self._clean_up()

    def _clean_up(self) -> None:
        self._errors.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def _wait_until_it_answers(self) -> ResponseSize:
        deadline_s = time.monotonic() + 10
        while True:
            try:
                return probe(self.port)
            except OSError as error:
                if self._child.poll() is not None or time.monotonic() > deadline_s:
                    raise MeasurementError(f"{self.name} does not answer on port {self.port} ({error}): "
                                           f"{self.last_words()}") from error
                time.sleep(0.02)

    def _pids(self) -> list[int]:
        """The process and its children (nginx: master and workers), as far as they are alive."""
        found, to_visit = [], [self._child.pid]
        while to_visit:
            pid = to_visit.pop()
            try:
                children = [(task / "children").read_text().split() for task in Path(f"/proc/{pid}/task").iterdir()]
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended between being listed and being read
            found.append(pid)
            to_visit += [int(child) for of_task in children for child in of_task]
        return found

    def resident_bytes(self) -> int:
        """Memory of its own that it holds, all processes together: without files, and pages shared are shared out."""
        fields = ("Pss_Anon:", "Pss_Shmem:")
        return 1024 * sum(int(line.split()[1]) for pid in self._pids()
                          for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                          if line.startswith(fields))

    def cpu_ns(self) -> int:
        """CPU time of all threads so far. Taken from the scheduler, which counts nanoseconds where
        /proc/PID/stat counts ticks of 10 ms."""
        return sum(int((task / "schedstat").read_text().split()[0])
                   for pid in self._pids() for task in Path(f"/proc/{pid}/task").iterdir())

    def last_words(self) -> str:
        """The end of what it wrote on stderr: services log the requests that failed there."""
        self._errors.seek(0)
        return self._errors.read()[-MOST_WORDS:].strip()

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # ended between being listed and being signalled

    def kill(self) -> None:
        """It is gone at once, as after a crash; the end of the `with` block finds it so."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

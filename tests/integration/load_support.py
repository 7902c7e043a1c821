"""Runs the `assay` command as a user would, and waits for conditions, never for a time.

The environment names the programs: ASSAY_COMMAND, ASSAY_HELLO and ASSAY_LATENCY_SERVER; ctest sets them.
"""

import dataclasses
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from typing import Any, Callable

import service

OK, GATE_FAILED, USAGE, INVALID, COULD_NOT_RUN = range(5)
MOST_DISTURBED = 10  # runs in a row


@dataclasses.dataclass
class Outcome:
    code: int  # negative: died of that signal
    out: str
    err: str
    elapsed_s: float
    max_rss_bytes: int

    def document(self) -> dict[str, Any]:
        return json.loads(self.out)


class Run:
    """One process whose output goes to files, so that a full pipe cannot stop it."""

    def __init__(self, command: list[str], **options: Any):  # of Popen: cwd, env
        self._out = tempfile.TemporaryFile()
        self._err = tempfile.TemporaryFile()
        self._started = time.monotonic()
        self._outcome: Outcome | None = None
        # Reaped by wait4, which tells its memory; Popen only starts it.
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err, **options
        )
        self.pid = self._process.pid

    def running(self) -> bool:
        return self._poll() is None

    def send_signal(self, number: signal.Signals) -> None:
        if self.running():
            os.kill(self.pid, number)

    def wait(self, limit_s: float) -> Outcome:
        """Its outcome; an assertion fails when it runs for longer than this from now."""
        deadline = time.monotonic() + limit_s
        while not (outcome := self._poll()):
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"still running {limit_s} s later; stderr: {self._outcome.err!r}")
            time.sleep(0.005)
        return outcome

    def errors_so_far(self) -> str:
        """Of a process that runs; its own place in the file stays where it is."""
        return os.pread(self._err.fileno(), 1 << 20, 0).decode(errors="replace")

    def wait_ready(self) -> None:
        """Until it answers Ctrl-C by itself: before that the kernel would just end it."""
        service.wait_until(
            lambda: not self.running() or self._has("SigBlk", signal.SIGINT), "signal handling of the command"
        )

    def wait_taken(self, number: signal.Signals) -> None:
        """Until it has seen the signal that was sent."""
        service.wait_until(lambda: not self.running() or not self._has("ShdPnd", number), "taking of the signal")

    def kill(self) -> None:
        """Ends it if need be. Call it in any case."""
        if self.running():
            os.kill(self.pid, signal.SIGKILL)
            service.wait_until(self._poll, "the end of a killed process")
        self._out.close()
        self._err.close()

    def _has(self, mask: str, number: signal.Signals) -> bool:
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(mask + ":"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
        return False

    @staticmethod
    def _read(file: Any) -> str:
        file.seek(0)
        return file.read().decode(errors="replace")

    def _poll(self) -> Outcome | None:
        if self._outcome is not None:
            return self._outcome
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        elapsed_s = time.monotonic() - self._started
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._outcome = Outcome(
            code=self._process.returncode,
            out=self._read(self._out),
            err=self._read(self._err),
            elapsed_s=elapsed_s,
            max_rss_bytes=usage.ru_maxrss * 1024,
        )
        return self._outcome


def connections(port: int, state: str) -> int:
    """How many sockets connect to this port of 127.0.0.1 and are in this state ("01" established, "02" SYN sent)."""
    remote = f"0100007F:{port:04X}"
    lines = pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return sum(fields[2] == remote and fields[3] == state for fields in map(str.split, lines))


def fill_backlog(port: int) -> list[socket.socket]:
    """Connects until the kernel lets further ones wait with their SYN unanswered. Close what it gives."""
    waiting: list[socket.socket] = []
    while not connections(port, "02"):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(("127.0.0.1", port))
    return waiting


def undisturbed(run: Callable[[], Outcome], serves: Callable[[Outcome], bool] | None = None) -> Outcome:
    """The first that is VALID and serves, of a few; else the last. In a short run one hiccup of the machine spoils the
    verdict."""
    for _ in range(MOST_DISTURBED):
        outcome = run()
        if outcome.code != INVALID and (serves is None or serves(outcome)):
            break
    return outcome


class LoadTest(unittest.TestCase):
    """Starts `assay load` through these; whatever still runs is ended with the test."""

    def start_service(self, variable: str) -> service.Service:
        """One of our own programs, until the end of the test."""
        running = service.Service(variable)
        self.addCleanup(running.errors.close)
        self.addCleanup(running.kill)
        return running

    def serve(self, server: http.server.HTTPServer) -> str:
        """Its URL."""
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        self.addCleanup(server.server_close)
        self.addCleanup(serving.join)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}"

    def start(self, *arguments: str, max_descriptors: int | None = None, redirect: str = "") -> Run:
        command = [service.program("ASSAY_COMMAND"), *arguments]
        if max_descriptors is not None or redirect:
            limit = f"ulimit -n {max_descriptors} && " if max_descriptors is not None else ""
            command = ["sh", "-c", f'{limit}exec "$@" {redirect}', "sh", *command]
        run = Run(command)
        self.addCleanup(run.kill)
        return run

    def load(self, url: str, *arguments: str, limit_s: float = 20, **options: Any) -> Outcome:
        return self.start("load", url, *arguments, **options).wait(limit_s)

    def load_undisturbed(self, url: str, *arguments: str, serves: Callable[[Outcome], bool] | None = None) -> Outcome:
        """The first run that is VALID and, if that is asked, serves; of a few."""
        return undisturbed(lambda: self.load(url, *arguments), serves)

    def hello(self) -> service.Service:
        return self.start_service("ASSAY_HELLO")

    def assert_refused(self, outcome: Outcome, code: int, *words: str) -> None:
        """It ended with that code, nothing on stdout and one line on stderr, which holds the words."""
        self.assertEqual(outcome.code, code, outcome.err)
        self.assertEqual(outcome.out, "")
        self.assertTrue(outcome.err.endswith("\n"), outcome.err)
        self.assertEqual(len(outcome.err.splitlines()), 1, outcome.err)
        for word in words:
            self.assertIn(word, outcome.err)

    def assert_measured(self, outcome: Outcome, ended_by: signal.Signals | None = None) -> dict[str, Any]:
        """It ran: a JSON document whose verdict is the exit code's, and nothing on stderr. The document.

        Of a run that a signal kept from its planned end the exit code is the signal's.
        """
        document = outcome.document() if outcome.out else {}
        of_verdict = OK if document.get("verdict") == "VALID" else INVALID
        self.assertEqual(outcome.code, of_verdict if ended_by is None else 128 + ended_by, outcome.err)
        self.assertEqual(outcome.err, "")
        self.assertIn(document["verdict"], ("VALID", "INVALID"))
        self.assertEqual(document["reasons"] == [], document["verdict"] == "VALID", document["reasons"])
        return document

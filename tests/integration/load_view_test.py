"""What a terminal shows while `assay load` runs, and that it is given back whatever ends the run."""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from collections.abc import Callable

import service
from bad_server import BadServer, answer_well
from load_support import INVALID, OK, LoadTest

ENTER, LEAVE, HOME, END = "\x1b[?1049h", "\x1b[?1049l", "\x1b[H", "\x1b[J"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ENDED = 128 + signal.SIGINT
LONG = ("-d", "600s", "-R", "200", "-c", "4")
ENVIRONMENT = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}


# What a shell does for a job: a process group of its own, in front of the terminal. Without one it cannot be stopped.
JOB = """
import os, signal, sys
terminal = os.open(sys.argv[1], os.O_RDWR)
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(terminal, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    for descriptor in range(3):
        os.dup2(terminal, descriptor)
    os.execvp(sys.argv[2], sys.argv[2:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]))
"""


class Terminal:
    """A pseudo terminal with the command on it, as a shell would start it: Ctrl-C typed here is a signal there."""

    def __init__(
        self,
        test: unittest.TestCase,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        as_job: bool = False,
        **environment: str,
    ):
        self._end, other = pty.openpty()
        self.resize(columns, rows)
        command = service.program("ASSAY_COMMAND")
        kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        # The first terminal that the leader of a session opens is the session's.
        alone = ["sh", "-c", 'ulimit -c 0; exec "$@" <"$0" >"$0" 2>&1']
        self.process = subprocess.Popen(
            [*([sys.executable, "-B", "-c", JOB] if as_job else alone), os.ttyname(other), command, *arguments],
            start_new_session=True,
            env={**kept, **ENVIRONMENT, **environment},
        )
        self.written = ""
        self._pending = b""
        test.addCleanup(os.close, self._end)
        test.addCleanup(os.close, other)  # open until then: what was written last can still be read
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + service.PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {service.PATIENCE_S} s; written: {self.written[-4000:]!r}")
            self._read(0.05)

    def ended(self) -> int:
        """The exit code, once the command has ended and all that it wrote is here."""
        self.until(lambda: self.process.poll() is not None, "its end")
        while self._read(0):
            pass
        return self.process.returncode

    def frame(self) -> list[str]:
        """The lines of the latest frame that is whole, without colours."""
        end = self.written.rfind(END)
        begin = self.written.rfind(HOME, 0, end)
        if end < 0 or begin < 0:
            return []
        lines = self.written[begin + len(HOME) : end].replace("\r", "").split("\x1b[K\n")
        return [COLOUR.sub("", line).removesuffix("\x1b[K") for line in lines]

    def shows(self, pattern: str) -> bool:
        return any(re.search(pattern, line) for line in self.frame())

    def _read(self, limit_s: float) -> bool:
        if not select.select([self._end], [], [], limit_s)[0]:
            return False
        self._pending += os.read(self._end, 65536)
        whole = self._pending.decode(errors="ignore")  # a character may be cut
        if whole.encode() == self._pending:
            self.written += whole
            self._pending = b""
        return True


class View(LoadTest):
    def test_it_follows_the_run_and_the_size_until_ctrl_c(self) -> None:
        with BadServer(answer_well) as server:
            terminal = Terminal(self, "load", server.url, *LONG)
            terminal.until(lambda: terminal.shows(r"^response .*max [\d.]+[mu]s"), "a second that has ended")
            self.check_frame(terminal, 80, 24)
            self.assertTrue(terminal.shows(rf"^GET {re.escape(server.url)}$"))
            self.assertTrue(terminal.shows(r"^open model, 200 requests/s, constant arrivals, 4 connections, 1 thread$"))
            self.assertTrue(terminal.shows(r"^offered +\d+\.\d/s +\d+   the next has waited "))
            self.assertTrue(terminal.shows(r"^ +(\d+(us|ms|s)|>100s) [ ·░▒▓█]*[▒▓█]"), "the heat-map")
            self.assertTrue(terminal.shows(r"^generator +(in time|LATE|OUT OF CPU) "))
            terminal.resize(200, 50)
            terminal.until(lambda: len(terminal.frame()) == 50, "the larger frame")
            self.check_frame(terminal, 200, 50)
            terminal.type(b"\x03")
            code = terminal.ended()
        self.check_end(terminal, code)
        self.assertRegex(terminal.written, COLOUR)

    def test_it_follows_sessions(self) -> None:
        with BadServer(answer_well) as server, tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("scenarios:\n- name: s\n  rate: 50\n  steps: [{route: GET /}, {route: GET /b}]\n")
            file.flush()
            terminal = Terminal(self, "load", server.url, "--sessions", file.name, "-d", "600s", "-c", "4")
            terminal.until(lambda: terminal.shows(r"^response .*max [\d.]+[mu]s"), "a second that has ended")
            self.check_frame(terminal, 80, 24)
            self.assertTrue(terminal.shows(rf"^1 scenario, 2 requests to {re.escape(server.url)}$"))
            self.assertTrue(terminal.shows(r"^partly-open model, 50 sessions/s, constant arrivals, up to 4 at once$"))
            self.assertTrue(terminal.shows(r"^offered +\d+\.\d/s +\d+   the next has waited "))
            self.assertTrue(terminal.shows(r"^generator +(in time|LATE|OUT OF CPU) +cpu "))
            terminal.type(b"\x03")
            code = terminal.ended()
        self.check_end(terminal, code)

    def test_it_follows_messages(self) -> None:
        for variable, path, flags, shape in (
            ("ASSAY_WEBSOCKET_PEER", "plain", (), "200 messages/s"),
            ("ASSAY_CHAT", "", ("--broadcast",), "deliveries of 200 messages/s"),
        ):
            with self.subTest(kind=shape):
                url = f"ws://127.0.0.1:{self.start_service(variable).port}/{path}"
                terminal = Terminal(self, "load", url, *LONG, *flags)
                terminal.until(lambda: terminal.shows(r"^response .*max [\d.]+[mu]s"), "a second that has ended")
                self.check_frame(terminal, 80, 24)
                self.assertTrue(terminal.shows(rf"^{'broadcast' if flags else 'echo'} {re.escape(url)}$"))
                self.assertTrue(terminal.shows(rf"^open model, {shape}, constant arrivals, 4 connections$"))
                self.assertTrue(terminal.shows(r"^offered +\d+\.\d/s +\d+   4 of 4 connections open$"))
                self.assertTrue(terminal.shows(r"^generator +(in time|LATE|OUT OF CPU) +cpu "))
                terminal.type(b"\x03")
                self.check_end(terminal, terminal.ended())

    def test_of_idle_connections_it_is_a_line(self) -> None:
        url = f"ws://127.0.0.1:{self.start_service('ASSAY_WEBSOCKET_PEER').port}/plain"
        terminal = Terminal(self, "load", url, "-c", "4", "-d", "700ms")
        self.assertIn(terminal.ended(), (OK, INVALID), terminal.written)
        self.assertNotIn(ENTER, terminal.written)
        self.assertRegex(terminal.written, r"\r\x1b\[K\d\.\ds of 1s  4 open  0 sent  0 received")

    def test_a_terminal_that_takes_nothing_holds_up_nothing(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        rows = pathlib.Path(directory.name) / "rows.ndjson"
        with BadServer(answer_well) as server:
            terminal = Terminal(self, "load", server.url, *LONG, "--ndjson", str(rows))
            terminal.until(lambda: terminal.shows(r"^response .*max "), "a second that has ended")
            terminal.type(b"\x13")  # Ctrl-S
            count = len(rows.read_text().splitlines())
            service.wait_until(lambda: len(rows.read_text().splitlines()) >= count + 3, "rows of three more seconds")
            terminal.written = ""
            terminal.type(b"\x11")  # Ctrl-Q
            terminal.until(lambda: terminal.shows(r"^response .*max "), "a whole frame after that")
            self.check_frame(terminal, 80, 24)
            terminal.type(b"\x03")
            code = terminal.ended()
        self.assertEqual(code, ENDED, terminal.written[-2000:])

    def test_neither_colours_nor_blocks_where_they_are_not_wanted(self) -> None:
        with BadServer(answer_well) as server:
            terminal = Terminal(self, "load", server.url, *LONG, NO_COLOR="1", LC_ALL="C")
            terminal.until(lambda: terminal.shows(r"^response .*max "), "a second that has ended")
            self.assertNotRegex(terminal.written, COLOUR)
            self.assertTrue(terminal.written.isascii())
            terminal.send_signal(signal.SIGTERM)
            code = terminal.ended()
        self.check_end(terminal, code, 128 + signal.SIGTERM)

    def test_the_screen_is_given_back_by_one_that_dies(self) -> None:
        for number in (signal.SIGABRT, signal.SIGQUIT, signal.SIGHUP):
            with self.subTest(signal=number.name), BadServer(answer_well) as server:
                terminal = Terminal(self, "load", server.url, *LONG)
                terminal.until(terminal.frame, "a frame")
                terminal.send_signal(number)
                self.assertEqual(terminal.ended(), -number, "it dies of that signal all the same")
                self.assertEqual((terminal.written.count(ENTER), terminal.written.count(LEAVE)), (1, 1))

    def test_ctrl_z_gives_the_screen_back_for_as_long(self) -> None:
        with BadServer(answer_well) as server:
            terminal = Terminal(self, "load", server.url, *LONG, as_job=True)
            terminal.until(terminal.frame, "a frame")
            terminal.type(b"\x1a")
            shell = terminal.process.pid
            job = int(pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])
            state = pathlib.Path(f"/proc/{job}/stat")
            terminal.until(lambda: state.read_text().rsplit(")", 1)[1].split()[0] == "T", "its stop")
            terminal.until(lambda: LEAVE in terminal.written, "the screen back")
            os.kill(job, signal.SIGCONT)
            terminal.until(lambda: terminal.written.count(ENTER) == 2 and terminal.written.endswith(END), "a new frame")
            terminal.type(b"\x03")
            self.assertEqual(terminal.ended(), ENDED)

    def test_it_stays_away_where_it_is_not_wanted(self) -> None:
        with BadServer(answer_well) as server:
            short = ("load", server.url, "-d", "700ms", "-R", "50", "-c", "2")
            for arguments, environment in (
                (("--no-tui",), {}),
                (("--json",), {}),
                (("--ndjson", "-"), {}),
                ((), {"TERM": "dumb"}),
            ):
                with self.subTest(arguments=arguments, environment=environment):
                    terminal = Terminal(self, *short, *arguments, **environment)
                    self.assertIn(terminal.ended(), (OK, INVALID), terminal.written)
                    self.assertNotIn(ENTER, terminal.written)
                    self.assertRegex(terminal.written, r"\r\x1b\[K\d\.\ds of 1s  \d+ responses/s  0 errors")

    def check_frame(self, terminal: Terminal, columns: int, rows: int) -> None:
        frame = terminal.frame()
        self.assertEqual(len(frame), rows)
        self.assertLessEqual(max(map(len, frame)), columns)
        self.assertIn("Ctrl-C ends it", frame[-1])

    def check_end(self, terminal: Terminal, code: int, expected: int = ENDED) -> None:
        """The screen was taken once and given back, and what stays is the summary, verdict first."""
        self.assertEqual(code, expected)
        self.assertTrue(terminal.written.startswith(ENTER), terminal.written[:200])
        self.assertEqual((terminal.written.count(ENTER), terminal.written.count(LEAVE)), (1, 1))
        summary = terminal.written.split(LEAVE)[1]
        self.assertRegex(summary, r"^(VALID|INVALID)")
        self.assertIn(" (interrupted)", summary)
        self.assertNotIn("\x1b", summary)


if __name__ == "__main__":
    unittest.main()

"""Starts the built programs and the peers for the integration tests, and stops what it has started.

The environment names the programs: ASSAY_HELLO and ASSAY_ECHO_SERVICE; ASSAY_IO chooses their backend.
"""

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ANNOUNCED = re.compile(r"listening on http://\S+:(\d+)\s*")
PATIENCE_S = 20  # for anything on this machine to happen that does happen


def program(variable: str) -> str:
    path = os.environ.get(variable, "")
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{variable} must name a built program; run these tests by ctest or ./run test")
    return path


def peer(name: str, package: str) -> str:
    """The path of a program that the test talks with. A peer that is missing is a failure, not a pass."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if not found:
        raise AssertionError(f"{name} is not installed: install the package {package}, or run ./run doctor --fix")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what: str, limit_s: float = PATIENCE_S):
    deadline = time.monotonic() + limit_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit_s} s")
        time.sleep(0.01)
    return value


def read_event(stream: http.client.HTTPResponse) -> dict[str, str]:
    """The fields of the next server-sent event, by name."""
    fields = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields


def connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def on_the_candidates_cpus():
    """What starts in here, programs and threads, stays off the CPUs that the lab keeps for its load: the lab pins
    candidates that it starts, and what runs already it leaves alone."""
    before = os.sched_getaffinity(0)
    cpus = sorted(before)
    os.sched_setaffinity(0, cpus[len(cpus) // 2 :])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Service:
    """A program of ours. `with Service("ASSAY_HELLO") as hello: ... hello.port ...`"""

    def __init__(self, variable: str, **environment: str):
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            [program(variable)],
            env={**os.environ, "PORT": "0", **environment},
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        line = self.process.stdout.readline()
        if not (match := ANNOUNCED.fullmatch(line)):
            self.kill()
            raise AssertionError(f"{variable} did not say where it listens: {line!r} {self.stderr()!r}")
        self.port = int(match.group(1))

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_):
        self.kill()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def stderr(self) -> str:
        self.errors.seek(0)
        return self.errors.read()

    def ask_to_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self) -> int:
        return self.process.wait(timeout=PATIENCE_S)

    def stop(self) -> int:
        self.ask_to_stop()
        return self.exit_code()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class ServiceTest(unittest.TestCase):
    """One echo service for the tests of a class; at its end it must drain clean."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service("ASSAY_ECHO_SERVICE")

    @classmethod
    def tearDownClass(cls):
        with cls.service:
            code = cls.service.stop()
            if code != 0:
                raise AssertionError(f"the service ended with {code}: {cls.service.stderr()}")

    def run_peer(self, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return done

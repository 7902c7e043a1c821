"""The services of bench/inside, started under the probe, and the lab's observer beside them.

A candidate runs on the server's core alone; observers, load and this process share the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Sequence

from lib.peers import Peers
from lib.procs import MeasurementError, free_port, probe

SOURCES = Path(__file__).resolve().parent.parent / "inside"
UVLOOP = "uvloop==0.23.0"
INSTALL_S = 120  # a download, the first time
PATIENCE_S = 15


@dataclass(frozen=True)
class Runtime:
    """A service's name here, the word that the probe knows its runtime by, and how it is started."""

    name: str
    label: str
    command: Sequence[str]


def _python_with_uvloop(build: Path) -> str:
    home = build / "bench" / "uvloop"
    python = home / "bin" / "python"
    steps = [[sys.executable, "-m", "venv", str(home)],
             [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UVLOOP]]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        if done.returncode != 0:
            raise MeasurementError(f"{UVLOOP} cannot be installed: {(done.stderr + done.stdout)[-400:].strip()}")
    return str(python)


def runtimes(peers: Peers, build: Path) -> dict[str, Callable[[], Runtime | None]]:
    """By name; one that cannot be had is noted among what was skipped, and is None."""
    def cpp() -> Runtime | None:
        program = build.resolve() / "bench" / "epoll_service"
        if program.exists():
            return Runtime("C++ epoll", "cpp", [str(program)])
        peers.skipped["C++ epoll"] = f"{program} is not built"
        return None

    def node() -> Runtime | None:
        if not peers.on_path("node", "--version"):
            return None
        return Runtime("Node.js", "node", ["node", str(SOURCES / "node_service.js")])

    def uvloop() -> Runtime | None:
        try:
            python = _python_with_uvloop(build.resolve())
        except (MeasurementError, OSError, subprocess.TimeoutExpired) as error:
            peers.skipped["uvloop"] = str(error)
            return None
        return Runtime("uvloop", "python", [python, str(SOURCES / "asyncio_service.py"), "--uvloop"])

    return {"asyncio": lambda: Runtime("asyncio", "python", [sys.executable, str(SOURCES / "asyncio_service.py")]),
            "uvloop": uvloop, "node": node, "cpp": cpp}


class Inside:
    """inside_watch, the lab's observer as a program."""

    def __init__(self, build: Path) -> None:
        self.program = build.resolve() / "tests" / "integration" / "inside_watch"
        if not self.program.exists():
            raise MeasurementError(f"{self.program} is not built")

    def environment(self, directory: str, runtime: Runtime) -> dict[str, str]:
        """The variables that a candidate is started with."""
        command = [str(self.program), "--environment", directory, runtime.label]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


class Watch:
    """Observes one process. With a directory that holds no file of it, by sampling its system calls."""

    def __init__(self, inside: Inside, pid: int, directory: str, runtime: Runtime) -> None:
        self._child = subprocess.Popen([str(inside.program), str(pid), directory, runtime.label],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, phase: str) -> None:
        self._child.stdin.write(phase + "\n")
        self._child.stdin.flush()
        if self._child.stdout.readline() != "begins\n":
            raise MeasurementError("inside_watch did not begin")

    def end(self) -> None:
        self._child.stdin.close()

    def result(self) -> dict[str, Any]:
        text = self._child.stdout.read()
        if self._child.wait(PATIENCE_S) != 0:
            raise MeasurementError(f"inside_watch ended with {self._child.returncode}")
        return json.loads(text)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._child.stdout.close()


class Candidate:
    """A service on a core of its own, and the pipe that brings it pings."""

    def __init__(self, runtime: Runtime, core: int, every: int, variables: dict[str, str]) -> None:
        self.name, self.port = runtime.name, free_port()
        command = ["taskset", "-c", str(core), *runtime.command, "--port", str(self.port), "--every", str(every)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       env={**os.environ, **variables})

    @property
    def pid(self) -> int:
        return self._child.pid  # taskset has become the service

    def __enter__(self) -> Candidate:
        deadline_s = time.monotonic() + PATIENCE_S
        try:
            while True:
                try:
                    probe(self.port)
                    return self
                except OSError as error:
                    if self._child.poll() is not None or time.monotonic() > deadline_s:
                        raise MeasurementError(f"{self.name} does not answer on port {self.port}: {error}") from error
                    time.sleep(0.02)
        except BaseException:
            self.__exit__()
            raise

    def send(self, number: int) -> None:
        os.write(self._child.stdin.fileno(), number.to_bytes(8, "little"))

    def notes(self) -> list[int]:
        """Ends it."""
        self._child.stdin.close()
        text = self._child.stdout.read()
        try:
            return json.loads(text)
        except ValueError as error:
            raise MeasurementError(f"{self.name} ended without its notes: {text[-200:]!r}") from error

    def cpu_ns(self) -> int:
        """CPU time of all its threads, to the moment: the kernel's clock of the process, where the files in /proc
        are as old as the last tick."""
        scheduler_clock = 2
        return time.clock_gettime_ns((~self.pid << 3) | scheduler_clock)

    def __exit__(self, *_: object) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._child.stdin.close()
        self._child.stdout.close()


def load_command(assay: str, port: int, connections: int, seconds: float, rate_rps: float | None,
                 poisson: bool = False) -> list[str]:
    rate = [] if rate_rps is None else ["-R", f"{rate_rps:g}", "--arrivals", "poisson" if poisson else "constant"]
    return [assay, "load", f"http://127.0.0.1:{port}/", "-c", str(connections), "-t", "1", "-d", f"{seconds:g}s",
            "--json", *rate]


class Load:
    """assay load while something else is measured. Its own verdict is no matter here, that all was answered is."""

    def __init__(self, command: Sequence[str]) -> None:
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> Load:
        return self

    def result(self) -> dict[str, Any]:
        text, errors = self._child.communicate(timeout=60)
        try:
            return json.loads(text)
        except ValueError as error:
            raise MeasurementError(f"assay load: {errors.strip()[-400:]}") from error

    def __exit__(self, *_: object) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.communicate()

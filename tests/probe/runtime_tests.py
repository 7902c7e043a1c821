"""Do the runtimes' own tests come out alike with and without the probe?

    runtime_tests.py python [--short] [--module NAME]...     CPython's tests of asyncio, as its package ships them
    runtime_tests.py node --tests DIRECTORY [--match TEXT]   Node.js's tests of net and http, of its sources, under the
                                                             node on PATH, which is to be of the same version

Each test runs both ways; one whose outcome differs runs twice more, for some differ from run to run by themselves: it
differs when none of its outcomes with the probe is among those without. Node.js's tests are in no package of npm or
PyPI; `./run selftest runtimes node` fetches the distribution's sources and its Node.js. Exit codes: 0 alike, 1 some
differ, 2 usage, 77 the tests are not here.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import pkgutil
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = pathlib.Path(os.environ.get("ASSAY_PROBE_LIBRARY", HERE.parents[1] / "build" / "probe" / "libassay_probe.so"))
NOT_HERE = 77
TRIES = 3
PATIENCE_S = {"python": 600, "node": 60}
# Real loops, sockets, pipes, signals and child processes, in few seconds.
SHORT = ("test_streams", "test_sock_lowlevel", "test_unix_events", "test_server")
# Of probe/probe_format.h: struct assay_probe_file, assay_probe_event and assay_probe_note.
FIRST_SLOT_TID, SLOT_BYTES, SLOTS, PAUSED_AT = 128 + 8, 5312, 64, 72
FIRST_EVENT, EVENTS = 128 + SLOTS * SLOT_BYTES + 4096 * 48, 512
EVENT = struct.Struct("=QQQIHHII128s192s1024s")
NOTE = struct.Struct("=QQI4x40s1024s")
CALL, SAMPLE, COLLECTION, FAILURE = 1, 2, 3, 4  # kinds of notes
READ, LOOKED_UP, SLEPT, COLLECTED = 2, 6, 9, 15  # calls


class Probe:
    """The variables of a process under the probe, and whether it was there."""

    def __init__(self, runtime: str):
        self.directory = tempfile.mkdtemp(prefix="assay-probe-")
        shims = LIBRARY.parent
        self.variables = {"LD_PRELOAD": str(LIBRARY), "ASSAY_PROBE_DIR": self.directory}
        if runtime == "python":
            self.variables["PYTHONPATH"] = str(shims / "python")
        else:
            self.variables["NODE_OPTIONS"] = f"--require {shims / 'node' / 'shim.cjs'}"

    def loops(self) -> int:
        """Processes in which it has seen a loop."""
        seen = 0
        for path in pathlib.Path(self.directory).glob("*.probe"):
            with path.open("rb") as file:
                file.seek(FIRST_SLOT_TID)
                seen += struct.unpack("=I", file.read(4))[0] != 0
        return seen

    def loop_threads(self) -> int:
        seen = 0
        for path in pathlib.Path(self.directory).glob("*.probe"):
            data = path.read_bytes()
            tids = (struct.unpack_from("=I", data, FIRST_SLOT_TID + i * SLOT_BYTES)[0] for i in range(SLOTS))
            seen += sum(tid != 0 for tid in tids)
        return seen

    def notes(self, kind: int) -> list[tuple[str, str, float]]:
        """(what, text, milliseconds) of each that a shim has written."""
        found = []
        for path in sorted(pathlib.Path(self.directory).glob("*.notes")):
            for start, end, of_kind, what, text in NOTE.iter_unpack(path.read_bytes()):
                if of_kind == kind:
                    what, text = (each.split(b"\0", 1)[0].decode() for each in (what, text))
                    found.append((what, text, (end - start) / 1e6))
        return found

    def events(self, call: int) -> list[list[str]]:
        """The lines of the stack of each blocking call of that kind."""
        found = []
        for path in sorted(pathlib.Path(self.directory).glob("*.probe")):
            data = path.read_bytes()[FIRST_EVENT : FIRST_EVENT + EVENTS * EVENT.size]
            for ticket, _, _, _, of_call, _, _, _, _, _, stack in EVENT.iter_unpack(data):
                if ticket != 0 and of_call == call:
                    found.append(stack.split(b"\0", 1)[0].decode().splitlines())
        return found

    def forget(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


class Python:
    """Units are modules; a module brings the outcomes of its tests."""

    def __init__(self, asked: argparse.Namespace):
        if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_asyncio") is None:
            raise LookupError(f"{sys.executable} comes without its tests: Debian has them in libpython3.11-testsuite")
        import test.test_asyncio as package

        names = [each.name for each in pkgutil.iter_modules(package.__path__) if each.name.startswith("test_")]
        chosen = asked.module or (SHORT if asked.short else [name for name in names if "windows" not in name])
        self.units = [f"test.test_asyncio.{name}" for name in chosen]

    def outcomes(self, unit: str, variables: dict[str, str]) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "outcomes.json")
            command = [sys.executable, str(HERE / "outcomes.py"), file, unit]
            ended = finished(command, variables, "python", folder)
            if not os.path.exists(file):
                return {unit: f"ended with {ended}"}
            with open(file, encoding="utf-8") as written:
                return json.load(written)


class Node:
    """Units are files; one brings the outcome of its process."""

    def __init__(self, asked: argparse.Namespace):
        if asked.tests is None:
            raise LookupError("Node.js's tests are not here: --tests DIRECTORY names the folder test/ of its sources")
        self.node = shutil.which("node")
        if self.node is None:
            raise LookupError("Node.js is not here")
        tests = asked.tests.resolve()
        found = [each for room in ("parallel", "sequential") for kind in ("net", "http")
                 for each in (tests / room).glob(f"test-{kind}-*.*js")]
        self.units = sorted(str(each) for each in found if asked.match in each.name)

    def outcomes(self, unit: str, variables: dict[str, str]) -> dict[str, str]:
        text = pathlib.Path(unit).read_text(encoding="utf-8", errors="replace")
        flags = re.search(r"^// Flags: (.*)$", text, re.M)
        options = flags[1].split() if flags else []
        with tempfile.TemporaryDirectory() as folder:
            ended = finished([self.node, *options, unit], {"NODE_TEST_DIR": folder, **variables}, "node", folder)
        return {pathlib.Path(unit).name: "passed" if ended == 0 else f"ended with {ended}"}


def finished(command: list[str], variables: dict[str, str], runtime: str, folder: str) -> int | str:
    try:
        return subprocess.run(command, env={**os.environ, **variables}, cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE_S[runtime],
                              check=False).returncode
    except subprocess.TimeoutExpired:
        return "its time"


def compare(suite: Python | Node, unit: str, runtime: str) -> tuple[dict[str, tuple[set, set]], int]:
    """The outcomes of each test without and with the probe, and in how many processes that has seen a loop."""
    seen, loops = {}, 0
    for _ in range(TRIES):
        probe = Probe(runtime)
        try:
            for which, variables in enumerate(({}, probe.variables)):
                for test, outcome in suite.outcomes(unit, variables).items():
                    seen.setdefault(test, (set(), set()))[which].add(outcome)
            loops += probe.loops()
        finally:
            probe.forget()
        if all(without & with_it for without, with_it in seen.values()):
            break
    return seen, loops


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runtime", choices=["python", "node"])
    parser.add_argument("--short", action="store_true", help="some modules, in a few seconds")
    parser.add_argument("--module", action="append", help="of test.test_asyncio")
    parser.add_argument("--tests", type=pathlib.Path, help="the folder test/ of Node.js's sources")
    parser.add_argument("--match", default="", help="only files whose names hold this")
    asked = parser.parse_args()
    if not LIBRARY.exists():
        parser.error(f"{LIBRARY} is not built")
    try:
        suite = Python(asked) if asked.runtime == "python" else Node(asked)
    except LookupError as error:
        print(f"not run: {error}")
        return NOT_HERE
    tests, passed, loops, differing = 0, 0, 0, []
    for unit in suite.units:
        seen, in_loops = compare(suite, unit, asked.runtime)
        tests, loops = tests + len(seen), loops + in_loops
        passed += sum("passed" in without and "passed" in with_it for without, with_it in seen.values())
        for test, (without, with_it) in sorted(seen.items()):
            if not without & with_it:
                differing.append(test)
                print(f"{test}: {', '.join(sorted(without)) or 'not run'} without, "
                      f"{', '.join(sorted(with_it)) or 'not run'} with the probe", flush=True)
    print(f"{asked.runtime}: {tests} tests in {len(suite.units)} units, {passed} passed both ways, {len(differing)} "
          f"differ; the probe has seen a loop in {loops} processes")
    if not tests or not loops:
        print("nothing was compared")
        return 1
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())

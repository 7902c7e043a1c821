"""Workers of gunicorn and uvicorn under the probe: each tells for itself what blocks it and what it loses, so does the
one in the place of one that was killed, and the server ends as it does without."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

from inside_test import SLOW_S, WARM_UP, Watch, delay
from service import PATIENCE_S, connects, free_port, program, wait_until

APP = pathlib.Path(__file__).resolve().parent / "planted" / "workers.py"
WORKERS = 2
# Of probe/probe_format.h.
FIRST_SLOT, SLOT_BYTES, SLOTS, TID_AT, STALLS, STALL_BYTES, HAS_HOOK_AT = 128, 5312, 64, 8, 4096, 48, 64
FIRST_EVENT = FIRST_SLOT + SLOTS * SLOT_BYTES + STALLS * STALL_BYTES
EVENT = struct.Struct("=QQQIHHII128s192s1024s")
NOTE = struct.Struct("=QQI4x40s1024s")
RECV, SLEEP, COLLECTION, FAILURE = 1, 9, 15, 4


def at(text: str) -> str:
    with APP.open(encoding="utf-8") as file:
        return f"workers.py:{next(number for number, line in enumerate(file, 1) if text in line)}"


ASKED, NAPPED, COLLECTED = f"{at('# asked')} in ask", f"{at('time.sleep')} in nap", f"{at('gc.collect')} in collect"
LOST_TASK = ("Task exception was never retrieved", "LookupError: in a task of a worker",
             f"task of fail_later, {at('in a task')} in fail_later")
LOST_THREAD = "exception in a thread", "LookupError: in a thread of a worker", f"{at('in a thread')} in fail"


def text_of(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode()


class Record:
    """The files of one worker."""

    def __init__(self, directory: str, pid: int):
        self.pid, self.base = pid, pathlib.Path(directory) / str(pid)

    def read(self, kind: str) -> bytes:
        return self.base.with_suffix(kind).read_bytes()

    def has_shim(self) -> bool:
        return struct.unpack_from("=Q", self.read(".probe"), HAS_HOOK_AT)[0] == 1

    def loops(self) -> int:
        file, begin = self.read(".probe"), FIRST_SLOT + TID_AT
        return sum(struct.unpack_from("=I", file, begin + i * SLOT_BYTES)[0] != 0 for i in range(SLOTS))

    def calls(self) -> list[tuple[int, str, str]]:
        """(call, peer, innermost line of the program's own) of each that blocked a loop."""
        found = []
        for ticket, *_, call, _, _, _, peer, _, stack in EVENT.iter_unpack(self.read(".probe")[FIRST_EVENT:]):
            if ticket != 0:
                own = [line[1:] for line in text_of(stack).splitlines() if line.startswith("*")]
                found.append((call, text_of(peer), own[0] if own else ""))
        return found

    def failures(self) -> list[tuple[str, ...]]:
        notes = NOTE.iter_unpack(self.read(".notes"))
        return [(text_of(what), *text_of(text).splitlines()) for _, _, kind, what, text in notes if kind == FAILURE]

    def has_state(self, line: str) -> bool:
        return self.base.with_suffix(".state").exists() and line in self.read(".state").decode().splitlines()


class Held:
    """A request whose handler waits for us; by that its worker is known."""

    def __init__(self, port: int, peer: socket.socket, path: str):
        self.client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.peer = peer
        self.pid = self.begin(path)

    def begin(self, path: str) -> int:
        self.client.request("GET", f"{path}?{self.peer.getsockname()[1]}")
        self.caller, _ = self.peer.accept()
        with self.caller.makefile() as words:
            return int(words.readline())

    def release(self) -> str | None:
        self.caller.sendall(b"\n")
        self.caller.close()
        return self.answer()

    def answer(self) -> str | None:
        """Which sitecustomize its worker has loaded beside the shim's."""
        with self.client.getresponse() as response:
            response.read()
            return response.getheader("next-sitecustomize")

    def get(self, path: str) -> None:
        """Where the server keeps connections, of the same worker."""
        self.client.request("GET", path)
        self.answer()


class Server:
    """A command, with its `{port}` and its `{folder}`."""

    def __init__(self, command: tuple[str, ...], folder: str, **variables: str):
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        command = [sys.executable, "-B", "-m", *(each.format(port=self.port, folder=folder) for each in command)]
        self.process = subprocess.Popen(command, env={**os.environ, **variables}, cwd=APP.parent,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        start_new_session=True)

    def wait_until_it_listens(self) -> None:
        wait_until(lambda: connects(self.port) or self.process.poll() is not None, "a server of workers")
        if self.process.poll() is not None:
            raise AssertionError(self.words())

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self) -> int:
        return self.process.wait(PATIENCE_S)

    def words(self) -> str:
        """All of them, once it has ended."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def close(self) -> None:
        """The session is its own and its workers'."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


class Workers(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.peer = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.peer.settimeout(PATIENCE_S)
        self.address = f"127.0.0.1:{self.peer.getsockname()[1]}"

    def start(self, *command: str) -> None:
        """Also a twin without the probe."""
        pathlib.Path(self.folder, "sitecustomize.py").write_text("import sys\nsys.next_sitecustomize = 'loaded'\n")
        asked = [program("ASSAY_INSIDE_WATCH"), "--environment", self.directory, "python"]
        added = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
        added["PYTHONPATH"] += f":{self.folder}"
        self.server = Server(command, self.folder, **added, ASSAY_PROBE_STACKS="1")
        self.addCleanup(self.server.close)
        self.twin = Server(command, tempfile.mkdtemp(dir=self.folder))
        self.addCleanup(self.twin.close)
        self.server.wait_until_it_listens()
        self.watch = Watch(self.server.process.pid, self.directory, "python")
        self.addCleanup(self.watch.process.stdout.close)
        self.addCleanup(self.watch.process.kill)
        self.watch.phase("steady")

    def hold(self, path: str) -> Held:
        held = Held(self.server.port, self.peer, path)
        self.addCleanup(held.client.close)
        self.addCleanup(held.caller.close)
        return held

    def pair(self) -> list[Held]:
        """Of either worker one that has lost something: as long as the first is held, the other has to answer."""
        pair = [self.hold("/lose") for _ in range(WORKERS)]
        self.assertEqual(len({each.pid for each in pair}), WORKERS)
        for each in pair:
            self.assertEqual(each.release(), "loaded")
        return pair

    def replaced(self, killed: int, other: Held) -> Held:
        """One of the worker in the place of the killed one, while the other is held."""
        os.kill(killed, signal.SIGKILL)
        fresh = self.hold("/lose")
        self.assertNotIn(fresh.pid, (killed, other.pid))
        for each in (other, fresh):
            self.assertEqual(each.release(), "loaded")
        return fresh

    def record_of(self, held: Held) -> Record:
        record = Record(self.directory, held.pid)
        self.assertTrue(record.has_shim())
        return record

    def stopped(self) -> dict:
        """What the lab has seen, when the server has ended as it does without the probe."""
        self.twin.wait_until_it_listens()
        for each in (self.server, self.twin):
            each.ask_to_stop()
        self.assertEqual((self.server.exit_code(), self.twin.exit_code()), (0, 0), self.server.words())
        return self.watch.finish()

    def assert_lost(self, record: Record, failure: tuple[str, ...]) -> None:
        wait_until(record.failures, "a failure of a worker")
        self.assertEqual(record.failures(), [failure])

    def assert_told(self, seen: dict, failure: tuple[str, ...]) -> None:
        """The killed worker's too, and no other."""
        self.assertEqual(seen["failures"], [{"text": ": ".join(failure), "count": WORKERS + 1}])

    def assert_blocked(self, held: Held) -> None:
        """As any loop would be, and it is told with the lines of this worker."""
        for _ in range(WARM_UP):
            held.get("/")
        held.begin("/ask")
        delay(SLOW_S)
        held.release()
        for path in ("/nap", "/collect", "/wait"):
            held.get(path)
        record = self.record_of(held)
        for call in [(RECV, self.address, ASKED), (SLEEP, "", NAPPED), (COLLECTION, "", COLLECTED)]:
            self.assertEqual(record.calls().count(call), 1, f"{call} in {record.calls()}")
        self.assertEqual(record.loops(), 1)
        self.assert_lost(record, LOST_TASK)

    def assert_loops_are_watched(self) -> None:
        pair = self.pair()
        for each in pair:
            self.assert_blocked(each)
        for each in pair:
            record = self.record_of(each)
            wait_until(lambda: record.has_state(f"active wait_for_ever at {at('Event().wait')} 1"), "a count of tasks")
        pair[1].begin("/hold")
        self.assert_blocked(self.replaced(pair[0].pid, pair[1]))
        seen = self.stopped()
        counts = {(one["call"], one["peer"], one["place"]): one["count"] for one in seen["blocking"]}
        for call in [("recv", self.address, ASKED), ("sleep", "", NAPPED)]:
            self.assertEqual(counts.get(call), WORKERS + 1, f"{call} in {counts}")
        self.assertEqual(seen["lag"]["steady"]["quality"], "traced")
        self.assert_told(seen, LOST_TASK)

    def test_uvicorn(self):
        """Its workers are spawned: each is a Python of its own."""
        self.start("uvicorn", "workers:asgi", "--port", "{port}", "--workers", str(WORKERS), "--loop", "asyncio",
                   "--timeout-keep-alive", str(PATIENCE_S))
        self.assert_loops_are_watched()

    def test_uvicorn_under_gunicorn(self):
        """They are forked from a master that was loaded before, and run uvloop."""
        self.start("gunicorn", "workers:asgi", "--bind", "127.0.0.1:{port}", "--workers", str(WORKERS),
                   "--control-socket", "{folder}/control", "--worker-class", "uvicorn.workers.UvicornWorker",
                   "--keep-alive", str(PATIENCE_S))
        self.assert_loops_are_watched()

    def test_gunicorn(self):
        """Its own workers have no loop that could be blocked: what they lose is told, and nothing else."""
        self.start("gunicorn", "workers:wsgi", "--bind", "127.0.0.1:{port}", "--workers", str(WORKERS),
                   "--no-control-socket")  # its master would have a loop for that
        pair = self.pair()
        for each in pair:
            self.assert_lost(self.record_of(each), LOST_THREAD)
        idle, killed = self.hold("/ask"), self.hold("/ask")
        self.assertEqual({idle.pid, killed.pid}, {each.pid for each in pair})
        delay(SLOW_S)
        for each in (self.replaced(killed.pid, idle), idle):
            record = self.record_of(each)
            self.assert_lost(record, LOST_THREAD)
            self.assertEqual((record.loops(), record.calls()), (0, []))
        seen = self.stopped()
        self.assertEqual((seen["blocking"], seen["lag"]["steady"]["quality"]), ([], "none"))
        self.assert_told(seen, LOST_THREAD)


if __name__ == "__main__":
    unittest.main()

"""The inside view of an unchanged service: the blocking call is named, its clean twin is not, the lag is the truth."""

import contextlib
import http.client
import json
import os
import random
import socketserver
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest

from service import PATIENCE_S, Service, connects, free_port, program, wait_until

PLANTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "planted", "service.py")
SLOW_S = 0.08
WARM_UP = 50  # requests: a thread is a loop after a few dozen waits


def delay(seconds: float):
    """Time that passes as load or a slow peer would have it pass; nothing is awaited by it."""
    threading.Event().wait(seconds)


class SlowPeer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            delay(SLOW_S)
            self.wfile.write(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok")

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Watch:
    """inside_watch on a process."""

    def __init__(self, pid: int, directory: str, runtime: str, *ports: str):
        command = [program("ASSAY_INSIDE_WATCH"), str(pid), directory, runtime, *ports]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def phase(self, name: str):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "begins\n":
            raise AssertionError("inside_watch did not begin")

    def finish(self) -> dict:
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        if self.process.returncode != 0:
            raise AssertionError(f"inside_watch ended with {self.process.returncode}")
        return json.loads(out)


class Planted:
    """The planted service, with or without the probe in its environment."""

    def __init__(self, directory: str, peer_port: int, probed: bool = True, options: tuple = (), **in_front: str):
        self.port = free_port()
        self.fifo = os.path.join(directory, "slow.fifo")
        os.mkfifo(self.fifo)
        self.fifo_end = os.open(self.fifo, os.O_RDWR)
        command = [program("ASSAY_INSIDE_WATCH"), "--environment", directory, "python"]
        added = json.loads(subprocess.run(command, check=True, capture_output=True).stdout) if probed else {}
        added |= {name: f"{added.get(name, '')}:{folder}" for name, folder in in_front.items()}
        self.process = subprocess.Popen(
            [sys.executable, PLANTED, *options, str(self.port), str(peer_port), self.fifo],
            env={**os.environ, **added},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: connects(self.port), "the planted service")
        self.process.stdout.readline()

    def get(self, *paths: str):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as client:
            for path in paths:
                if path == "/slow-file":
                    threading.Thread(target=self.write_late, daemon=True).start()
                client.request("GET", path)
                response = client.getresponse()
                if response.status != 200 or not response.read():
                    raise AssertionError(path)

    def write_late(self):
        delay(SLOW_S)
        os.write(self.fifo_end, b"x")

    def command(self, line: str):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def close(self):
        # The parent's end of input reaches a forked worker as well; the group is this process alone.
        with contextlib.suppress(ProcessLookupError):
            for child in children_of(self.process.pid):
                os.kill(child, 9)
        self.process.kill()
        self.process.communicate()
        os.close(self.fifo_end)


def children_of(pid: int) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8") as file:
            if int(file.read().rpartition(")")[2].split()[1]) == pid:
                found.append(int(name))
    return found


def line_of(text: str) -> int:
    with open(PLANTED, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if text in line)


class Inside(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.peer = self.enterContext(SlowPeer())
        self.addCleanup(self.peer.shutdown)

    def planted(self, **options) -> Planted:
        service = Planted(self.directory, self.peer.port, **options)
        self.addCleanup(service.close)
        return service

    def watch(self, service: Planted) -> Watch:
        watch = Watch(service.process.pid, self.directory, "python", f"{self.peer.port}=third-party")
        self.addCleanup(watch.process.stdout.close)
        self.addCleanup(watch.process.kill)
        return watch

    def look(self, service: Planted, *paths: str) -> dict:
        service.get(*["/burn"] * (WARM_UP - WARM_UP % 40 - 1))
        watch = self.watch(service)
        watch.phase("steady")
        service.get(*paths * 3)
        return watch.finish()

    def assert_named(self, seen: dict, call: str, peer: str, place: str, least_ms: float):
        matches = [one for one in seen["blocking"] if (one["call"], one["peer"], one["place"]) == (call, peer, place)]
        self.assertEqual(len(matches), 1, f"{call}, {peer}, {place} in {json.dumps(seen['blocking'], indent=1)}")
        self.assertEqual(matches[0]["count"], 3)
        self.assertEqual(len(matches[0]["at_s"]), 3)
        self.assertGreaterEqual(matches[0]["longest_ms"], least_ms)
        self.assertLess(matches[0]["longest_ms"], 1000)

    def assert_all_faults_named(self, seen: dict):
        peer = f"third-party (127.0.0.1:{self.peer.port})"
        asked = f"service.py:{line_of('peer.getresponse()')} in call_peer"
        slow_ms = SLOW_S * 900
        self.assert_named(seen, "recv", peer, self.place(asked), slow_ms)
        self.assert_named(seen, "recv (poll)", peer, self.place(asked), slow_ms)
        self.assert_named(seen, "sleep", "", self.place(f"service.py:{line_of('time.sleep(')} in nap"), 55)
        read = f"service.py:{line_of('file.read(1)')} in slow_file"
        self.assert_named(seen, "read", os.path.join(self.directory, "slow.fifo"), self.place(read), slow_ms)
        self.assertEqual(len(seen["blocking"]), 4)
        stalls = [event["text"] for event in seen["events"]]
        self.assertEqual(len([text for text in stalls if f"recv (poll), {peer} at " in text]), 3, stalls)
        self.assertGreaterEqual(seen["lag"]["steady"]["stalls"]["50"], 12)
        self.assertEqual(seen["lag"]["steady"]["quality"], "traced")
        self.assertGreater(seen["lag"]["steady"]["max_ms"], slow_ms)

    def place(self, text: str) -> str:
        """The shim names files from the working directory on."""
        here = os.path.realpath(os.getcwd()) + "/"
        path = os.path.realpath(PLANTED)
        return text.replace("service.py", path[len(here) :], 1) if path.startswith(here) else text

    def test_each_fault_is_named(self):
        faults = ("/price-blocking", "/price-timeout", "/nap", "/slow-file")
        self.assert_all_faults_named(self.look(self.planted(), *faults))

    def test_the_next_sitecustomize_takes_nothing_away(self):
        """Debian's Python has one. It stands in the shim's place from then on, and what only the shim referred to is
        collected."""
        with open(os.path.join(self.directory, "sitecustomize.py"), "w", encoding="utf-8") as file:
            file.write("import atexit, gc\ngc.set_threshold(1, 1, 1)\n")
        seen = self.look(self.planted(PYTHONPATH=self.directory), "/price-timeout")
        peer = f"third-party (127.0.0.1:{self.peer.port})"
        place = self.place(f"service.py:{line_of('peer.getresponse()')} in call_peer")
        self.assert_named(seen, "recv (poll)", peer, place, SLOW_S * 900)

    def test_a_forked_worker_is_seen_like_any(self):
        faults = ("/price-blocking", "/price-timeout", "/nap", "/slow-file")
        seen = self.look(self.planted(options=("--fork",)), *faults)
        self.assert_all_faults_named(seen)
        self.assertEqual(seen["processes"][-1]["processes"], 2)

    def test_clean_twins_are_silent(self):
        seen = self.look(self.planted(), "/price-executor", "/price-streams", "/nap-clean", "/resolve")
        self.assertEqual(seen["blocking"], [])
        self.assertEqual(seen["events"], [])
        self.assertEqual([note for note in seen["notes"] if not note.startswith("the host ")], [])
        self.assertEqual(seen["lag"]["steady"]["quality"], "traced")
        self.assertLess(seen["lag"]["steady"]["p50_ms"], 5)
        self.assertGreater(seen["processes"][-1]["rss_bytes"], 1 << 20)
        self.assertGreater(seen["processes"][-1]["cpu_s"], 0)
        self.assertGreaterEqual(seen["processes"][-1]["sockets"], 1)

    def test_a_handler_that_stops_the_program_stops_it(self):
        """A signal ends a blocking call: what its handler raises is the program's, not the shim's."""
        command = [program("ASSAY_INSIDE_WATCH"), "--environment", self.directory, "python"]
        added = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        service = textwrap.dedent(f"""
            import select, signal, sys, time
            signal.signal(signal.SIGALRM, lambda *_: sys.exit(7))
            loop = select.epoll()
            for _ in range({WARM_UP}):
                loop.poll(0)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            time.sleep({PATIENCE_S / 10})
        """)
        ended = subprocess.run(
            [sys.executable, "-c", service], env={**os.environ, **added}, timeout=2 * PATIENCE_S, check=False
        )
        self.assertEqual(ended.returncode, 7)

    def ground_truth(self, probed: bool, tolerance_ms: float) -> dict:
        service = self.planted(probed=probed)
        service.get(*["/burn"] * 50)
        watch = self.watch(service)
        watch.phase("before")
        load = [threading.Thread(target=self.poisson_load, args=(service, seed), daemon=True) for seed in range(4)]
        for thread in load:
            thread.start()
        delay(2)  # as long as it may take until a loop is sampled
        service.command("pings 300")
        watch.phase("steady")
        for thread in load:
            thread.join()
        seen = watch.finish()
        service.command("result")
        lags = sorted(json.loads(service.process.stdout.readline()))
        lag = seen["lag"]["steady"]
        truth = {"mean_ms": sum(lags) / len(lags)}
        truth |= {"p50_ms": lags[len(lags) // 2], "p99_ms": lags[len(lags) * 99 // 100]}
        print({name: (round(value, 2), round(lag[name], 2)) for name, value in truth.items()})
        self.assertGreater(len(lags), 500)
        self.assertGreater(truth["p99_ms"], 20)  # else nothing was to be seen
        for name, value in truth.items():
            self.assertAlmostEqual(lag[name], value, delta=0.15 * value + tolerance_ms, msg=name)
        self.assertGreater(lag["max_ms"], 45)
        return seen

    def poisson_load(self, service: Planted, seed: int):
        chance, begin = random.Random(seed), time.monotonic()
        due = begin
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_S)) as client:
            while due < begin + 8:
                due += chance.expovariate(50)
                if (wait := due - time.monotonic()) > 0:
                    delay(wait)
                client.request("GET", "/burn")
                client.getresponse().read()

    def test_lag_is_what_pings_inside_wait(self):
        self.assertEqual(self.ground_truth(probed=True, tolerance_ms=2)["lag"]["steady"]["quality"], "traced")

    def test_sampled_lag_is_what_pings_inside_wait(self):
        seen = self.ground_truth(probed=False, tolerance_ms=3)
        self.assertEqual(seen["lag"]["steady"]["quality"], "sampled")
        self.assertIn("no probe file appeared", " ".join(seen["notes"]))

    def test_an_io_uring_loop_is_sampled(self):
        command = [program("ASSAY_INSIDE_WATCH"), "--environment", self.directory, "cpp"]
        added = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        with Service("ASSAY_ECHO_SERVICE", ASSAY_IO="io_uring", **added) as service:
            self.addCleanup(service.errors.close)
            watch = Watch(service.process.pid, self.directory, "cpp")
            watch.phase("warm-up")
            delay(2)
            watch.phase("steady")
            delay(1)
            seen = watch.finish()
        self.assertEqual(seen["lag"]["steady"]["quality"], "sampled", seen)
        self.assertLess(seen["lag"]["steady"]["utilisation"], 0.2)
        self.assertEqual(seen["blocking"], [])


if __name__ == "__main__":
    unittest.main()

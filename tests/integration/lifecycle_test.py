"""How a service starts and ends: its exit codes, and that draining fails no request."""

import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from service import PATIENCE_S, Service, connects, program, wait_until


def get(port: int, target: str) -> http.client.HTTPResponse:
    """The answer, its body read, as `.text`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", target)
    answer = connection.getresponse()
    answer.text = answer.read()
    connection.close()
    return answer


class SlowRequests:
    """Requests under way, each on a thread and with its handler."""

    def __init__(self, port: int, count: int, ms: int):
        self.answers = []
        self.failures = []
        self.threads = [threading.Thread(target=self.one, args=(port, ms)) for _ in range(count)]
        for thread in self.threads:
            thread.start()
        wait_until(lambda: get(port, "/sleeping").text == b"%d" % count, "every request is with its handler")

    def one(self, port: int, ms: int):
        try:
            self.answers.append(get(port, f"/sleep?ms={ms}"))
        except (OSError, http.client.HTTPException) as failure:
            self.failures.append(failure)

    def join(self):
        for thread in self.threads:
            thread.join()


def open_files(process: subprocess.Popen) -> list[str]:
    """What its descriptors refer to, as the kernel names it."""
    folder = f"/proc/{process.pid}/fd"
    targets = []
    for name in os.listdir(folder):
        try:
            targets.append(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    return targets


def sockets_of(process: subprocess.Popen) -> int:
    """How many sockets it has; its listener is one."""
    return sum(target.startswith("socket:") for target in open_files(process))


class Lifecycle(unittest.TestCase):
    def test_hello(self):
        with Service("ASSAY_HELLO") as hello:
            answer = get(hello.port, "/")
            self.assertEqual((answer.status, answer.text), (200, b"hello, world\n"))
            self.assertEqual(hello.stop(), 0)

    def test_each_loop_has_a_handler_of_its_own(self):
        with Service("ASSAY_ECHO_SERVICE", ECHO_SERVICE_LOOPS="3") as service:
            asked = [get(service.port, "/loop").text.split() for _ in range(200)]
            threads, counts = {}, {}
            for index, count, thread in asked:
                counts[index] = counts.get(index, 0) + 1
                self.assertEqual(int(count), counts[index], "what a handler owns is its alone")
                self.assertEqual(threads.setdefault(index, thread), thread)
            self.assertEqual(sorted(threads), [b"0", b"1", b"2"], "the kernel spreads connections")
            self.assertEqual(len(set(threads.values())), 3)
            self.assertEqual(service.stop(), 0)

    def test_tells_what_all_its_loops_are_busy_with(self):
        with Service("ASSAY_ECHO_SERVICE", ECHO_SERVICE_LOOPS="2") as service:
            slow = SlowRequests(service.port, 3, ms=60_000)
            answer = get(service.port, "/tasks")
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.getheader("content-type"), "text/plain; charset=utf-8")
            text = answer.text.decode()
            self.assertEqual(re.findall(r"^loop (\d): \d+ tasks?$", text, re.MULTILINE), ["0", "1"], text)
            self.assertEqual(len(re.findall(r"^ +\S+\.cpp:\d+ by .*: awaiting time for ", text, re.MULTILINE)), 3, text)
            self.assertEqual(text.count("awaiting work on a pool for "), 1, text)
            service.kill()
            slow.join()

    def test_interrupt_ends_it_as_well(self):
        with Service("ASSAY_HELLO") as hello:
            hello.process.send_signal(signal.SIGINT)
            self.assertEqual(hello.exit_code(), 0)

    def test_draining_fails_no_request(self):
        count = 20
        with Service("ASSAY_ECHO_SERVICE") as service:
            slow = SlowRequests(service.port, count, ms=2000)
            service.ask_to_stop()
            self.assertEqual(service.exit_code(), 0, service.stderr())
            slow.join()
            self.assertEqual(slow.failures, [])
            self.assertEqual([answer.status for answer in slow.answers], [200] * count)
            self.assertEqual({answer.getheader("connection") for answer in slow.answers}, {"close"})

    def test_idle_connections_do_not_delay_the_end(self):
        with Service("ASSAY_ECHO_SERVICE") as service:
            idle = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(10)]
            kept = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_S)
            kept.request("GET", "/a")
            kept.getresponse().read()
            wait_until(lambda: sockets_of(service.process) == 12, "every connection is there")
            begun = time.monotonic()
            self.assertEqual(service.stop(), 0)
            self.assertLess(time.monotonic() - begun, 1.5)
            for connection in [*idle, kept.sock]:
                self.assertEqual(connection.recv(1), b"")
                connection.close()

    def test_a_second_signal_cuts(self):
        for loops in ("1", "2"):  # with two, one of them ends at the first signal
            with self.subTest(loops=loops):
                self.cut_by_second_signal(loops)

    def cut_by_second_signal(self, loops: str):
        with Service("ASSAY_ECHO_SERVICE", ECHO_SERVICE_LOOPS=loops) as service:
            slow = SlowRequests(service.port, 1, ms=30_000)
            service.ask_to_stop()
            wait_until(lambda: not connects(service.port), "it no longer listens")
            self.assertIsNone(service.process.poll(), "the first signal waits for the requests")
            begun = time.monotonic()
            service.ask_to_stop()
            self.assertEqual(service.exit_code(), 1)
            self.assertLess(time.monotonic() - begun, 5)
            slow.join()

    def test_for_its_delay_it_says_that_it_goes_and_serves_on(self):
        with Service("ASSAY_ECHO_SERVICE", ECHO_SERVICE_DRAIN_MS="2000", ECHO_SERVICE_LOOPS="2") as service:
            self.assertEqual(get(service.port, "/health/ready").status, 200)
            begun = time.monotonic()
            service.ask_to_stop()
            wait_until(lambda: get(service.port, "/health/ready").status == 503, "it says that it goes")
            self.assertEqual(get(service.port, "/health/live").status, 200)
            self.assertEqual(get(service.port, "/a").status, 200, "it still lets new ones in")
            self.assertEqual(service.exit_code(), 0, service.stderr())
            self.assertGreaterEqual(time.monotonic() - begun, 2)

    def test_a_second_signal_does_not_wait_for_the_delay(self):
        with Service("ASSAY_ECHO_SERVICE", ECHO_SERVICE_DRAIN_MS="600000") as service:
            service.ask_to_stop()
            wait_until(lambda: get(service.port, "/health/ready").status == 503, "it says that it goes")
            service.ask_to_stop()
            self.assertEqual(service.exit_code(), 0, "nobody was cut")

    def test_a_port_in_use_is_one_line_and_exit_code_4(self):
        with Service("ASSAY_HELLO") as hello:
            second = subprocess.run(
                [program("ASSAY_HELLO")],
                env={**os.environ, "PORT": str(hello.port)},
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
                text=True,
            )
            self.assertEqual(second.returncode, 4)
            self.assertEqual(second.stdout, "")
            self.assertEqual(second.stderr.count("\n"), 1, second.stderr)
            self.assertIn(str(hello.port), second.stderr)
            self.assertEqual(get(hello.port, "/").status, 200, "the first is not disturbed")

    def test_the_backend_is_the_one_asked_for(self):
        with Service("ASSAY_HELLO") as hello:
            mark = {"io_uring": "anon_inode:[io_uring]", "epoll": "anon_inode:[eventpoll]"}
            self.assertIn(mark[os.environ["ASSAY_IO"]], open_files(hello.process))


if __name__ == "__main__":
    unittest.main()

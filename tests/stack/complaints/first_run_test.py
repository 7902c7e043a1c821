"""The first program that somebody writes builds, and runs at its first start, on either backend.

facebook/proxygen#496: "almost impossible to build and use"; alibaba/PhotonLibOS#132: the io_uring example that is
shipped crashed when it was run for the first time. What is built here are the first lines of docs/stack.md.
"""

import os
import re
import signal
import subprocess
import time
import unittest
import urllib.error
import urllib.request

PATIENCE_S = 20


def answer_of(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S) as answer:
        return answer.read()


def is_ready(port: int) -> bool:
    try:
        return answer_of(port, "/health/ready") != b""
    except urllib.error.HTTPError:
        return False


class FirstRun(unittest.TestCase):
    def run_on(self, backend: str) -> None:
        environment = {**os.environ, "PORT": "0", "ASSAY_IO": backend}
        with subprocess.Popen(
            [os.environ["ASSAY_TUTORIAL_FIRST"]], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True,
        ) as service:
            try:
                self.visit(service)
            finally:
                service.kill()  # the end of the block waits for it

    def visit(self, service: subprocess.Popen) -> None:
        said = re.fullmatch(r"listening on http://0\.0\.0\.0:(\d+)\n", service.stdout.readline())
        self.assertIsNotNone(said)
        port = int(said[1])
        self.assertEqual(answer_of(port, "/"), b"hello, world\n")
        self.assertEqual(answer_of(port, "/health/ready"), b'{"status":"ok"}')
        counted = b'assay_http_requests_total{method="GET",route="all",status="200"} 1\n'
        self.assertIn(counted, answer_of(port, "/metrics"))
        service.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_S
        while is_ready(port):
            self.assertLess(time.monotonic(), deadline, "it does not say that it goes")
        service.send_signal(signal.SIGTERM)  # which does not wait for those in front
        self.assertEqual(service.wait(PATIENCE_S), 0)

    def test_proxygen_496_and_photon_132_the_first_lines_of_the_tutorial_run_at_once(self) -> None:
        for backend in ("io_uring", "epoll"):
            with self.subTest(backend):
                self.run_on(backend)


if __name__ == "__main__":
    unittest.main()

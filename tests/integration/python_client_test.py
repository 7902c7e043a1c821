"""Python's http.client talks to the echo service; and raw sockets, for what no client sends."""

import http.client
import os
import socket
import unittest

from service import PATIENCE_S, ServiceTest

# No larger than what the sockets hold: http.client reads nothing before it has sent everything.
PIECES = [os.urandom(size) for size in (1, 10, 100_000, 7, 200_000)]


class PythonClient(ServiceTest):
    def setUp(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=PATIENCE_S)
        self.addCleanup(self.connection.close)

    def ask(self, *arguments, **options) -> tuple[int, bytes]:
        self.connection.request(*arguments, **options)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def test_one_connection_for_many_requests(self):
        self.connection.connect()
        own_port = self.connection.sock.getsockname()
        for number in range(100):
            self.assertEqual(self.ask("GET", f"/{number}"), (200, f"GET /{number}\n".encode()))
            self.assertEqual(self.connection.sock.getsockname(), own_port)

    def test_bodies(self):
        self.assertEqual(self.ask("POST", "/upload", body=b"x" * 5_000_000), (200, b"5000000"))
        self.assertEqual(self.ask("PUT", "/echo", body=b""), (200, b""))
        self.assertEqual(self.ask("POST", "/echo", body=iter(PIECES), encode_chunked=True), (200, b"".join(PIECES)))

    def test_head_between_others(self):
        self.assertEqual(self.ask("HEAD", "/large?bytes=1000"), (200, b""))
        self.assertEqual(self.ask("GET", "/large?bytes=1000"), (200, b"x" * 1000))
        self.assertEqual(self.ask("HEAD", "/echo"), (200, b""))
        self.assertEqual(self.ask("GET", "/a"), (200, b"GET /a\n"))

    def raw(self, data: bytes) -> bytes:
        """Everything that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=PATIENCE_S) as peer:
            peer.sendall(data)
            received = b""
            while more := peer.recv(65536):
                received += more
            return received

    def test_smuggling_is_refused_once(self):
        head = b"POST /echo HTTP/1.1\r\nHost: a\r\n"
        for fields, status in (
            (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"400"),
            (b"Content-Length: 5\r\nContent-Length: 5\r\n", b"400"),
            (b"Content-Length: +5\r\n", b"400"),
            (b"X: a\r\n b\r\n", b"400"),
            (b"X: a\nY: b\r\n", b"400"),
            (b"X: \0\r\n", b"400"),
            (b"X: " + b"a" * 70_000 + b"\r\n", b"431"),
        ):
            with self.subTest(fields[:60]):
                answer = self.raw(head + fields + b"\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
                self.assertEqual(answer.split(b" ")[1], status)
                self.assertEqual(answer.count(b"HTTP/1.1"), 1)
                self.assertIn(b"connection: close\r\n", answer)

    def test_pipelined(self):
        requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(2000))
        answers = self.raw(requests + b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertEqual(answers.count(b"HTTP/1.1 200 OK"), 2001)
        places = [answers.index(b"GET /%d\n" % i) for i in range(2000)]
        self.assertEqual(places, sorted(places))


if __name__ == "__main__":
    unittest.main()

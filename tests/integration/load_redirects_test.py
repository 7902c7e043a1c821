"""`assay load --follow`: redirects as a browser follows them, against a server that sends them."""

import http.server
import unittest

from load_support import INVALID, OK, USAGE, LoadTest


class Redirecting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[str] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.seen.append(f"{self.command} {self.path} {body}".strip())
        leads = {"/old": "/new", "/loop": "/loop", "/away": "http://127.0.0.1:1/", "/closing": "/new"}.get(self.path)
        self.send_response(307 if self.path == "/old" else 302 if leads else 200)
        if leads:
            self.send_header("Location", leads)
        if self.path == "/closing":
            self.send_header("Connection", "close")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _answer

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class Redirects(LoadTest):
    def setUp(self) -> None:
        self.server = Server(("127.0.0.1", 0), Redirecting)
        self.url = self.serve(self.server)
        Redirecting.seen.clear()

    def follow(self, path: str, *arguments: str) -> dict:
        outcome = self.load(self.url + path, "-R", "50", "-d", "200ms", "-c", "2", "--json", *arguments)
        self.assertIn(outcome.code, (OK, INVALID), outcome.err)
        return outcome.document()

    def test_are_followed_when_asked(self) -> None:
        document = self.follow("/old", "-b", "x", "--follow", "2")
        self.assertEqual((document["requests"], document["redirects"], document["errors"]), (10, 10, {}))
        self.assertEqual(sorted(Redirecting.seen), ["POST /new x"] * 10 + ["POST /old x"] * 10)
        self.assertEqual(document["response_time_us"]["count"], 10)

    def test_are_answers_when_not(self) -> None:
        document = self.follow("/old")
        self.assertEqual((document["requests"], document["redirects"], document["errors"]), (10, 0, {}))
        self.assertEqual(set(Redirecting.seen), {"GET /old"})

    def test_open_another_connection_where_they_must(self) -> None:
        document = self.follow("/closing", "-b", "x", "--follow", "1")
        self.assertEqual((document["redirects"], document["errors"]), (10, {}))
        self.assertEqual(sorted(Redirecting.seen), ["GET /new"] * 10 + ["POST /closing x"] * 10)

    def test_that_lead_nowhere_are_errors(self) -> None:
        self.assertEqual(self.follow("/loop", "--follow", "3")["errors"], {"redirects": 10})
        self.assertEqual(len(Redirecting.seen), 40)
        self.assertEqual(self.follow("/away", "--follow", "3")["errors"], {"redirect_elsewhere": 10})

    def test_has_a_limit(self) -> None:
        self.assert_refused(self.load(self.url, "--follow", "21"), USAGE, "--follow", "at most 20")
        self.assert_refused(self.load(self.url, "--follow", "-1"), USAGE, "--follow")
        self.assert_refused(self.load("ws://127.0.0.1:1/", "--follow", "1"), USAGE, "--follow", "not of WebSocket")


if __name__ == "__main__":
    unittest.main()

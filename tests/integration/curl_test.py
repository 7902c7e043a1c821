"""curl talks to the echo service."""

import os
import tempfile
import unittest

from service import ServiceTest, peer

LARGE = os.urandom(3 * 1024 * 1024)


class Curl(ServiceTest):
    def curl(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = (peer("curl", "curl"), "--silent", "--show-error", "--http1.1", "--max-time", "15", *arguments)
        return self.run_peer(*command, stdin=stdin).stdout

    def test_get(self):
        self.assertEqual(self.curl(self.service.url("/a?b=c")), b"GET /a?b=c\n")

    def test_post(self):
        self.assertEqual(self.curl("--data", "hello", self.service.url("/a")), b"POST /a\nhello")

    def test_status(self):
        for code in (200, 204, 304, 404, 500):
            url = self.service.url(f"/status?code={code}")
            seen = self.curl("--output", os.devnull, "--write-out", "%{http_code}", url)
            self.assertEqual(seen, str(code).encode())

    def test_head(self):
        head = self.curl("--head", self.service.url("/large?bytes=12345")).decode().lower()
        self.assertTrue(head.startswith("http/1.1 200 ok\r\n"), head)
        self.assertIn("content-length: 12345\r\n", head)

    def test_large_answer(self):
        self.assertEqual(len(self.curl(self.service.url("/large?bytes=20000000"))), 20_000_000)

    def test_large_body_there_and_back_with_a_length_and_in_chunks(self):
        url = self.service.url("/echo")
        with tempfile.NamedTemporaryFile() as file:
            file.write(LARGE)
            file.flush()
            self.assertEqual(self.curl("--data-binary", f"@{file.name}", url), LARGE)
        chunked = self.curl("--header", "Transfer-Encoding: chunked", "--data-binary", "@-", url, stdin=LARGE)
        self.assertEqual(chunked, LARGE)
        uploaded = self.curl("--upload-file", "-", self.service.url("/upload"), stdin=LARGE)
        self.assertEqual(uploaded, str(len(LARGE)).encode())

    def test_expect_is_answered(self):
        # curl waits for 100 Continue, here without end in the scale of this test.
        done = self.run_peer(
            peer("curl", "curl"),
            *("--silent", "--verbose", "--http1.1", "--max-time", "10"),
            *("--header", "Expect: 100-continue", "--expect100-timeout", "14"),
            *("--data", "hello", self.service.url("/upload")),
        )
        self.assertEqual(done.stdout, b"5")
        self.assertIn(b"HTTP/1.1 100 Continue", done.stderr)

    def test_expect_is_refused_when_too_large(self):
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(65 * 1024 * 1024)
            seen = self.curl(
                *("--expect100-timeout", "14", "--upload-file", file.name),
                *("--output", os.devnull, "--write-out", "%{http_code} %{size_upload}"),
                self.service.url("/upload"),
            )
        self.assertEqual(seen, b"413 0")

    def test_one_connection_for_many_requests(self):
        urls = [self.service.url(f"/{i}") for i in range(10)]
        outputs = [argument for _ in urls for argument in ("--output", os.devnull)]
        connects = self.curl(*outputs, "--write-out", "%{num_connects},", *urls).decode()
        self.assertEqual(connects, "1," + "0," * 9)

    def test_http_1_0(self):
        self.assertEqual(self.curl("--http1.0", "--data", "hello", self.service.url("/echo")), b"hello")


if __name__ == "__main__":
    unittest.main()

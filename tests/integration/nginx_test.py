"""nginx as the reverse proxy in front of the echo service, with connections that are kept."""

import concurrent.futures
import http.client
import os
import pathlib
import subprocess
import tempfile
import unittest

from service import PATIENCE_S, ServiceTest, connects, free_port, peer, wait_until

# Everything in a directory of its own; request_buffering off hands chunked bodies through as they come.
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 64m;
  upstream service {{
    server 127.0.0.1:{service_port};
    keepalive 8;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
    location /unbuffered/ {{
      proxy_pass http://service/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
    }}
  }}
}}
"""


class Nginx(ServiceTest):
    @classmethod
    def setUpClass(cls):
        nginx = peer("nginx", "nginx-light")
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.port = free_port()
        folder = pathlib.Path(cls.folder.name)
        file = folder / "nginx.conf"
        file.write_text(
            CONFIGURATION.format(folder=folder, port=cls.port, service_port=cls.service.port), encoding="utf-8"
        )
        cls.log = folder / "error.log"
        cls.nginx = subprocess.Popen(
            [nginx, "-p", str(folder), "-c", str(file), "-e", str(cls.log)], stderr=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: connects(cls.port), "nginx listens")
        except AssertionError as failure:
            cls.tearDownClass()
            raise failure

    @classmethod
    def tearDownClass(cls):
        cls.nginx.terminate()
        cls.nginx.wait(timeout=PATIENCE_S)
        cls.folder.cleanup()
        super().tearDownClass()

    def setUp(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        self.addCleanup(self.connection.close)

    def tearDown(self):
        errors = [line for line in self.log.read_text(encoding="utf-8").splitlines() if "[error]" in line]
        self.assertEqual(errors, [], "nginx complains about its upstream")

    def ask(self, *arguments, **options) -> tuple[int, bytes]:
        self.connection.request(*arguments, **options)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def test_get_many(self):
        for number in range(200):
            self.assertEqual(self.ask("GET", f"/{number}"), (200, f"GET /{number}\n".encode()))

    def test_statuses_and_head(self):
        for code in (204, 304, 404, 500):
            self.assertEqual(self.ask("GET", f"/status?code={code}")[0], code)
            self.assertEqual(self.ask("HEAD", f"/status?code={code}"), (code, b""))
        self.assertEqual(self.ask("HEAD", "/echo"), (200, b""))
        self.assertEqual(self.ask("GET", "/a"), (200, b"GET /a\n"))

    def test_bodies(self):
        # Not to /echo: nginx stops sending a body once the answer has begun.
        large = os.urandom(4_000_000)
        for prefix in ("", "/unbuffered"):
            with self.subTest(prefix):
                self.assertEqual(self.ask("POST", f"{prefix}/a", body=b"hello"), (200, b"POST /a\nhello"))
                self.assertEqual(self.ask("POST", f"{prefix}/a", body=large), (200, b"POST /a\n" + large))
                pieces = iter([b"one", large, b"two"])
                answer = self.ask("POST", f"{prefix}/a", body=pieces, encode_chunked=True)
                self.assertEqual(answer, (200, b"POST /a\none" + large + b"two"))
                self.assertEqual(self.ask("GET", f"{prefix}/large?bytes=10000000"), (200, b"x" * 10_000_000))

    def test_at_the_same_time(self):
        def one(number: int) -> bytes:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
            connection.request("POST", "/echo", body=b"%d" % number * 10_000)
            body = connection.getresponse().read()
            connection.close()
            return body

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for number, body in enumerate(pool.map(one, range(100))):
                self.assertEqual(body, b"%d" % number * 10_000)


if __name__ == "__main__":
    unittest.main()

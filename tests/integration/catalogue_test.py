"""examples/catalogue, the service of docs/stack.md, as its users and its operators meet it."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from typing import NamedTuple

from lifecycle_test import get
from service import PATIENCE_S, connects, free_port, program, wait_until
from subjects_support import Postgres, ThirdParty

REFUSED = 4
AWAY_S = 10
DEADLINE_S = 2  # of a request while the database is killed


class Asked(NamedTuple):
    sent: float
    took: float
    status: int
    retry_after: str | None


def keep_asking(port: int, over: threading.Event) -> list[Asked]:
    asked = []
    deadline = {"Request-Timeout-Ms": str(DEADLINE_S * 1000)}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as client:
        while not over.is_set():
            sent = time.monotonic()
            client.request("GET", "/items/7", headers=deadline)
            answer = client.getresponse()
            answer.read()
            asked.append(Asked(sent, time.monotonic() - sent, answer.status, answer.headers["Retry-After"]))
    return asked


class Catalogue(unittest.TestCase):
    def setUp(self) -> None:
        self.database = self.enterContext(Postgres())
        self.quotes = self.enterContext(ThirdParty())
        self.port = free_port()
        self.log = self.enterContext(tempfile.TemporaryFile(mode="w+"))
        environment = os.environ | {
            "DATABASE_URL": self.database.url.replace("127.0.0.1", "localhost"),  # a name, as most have
            "QUOTES_URL": self.quotes.url,
            "PORT": str(self.port),
        }
        self.process = subprocess.Popen(
            [program("ASSAY_CATALOGUE")], env=environment, stdout=subprocess.DEVNULL, stderr=self.log
        )
        self.addCleanup(self.end)
        wait_until(lambda: connects(self.port), "a listening catalogue")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)

    def json(self, target: str) -> dict:
        answer = get(self.port, target)
        self.assertEqual(answer.status, 200, answer.text)
        return json.loads(answer.text)

    def lines(self) -> list[dict]:
        text = os.pread(self.log.fileno(), 1 << 20, 0).decode()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def test_serves_and_tells_of_it(self) -> None:
        item = self.json("/items/7")
        self.assertEqual(item["price_cents"], self.database.number("select price_cents from items where id = 7"))
        self.assertEqual(self.json("/items/7/discount"), {"id": 7, "discount_percent": 7 * 7 % 31})
        self.assertEqual(get(self.port, "/items/999999").status, 404)
        self.assertEqual(get(self.port, "/health/ready").status, 200)
        self.assertEqual(get(self.port, "/health/live").status, 200)

        wait_until(lambda: len(self.lines()) >= 3, "a line for each request")
        shown = {(line["route"], line["status"]) for line in self.lines()}
        self.assertLessEqual({("/items/{id}", 200), ("/items/{id}/discount", 200), ("/items/{id}", 404)}, shown)
        self.assertEqual(len({line["request_id"] for line in self.lines()}), len(self.lines()))
        for line in (
            'assay_http_requests_total{method="GET",route="/items/{id}",status="404"} 1',
            'assay_http_failures_total{route="/items/{id}",reason="not_found"} 1',
            "assay_shed_limit 256",
            'assay_bulkhead_entered_total{part="items"} 3',
            'assay_breaker_exchanges_total{client="quotes",outcome="succeeded"} 1',
            'assay_postgres_statements_total{pool="items"} 3',
            'assay_client_connections{client="quotes",state="idle"} 1',
            'assay_drain_loops{state="ready"} 1',
        ):
            # What is counted elsewhere is carried over within moments.
            wait_until(lambda: f"{line}\n" in get(self.port, "/metrics").text.decode(), line)

    def test_tells_of_what_it_could_not_read(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nhost : x\r\n\r\n")
            self.assertTrue(peer.recv(100).startswith(b"HTTP/1.1 400 "))
        wait_until(lambda: self.lines(), "a line for it")
        line = self.lines()[0]
        self.assertEqual((line["message"], line["status"], line["reason"]), ("request", 400, "space_before_colon"))
        metrics = get(self.port, "/metrics").text.decode()
        self.assertIn('assay_http_refused_total{reason="space_before_colon"} 1\n', metrics)

    def test_the_other_service_goes(self) -> None:
        self.quotes.close()
        for _ in range(20):  # more than the breaker needs to open
            self.assertEqual(self.json("/items/7/discount"), {"id": 7, "discount_percent": None})
        self.assertIn("name", self.json("/items/7"))

    def test_the_database_goes_and_comes_back(self) -> None:
        self.json("/items/7")
        self.database.stop()
        answer = get(self.port, "/items/7")
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "1"))
        self.assertEqual(get(self.port, "/health/ready").status, 503)
        self.assertEqual(get(self.port, "/health/live").status, 200)
        self.database.start()
        wait_until(lambda: get(self.port, "/health/ready").status == 200, "readiness after the outage")
        self.json("/items/7")

    def counted(self, *names: str, why: str = "") -> int:
        """The sum of these metrics of the pool."""
        lines = get(self.port, "/metrics").text.decode().splitlines()
        wanted = tuple(f'assay_postgres_{name}_total{{pool="items"' for name in names)
        return sum(int(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(wanted) and why in line)

    def attempts(self) -> int:
        """Whatever has been asked of the database."""
        return self.counted("statements", "opened", "open_failures")

    def test_the_database_is_killed_under_load(self) -> None:
        """Everybody is told so in time, hardly anybody asks it, and nothing storms it when it is back.

        No breaker stands in front of the database: the catalogue has one around the other service alone. What keeps
        requests away from a database that is away is the pool itself (stack/net/server_absence.hpp), which lets a
        single attempt at a time through, after pauses that grow.
        """
        self.json("/items/7")
        over = threading.Event()
        with concurrent.futures.ThreadPoolExecutor() as clients:
            asking = [clients.submit(keep_asking, self.port, over) for _ in range(8)]
            try:
                wait_until(lambda: self.counted("statements") > 200, "load")
                killed = time.monotonic()
                self.database.kill()
                gone = time.monotonic()
                attempts, refused = -self.attempts(), -self.counted("refused", why='"away"')
                time.sleep(AWAY_S)
                attempts += self.attempts()
                refused += self.counted("refused", why='"away"')
                back = time.monotonic()
                opened = -self.counted("opened", "open_failures")
                self.database.start()
                wait_until(lambda: get(self.port, "/health/ready").status == 200, "readiness after the outage")
                well = time.monotonic()
                wait_until(lambda: time.monotonic() > well + 1, "a second of load")
                opened += self.counted("opened", "open_failures")
            finally:
                over.set()
            asked = [each for client in asking for each in client.result()]
        while_away = [each for each in asked if gone < each.sent < back - 0.1]
        self.assertGreater(len(while_away), 500)
        # A request whose deadline passed would have been answered with 504.
        self.assertEqual({(each.status, each.retry_after) for each in while_away}, {(503, "1")})
        self.assertGreater(refused, 0, "nobody was refused because the database was away")
        self.assertLessEqual(attempts / len(while_away), 1.1)
        self.assertLessEqual({each.status for each in asked}, {200, 503}, "while it went, or came")
        self.assertLess(max(each.took for each in asked if each.sent > killed), DEADLINE_S, "somebody waited")
        self.assertEqual({each.status for each in asked if each.sent > well + 0.5}, {200})
        self.assertLess(opened, 40, "twice as many connections as the pool has")

    def test_ends_when_those_in_front_have_seen_it(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        wait_until(lambda: get(self.port, "/health/ready").status == 503, "not ready any more")
        self.json("/items/7")  # served all the same
        self.assertEqual(self.process.wait(PATIENCE_S), 0)


class Start(unittest.TestCase):
    def test_needs_its_settings(self) -> None:
        for settings in ({}, {"DATABASE_URL": "postgresql://x", "QUOTES_URL": "nowhere"}):
            bare = {name: text for name, text in os.environ.items() if name not in ("DATABASE_URL", "QUOTES_URL")}
            done = subprocess.run(
                [program("ASSAY_CATALOGUE")], env=bare | settings, capture_output=True, text=True, timeout=PATIENCE_S
            )
            self.assertEqual(done.returncode, REFUSED)
            self.assertRegex(done.stderr, 'catalogue: (DATABASE_URL is not set|"nowhere": expected http://host:port)')


if __name__ == "__main__":
    unittest.main()

"""Each candidate of the shop keeps the contract of subjects/README.md: the checks of conformance.yaml, and beside them
what one request after the other cannot show. Arguments: the candidates' names, then unittest's
options; no name: all but the C++ candidate, which needs a build."""

import contextlib
import http.client
import itertools
import json
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor

import conformance
from conformance import Answer
from service import PATIENCE_S, wait_until
from subjects_support import END_S, FAILING_FROM, HANGING, SHOP, Candidate, Postgres, ThirdParty

CANDIDATES = ("flask", "fastapi", "fastapi-blocking", "node")
PLANTED = ("fastapi-blocking",)  # freezes while the third party takes its time
HUNG_ON_ITS_WAY_S = 1  # a request that still hangs has more left of its two seconds
CLIENTS = 20
around = contextlib.ExitStack()


def setUpModule():
    global database, quotes
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(Postgres())
        quotes = stack.enter_context(ThirdParty())
        around.push(stack.pop_all())


def tearDownModule():
    around.close()


class Conformance(unittest.TestCase):
    """The executor can fail."""

    def test_it_sees_what_is_wrong(self):
        answer = Answer(200, {"content-type": "text/html"}, b'{"a": [1, {"b": 2, "c": 3}], "d": true}')
        for expect, count in (
            ({"status": 200, "json": {"a": [1, {"b": 2}]}, "json_lengths": {"/a": 2}}, 0),
            ({"status": 201}, 1),
            ({"status": 200, "headers": {"content-type": "application/json", "allow": "GET"}}, 2),
            ({"status": 200, "json": {"a": [1]}}, 1),
            ({"status": 200, "json": {"a": [{"b": 2}, 1]}}, 2),
            ({"status": 200, "json": {"a": [1, {"b": "2"}], "d": 1}}, 2),
            ({"status": 200, "json": {"e": None}}, 1),
            ({"status": 200, "json_lengths": {"/a": 1, "/d": 1}}, 2),
            ({"status": 200, "body_sha256": "00"}, 1),
        ):
            with self.subTest(expect):
                self.assertEqual(len(list(conformance.mismatches(answer, expect))), count)


class Shop:
    """The tests of one candidate; a subclass names it."""

    name = ""

    @classmethod
    def setUpClass(cls):
        cls.candidate = Candidate(cls.name, database.url, quotes.url)
        cls.addClassCleanup(cls.candidate.close)

    def setUp(self):
        database.reset()

    def get(self, target: str) -> Answer:
        return conformance.send(self.candidate.port, "GET", target)

    def order(self, *lines: tuple[int, int], key: str | None = None) -> Answer:
        wanted = {"customer": "Ada", "lines": [{"item_id": item, "quantity": count} for item, count in lines]}
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or str(uuid.uuid4())}
        return conformance.send(self.candidate.port, "POST", "/orders", headers, json.dumps(wanted).encode())

    def orders_at_once(self, count: int, make) -> list[Answer]:
        with ThreadPoolExecutor(CLIENTS) as clients:
            return list(clients.map(make, range(count)))

    def test_conformance(self):
        failed = list(conformance.failures(SHOP / "conformance.yaml", self.candidate.port))
        self.assertEqual(failed, [], "\n" + "\n".join(failed) + "\n" + self.candidate.printed()[-4000:])

    def test_a_replay_names_the_same_order(self):
        key = str(uuid.uuid4())
        first, second = self.order((1, 2), key=key), self.order((1, 2), key=key)
        self.assertEqual((first.status, second.status), (201, 201))
        self.assertEqual(first.json(), second.json())
        self.assertEqual(set(first.json()), {"id", "total_cents"})
        self.assertNotIn("idempotent-replayed", first.headers)
        stored = database.psql("select o.id, total_cents, customer, length(fingerprint), item_id, quantity, price_cents"
                               " from orders o join order_lines on order_id = o.id")
        self.assertEqual(stored, f"{first.json()['id']}|16236|Ada|64|1|2|8118")

    def test_one_key_at_the_same_time_is_one_order(self):
        key = str(uuid.uuid4())
        answers = self.orders_at_once(CLIENTS, lambda _: self.order((1, 1), (2, 1), key=key))
        self.assertEqual([answer.status for answer in answers], [201] * CLIENTS, answers)
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(sum("idempotent-replayed" not in answer.headers for answer in answers), 1)
        self.assertEqual(database.number("select count(*) from orders"), 1)
        self.assertEqual(database.number("select count(*) from order_lines"), 2)
        self.assertEqual(database.number("select stock from items where id = 1"), 999_999)

    def test_no_more_is_sold_than_there_is(self):
        database.psql("update items set stock = 10 where id = 5")
        answers = self.orders_at_once(30, lambda _: self.order((4, 1), (5, 1)))
        statuses = [answer.status for answer in answers]
        self.assertEqual((statuses.count(201), statuses.count(409)), (10, 20), answers)
        self.assertEqual(database.psql("select id, stock from items where id in (4, 5) order by id"), "4|999990\n5|0")
        self.assertEqual(database.number("select sum(quantity) from order_lines where item_id = 5"), 10)

    def test_crossing_orders_do_not_deadlock(self):
        crossing = ([(1, 1), (2, 1), (3, 1)], [(3, 1), (2, 1), (1, 1)], [(2, 1), (3, 1), (1, 1)])
        answers = self.orders_at_once(120, lambda i: self.order(*crossing[i % 3]))
        self.assertEqual({answer.status for answer in answers}, {201}, answers)
        self.assertEqual(database.number("select min(stock) from items where id in (1, 2, 3)"), 1_000_000 - 120)

    def test_a_third_party_that_fails(self):
        failed = self.get(f"/items/{FAILING_FROM}/price")
        self.assertEqual((failed.status, failed.json()), (502, {"error": "third_party"}))

    def test_a_third_party_that_hangs(self):
        begun = time.monotonic()
        late = self.get(f"/items/{HANGING}/price")
        self.assertEqual((late.status, late.json()), (504, {"error": "third_party_timeout"}))
        self.assertGreater(time.monotonic() - begun, 1.5)

    def test_whether_a_wait_for_the_third_party_holds_up_the_others(self):
        with ThreadPoolExecutor(1) as client:
            hung = quotes.hung
            waiting = client.submit(self.get, f"/items/{HANGING}/price")
            wait_until(lambda: quotes.hung > hung, "the request is with the third party")
            self.assertEqual(self.get("/health/live").status, 200)
            if self.name in PLANTED:
                # The loop came to this answer after the other one, which is on its way to us at the most.
                self.assertEqual(waiting.result(HUNG_ON_ITS_WAY_S).status, 504)
            else:
                self.assertFalse(waiting.done())

    def test_a_statement_that_takes_too_long(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(database.psql_command(), text=True, **pipes) as lock:
            lock.stdin.write("begin; lock table items; select 'locked';\n")
            lock.stdin.flush()
            self.assertEqual(lock.stdout.readline(), "locked\n")
            late = self.get("/items/1")
            self.assertEqual((late.status, late.json()), (503, {"error": "database"}))
        self.assertEqual(self.get("/items/1").status, 200)

    def test_a_database_that_goes_away_and_comes_back(self):
        database.stop()
        try:
            for target in ("/items/1", "/items", "/items/1/price"):
                refused = self.get(target)
                self.assertEqual((refused.status, refused.json()), (503, {"error": "database"}), target)
            refused = self.order((1, 1))
            self.assertEqual((refused.status, refused.json()), (503, {"error": "database"}))
            unready = self.get("/health/ready")
            self.assertEqual((unready.status, unready.json()), (503, {"status": "unavailable"}))
            self.assertEqual(self.get("/health/live").status, 200)
            self.assertEqual(self.get("/items/1/image").status, 200)
        finally:
            database.start()
        wait_until(lambda: self.get("/health/ready").status == 200, "ready again")
        wait_until(self.every_worker_serves, "serving again")

    def every_worker_serves(self) -> bool:
        """Each has a pool of its own, and each broken connection in it may cost a request."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda _: self.get("/items/1"), range(4 * CLIENTS)))
        return all(answer.status == 200 for answer in answers)

    def test_metrics_count_by_route(self):
        def counted() -> dict[tuple[str, ...], float]:
            text = self.get("/metrics").body.decode()
            found = {}
            for labels, value in re.findall(r"^http_requests_total\{(.*?)\} (\S+)$", text, re.MULTILINE):
                named = dict(re.findall(r'(\w+)="([^"]*)"', labels))
                found[named["method"], named["route"], named["status"]] = float(value)
            return found

        before = counted()
        for target in ("/items/1", "/items/2", "/items/1001", "/items?page=2", "/nothing", "/items/2/image"):
            self.get(target)
        conformance.send(self.candidate.port, "DELETE", "/items")
        self.order((1, 1))
        wanted = {
            ("GET", "/items/{id}", "200"): 2,
            ("GET", "/items/{id}", "404"): 1,
            ("GET", "/items", "200"): 1,
            ("GET", "unmatched", "404"): 1,
            ("GET", "/items/{id}/image", "200"): 1,
            ("DELETE", "unmatched", "405"): 1,
            ("POST", "/orders", "201"): 1,
        }
        after = counted()
        self.assertEqual({key: after.get(key, 0) - before.get(key, 0) for key in wanted}, wanted)

    def test_no_more_than_ten_connections(self):
        self.orders_at_once(60, lambda i: self.order((i + 1, 1)))
        theirs = "usename = 'shop' and pid <> pg_backend_pid()"
        self.assertLessEqual(database.number(f"select count(*) from pg_stat_activity where {theirs}"), 10)

    def test_it_ends_and_answers_what_is_under_way(self):
        with Candidate(self.name, database.url, quotes.url) as second:
            idle = http.client.HTTPConnection("127.0.0.1", second.port, timeout=PATIENCE_S)
            idle.request("GET", "/items/1")
            idle.getresponse().read()
            answers = []
            under_way = threading.Thread(
                target=lambda: answers.append(conformance.send(second.port, "GET", f"/items/{HANGING}/price").status)
            )
            hung = quotes.hung
            under_way.start()
            wait_until(lambda: quotes.hung > hung, "the request is with the third party")
            begun = time.monotonic()
            second.process.send_signal(signal.SIGTERM)
            second.process.wait(PATIENCE_S)
            taken = time.monotonic() - begun
            under_way.join()
            idle.close()
            self.assertLess(taken, END_S, second.printed())
            self.assertEqual(answers, [504], second.printed())


def load_tests(loader, tests, _):
    suite = unittest.TestSuite([loader.loadTestsFromTestCase(Conformance)])
    for name in names:
        suite.addTest(loader.loadTestsFromTestCase(type(f"Shop {name}", (Shop, unittest.TestCase), {"name": name})))
    return suite


if __name__ == "__main__":
    names = list(itertools.takewhile(lambda argument: not argument.startswith("-"), sys.argv[1:]))
    options = sys.argv[1 + len(names) :]
    names = names or CANDIDATES
    unittest.main(argv=[sys.argv[0], *options])

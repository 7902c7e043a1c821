"""What the shop on our stack has beyond the contract of all candidates, where its environment asks for it: a feed of
orders over Redis, quotes that are kept, a limit of the rate and one that is found out, answers that are kept by their
keys, several hosts of the third party; and what it shows to whoever runs it."""

import http.client
import json
import unittest
import uuid

import conformance
import websockets.sync.client
from conformance import Answer
from service import PATIENCE_S, read_event, wait_until
from subjects_support import FAILING_FROM, SHOP, Candidate, Postgres, Redis, ThirdParty


def get(shop: Candidate, target: str, **headers: str) -> Answer:
    return conformance.send(shop.port, "GET", target, headers)


def order(shop: Candidate, key: str = "") -> Answer:
    body = json.dumps({"customer": "Ada", "lines": [{"item_id": 1, "quantity": 1}]}).encode()
    return conformance.send(shop.port, "POST", "/orders", {"Idempotency-Key": key or str(uuid.uuid4())}, body)


def metric(shop: Candidate, line: str) -> float | None:
    found = [text for text in get(shop, "/metrics").body.decode().splitlines() if text.startswith(line + " ")]
    return float(found[0].split()[-1]) if found else None


class ShopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.database = cls.enterClassContext(Postgres())

    def setUp(self) -> None:
        self.database.reset()
        self.quotes = self.enterContext(ThirdParty())

    def shop(self, **more: str) -> Candidate:
        return self.enterContext(Candidate("cpp", self.database.url, self.quotes.url, **more))

    def listening(self, redis: Redis) -> Candidate:
        shop = self.shop(REDIS_URL=redis.url)
        wait_until(lambda: metric(shop, 'assay_bulletin_loops{bulletin="orders"}') == 1, "it listens")
        return shop

    def follow(self, shop: Candidate, last_id: str = "") -> http.client.HTTPResponse:
        client = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=PATIENCE_S)
        self.addCleanup(client.close)
        client.request("GET", "/feed/orders", headers={"Last-Event-ID": last_id} if last_id else {})
        answer = client.getresponse()
        self.assertEqual(answer.status, 200)
        return answer


class Extras(ShopTest):
    def test_with_all_of_it_the_contract_is_kept(self) -> None:
        redis = self.enterContext(Redis())
        shop = self.shop(REDIS_URL=redis.url, KEPT_QUOTES_S="60", RATE_LIMIT="100000", ADAPTIVE_LIMIT="64")
        failed = list(conformance.failures(SHOP / "conformance.yaml", shop.port))
        self.assertEqual(failed, [])

    def test_without_redis_there_is_no_feed_and_it_says_so(self) -> None:
        shop = self.shop()
        self.assertEqual(get(shop, "/feed/orders").json(), {"error": "not_found"})
        self.assertIn("REDIS_URL is not set: there is no feed of orders", shop.printed())

    def test_settings_that_are_none_are_refused_by_name(self) -> None:
        with self.assertRaisesRegex(AssertionError, 'KEPT_QUOTES_S is "soon"; allowed: 1 to 3600'):
            self.shop(KEPT_QUOTES_S="soon")
        with self.assertRaisesRegex(AssertionError, r"REDIS_URL is no URL of a Redis \(host or port\)"):
            self.shop(REDIS_URL="redis://127.0.0.1:here")

    def test_an_order_at_one_instance_is_heard_at_all(self) -> None:
        redis = self.enterContext(Redis())
        one, other = self.listening(redis), self.listening(redis)
        streams = [self.follow(one), self.follow(other)]
        placed = order(one)
        wanted = {"event": "order", "id": str(placed.json()["id"]), "data": placed.body.decode()}
        for stream in streams:
            self.assertEqual(read_event(stream), wanted)
        key = str(uuid.uuid4())
        order(other, key)
        self.assertIn("idempotent-replayed", order(other, key).headers)
        last = order(one)
        ids = [int(read_event(streams[0])["id"]) for _ in range(2)]
        self.assertEqual(ids[-1], last.json()["id"], "a replay is no order")
        # Over a WebSocket too.
        with websockets.sync.client.connect(f"ws://127.0.0.1:{other.port}/feed/orders") as socket:
            told = order(one)
            self.assertEqual(socket.recv(timeout=PATIENCE_S), told.body.decode())
        # Whoever comes back, wherever, is told what has been meanwhile.
        again = self.follow(other, last_id=wanted["id"])
        self.assertEqual([int(read_event(again)["id"]) for _ in range(2)], ids)

    def test_orders_do_not_wait_for_redis(self) -> None:
        redis = self.enterContext(Redis())
        shop = self.listening(redis)
        stream = self.follow(shop)
        redis.stop()
        self.assertEqual(order(shop).status, 201)
        wait_until(lambda: metric(shop, 'assay_bulletin_unsaid_total{bulletin="orders"}') == 1, "it was dropped")
        self.assertEqual(get(shop, "/health/ready").status, 200)
        redis.start()
        self.assertEqual(read_event(stream)["event"], "gap")
        placed = order(shop)
        self.assertEqual(read_event(stream)["id"], str(placed.json()["id"]))

    def test_a_quote_that_is_kept_outlives_the_third_party(self) -> None:
        shop = self.shop(KEPT_QUOTES_S="1")
        kept = get(shop, "/items/7/price")
        self.assertEqual(kept.status, 200)
        self.quotes.away = True
        wait_until(lambda: metric(shop, 'assay_cache_entries{client="third_party"}') == 1, "it is kept")
        wait_until(lambda: get(shop, "/items/8/price").status == 502, "the third party is away")

        def is_stale() -> bool:
            self.assertEqual(get(shop, "/items/7/price").body, kept.body)
            return bool(metric(shop, 'assay_cache_stale_total{client="third_party"}'))

        wait_until(is_stale, "beyond its second it is given all the same, since there is no other")

    def test_what_is_not_kept_is_asked_for_each_time(self) -> None:
        shop = self.shop()
        self.assertEqual(get(shop, "/items/7/price").status, 200)
        self.assertEqual(get(shop, f"/items/{FAILING_FROM}/price").status, 502)
        self.quotes.away = True
        self.assertEqual(get(shop, "/items/7/price").status, 502)

    def test_a_rate_is_that_of_whoever_asks(self) -> None:
        shop = self.shop(RATE_LIMIT="1")
        answers = [get(shop, "/items/1", Authorization="one") for _ in range(20)]
        refused = [answer for answer in answers if answer.status == 429]
        self.assertEqual(answers[0].status, 200)
        self.assertEqual((refused[0].json(), refused[0].headers["retry-after"]), ({"error": "rate_limited"}, "1"))
        self.assertEqual(get(shop, "/items/1", Authorization="other").status, 200)

    def test_a_limit_is_found_out(self) -> None:
        shop = self.shop(ADAPTIVE_LIMIT="64")
        self.assertEqual(metric(shop, "assay_adaptive_limit"), 20, "to begin with")
        with self.assertRaisesRegex(AssertionError, "adaptive.initial_limit is 20; allowed: 4 to 8"):
            self.shop(ADAPTIVE_LIMIT="8")

    def test_an_answer_that_is_kept_is_given_without_the_database(self) -> None:
        shop = self.shop(KEPT_KEYS="10")
        key = str(uuid.uuid4())
        first = order(shop, key)
        again = order(shop, key)
        self.assertEqual((again.status, again.body), (201, first.body))
        self.assertEqual(again.headers["idempotent-replayed"], "true")
        replayed = 'assay_idempotency_requests_total{outcome="replayed"}'
        wait_until(lambda: metric(shop, replayed) == 1, "it is counted")
        self.assertEqual(metric(shop, 'assay_postgres_transactions_total{pool="shop"}'), 1)

    def test_of_two_third_parties_one_may_be_away(self) -> None:
        other = self.enterContext(ThirdParty())
        shop = self.enterContext(Candidate("cpp", self.database.url, f"{self.quotes.url},{other.url}"))
        self.quotes.away = True
        self.assertEqual({get(shop, f"/items/{n}/price").status for n in range(1, 41)}, {200})

    def test_its_live_tasks_are_shown_on_this_host(self) -> None:
        shop = self.shop()
        self.assertIn("loop 0: ", get(shop, "/debug/tasks").body.decode())
        passed_on = get(shop, "/debug/tasks", **{"X-Forwarded-For": "192.0.2.7"})
        self.assertEqual((passed_on.status, passed_on.json()), (404, {"error": "not_found"}))


if __name__ == "__main__":
    unittest.main()

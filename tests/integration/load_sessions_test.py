"""`assay load --sessions`: users who log in, take what they are given, and order, against a server that minds."""

import http.server
import json
import pathlib
import re
import signal
import tempfile
import threading
import unittest
import urllib.request

import service
from load_support import USAGE, LoadTest

SHOP = """
scenarios:
- name: buy
  rate: 20
  values: {user: uuid}
  think: {constant: 20ms}
  steps:
  - route: POST /login
    body: '{{"user": "{user}"}}'
    extract: {cart: {json: cart.id}}
  - route: GET /carts/{cart}
    check: ['json:open=true']
    extract: {token: {between: ['token=', ';']}}
  - route: POST /orders
    headers: {x-token: '{token}'}
    body: '{{"cart": "{cart}"}}'
    expected: [201]
- name: look
  rate: 10
  steps:
  - route: GET /
"""


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    carts: dict[str, str] = {}  # of a session
    ordered: list[str] = []

    def _answer(self, status: int, body: str, cookie: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if cookie:
            self.send_header("Set-Cookie", f"sid={cookie}; Path=/; HttpOnly")
        self.end_headers()
        self.wfile.write(body.encode())

    def _cart(self) -> str | None:
        """That of the session which the cookie names."""
        return self.carts.get(self.headers.get("Cookie", "").removeprefix("sid="))

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200 if "Cookie" not in self.headers else 400, "welcome")
        elif self.path == f"/carts/{self._cart()}":
            self._answer(200, json.dumps({"open": True, "form": f"token=t{self._cart()};"}))
        else:
            self._answer(403, "whose?")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/login":
            with self.lock:
                cart = str(len(self.carts) + 1)
                self.carts["s" + body["user"]] = cart
            self._answer(200, json.dumps({"cart": {"id": int(cart)}}), cookie="s" + body["user"])
        elif body["cart"] == self._cart() and self.headers.get("x-token") == "t" + body["cart"]:
            self.ordered.append(body["cart"])
            self._answer(201, "")
        else:
            self._answer(403, "whose?")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class ShopServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # a SYN that is dropped comes again after a second only
    daemon_threads = True


class Sessions(LoadTest):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "shop.yaml"
        self.server = ShopServer(("127.0.0.1", 0), Shop)
        self.url = self.serve(self.server)
        Shop.carts.clear()
        Shop.ordered.clear()

    def write(self, text: str) -> str:
        self.file.write_text(text, encoding="utf-8")
        return str(self.file)

    def test_each_is_a_user_of_its_own(self) -> None:
        seconds = self.file.with_name("seconds.ndjson")
        document = self.assert_measured(
            self.load(self.url, "--sessions", self.write(SHOP), "-d", "3s", "--json", "--ndjson", str(seconds))
        )
        self.assertEqual(document["model"], "partly-open")
        self.assertEqual(document["errors"], {})
        buy, look = document["sessions"]
        self.assertEqual((buy["scenario"], buy["offered_sessions"], buy["started"]), ("buy", 60, 60))
        self.assertEqual(look["finished"], 30)
        self.assertEqual(buy["finished"] + buy["cut"], 60)
        self.assertGreater(buy["finished"], 10)
        self.assertEqual(len(set(Shop.ordered)), buy["finished"])
        rows = {row["route"]: row for row in document["routes"]}
        self.assertEqual(list(rows), ["buy/POST /login", "buy/GET /carts/{cart}", "buy/POST /orders", "look/GET /"])
        self.assertEqual(rows["buy/POST /login"]["requests"], 60)
        self.assertEqual(rows["buy/POST /orders"]["requests"], buy["finished"])
        self.assertGreater(buy["session_time_us"]["p50"], 40_000, "two pauses")
        self.assertEqual(document["offered_requests"], document["requests"])
        self.check_seconds([json.loads(line) for line in seconds.read_text(encoding="utf-8").splitlines()], document)

    def check_seconds(self, lines: list[dict], document: dict) -> None:
        self.assertEqual([line["at_s"] for line in lines], [0, 1, 2])
        self.assertEqual({line["length_s"] for line in lines}, {1})
        for key in ("offered_requests", "requests"):
            self.assertEqual(sum(line[key] for line in lines), document[key], "each request is in one second")
        for line in lines:
            self.assertGreaterEqual(line["offered_requests"], 30, "the sessions that begin in it")
            self.assertEqual(line["errors"], {})
            self.assertGreater(line["response_time_us"]["max"], 0)
        self.assertGreater(lines[-1]["generator"]["cpu_share"], 0)

    def test_rows_on_stdout_and_metrics(self) -> None:
        run = self.start("load", self.url, "--sessions", self.write(SHOP), "-d", "600s", "--ndjson", "-",
                         "--prometheus", "0")
        service.wait_until(lambda: "metrics at" in run.errors_so_far(), "the endpoint")
        url = re.search(r"http://127\.0\.0\.1:\d+/metrics", run.errors_so_far()).group()

        def value(name: str) -> float:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE).group(1))

        service.wait_until(lambda: value("assay_load_second_p99_seconds") > 0, "a second that is over")
        self.assertGreater(value("assay_load_responses_total"), 30)
        run.send_signal(signal.SIGINT)
        outcome = run.wait(10)
        self.assertEqual(outcome.code, 128 + signal.SIGINT)
        self.assertEqual(json.loads(outcome.out.splitlines()[0])["at_s"], 0)
        self.assertRegex(outcome.err, r"\n(VALID|INVALID)")

    def test_stages_of_their_own(self) -> None:
        text = SHOP.replace("  rate: 10\n", "  stages: ['2x(500ms@10*4, 500ms@10)']\n")
        outcome = self.load(self.url, "--sessions", self.write(text), "--json", "--slo", "max[stage 2]<10s")
        document = self.assert_measured(outcome)
        self.assertEqual([each["offered_sessions"] for each in document["sessions"]], [40, 50])
        self.assertEqual([each["shape"] for each in document["stages"]], ["30*2/s", "30/s"] * 2)
        self.assertEqual(sum(each["offered_requests"] for each in document["stages"]), document["offered_requests"])

    def test_without_cookies_nobody_is_known(self) -> None:
        text = SHOP.replace("  rate: 20\n", "  rate: 20\n  cookies: false\n")
        document = self.assert_measured(self.load(self.url, "--sessions", self.write(text), "-d", "500ms", "--json"))
        buy = document["sessions"][0]
        self.assertEqual(buy["abandoned"] + buy["cut"], 10)
        self.assertEqual(document["errors"], {"status_4xx": buy["abandoned"]})
        self.assertEqual(Shop.ordered, [])

    def test_what_is_not_found_ends_the_session(self) -> None:
        text = SHOP.replace("json: cart.id", "json: cart.number")
        document = self.assert_measured(self.load(self.url, "--sessions", self.write(text), "-d", "500ms", "--json"))
        self.assertEqual(document["errors"], {"check_extract": 10})
        self.assertEqual(document["sessions"][0]["abandoned"], 10)

    def test_the_summary_is_short(self) -> None:
        slo = "p99[look/GET /]<10s,max[look/GET /]<10s every 250ms"
        outcome = self.load(self.url, "--sessions", self.write(SHOP), "-d", "500ms", "--slo", slo)
        self.assertEqual(outcome.err, "")
        self.assertIn("4 requests to " + self.url, outcome.out)
        self.assertIn("partly-open model (sessions open, requests inside closed)", outcome.out)
        self.assertRegex(outcome.out, r"\n  sessions +offered +started +finished +abandoned +cut +p50 +max\n  buy +10 ")
        self.assertLessEqual(len(outcome.out.splitlines()), 24, "a terminal has no more")

    def test_the_spectrum_and_hdr_files(self) -> None:
        files = [self.file.with_name(name) for name in ("shop.hgrm", "shop.hlog")]
        said = self.load(self.url, "--sessions", self.write(SHOP), "-d", "500ms", "--latency", "--hdr", str(files[0]),
                         "--hdr", str(files[1])).out  # fmt: skip
        self.assertIn("\n  response time: detailed percentile spectrum\n", said)
        for scenario in ("buy", "look"):
            self.assertRegex(said, rf"\n  arrivals of {scenario}: .* gaps differ from constant ones")
        answers = int(re.search(r"(\d+) responses in", said).group(1))
        self.assertRegex(files[0].read_text(encoding="utf-8"), rf"Total count    = +{answers}\]")
        last = files[1].read_text(encoding="utf-8").splitlines()[-2:]
        self.assertEqual([line.partition(",")[0] for line in last], ["Tag=service_time", "Tag=send_lag"])

    def test_a_connection_may_carry_so_many_requests(self) -> None:
        document = self.assert_measured(
            self.load(self.url + "/", "-R", "100", "-d", "500ms", "-c", "1", "--per-connection", "10", "--json")
        )
        self.assertEqual((document["requests"], document["connects"]), (50, 5))

    def test_what_cannot_be_run(self) -> None:
        good = self.write(SHOP)
        typo = str(self.file.with_name("typo.yaml"))
        pathlib.Path(typo).write_text(SHOP.replace("extract: {cart", "extrakt: {cart"), encoding="utf-8")
        unbound = str(self.file.with_name("unbound.yaml"))
        pathlib.Path(unbound).write_text(SHOP.replace("{token: {bet", "{tok: {bet"), encoding="utf-8")
        staged, wrong_stage = (str(self.file.with_name(f"{name}.yaml")) for name in ("staged", "wrong_stage"))
        one = "scenarios:\n- steps: [{route: GET /}]\n  name: s\n  stages: "
        pathlib.Path(staged).write_text(one + "[5s@1]\n", encoding="utf-8")
        pathlib.Path(wrong_stage).write_text(one + "[5s@1, 5s]\n", encoding="utf-8")
        for arguments, words in (
            (("--sessions", typo), ["typo.yaml:10:5: unknown key \"extrakt\"", "did you mean \"extract\"?"]),
            (("--sessions", unbound), ["unbound.yaml:14:5: {token}: expected a value for it"]),
            (("--sessions", good, "-R", "5"), ["a rate in the file, and one typed"]),
            (("--sessions", good, "-t", "2"), ["-t"]),
            (("--sessions", good, "--ndjson", "-", "--json"), ["--json and --ndjson -: stdout is for one of them"]),
            (("--sessions", good, "--ndjson", "x", "-d", "5h"), ["at most 4 h where seconds are kept of sessions"]),
            (("--sessions", good, "--requests", good), ["--requests"]),
            (("--sessions", staged, "-d", "5s"), ["duration -d: expected none"]),
            (("--sessions", staged, "--stage", "5s@1"), ["a rate in the file, and one typed"]),
            (("--sessions", wrong_stage), ["wrong_stage.yaml:2:3: stages[1]: \"5s\": expected LENGTH@RATE"]),
            (("--sessions", "/none/at.yaml"), ["/none/at.yaml"]),
            (("--per-connection", "0"), ["--per-connection"]),
        ):
            with self.subTest(arguments=arguments):
                self.assert_refused(self.load(self.url, *arguments), USAGE, *words)


if __name__ == "__main__":
    unittest.main()

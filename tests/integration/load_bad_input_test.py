"""`assay load` against everything that is wrong with arguments, networks and servers.

What it promises: one clear line or a counted kind of error each; never a hang, never a crash.
"""

import concurrent.futures
import socket
import unittest

import bad_server
from bad_server import BadServer
from load_support import COULD_NOT_RUN, USAGE, LoadTest, Outcome, fill_backlog

MODELS = {"closed": (), "open": ("-R", "50")}
BACKENDS = ("io_uring", "epoll")
LENGTH_S, TIMEOUT_S, SLACK_S = 0.5, 1.0, 3.0
MOST_RSS_BYTES = 200_000_000
OFFERED = 25  # of the open model: 50 a second for half a second

# What each kind of server is counted as. An empty set: its answers are answers, and no error.
PROTOCOL = {"protocol"}
CLOSED = {"closed"}
NOTHING: set[str] = set()
EXPECTED: dict[str, set[str]] = {
    **dict.fromkeys(
        [
            *("garbage", "status_99", "status_1000", "status_abc", "status_negative", "no_status"),
            *("http_2_version", "http_0_9", "http_2_preface", "http_2_settings", "tls_alert", "echo_of_a_request"),
            *("switching_protocols", "two_lengths", "length_and_chunked", "signed_length", "negative_length"),
            *("huge_length", "hex_length", "unknown_coding", "bare_lf", "bare_cr", "nul_in_field", "obs_fold"),
            *("no_colon", "space_before_colon", "empty_name", "seventy_fields", "field_of_100_kb"),
            *("bad_chunk_size", "negative_chunk_size", "huge_chunk_size", "chunk_overrun", "endless_chunk_line"),
            *("chunk_with_bare_lf", "forbidden_trailer_line", "extra_bytes", "two_answers", "body_to_no_content"),
            *("interim_flood", "endless_head", "endless_trailers"),
        ],
        PROTOCOL,
    ),
    **dict.fromkeys(
        [
            *("closes_without_answer", "closes_in_start_line", "closes_in_head", "closes_in_body", "closes_in_chunk"),
            *("closes_before_last_chunk", "closes_after_interim"),
        ],
        CLOSED,
    ),
    **dict.fromkeys(
        [
            *("early_hints_first", "gzip_garbage", "gzip_bomb", "closes_after_each", "closes_as_said"),
            *("ends_by_close", "http_1_0"),
        ],
        NOTHING,
    ),
    # In the open model arrivals queue up behind the connections that wait, and the drain ends before their turn.
    **dict.fromkeys(
        [
            *("body_missing", "half_a_head", "never_answers", "endless_body", "endless_chunks"),
            *("one_byte_per_100_ms",),
        ],
        {"timed_out", "undrained", "unsent"},
    ),
    "not_found": {"status_4xx"},
    "overloaded": {"status_5xx"},
    "closes_at_once": {"closed", "reset"},
    "resets_at_once": {"reset"},
    "resets_in_body": {"reset"},
    # Answers that come when nothing was asked are seen when they meet another answer, which is a matter of luck.
    "answers_before_the_request": {"protocol", "closed", "reset"},
    "second_answer_late": {"protocol", "closed", "reset"},
}
LUCK = {"answers_before_the_request", "second_answer_late"}


class BadArguments(LoadTest):
    URL = "http://127.0.0.1:1/"

    def test_one_line_that_names_the_value_and_what_was_expected(self) -> None:
        cases = [
            ((), ["url is required", "--help"]),
            (("",), ["http://HOST"]),
            (("ftp://host/",), ["ftp://host/", "http://HOST"]),
            (("http://",), ["http://HOST"]),
            (("http://:80/",), ["http://HOST"]),
            (("http://user@host/",), ["http://HOST"]),
            (("https://host/",), ["https is not supported"]),
            (("http://127.0.0.1:0/",), ["port from 1 to 65535"]),
            (("http://127.0.0.1:65536/",), ["port from 1 to 65535"]),
            (("http://127.0.0.1:http/",), ["port from 1 to 65535"]),
            (("http://[::1/",), ["]"]),
            (("http://127.0.0.1/a b",), ["%XX"]),
            (("http://127.0.0.1/a\nX: b",), ["%XX"]),
            (("http://ho\r\nst/",), ["%XX"]),
            (("http://127.0.0.1/#\udcff",), ["%XX"]),
            ((self.URL, "-R", "-5"), ["-R -5", "more than 0"]),
            ((self.URL, "-R", "0"), ["-R 0", "more than 0"]),
            ((self.URL, "-R", "nan"), ["more than 0"]),
            ((self.URL, "-R", "inf"), ["at most 10000000"]),
            ((self.URL, "-R", "1e300"), ["at most 10000000"]),
            ((self.URL, "-R", "fast"), ['"fast"', "a number"]),
            ((self.URL, "-R", ""), ['""', "a number"]),
            ((self.URL, "-R", "10/s"), ["a number"]),
            ((self.URL, "-d", "-1s"), ["duration"]),
            ((self.URL, "-d", "0s"), ["duration", "more than 0"]),
            ((self.URL, "-d", "10 parsecs"), ["30s"]),
            ((self.URL, "-d", "5\ns"), ["30s"]),
            ((self.URL, "-d", "1e12h"), ["30s"]),
            ((self.URL, "-d", "8760h"), ["7 days"]),
            ((self.URL, "-d"), ["--duration"]),
            ((self.URL, "--timeout", "0s"), ["--timeout", "more than 0"]),
            ((self.URL, "-c", "0"), ["-c", "1 to"]),
            ((self.URL, "-c", "-5"), ["--connections", "-5"]),
            ((self.URL, "-c", "many"), ["--connections", "many"]),
            ((self.URL, "-c", "99999999999999999999"), ["--connections"]),
            ((self.URL, "-t", "0"), ["-t", "1 to"]),
            ((self.URL, "-t", "5", "-c", "4"), ["-t 5", "-c 4"]),
            ((self.URL, "-m", "GET /x HTTP/1.1"), ["method"]),
            ((self.URL, "-H", "no colon"), ["Name: value"]),
            ((self.URL, "-H", "X: a\r\nY: b"), ["header"]),
            ((self.URL, "-H", "Content-Length: 5"), ["Content-Length"]),
            ((self.URL, "-b", "@/no/such/file"), ["/no/such/file"]),
            ((self.URL, "-b", "@/"), ["@/", "cannot read"]),
            ((self.URL, "--arrivals", "bursty"), ["bursty", "poisson"]),
            ((self.URL, "--arrivals", "poisson"), ["--arrivals", "-R or --stage"]),
            (("--crossover", self.URL, self.URL, "--arrivals", "poisson"), ["--arrivals", "--crossover"]),
            ((self.URL, "--io", "dpdk"), ["dpdk", "epoll"]),
            ((self.URL, "--seed", "-1"), ["--seed"]),
            ((self.URL, "http://other/"), ["unknown argument", "http://other/"]),
            ((self.URL, "--stage", "10s@100*"), ["--stage", "30s@100*10"]),
            ((self.URL, "--stage", "10s@100*0.5"), ["more than 1 time"]),
            ((self.URL, "--stage", "5x(10s@100, 10s)"), ["--stage", '"10s" in it', "LENGTH@RATE"]),
            ((self.URL, "--stage", "33x(1s@1, 1s@2)"), ["--stage", "33 times 2 stages", "at most 64"]),
            ((self.URL, "--stage", "33x(1s@1)", "--stage", "33x(1s@1)"), ["--stage", "66 stages", "at most 64"]),
            ((self.URL, "--json", "--ndjson", "-"), ["stdout is for one of them"]),
            ((self.URL, "--stage", "25h@1", "--stage", "1s@1*2"), ["at most 24 h together where there is a burst"]),
            ((self.URL, "--prometheus", "70000"), ["--prometheus"]),
            ((self.URL, "--check", "body=x"), ['"body=x"', "body~PART"]),
            ((self.URL, "--feed", "id"), ['"id"', "NAME=SOURCE"]),
            ((self.URL, "--feed", "id=/no/such.csv"), ["--feed id", "/no/such.csv"]),
            ((self.URL, "--feed", "id=seq"), ["no request carries {id}"]),
            ((self.URL + "{id}", "--feed", "id=seq", "--feed", "id=uuid"), ["has one already"]),
        ]
        self.assert_all_refused(cases)

    def test_requests_from_elsewhere(self) -> None:
        cases = [
            (("--curl", "curl --proxy x http://a/"), ["curl's --proxy is not supported"]),
            (("--curl", "curl https://127.0.0.1/"), ["https is not supported"]),
            (("--curl", "/no/such"), ["begins with curl", "/no/such"]),
            (("--curl", "curl http://a/", "-m", "PUT"), ["--curl", "--method"]),
            ((self.URL, "--har", "/no/such.har"), ["--har", "/no/such.har"]),
            ((self.URL, "--requests", "/no/such.yaml"), ["--requests", "/no/such.yaml"]),
            ((self.URL + "path", "--curl", "curl http://a/"), ["the requests bring the path"]),
        ]
        self.assert_all_refused(cases)

    def assert_all_refused(self, cases: list[tuple[tuple[str, ...], list[str]]]) -> None:
        for arguments, words in cases:
            with self.subTest(arguments=arguments):
                self.assert_refused(self.start("load", *arguments).wait(10), USAGE, *words)

    def test_unknown_words_suggest_the_right_one(self) -> None:
        cases = {
            "--rat": "--rate",
            "--jsn": "--json",
            "--conections": "--connections",
            "--latencies": "--latency",
            "--time-out": "--timeout",
        }
        for typed, meant in cases.items():
            with self.subTest(typed=typed):
                outcome = self.load(self.URL, typed)
                self.assert_refused(outcome, USAGE, f"unknown argument {typed}", f"did you mean {meant}?")
        self.assert_refused(self.start("laod").wait(10), USAGE, "laod", "did you mean load?")
        self.assert_refused(self.start().wait(10), USAGE, "expected a command")
        self.assert_refused(self.load(self.URL, "--zzzzzzzz\n"), USAGE, "see assay load --help")

    def test_more_connections_than_descriptors(self) -> None:
        outcome = self.load(self.URL, "-c", "1000", max_descriptors=100)
        self.assert_refused(outcome, USAGE, "-c 1000", "the limit of this process is 100", "ulimit -n 1024", "-c 76")
        outcome = self.load(self.URL, "-c", "1", max_descriptors=8)
        self.assert_refused(outcome, USAGE, "the limit of this process is 8", "ulimit -n")
        self.assertNotIn("-c 0", outcome.err)


class BadNetwork(LoadTest):
    def test_refused(self) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # and does not listen
            for backend in BACKENDS:
                outcome = self.load(f"http://127.0.0.1:{held.getsockname()[1]}/", "--io", backend, "--json")
                self.assert_refused(outcome, COULD_NOT_RUN, "cannot connect to 127.0.0.1", "refused")

    def test_unresolvable(self) -> None:
        # RFC 6761 section 6.4: "invalid" never resolves. How long the resolver thinks about it is its own affair.
        outcome = self.load("http://no-such-host.invalid/", limit_s=60)
        self.assert_refused(outcome, COULD_NOT_RUN, 'cannot resolve "no-such-host.invalid"')

    def test_a_port_that_takes_no_connection(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        for waiting in fill_backlog(port):
            self.addCleanup(waiting.close)
        outcome = self.load(f"http://127.0.0.1:{port}/", "-c", "4", "--timeout", "1s")
        self.assert_refused(outcome, COULD_NOT_RUN, "cannot connect", "timed_out")
        self.assertLess(outcome.elapsed_s, 1 + SLACK_S)

    def test_a_port_that_dies_half_way(self) -> None:
        for model, rate in {"closed": (), "open": ("-R", "500")}.items():
            with self.subTest(model=model):
                budget = bad_server.Budget(100)
                server = BadServer(bad_server.dies_half_way(budget))
                self.addCleanup(server.close)
                run = self.start("load", server.url, "-c", "4", "-d", "1s", "--timeout", "1s", "--json", *rate)
                self.assertTrue(budget.spent.wait(10))
                server.close()
                outcome = run.wait(1 + TIMEOUT_S + SLACK_S)
                document = self.assert_measured(outcome)
                # Each connection may have been given one answer more than the budget.
                self.assertIn(document["requests"], range(95, 105))
                self.assertGreater(document["errors"]["connect"], 0)
                self.assertLessEqual(document["errors"].keys(), {"connect", "closed", "reset"})

    def test_out_of_descriptors_in_the_middle_of_a_run_is_not_reached(self) -> None:
        """A server that makes it connect again and again must not cost a descriptor each time."""
        with BadServer("closes_as_said") as server:
            outcome = self.load(server.url, "-c", "4", "-d", "0.5s", "--json", max_descriptors=28)
        document = self.assert_measured(outcome)
        self.assertEqual(document["errors"], {})
        self.assertGreater(document["connects"], 28)


class BadStdout(LoadTest):
    def test_a_result_that_cannot_be_written_is_told(self) -> None:
        server = self.hello()
        outcome = self.load(server.url("/"), "-d", "100ms", redirect="> /dev/full")
        self.assert_refused(outcome, COULD_NOT_RUN, "cannot write the result", "No space left on device")


class BadServers(LoadTest):
    """Every kind of bad_server.py, in both models; the backends take turns."""

    def test_every_kind_has_an_expectation(self) -> None:
        self.assertEqual(EXPECTED.keys(), bad_server.KINDS.keys())

    def test_malformed_answers(self) -> None:
        runs = []
        with concurrent.futures.ThreadPoolExecutor(max_workers=4) as workers:
            for number, name in enumerate(bad_server.KINDS):
                for turn, model in enumerate(MODELS):
                    backend = BACKENDS[(number + turn) % 2]
                    runs.append((name, model, backend, workers.submit(self.attack, name, model, backend)))
        for name, model, backend, outcome in runs:
            with self.subTest(kind=name, model=model, backend=backend):
                self.check(outcome.result(), name, model)

    def attack(self, name: str, model: str, backend: str) -> Outcome:
        arguments = ["-c", "4", "-d", f"{LENGTH_S}s", "--timeout", f"{TIMEOUT_S}s", "--json", "--io", backend]
        with BadServer(name) as server:
            return self.load(server.url, *arguments, *MODELS[model])

    def check(self, outcome: Outcome, name: str, model: str) -> None:
        document = self.assert_measured(outcome)
        errors: dict[str, int] = document["errors"]
        expected = EXPECTED[name]
        self.assertLess(outcome.elapsed_s, LENGTH_S + TIMEOUT_S + SLACK_S)
        self.assertLess(outcome.max_rss_bytes, MOST_RSS_BYTES)
        self.assertLessEqual(errors.keys(), expected)
        answered = expected in (NOTHING, {"status_4xx"}, {"status_5xx"}) or name in LUCK
        self.assertEqual(document["requests"] > 0, answered)
        if expected and name not in LUCK:
            self.assertGreater(sum(errors.values()), 0)
        if "timed_out" in expected:
            self.assertGreaterEqual(errors["timed_out"], 4, "each connection meets its timeout")
        if model == "open":
            unanswered = sum(count for kind, count in errors.items() if not kind.startswith("status_"))
            self.assertEqual(document["offered_requests"], OFFERED)
            self.assertEqual(document["requests"] + unanswered, OFFERED, "every arrival is answered or counted")
        self.assertLess(document["generator"]["little_residual"], 0.01)


if __name__ == "__main__":
    unittest.main()

"""`assay capacity` on servers of known capacity: one queue, so the inverse of the time that a request takes."""

import functools
import pathlib
import signal
import tempfile
import unittest
from typing import Any

import service
from load_support import COULD_NOT_RUN, OK, USAGE, LoadTest, Outcome, Run


class Capacity(LoadTest):
    def serve(self, what: str, kind: str = "--serial") -> str:
        port = service.free_port()
        server = Run([service.program("ASSAY_LATENCY_SERVER"), "--port", str(port), kind, what])
        self.addCleanup(server.kill)
        service.wait_until(lambda: service.connects(port), "a listening latency_server")
        return f"http://127.0.0.1:{port}/"

    def capacity(self, url: str, *arguments: str) -> Outcome:
        return self.start("capacity", url, *arguments).wait(120)

    def test_the_interval_is_about_the_capacity(self) -> None:
        url = self.serve("5ms:0")  # 200 requests per second
        options = ("-d", "500ms", "--precision", "25%", "--curve", "3", "--json")
        outcome = self.capacity(url, "--slo", "p90<50ms,errors<1%", *options)
        self.assertEqual(outcome.code, OK, outcome.err)
        document = outcome.document()
        self.assertEqual(document["outcome"], "found")
        # A queue that grows by a twentieth needs most of the run to reach 50 ms: short runs keep a little more.
        self.assertLess(document["low_rps"], 240)
        self.assertGreater(document["high_rps"], 180)
        self.assertLessEqual(document["high_rps"], 1.25 * document["low_rps"] * 1.001)
        self.assertEqual(len(document["runs"]) + len(document["curve"]), len(outcome.err.splitlines()), "a line a run")
        kept = [run["rate_rps"] for run in document["runs"] if run["kept"]]
        broken = [run["rate_rps"] for run in document["runs"] if not run["kept"] and run["verdict"] == "VALID"]
        self.assertLess(min(kept), min(broken))
        self.check_curve(document)

    def check_curve(self, document: dict[str, Any]) -> None:
        capacity = document["capacity_rps"]
        self.assertEqual([round(run["rate_rps"] / capacity, 6) for run in document["curve"]], [0.5, 1.25, 2.0])
        self.assertEqual(document["slo_time_us"], 50_000)
        below, _, beyond = document["curve"]
        if below["verdict"] == beyond["verdict"] == "VALID":
            # One queue: beyond the capacity each waits longer than the one before, and nearly all too long.
            self.assertGreater(below["in_slo_rps"], 0.4 * capacity)
            self.assertLess(beyond["in_slo_rps"], below["in_slo_rps"])
            self.assertEqual(document["overload"]["goodput"], "collapses")
            self.assertGreater(document["overload"]["answered_share"], document["overload"]["in_slo_share"])
        recovery = document["recovery"]
        self.assertAlmostEqual(recovery["overload_rps"], 2 * capacity)
        self.assertAlmostEqual(recovery["at_rps"], 0.8 * capacity)
        self.assertEqual(recovery["back_until_s"] is None, recovery["why_not"] is not None)

    def test_a_rate_that_nobody_keeps(self) -> None:
        outcome = self.capacity(self.serve("2ms:0"), "--slo", "max<1ms", "-d", "200ms", "--from", "4")
        self.assertEqual(outcome.code, 1, outcome.err)
        self.assertTrue(outcome.out.startswith("capacity below 1 req/s: not even that was kept\n"), outcome.out)

    def test_a_rate_that_everybody_keeps(self) -> None:
        url = self.serve("2ms:0")
        outcome = self.capacity(url, "--slo", "errors<50%", "-d", "200ms", "--from", "20", "--most", "100")
        self.assertEqual(outcome.code, OK, outcome.err)
        self.assertTrue(outcome.out.startswith("capacity at least 100 req/s"), outcome.out)

    def test_too_few_connections_are_not_the_capacity_of_the_service(self) -> None:
        url = self.serve("200ms", "--fixed")  # any number at a time: 64 connections carry 320 requests per second
        search = ("--from", "400", "--most", "800", "--precision", "50%", "--runs", "8", "-d", "500ms", "--no-curve")
        options = ("--slo", "p90<250ms", *search, "--json")
        found = self.capacity(url, *options).document()
        told = [reason for run in found["runs"] for reason in run["reasons"]]
        self.assertIn("all 64 connections were busy: made again with 128", told)
        self.assertGreater(found["connections"], 64)
        self.assertIs(found["bound_by_connections"], False)
        self.assertEqual(found["outcome"], "above_most", told)
        bound = self.capacity(url, *options, "-c", "64").document()
        self.assertEqual((bound["connections"], bound["bound_by_connections"]), (64, True))
        self.assertIn(bound["outcome"], ("found", "wide"))
        self.assertLess(bound["low_rps"], 500)  # short runs keep a little more than 320

    def test_of_several_requests_with_an_objective_of_one(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        requests = pathlib.Path(folder, "requests.jsonl")
        requests.write_text('{"route": "GET /a", "weight": 9}\n{"route": "GET /b"}\n')
        search = ("--from", "20", "--most", "100", "-d", "500ms", "--runs", "8", "--curve", "2", "--json")
        outcome = self.capacity(self.serve("2ms:0"), "--requests", str(requests), "--slo", "p50[GET /b]<1s", *search)
        self.assertEqual(outcome.code, OK, outcome.err)
        document = outcome.document()
        self.assertEqual((document["outcome"], document["slo"]), ("above_most", "p50[GET /b]<1s"))
        first = document["runs"][0]
        self.assertEqual(first["gates"][0]["gate"], "p50[GET /b]<1s")
        self.assertRegex(first["gates"][0]["measured"], r"^[\d.]+(us|ms|s)$", "enough of the tenth that is /b")

    def test_it_can_be_ended_early(self) -> None:
        endless = ("--runs", "1000", "--precision", "0.1%")
        run = self.start("capacity", self.serve("2ms:0"), "--slo", "p90<50ms", "-d", "300ms", *endless)
        service.wait_until(lambda: run.errors_so_far().count("kept, ") >= 2, "two runs that count")
        run.send_signal(signal.SIGINT)
        outcome = run.wait(20)
        self.assertEqual(outcome.code, 128 + signal.SIGINT, outcome.err)
        self.assertIn("(interrupted)", outcome.out)

    def test_where_one_service_overtakes_another(self) -> None:
        # One after the other, 5 ms each, and all at once, 8 ms each: 200 and 125 a second alone, 200 and 500 of four.
        first, second = self.serve("5ms:0"), self.serve("8ms", "--fixed")
        options = ("-c", "4", "--repeats", "3", "-d", "300ms", "--json")
        outcome = self.start("load", "--crossover", first, second, *options).wait(60)
        self.assertEqual(outcome.code, OK, outcome.err)
        document = outcome.document()
        self.assertEqual([level["connections"] for level in document["levels"]], [1, 2, 4])
        self.assertEqual(len(outcome.err.splitlines()), 1 + 3 * 3 * 2, "how long, and a line a run")
        alone, _, four = document["levels"]
        for level, expected in ((alone, 125 / 200), (four, 500 / 200)):
            if level["a"]["invalid_runs"] + level["b"]["invalid_runs"] == 0:
                self.assertAlmostEqual(level["throughput_b_over_a"]["ratio"]["value"], expected, delta=0.3 * expected)
        if document["outcome"] == "crosses":
            self.assertGreater(document["better_from_connections"], 1)

    def test_bad_crossovers(self) -> None:
        url = "http://127.0.0.1:1/"
        load = functools.partial(self.load, "--crossover", url)
        self.assert_refused(load(url, "--repeats", "1"), USAGE, "--repeats")
        self.assert_refused(load("ftp://x/"), USAGE, "http://")
        self.assert_refused(load(url, "-R", "100"), USAGE, "--rate")
        self.assert_refused(self.load(url, "--repeats", "3"), USAGE, "--crossover")
        refused = load(url, "-d", "100ms")
        self.assertEqual(refused.code, COULD_NOT_RUN, refused.err)
        self.assertIn("127.0.0.1:1", refused.err)

    def test_bad_input(self) -> None:
        url = "http://127.0.0.1:1/"
        self.assert_refused(self.capacity(url, "--slo", "p99"), USAGE, "expected a gate such as")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s,back<9s"), USAGE, "--slo back", "assay load --stage")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s,rate>950"), USAGE, "--slo rate", "--from")
        self.assert_refused(self.capacity(url, "--slo", "p99.99<1s"), USAGE, "--slo p99.99<1s", "--from 2")
        self.assert_refused(self.capacity(url), USAGE, "--slo")
        self.assert_refused(self.capacity(url, "--slo", "p99[GET /a]<1s"), USAGE, '--slo "p99[GET /a]<1s"', "GET /a")
        self.assert_refused(self.start("capacity", "--slo", "p99<1s").wait(20), USAGE, "url is required")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s", "--sessions", "a.yaml"), USAGE, "--sessions")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s", "--from", "nan"), USAGE, "--from nan")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s", "--precision", "0"), USAGE, "--precision")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s", "--runs", "2"), USAGE, "--runs")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s", "--curve", "1"), USAGE, "--curve")
        self.assert_refused(self.capacity("ftp://x/", "--slo", "p99<1s"), USAGE, "http://")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s"), COULD_NOT_RUN, "127.0.0.1:1")


if __name__ == "__main__":
    unittest.main()

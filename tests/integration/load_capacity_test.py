"""`assay capacity` on servers of known capacity: one queue, so the inverse of the time that a request takes."""

import signal
import unittest

import service
from load_support import COULD_NOT_RUN, OK, USAGE, LoadTest, Outcome, Run


class Capacity(LoadTest):
    def serve(self, what: str) -> str:
        port = service.free_port()
        server = Run([service.program("ASSAY_LATENCY_SERVER"), "--port", str(port), "--serial", what])
        self.addCleanup(server.kill)
        service.wait_until(lambda: service.connects(port), "a listening latency_server")
        return f"http://127.0.0.1:{port}/"

    def capacity(self, url: str, *arguments: str) -> Outcome:
        return self.start("capacity", url, *arguments).wait(120)

    def test_the_interval_is_about_the_capacity(self) -> None:
        url = self.serve("5ms:0")  # 200 requests per second
        outcome = self.capacity(url, "--slo", "p90<50ms,errors<1%", "-d", "500ms", "--precision", "25%", "--json")
        self.assertEqual(outcome.code, OK, outcome.err)
        document = outcome.document()
        self.assertEqual(document["outcome"], "found")
        # A queue that grows by a twentieth needs most of the run to reach 50 ms: short runs keep a little more.
        self.assertLess(document["low_rps"], 240)
        self.assertGreater(document["high_rps"], 180)
        self.assertLessEqual(document["high_rps"], 1.25 * document["low_rps"] * 1.001)
        self.assertEqual(len(document["runs"]), len(outcome.err.splitlines()), "a line a run")
        kept = [run["rate_rps"] for run in document["runs"] if run["kept"]]
        broken = [run["rate_rps"] for run in document["runs"] if not run["kept"] and run["verdict"] == "VALID"]
        self.assertLess(min(kept), min(broken))

    def test_a_rate_that_nobody_keeps(self) -> None:
        outcome = self.capacity(self.serve("2ms:0"), "--slo", "max<1ms", "-d", "200ms", "--from", "4")
        self.assertEqual(outcome.code, 1, outcome.err)
        self.assertTrue(outcome.out.startswith("capacity below 1 req/s: not even that was kept\n"), outcome.out)

    def test_a_rate_that_everybody_keeps(self) -> None:
        url = self.serve("2ms:0")
        outcome = self.capacity(url, "--slo", "errors<50%", "-d", "200ms", "--from", "20", "--most", "100")
        self.assertEqual(outcome.code, OK, outcome.err)
        self.assertTrue(outcome.out.startswith("capacity at least 100 req/s"), outcome.out)

    def test_it_can_be_ended_early(self) -> None:
        endless = ("--runs", "1000", "--precision", "0.1%")
        run = self.start("capacity", self.serve("2ms:0"), "--slo", "p90<50ms", "-d", "300ms", *endless)
        service.wait_until(lambda: run.errors_so_far().count("\n") >= 2, "two runs")
        run.send_signal(signal.SIGINT)
        outcome = run.wait(20)
        self.assertEqual(outcome.code, OK, outcome.err)
        self.assertIn("(interrupted)", outcome.out)

    def test_bad_input(self) -> None:
        url = "http://127.0.0.1:1/"
        self.assert_refused(self.capacity(url, "--slo", "p99"), USAGE, "expected a gate such as")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s,back<9s"), USAGE, "--slo back", "assay load --stage")
        self.assert_refused(self.capacity(url), USAGE, "--slo")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s", "--from", "nan"), USAGE, "--from nan")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s", "--precision", "0"), USAGE, "--precision")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s", "--runs", "2"), USAGE, "--runs")
        self.assert_refused(self.capacity("ftp://x/", "--slo", "p99<1s"), USAGE, "http://")
        self.assert_refused(self.capacity(url, "--slo", "p99<1s"), COULD_NOT_RUN, "127.0.0.1:1")


if __name__ == "__main__":
    unittest.main()

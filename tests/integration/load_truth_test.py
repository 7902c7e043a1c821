"""Does `assay load` tell the truth about servers whose behaviour is known? With bounds that a busy machine keeps.

How exactly it tells it is measured elsewhere, on a quiet machine: bench/README.md.
"""

import os
import signal
import time
import unittest

from load_support import USAGE, LoadTest, Run
import service
from service import wait_until


class Stopped(LoadTest):
    """A server that is stopped for 1.5 s under 1,000 requests a second. A generator that waits for answers before it
    sends again would report some 16 slow requests; the 1,500 that were due meanwhile are what users would have met."""

    STOP_S = 1.5

    def test_a_stop_is_in_the_percentiles(self) -> None:
        server = self.hello()
        run = self.start("load", server.url("/"), "-R", "1000", "-d", "6s", "-c", "16", "--json")
        wait_until(lambda: self.cpu_ticks(server) >= 1, "work of the server")
        os.kill(server.process.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            wait_until(lambda: time.monotonic() - stopped >= self.STOP_S, "the end of the stop")
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        stopped_s = time.monotonic() - stopped
        document = self.assert_measured(run.wait(20))

        response, closed_view = document["response_time_us"], document["service_time_us"]
        self.assertGreater(response["max"], (stopped_s - 0.1) * 1e6)
        self.assertLess(response["max"], (stopped_s + 0.7) * 1e6)
        self.assertGreater(response["p99"], 1.2e6)
        self.assertLess(closed_view["p50"], 20_000)
        # Coordinated omission: at most the 16 requests in flight were slow by this view, 0.3 % of all.
        self.assertLess(closed_view["p99"], response["p99"] / 4)
        self.assertGreater(closed_view["max"], (stopped_s - 0.1) * 1e6)
        # And the load was offered all the same, and answered in the end.
        self.assertEqual(document["offered_requests"], 6000)
        self.assertEqual(document["requests"], 6000)
        self.assertEqual(document["errors"], {})
        self.assertAlmostEqual(document["achieved_rps"], 1000, delta=50)

    @staticmethod
    def cpu_ticks(server: service.Service) -> int:
        """User and system time of the server so far, in ticks of 10 ms."""
        with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


class KnownLatency(LoadTest):
    DELAY_US = 20_000
    SLACK_US = 10_000  # the server needs a CPU of its own for its delay, which others may want too

    def test_a_fixed_delay(self) -> None:
        port = service.free_port()
        command = [service.program("ASSAY_LATENCY_SERVER"), "--port", str(port), "--fixed", "20ms"]
        server = Run(command)
        self.addCleanup(server.kill)
        wait_until(lambda: service.connects(port), "a listening latency_server")
        for rate in ((), ("-R", "200")):
            with self.subTest(rate=rate):
                outcome = self.load(f"http://127.0.0.1:{port}/", "-c", "16", "-d", "2s", "--json", *rate)
                document = self.assert_measured(outcome)
                self.assertEqual(document["errors"], {})
                for time_us in (document["service_time_us"], document["response_time_us"]):
                    if time_us["count"] > 0:
                        self.assertGreaterEqual(time_us["p50"], self.DELAY_US)
                        self.assertLess(time_us["p50"], self.DELAY_US + self.SLACK_US)


class Arrivals(LoadTest):
    def offered(self, url: str, *arguments: str) -> int:
        document = self.assert_measured(self.load(url, "-d", "1s", "-c", "8", "--json", *arguments))
        self.assertEqual(document["requests"], document["offered_requests"])
        return document["offered_requests"]

    def test_a_seed_repeats_the_arrivals(self) -> None:
        url = self.hello().url("/")
        poisson = ("-R", "200", "--arrivals", "poisson", "--seed")
        by_seed = {seed: self.offered(url, *poisson, seed) for seed in ("1", "2", "3")}
        for seed, offered in by_seed.items():
            self.assertEqual(self.offered(url, *poisson, seed), offered)
            # Mean 200, standard deviation 14: five of them.
            self.assertAlmostEqual(offered, 200, delta=71)
        self.assertGreater(len(set(by_seed.values())), 1, "three seeds, three sequences")

    def test_constant_arrivals_are_as_many_as_asked_for(self) -> None:
        url = self.hello().url("/")
        self.assertEqual(self.offered(url, "-R", "300"), 300)
        self.assertEqual(self.offered(url, "-R", "300", "-t", "3"), 300)

    def test_arrivals_of_a_tick_come_together_and_none_is_lost(self) -> None:
        url = self.hello().url("/")
        document = self.start("load", url, "-R", "2000", "--tick", "2ms", "-d", "500ms", "--json").wait(20).document()
        self.assertEqual((document["tick_us"], document["offered_requests"]), (2000, 1000))
        self.assertEqual(document["arrivals_seen"]["spans"], 250, "of a tick each")
        text = self.load(url, "-d", "200ms", "-R", "500", "--tick", "2ms").out
        self.assertIn(", constant arrivals in ticks of 2.00ms, seed 1\n", text)
        self.assert_refused(self.load(url, "--tick", "1ms"), USAGE, "--tick: expected a rate with it")
        self.assert_refused(self.load(url, "-R", "5", "--tick", "1s"), USAGE, "from 10us to 100ms")
        self.assert_refused(self.load(url, "-R", "5", "--tick", "fast"), USAGE, '--tick "fast"')


if __name__ == "__main__":
    unittest.main()

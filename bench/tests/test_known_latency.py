"""The expectations of `known-latency` against a simulation of the server they describe."""

import math
import unittest

from lib.known_latency import disagreement, expected_stop_us, freeze_quantile_us, judge_shift, known_servers


def simulate(rate_rps: float, run_s: float, service_s: float, stops: list[tuple[float, float]]) -> list[float]:
    """Sorted response times of one first-come, first-served server with constant arrivals and service times,
    which does nothing during the stops (from, to)."""
    times, free_s = [], 0.0
    for number in range(round(rate_rps * run_s)):
        due_s = number / rate_rps
        begin_s = max(due_s, free_s)
        for since_s, until_s in stops:
            if since_s <= begin_s < until_s:
                begin_s = until_s
        free_s = begin_s + service_s
        times.append(free_s - due_s)
    return sorted(times)


def nearest_rank_us(ordered_s: list[float], quantile: float) -> float:
    return ordered_s[math.ceil(quantile * len(ordered_s) - 1e-9) - 1] * 1e6


class Stop(unittest.TestCase):
    def test_formulas_agree_with_the_queue_at_any_utilisation(self) -> None:
        for utilisation in (0.001, 0.1, 0.5, 0.7):
            times = simulate(1000, 10, utilisation / 1000, [(4.0, 5.5)])
            expected = expected_stop_us(1.5, 10, utilisation)
            for name, quantile in (("max", 1.0), ("p99.9", 0.999), ("p99", 0.99)):
                # One request either way is 1 ms at this rate.
                self.assertAlmostEqual(nearest_rank_us(times, quantile), expected[name], delta=2000,
                                       msg=f"{name} at utilisation {utilisation}")

    def test_the_named_case(self) -> None:
        expected = expected_stop_us(1.5, 10, 0)
        self.assertAlmostEqual(expected["max"], 1_500_000)
        self.assertAlmostEqual(expected["p99.9"], 1_490_000)
        self.assertAlmostEqual(expected["p99"], 1_400_000)

    def test_refuses_where_the_line_does_not_reach(self) -> None:
        for stop_s, utilisation in ((0.05, 0), (1.5, 1), (1.5, -0.1)):
            with self.assertRaises(ValueError):
                expected_stop_us(stop_s, 10, utilisation)


class Freeze(unittest.TestCase):
    def test_quantiles_agree_with_the_queue(self) -> None:
        times = simulate(1000, 10, 1e-6, [(1.5, 1.8), (4.5, 4.8), (7.5, 7.8)])
        for quantile in (0.5, 0.9, 0.99):
            self.assertAlmostEqual(nearest_rank_us(times, quantile), freeze_quantile_us(quantile, 0.3, 3, 10),
                                   delta=1500)

    def test_a_run_that_ends_before_the_first_freeze_sees_none(self) -> None:
        self.assertEqual(freeze_quantile_us(0.99, 0.3, 3, 1), 0)


class Bars(unittest.TestCase):
    def test_tolerance_is_the_wider_of_both(self) -> None:
        self.assertEqual(disagreement(1150, 1000), 1)
        self.assertGreater(disagreement(1151, 1000), 1)
        self.assertEqual(disagreement(99_000, 100_000), 1)
        self.assertGreater(disagreement(98_999, 100_000), 1)

    def test_noise_of_both_signs_is_told_from_a_shift(self) -> None:
        noise = [-900.0, -400, -60, -20, 10, 30, 80, 350, 700, 1000]
        self.assertEqual(judge_shift([(5000 + each, 5000.0) for each in noise])[2], "INCONCLUSIVE")
        self.assertEqual(judge_shift([(5000 + each / 10, 5000.0) for each in noise])[2], "PASS")
        self.assertEqual(judge_shift([(6500 + each, 5000.0) for each in noise])[2], "FAIL")

    def test_configured_delays_of_the_known_servers(self) -> None:
        by_name = {server.options[0]: server.delay_us for server in known_servers(10)}
        self.assertAlmostEqual(by_name["--exponential"]["p99"], 23_025.85, delta=0.01)
        self.assertAlmostEqual(by_name["--freeze"]["p99"], 266_666.7, delta=0.1)
        self.assertEqual(by_name["--freeze"]["p90"], 0)


if __name__ == "__main__":
    unittest.main()

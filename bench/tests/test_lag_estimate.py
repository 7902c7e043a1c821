"""What lag-estimate calls agreement."""

import unittest

from lib.lag_estimate import judge, quantile_ms, tolerance_ms


def run_of(truth_ms: float, seen_ms: float) -> dict:
    return {"truth": {"p99": truth_ms}, "traced": {"p99": seen_ms}}


class Agreement(unittest.TestCase):
    def test_quantiles_are_of_nearest_rank(self) -> None:
        lags_ns = [number * 1_000_000 for number in range(1, 101)]
        self.assertEqual([quantile_ms(lags_ns, q) for q in (0.5, 0.9, 0.99, 1)], [50, 90, 99, 100])
        self.assertEqual(quantile_ms([7_000_000], 0.5), 7)

    def test_the_wider_of_share_and_floor_counts(self) -> None:
        self.assertEqual(tolerance_ms("traced", "p99", 5), 1)
        self.assertEqual(tolerance_ms("sampled", "p99", 5), 2)
        self.assertEqual(tolerance_ms("traced", "p99", 40), 4)
        self.assertEqual(tolerance_ms("traced", "p50", 40), 8)

    def test_the_median_run_decides_and_the_others_are_counted(self) -> None:
        judged = judge("traced", "p99", [run_of(40, 43.9), run_of(40, 41), run_of(40, 60)])
        self.assertTrue(judged["pass"])
        self.assertEqual(judged["within"], 2)
        self.assertAlmostEqual(judged["difference_ms"], 3.9)
        self.assertFalse(judge("traced", "p99", [run_of(40, 45), run_of(40, 41), run_of(40, 60)])["pass"])


if __name__ == "__main__":
    unittest.main()

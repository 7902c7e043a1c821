import unittest

from lib.view_noise import judge, times_of

DISTRIBUTION = """\
       Value     Percentile TotalCount 1/(1-Percentile)

       0.100 0.000000000000          1           1.00
       0.200 0.500000000000       5000           2.00
       0.300 0.900000000000       9000          10.00
       0.400 0.990625000000       9907         106.67
       0.500 0.999023437500       9991        1024.00
       0.600 1.000000000000      10000
#[Mean    =        0.210, StdDeviation   =        0.020]
#[Max     =        0.600, Total count    =        10000]
#[Buckets =           27, SubBuckets     =         2048]
"""


class Times(unittest.TestCase):
    def test_are_those_of_the_first_row_that_reaches_the_quantile(self) -> None:
        self.assertEqual(times_of(DISTRIBUTION), {"answers": 10_000, "mean": 0.21, "p50": 0.2, "p90": 0.3, "p99": 0.4,
                                                  "p99.9": 0.5})

    def test_of_another_file_are_an_error(self) -> None:
        with self.assertRaises(ValueError):
            times_of("no such thing\n")


class Judging(unittest.TestCase):
    equal = [1.02, 0.98, 1.01, 0.99, 1.03, 0.97] * 3

    def test_an_effect_within_the_spread_of_equal_runs_passes(self) -> None:
        self.assertEqual(judge([1.001, 0.999, 1.002] * 6, self.equal).outcome, "PASS")

    def test_one_beyond_it_fails(self) -> None:
        self.assertEqual(judge([1.101, 1.099, 1.102] * 6, self.equal).outcome, "FAIL")
        self.assertEqual(judge([0.901, 0.899, 0.902] * 6, self.equal).outcome, "FAIL")

    def test_what_is_not_known_well_enough_does_not_pass(self) -> None:
        self.assertEqual(judge([1.3, 0.7, 1.2, 0.8] * 4, self.equal).outcome, "INCONCLUSIVE")

    def test_the_spread_is_that_of_single_pairs(self) -> None:
        self.assertAlmostEqual(judge([1.0] * 18, self.equal).spread, 1.046, delta=0.003)


if __name__ == "__main__":
    unittest.main()

import math
import unittest

from lib.stats import incomplete_beta, student_cdf, student_quantile, summarise_differences, summarise_ratios


class Differences(unittest.TestCase):
    def test_the_interval_has_the_tabulated_ranks(self) -> None:
        # Hollander, Wolfe and Chicken (2014), table A.4: n = 10 leaves out 8 Walsh averages at each end.
        differences = [float(2**each) for each in range(10)]
        walsh = sorted((a + b) / 2 for i, a in enumerate(differences) for b in differences[i:])
        summary = summarise_differences(differences)
        self.assertEqual((summary.low, summary.high), (walsh[8], walsh[-9]))

    def test_noise_around_a_shift(self) -> None:
        summary = summarise_differences([7.0, 8, 9, 10, 11, 12, 13])
        self.assertEqual(summary.estimate, 10)
        self.assertLess(summary.low, 10)

    def test_few_differences_give_their_range(self) -> None:
        summary = summarise_differences([1.0, 5.0, 2.0])
        self.assertEqual((summary.low, summary.high), (1.0, 5.0))
        with self.assertRaises(ValueError):
            summarise_differences([])


class IncompleteBeta(unittest.TestCase):
    def test_closed_forms(self) -> None:
        # I_x(a, 1) = x^a, I_x(1, b) = 1 - (1 - x)^b, I_x(2, 3) is a polynomial.
        for x in (0.01, 0.3, 0.5, 0.9, 0.999):
            self.assertAlmostEqual(incomplete_beta(2.5, 1, x), x**2.5, delta=1e-13)
            self.assertAlmostEqual(incomplete_beta(1, 4.5, x), 1 - (1 - x) ** 4.5, delta=1e-13)
            self.assertAlmostEqual(incomplete_beta(2, 3, x), 6 * x**2 - 8 * x**3 + 3 * x**4, delta=1e-13)

    def test_refuses_what_is_undefined(self) -> None:
        for a, b, x in ((0, 1, 0.5), (1, -1, 0.5), (1, 1, -0.1), (1, 1, 1.1), (1, 1, math.nan)):
            with self.assertRaises(ValueError):
                incomplete_beta(a, b, x)


class Student(unittest.TestCase):
    def test_quantiles_of_the_printed_tables(self) -> None:
        for degrees, expected in ((1, 12.7062), (2, 4.3027), (4, 2.7764), (9, 2.2622), (30, 2.0423), (1000, 1.9623)):
            self.assertAlmostEqual(student_quantile(0.975, degrees), expected, delta=5e-5)
        self.assertAlmostEqual(student_quantile(0.95, 9), 1.8331, delta=5e-5)

    def test_is_symmetric_and_inverts_its_cdf(self) -> None:
        for probability in (0.001, 0.2, 0.5, 0.8, 0.9999):
            t = student_quantile(probability, 7)
            self.assertAlmostEqual(student_cdf(t, 7), probability, delta=1e-12)
            self.assertAlmostEqual(student_quantile(1 - probability, 7), -t, delta=1e-6 * max(1, abs(t)))

    def test_refuses_what_is_undefined(self) -> None:
        for probability, degrees in ((0, 5), (1, 5), (0.5, 0)):
            with self.assertRaises(ValueError):
                student_quantile(probability, degrees)


class Ratios(unittest.TestCase):
    def test_interval_worked_by_hand(self) -> None:
        # logs -0.1, 0, 0.1: mean 0, standard deviation 0.1, t(0.975, 2) = 4.30265.
        summary = summarise_ratios([math.exp(-0.1), 1, math.exp(0.1)])
        half_width = 4.30265 * 0.1 / math.sqrt(3)
        self.assertAlmostEqual(summary.geometric_mean, 1, delta=1e-12)
        self.assertAlmostEqual(summary.high, math.exp(half_width), delta=1e-5)
        self.assertAlmostEqual(summary.low, math.exp(-half_width), delta=1e-5)
        self.assertEqual((summary.median, summary.count), (1, 3))

    def test_inverse_ratios_give_the_inverse_interval(self) -> None:
        ratios = [0.7, 0.9, 1.4, 0.8]
        there, back = summarise_ratios(ratios), summarise_ratios([1 / ratio for ratio in ratios])
        self.assertAlmostEqual(there.high, 1 / back.low, delta=1e-12)
        self.assertAlmostEqual(there.geometric_mean, 1 / back.geometric_mean, delta=1e-12)

    def test_refuses_what_has_no_interval(self) -> None:
        for ratios in ([], [1.0], [1.0, 0.0], [1.0, -2.0]):
            with self.assertRaises(ValueError):
                summarise_ratios(ratios)


if __name__ == "__main__":
    unittest.main()

import io
import unittest
from contextlib import redirect_stdout
from typing import Any

from lib.rounds import Measurement
from lib.scripted import fixed, refusals
from lib.truth import REFERENCE, judge, medians_us, show_table, told_us


def run_of(requests: int = 10_000, **report: Any) -> Measurement:
    return Measurement(requests, 10.0, 1, 1, {}, {}, report)


def times(us: float) -> dict[str, float]:
    return dict.fromkeys(("p50", "p90", "p99", "p99.9", "max"), us)


class Told(unittest.TestCase):
    def test_the_successes_where_a_tool_tells_them_apart(self) -> None:
        kind = refusals(1, 0.55, 50).kind
        apart = run_of(response_time_us=times(1000), expected_response_time_us=times(50_000))
        self.assertEqual(told_us(apart, kind, "p50"), 50_000)
        self.assertEqual(told_us(run_of(response_time_us=times(1000)), kind, "p50"), 1000)
        self.assertEqual(told_us(apart, fixed(5).kind, "p50"), 1000)

    def test_what_a_tool_does_not_print_is_no_figure(self) -> None:
        without = run_of(response_time_us={"p50": 1.0, "max": None})
        self.assertEqual(medians_us([without], fixed(5).kind)["p50"], 1.0)
        self.assertIsNone(medians_us([without, run_of(response_time_us=times(3))], fixed(5).kind)["max"])


class Judged(unittest.TestCase):
    def outcomes(self, ours_us: float) -> dict[str, str]:
        rounds = [{"assay": run_of(response_time_us=times(ours_us + number)),
                   REFERENCE: run_of(response_time_us=times(5000.0))} for number in range(6)]
        with redirect_stdout(io.StringIO()):
            return {name: one["outcome"] for name, one in judge(fixed(5), rounds, "assay").items()}

    def test_within_the_wider_of_both_tolerances(self) -> None:
        self.assertEqual(self.outcomes(5190), dict.fromkeys(("p50", "p90", "p99", "p99.9", "max"), "PASS"))
        self.assertEqual(set(self.outcomes(5210).values()), {"FAIL"})

    def test_the_table_has_a_row_for_each_and_a_dash_for_no_figure(self) -> None:
        rounds = [{REFERENCE: run_of(response_time_us=times(5000.0)),
                   "hey": run_of(9000, response_time_us={"p50": 10_000.0}, errors="4 refused")}]
        table = {name: medians_us([rounds[0][name]], fixed(5).kind) for name in rounds[0]}
        with redirect_stdout(io.StringIO()) as said:
            show_table(fixed(5), table, rounds, 10_000)
        ideal, reference, hey = said.getvalue().splitlines()[1:]
        self.assertEqual(ideal.split(), ["ideal", *["5.00"] * 5])
        self.assertEqual(reference.split(), [REFERENCE, *["5.00"] * 5, "100%"])
        self.assertEqual(hey.split(), ["hey", "10.00", "(+100%)", "-", "-", "-", "-", "90%;", "4", "refused"])

    def test_the_runs_of_a_tool_are_shown_with_their_spread(self) -> None:
        rounds = [{REFERENCE: run_of(response_time_us=times(us))} for us in (5000.0, 5100.0, 5300.0)]
        table = {REFERENCE: medians_us([one[REFERENCE] for one in rounds], fixed(5).kind)}
        with redirect_stdout(io.StringIO()) as said:
            show_table(fixed(5), table, rounds, 10_000)
        self.assertTrue(said.getvalue().splitlines()[2].endswith("p99 of 3 runs 5.00 to 5.30"))


if __name__ == "__main__":
    unittest.main()

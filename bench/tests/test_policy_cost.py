"""What turns tell, and what is made of it."""

import json
import unittest

from lib.policy_cost import middle_half, parse_turns
from lib.procs import MeasurementError


def told(turns: list[list[float]]) -> str:
    return json.dumps({"contenders": ["off", "every"], "requests_of_a_turn": 10, "turns": turns})


class TurnsTest(unittest.TestCase):
    def test_cost_is_that_of_a_request(self) -> None:
        turns = parse_turns(told([[0, 1000], [1, 1100]] * 40))
        self.assertEqual((turns.cost_ns("off"), turns.cost_ns("every")), (100, 110))
        self.assertEqual(len(turns.rounds), 40)
        self.assertAlmostEqual(turns.ratio("every", "off"), 1.1)

    def test_what_drifts_is_nobodys(self) -> None:
        turns = parse_turns(told([[whose, (1000 + 100 * whose) * 1.03 ** number] for number in range(40)
                                  for whose in ((0, 1) if number % 3 else (1, 0))]))
        self.assertAlmostEqual(turns.ratio("every", "off"), 1.1)

    def test_a_stall_of_the_host_is_nobodys(self) -> None:
        turns = parse_turns(told([[0, 1000], [1, 1100]] * 40 + [[1, 1_000_000], [0, 1000]] * 9 + [[0, 10]]))
        self.assertAlmostEqual(turns.ratio("every", "off"), 1.1)

    def test_middle_half(self) -> None:
        self.assertEqual(middle_half([1, 2, 3, 100]), 2.5)
        self.assertEqual(middle_half([7]), 7)

    def test_too_few_turns_and_what_is_none(self) -> None:
        few, free = [[0, 1000], [1, 1000]] * 19, [[0, 1], [1, 0]] * 40
        for text in (told([[0, 1000]] * 100), told(few), told(free), told([[0, 1000], [2, 1]]), told([[0]]), "{}", "[]",
                     "", "null"):
            with self.subTest(text=text[:40]), self.assertRaises(MeasurementError):
                parse_turns(text)


if __name__ == "__main__":
    unittest.main()

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
        self.assertEqual(turns.cost_ns, {"off": 100, "every": 110})
        self.assertEqual(turns.count, 40)
        self.assertAlmostEqual(turns.ratio("every", "off"), 1.1)

    def test_a_stall_of_the_host_is_nobodys(self) -> None:
        turns = parse_turns(told([[0, 1000], [1, 1100]] * 40 + [[1, 1_000_000]] * 9 + [[0, 10]]))
        self.assertAlmostEqual(turns.ratio("every", "off"), 1.1)

    def test_middle_half(self) -> None:
        self.assertEqual(middle_half([1, 2, 3, 100]), 2.5)
        self.assertEqual(middle_half([7]), 7)

    def test_too_few_turns_and_what_is_none(self) -> None:
        for text in (told([[0, 1000]] * 100), told([[0, 1000], [2, 1]]), told([[0]]), "{}", "[]", "", "null"):
            with self.subTest(text=text[:40]), self.assertRaises(MeasurementError):
                parse_turns(text)


if __name__ == "__main__":
    unittest.main()

import unittest
from typing import Any

from lib.self_knowledge import CASES, Seen


def seen(verdict: str, code: int, *reasons: str, **figures: Any) -> Seen:
    return Seen(code, {"verdict": verdict, "reasons": list(reasons), "errors": {}, "collapsed": False,
                       **figures})


LATE = "generator late: p99 3.20 ms after the intended instant with idle connections (at most 1.00 ms)"
NO_DESCRIPTORS = "generator out of descriptors, local ports or memory: 9 requests had no connection: use fewer"
COLLAPSED = {"errors": {"timed_out": 900}, "collapsed": True}


class Right(unittest.TestCase):
    def right(self, name: str, one: Seen) -> bool:
        return next(case for case in CASES if case.name.startswith(name)).right(one)

    def test_left_alone_it_is_valid(self) -> None:
        self.assertTrue(self.right("nothing", seen("VALID", 0)))
        self.assertFalse(self.right("nothing", seen("INVALID", 3, LATE)))
        self.assertFalse(self.right("nothing", seen("VALID", 3)))

    def test_a_hindrance_has_its_own_reason(self) -> None:
        self.assertTrue(self.right("stopped", seen("INVALID", 3, LATE)))
        self.assertTrue(self.right("no descriptors", seen("INVALID", 3, NO_DESCRIPTORS, LATE)))
        self.assertFalse(self.right("no descriptors", seen("INVALID", 3, LATE)))
        self.assertFalse(self.right("stopped", seen("INVALID", 0, LATE)))
        self.assertFalse(self.right("stopped", seen("VALID", 0)))

    def test_a_collapse_is_a_result_and_in_the_figures(self) -> None:
        for name in ("server overloaded", "server hangs", "server dies"):
            self.assertTrue(self.right(name, seen("VALID", 0, **COLLAPSED)))
            self.assertFalse(self.right(name, seen("VALID", 0)))
            self.assertFalse(self.right(name, seen("INVALID", 3, LATE, **COLLAPSED)))


if __name__ == "__main__":
    unittest.main()

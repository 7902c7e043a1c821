"""Runs unittest modules and writes what became of each test as JSON: outcomes.py FILE MODULE..."""

import json
import sys
import unittest


class Outcomes(unittest.TestResult):
    """The worst that happened to a test, by its name."""

    def __init__(self):
        super().__init__()
        self.of = {}

    def startTest(self, test):
        super().startTest(test)
        self.of[test.id()] = "passed"

    def addError(self, test, err):
        super().addError(test, err)
        self.of[test.id()] = f"error: {err[0].__name__}"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.of[test.id()] = "failed"

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.of[test.id()] = "failed"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.of[test.id()] = "skipped"

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.of[test.id()] = "failed as expected"

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.of[test.id()] = "passed unexpectedly"


if __name__ == "__main__":
    outcomes = Outcomes()
    unittest.defaultTestLoader.loadTestsFromNames(sys.argv[2:]).run(outcomes)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(outcomes.of, file)

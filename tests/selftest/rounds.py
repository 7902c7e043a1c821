"""The outcomes of all rounds that were kept, one line of JSON each, and whether they are enough.

Misuse: counting rounds of other programs together. An outcome is of a fingerprint; those of another are not counted,
and stay in the file.
"""

import dataclasses
import json
import pathlib

MANY_ROUNDS = 20
OF_MANY = 19  # so many of them are to be right; with fewer rounds all are


def least_right(rounds: int) -> int:
    return rounds if rounds < MANY_ROUNDS else -(-rounds * OF_MANY // MANY_ROUNDS)


@dataclasses.dataclass
class Count:
    right: int = 0
    rounds: int = 0
    retried: int = 0  # rounds in which the host was too busy at first

    def is_enough(self) -> bool:
        return self.right >= least_right(self.rounds)

    def text(self) -> str:
        again = f", {self.retried} tried again on a busy host" if self.retried else ""
        return f"{self.right} of {self.rounds}, {least_right(self.rounds)} are needed{again}"


class Kept:
    def __init__(self, file: pathlib.Path, of: str, fresh: bool):
        self.file, self.of, self.outcomes = file, of, {}
        if fresh:
            file.unlink(missing_ok=True)
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                outcome = json.loads(line)
                if outcome["of"] == of:
                    self.outcomes[self.key(outcome)] = outcome

    @staticmethod
    def key(outcome: dict) -> tuple:
        return outcome["case"], outcome["mode"], outcome["round"]

    def find(self, case: str, mode: str, number: int) -> dict | None:
        return self.outcomes.get((case, mode, number))

    def add(self, outcome: dict) -> dict:
        outcome = {"of": self.of, **outcome}
        self.outcomes[self.key(outcome)] = outcome
        self.file.parent.mkdir(exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome) + "\n")
        return outcome

    def count(self, case: str, mode: str) -> Count:
        found = [each for key, each in self.outcomes.items() if key[:2] == (case, mode)]
        return Count(right=sum(not each["wrong"] for each in found), rounds=len(found),
                     retried=sum(each.get("tries", 1) > 1 for each in found))

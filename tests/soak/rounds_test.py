"""`./run soak`: what it keeps of a soak that was interrupted or has failed, and what it says at the end."""

import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).parents[2]
COMMAND = r"""
set -euo pipefail
say() { :; }
die() { printf '%s\n' "$1" >&2; exit "${2:-1}"; }
require() { :; }
build() { :; }
build_dir() { printf '%s' "$PWD"; }
source "$1"
soak_command "$2"
"""
# Says what a soak says, without one.
PROGRAM = """#!/bin/sh
echo "$ASSAY_SOAK_ROUNDS" >>asked
round=$ASSAY_SOAK_SEED
while [ "$round" -lt $((ASSAY_SOAK_SEED + ASSAY_SOAK_ROUNDS)) ]; do
  echo "round $round: 10 visits; idle: heap 1 KiB"
  round=$((round + 1))
done
[ ! -e fails ]
"""


class Rounds(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="assay-soak-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        program = self.folder / "tests/soak/soak_test"
        program.parent.mkdir(parents=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)

    def soak(self, minutes: int) -> tuple[int, str]:
        done = subprocess.run(["bash", "-c", COMMAND, "run", SOURCE / "tools/soak.sh", str(minutes)], cwd=self.folder,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def asked(self) -> list[int]:
        """For how many rounds each process was started."""
        return [int(line) for line in (self.folder / "asked").read_text().split()]

    def test_one_that_failed_is_done_again(self) -> None:
        (self.folder / "fails").touch()
        self.assertEqual(self.soak(5), (1, ""))
        (self.folder / "fails").unlink()
        self.assertEqual(self.soak(5), (0, "45 rounds, 450 visits, nothing left behind, nothing that grows\n"))
        self.assertEqual(self.asked(), [15, 15, 15, 15])

    def test_one_that_was_interrupted_goes_on_for_as_long_as_it_takes_to_judge(self) -> None:
        rounds = self.folder / "results/soak/rounds.txt"
        rounds.parent.mkdir(parents=True)
        rounds.write_text("asan 1 10\n" * 10)
        self.assertEqual(self.soak(5), (0, "52 rounds, 520 visits, nothing left behind, nothing that grows\n"))
        self.assertEqual(self.asked(), [12, 15, 15])
        rounds.write_text("asan 1 10\n" * 10)
        self.soak(10)
        self.assertEqual(self.asked()[3:], [20, 30, 30])

    def test_of_few_rounds_it_does_not_say_that_nothing_grows(self) -> None:
        told = "too few rounds to say what grows (4 minutes are enough)"
        self.assertEqual(self.soak(3), (0, f"27 rounds, 270 visits, nothing left behind, {told}\n"))
        self.assertEqual(self.asked(), [9, 9, 9])

    def test_the_minutes_are_those_of_each_kind_of_build(self) -> None:
        self.soak(15)
        self.assertEqual(self.asked(), [45, 45, 45], "rounds of 20 seconds")

    def test_the_program_judges_as_many_rounds_as_the_command_says(self) -> None:
        command = re.search(r"^SOAK_ROUNDS_TO_JUDGE=(\d+)", (SOURCE / "tools/soak.sh").read_text(), re.MULTILINE)
        program = re.search(r"min_rounds = (\d+);", (SOURCE / "tests/soak/levels.hpp").read_text())
        self.assertEqual(command[1], program[1])


if __name__ == "__main__":
    unittest.main()

"""A campaign that does not come to its end: Ctrl-C, kill -9 at any moment, a full disk. And then --resume.

The environment names the program: ASSAY_COMMAND; ctest sets it.
"""

import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

import service
from campaign_support import MEASURED, CampaignTest, candidate, phase, plan, processes_about
from load_support import COULD_NOT_RUN, Outcome, Run

QUICK = (phase("warm-up", "warm-up", "200ms"), phase("steady", "steady", "700ms"))
SOON_S = 6  # a candidate has 5 s to end
BEFORE_ONE_CHECK_S = 4  # has waited for its 5 s
KILLS = 10
LATEST_KILL_S = 3.0
SEED = 20261123


class Interrupted(CampaignTest):
    def interrupt(self, run: Run, number: signal.Signals = signal.SIGINT, limit_s: float = SOON_S) -> Outcome:
        run.send_signal(number)
        outcome = run.wait(limit_s)
        self.assert_no_process()
        return outcome

    def test_in_the_middle_and_on(self) -> None:
        self.write_plan(plan(candidate("one"), candidate("two"), repeats=2))
        run = self.start("tiny.plan.yaml", "-o", "results")
        service.wait_until(lambda: "[1/4]" in run.errors_so_far(), "the first trial")
        with self.subTest("a second one meanwhile"):
            second = self.run_plan("--resume")
            self.assert_one_line(second, COULD_NOT_RUN, "campaign.db", "in use by another assay")
        outcome = self.interrupt(run)
        self.assertIn(outcome.code, MEASURED, outcome.err)
        kept = self.trials()
        self.assertIn(len(kept), (1, 2, 3))
        hint = outcome.err.splitlines()[-1]
        self.assertIn(f"{len(kept)} of 4 trials are kept", hint)
        self.assertIn("assay run tiny.plan.yaml -o results --resume", hint)
        self.assertEqual(outcome.out.splitlines()[-1], "report: results/report.html")
        self.assert_resumed(kept, {(name, repeat) for name in ("one", "two") for repeat in (1, 2)})

    def assert_resumed(self, kept: dict, keys: set[tuple[str, int]]) -> None:
        outcome = self.run_plan("--resume")
        self.assertIn(outcome.code, MEASURED, outcome.err)
        self.assert_whole(keys)
        trials = self.trials()
        self.assertEqual({key: trials[key] for key in kept}, kept)
        self.assert_none_failed(trials)
        self.assertEqual(len(outcome.err.splitlines()), len(keys) - len(kept), outcome.err)
        self.assert_no_process()

    def test_before_a_candidate_is_ready(self) -> None:
        self.write_plan(plan(candidate("one", "hangs", ready_timeout="60s")))
        run = self.start("tiny.plan.yaml", "-o", "results")
        service.wait_until(lambda: self.listens("hangs"), "the candidate")
        outcome = self.interrupt(run)
        self.assertIn("--resume", outcome.err)
        self.assertEqual(self.trials(), {}, "what was interrupted is no result")

    def test_while_no_answer_comes(self) -> None:
        long = (phase("steady", "steady", "10m"),)
        self.write_plan(plan(candidate("one", "mute"), phases=long, timeout="5m"))
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                run = self.start("tiny.plan.yaml", "-o", "results", "--resume")
                service.wait_until(lambda: self.listens("mute"), "the candidate")
                outcome = self.interrupt(run, number)
                self.assertEqual(outcome.code, COULD_NOT_RUN)  # not one trial
                self.assertIn("--resume", outcome.err)
                self.assertEqual(self.trials(), {})

    def test_while_a_check_waits(self) -> None:
        """Three checks of 5 s each would be unanswered."""
        check = "  - {name: item %d, request: {target: /item/%d}, expect: {status: 200}}\n"
        (self.folder / "checks.yaml").write_text("checks:\n" + "".join(check % (n, n) for n in (1, 2, 3)))
        self.write_plan(plan(candidate("one", "mute"), conformance="checks.yaml"))
        run = self.start("tiny.plan.yaml", "-o", "results")
        log = self.results / "logs" / "one-1" / "candidate.log"
        service.wait_until(lambda: log.exists() and "mute" in log.read_text(), "the first check")
        outcome = self.interrupt(run, limit_s=BEFORE_ONE_CHECK_S)
        self.assertEqual(outcome.code, COULD_NOT_RUN)
        self.assertIn("--resume", outcome.err)
        self.assertEqual(self.trials(), {}, "what was interrupted is no result")

    def test_during_a_build(self) -> None:
        self.write_plan(plan(candidate("one") | {"build": ["sleep", "600"]}))
        run = self.start("tiny.plan.yaml", "-o", "results")
        service.wait_until(lambda: "sleep 600 " in processes_about(self.folder).values(), "the build")
        outcome = self.interrupt(run)
        self.assert_one_line(outcome, COULD_NOT_RUN, "interrupted")
        self.assertFalse((self.results / "campaign.db").exists())

    def listens(self, mode: str) -> bool:
        """The candidate of this mode; looks without connecting to it."""
        for pid, command in processes_about(self.folder).items():
            if not command.endswith(f" {mode} "):
                continue
            port = int(command.split()[-2])
            lines = pathlib.Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
            return any(line.split()[1] == f"0100007F:{port:04X}" and line.split()[3] == "0A" for line in lines)
        return False


class Killed(CampaignTest):
    def test_kill_at_ten_moments_and_on(self) -> None:
        keys = {(name, repeat) for name in ("one", "two") for repeat in range(1, 9)}
        self.write_plan(plan(candidate("one"), candidate("two"), repeats=8, phases=QUICK))
        chance = random.Random(SEED)
        kept: dict = {}
        for kill in range(KILLS):
            run = self.start("tiny.plan.yaml", "-o", "results", *(("--resume",) if kill else ()))
            moment = chance.uniform(0, LATEST_KILL_S)
            due = time.monotonic() + moment
            service.wait_until(lambda due=due: time.monotonic() >= due, "the moment")
            self.assertTrue(run.running(), "it was over before it could be killed")
            run.kill()
            with self.subTest(kill=kill, moment=moment):
                self.assert_no_process()
                trials = self.trials()
                self.assertEqual({key: trials.get(key) for key in kept}, kept)
                kept = trials
                if (page := self.results / "report.html").exists():
                    self.assertTrue(page.read_text().rstrip().endswith("</html>"))
        print(f"{KILLS} kills, {len(kept)} of {len(keys)} trials")
        self.assertGreater(len(kept), 0)
        outcome = self.run_plan("--resume")
        self.assertIn(outcome.code, MEASURED, outcome.err)
        self.assert_whole(keys)
        trials = self.trials()
        self.assertEqual({key: trials[key] for key in kept}, kept)
        self.assertEqual(len(outcome.err.splitlines()), len(keys) - len(kept), outcome.err)
        self.assert_no_process()

    def test_kill_while_the_report_is_written(self) -> None:
        self.write_plan(plan(candidate("one"), phases=QUICK))
        run = self.start("tiny.plan.yaml", "-o", "results")
        service.wait_until(lambda: any(self.results.glob("re*")), "the first of the three")
        run.kill()
        self.assert_no_process()
        trials = self.trials()
        self.assertEqual(set(trials), {("one", 1)})
        outcome = self.run_plan("--resume")
        self.assertIn(outcome.code, MEASURED, outcome.err)
        self.assertEqual(self.trials(), trials)
        self.assert_whole({("one", 1)})


class SmallDisk:
    """A file system of a few MB on a directory, in a mount namespace that ends with its holder."""

    def __init__(self, directory: pathlib.Path, size: str):
        user = () if os.getuid() == 0 else ("--user", "--map-root-user")
        mount = 'mount -t tmpfs -o size="$2" assay "$1" && echo mounted && exec cat'
        self.holder = subprocess.Popen(
            ["unshare", *user, "--mount", "sh", "-c", mount, "sh", str(directory), size],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.holder.stdout.readline() != "mounted\n":
            raise AssertionError("a tmpfs is needed: run this as root, or allow user namespaces")
        root = f"/proc/{self.holder.pid}/root"
        self.enter = (
            *("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt"),
            # By way of the holder: the namespace's own root is another where the tests run in a chroot, and a directory
            # that was entered before the namespace would lead past the mount.
            *(f"--root={root}", f"--wd={root}{directory.parent}"),
            *((f"--user=/proc/{self.holder.pid}/ns/user", "--preserve-credentials") if user else ()),
        )
        self.path = pathlib.Path(f"{root}{directory}")

    def fill(self, left: int = 0) -> None:
        with (self.path / "filler").open("wb", buffering=0) as filler:
            while True:
                try:
                    filler.write(bytes(1 << 12))
                except OSError:
                    break
            filler.truncate(max(0, filler.tell() - left))

    def empty(self) -> None:
        (self.path / "filler").unlink()

    def close(self) -> None:
        self.holder.kill()
        self.holder.communicate()


class FullDisk(CampaignTest):
    def setUp(self) -> None:
        super().setUp()
        self.results.mkdir()
        self.disk = SmallDisk(self.results, "16m")
        self.addCleanup(self.disk.close)
        self.write_plan(plan(candidate("one"), candidate("two"), repeats=2))
        self.seen = self.disk.path

    def begin(self, *arguments: str) -> Run:
        return self.start("tiny.plan.yaml", "-o", "results", *arguments, before=self.disk.enter)

    def fill_after_the_first_trial(self, left: int = 0) -> tuple[Outcome, dict]:
        run = self.begin()
        service.wait_until(lambda: "[1/4]" in run.errors_so_far(), "the first trial")
        self.disk.fill(left)
        outcome = run.wait(40)
        self.assert_no_process_but_the_holder()
        return outcome, self.trials(self.seen)

    def assert_no_process_but_the_holder(self) -> None:
        service.wait_until(lambda: set(processes_about(self.folder)) <= {self.disk.holder.pid}, "the end", 5)

    def finish(self, kept: dict) -> None:
        self.disk.empty()
        outcome = self.begin("--resume").wait(60)
        self.assertIn(outcome.code, MEASURED, outcome.err)
        trials = self.trials(self.seen)
        self.assertEqual(set(trials), {(name, repeat) for name in ("one", "two") for repeat in (1, 2)})
        self.assertEqual({key: trials[key] for key in kept}, kept)
        self.assert_none_failed(trials)
        self.assertTrue((self.seen / "report.html").read_text().rstrip().endswith("</html>"))

    def test_while_trials_are_stored(self) -> None:
        """Logs elsewhere: only the file of the campaign does not find room."""
        (self.folder / "logs").mkdir()
        (self.seen / "logs").symlink_to(self.folder / "logs")
        outcome, kept = self.fill_after_the_first_trial()
        self.assertEqual(outcome.code, COULD_NOT_RUN, outcome.err)
        last = outcome.err.splitlines()[-1]
        self.assertIn("the disk is full", last)
        self.assertIn("is not stored, earlier runs are", last)
        self.assertGreater(len(kept), 0)
        self.assertLess(len(kept), 4)
        self.finish(kept)

    def test_nearly(self) -> None:
        """Room for a short trial, not for the probe's file: that must not look like a fault of a candidate."""
        outcome, kept = self.fill_after_the_first_trial(left=8 << 10)
        self.assertIn(outcome.code, (*MEASURED, COULD_NOT_RUN), outcome.err)
        self.assert_none_failed(kept)
        self.finish(kept)

    def test_from_the_start(self) -> None:
        self.disk.fill()
        outcome = self.begin().wait(20)
        self.assert_one_line(outcome, COULD_NOT_RUN)
        self.assertRegex(outcome.err, "disk is full|No space left")
        self.assert_no_process_but_the_holder()


if __name__ == "__main__":
    unittest.main()

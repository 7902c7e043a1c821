"""A campaign and its database: missing, killed in the middle, and a candidate that does not keep what it acknowledged.

The environment names the program: ASSAY_COMMAND; ctest sets it. PostgreSQL is a real one, which the campaign starts.
"""

import contextlib
import os
import pathlib
import signal
import unittest
from typing import Any

import service
from campaign_support import MEASURED, CampaignTest, candidate, phase, plan, processes_about
from load_support import COULD_NOT_RUN, Outcome, Run

SCHEMA = "CREATE TABLE orders (key text NOT NULL);\n"
RESET = "TRUNCATE orders;\n"
SOON_S = 8  # to see the death, to stop a candidate, to end
LONG = (phase("steady", "steady", "10m"),)
HIDE = """
if [ -d /usr/lib/postgresql ]; then mount -t tmpfs assay /usr/lib/postgresql || exit; fi
exec "$@"
"""


def keeping(name: str, mode: str = "good", **more: Any) -> dict[str, Any]:
    """A candidate that stores its orders."""
    environment = {"DATABASE_URL": "{orders}", "PYTHONDONTWRITEBYTECODE": "1"}
    return candidate(name, mode) | {"environment": environment} | more


def without_postgres() -> tuple[str, ...]:
    """Starts a command that finds no PostgreSQL, in a mount namespace of its own."""
    user = () if os.getuid() == 0 else ("--user", "--map-root-user")
    return ("unshare", *user, "--mount", "sh", "-c", HIDE, "sh")


class DatabaseTest(CampaignTest):
    def setUp(self) -> None:
        super().setUp()
        self.folder.chmod(0o755)  # the server runs as another user
        (self.folder / "schema.sql").write_text(SCHEMA)
        (self.folder / "reset.sql").write_text(RESET)

    def start(self, *arguments: str, before: tuple[str, ...] = (), **environment: str) -> Run:
        # Its data lie in the folder: whatever is left of it is found, processes and files.
        return super().start(*arguments, before=before, TMPDIR=str(self.folder), **environment)

    def database_plan(self, *candidates: dict[str, Any], **more: Any) -> dict[str, Any]:
        database = {"schema": ["schema.sql"], "reset": ["reset.sql"], "reconcile": "SELECT key FROM orders"}
        made = plan(*candidates, dependencies=[{"name": "orders", "postgres": database}], **more)
        made["workload"][-1]["acknowledged_by"] = "key"
        return made

    def run_without_postgres(self, *arguments: str) -> Outcome:
        return self.start("tiny.plan.yaml", "-o", "results", *arguments, before=without_postgres()).wait(SOON_S)

    def assert_nothing_left(self) -> None:
        self.assert_no_process()
        self.assertEqual([each.name for each in self.folder.glob("assay-postgres-*")], [])

    def told_by(self, name: str, repeat: int = 1) -> list[tuple[str, str]]:
        """What the candidate says it did: deed and key."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.results / "logs" / f"{name}-{repeat}" / "candidate.log").read_text().splitlines()
            return [tuple(line.split()) for line in lines if len(line.split()) == 2]
        return []

    def postmaster(self, run: Run) -> int:
        """The server of this run: its data lie in the folder, its parent is a keeper of the run."""
        found = []
        for pid, command in processes_about(self.folder).items():
            if f" -D {self.folder}/assay-postgres-" in command and parent(parent(pid)) == run.pid:
                found.append(pid)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def kill_the_database(self, run: Run) -> None:
        os.kill(self.postmaster(run), signal.SIGKILL)


def parent(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[1])


class Missing(DatabaseTest):
    def test_is_told_before_anything_is_done(self) -> None:
        self.write_plan(self.database_plan(keeping("one", build=["touch", str(self.folder / "built")])))
        outcome = self.run_without_postgres()
        self.assert_one_line(outcome, COULD_NOT_RUN, "dependency orders: PostgreSQL is not installed")
        self.assertIn("install the package postgresql", outcome.err)
        self.assertFalse((self.folder / "built").exists())
        self.assertFalse(self.results.exists())
        self.assert_nothing_left()


class Killed(DatabaseTest):
    def assert_told(self, outcome: Outcome, kept: str) -> None:
        self.assertEqual((outcome.code, outcome.out), (COULD_NOT_RUN, ""), outcome.err)
        told = [line for line in outcome.err.splitlines() if line.startswith("assay run: ")]
        self.assertEqual(told, outcome.err.splitlines()[-1:])
        self.assertIn("dependency orders: PostgreSQL was ended by signal 9 (Killed)", told[0])
        self.assertIn(f"{kept} trials are kept, go on with --resume", told[0])

    def test_between_trials_that_are_kept(self) -> None:
        self.write_plan(self.database_plan(keeping("one"), repeats=3))
        run = self.start("tiny.plan.yaml", "-o", "results")
        service.wait_until(lambda: self.told_by("one", repeat=2), "an order of the second trial")
        self.kill_the_database(run)
        outcome = run.wait(SOON_S)
        self.assert_nothing_left()
        self.assert_told(outcome, "1 of 3")
        self.assertEqual(len(outcome.err.splitlines()), 2, outcome.err)
        kept = self.trials()
        self.assertEqual(set(kept), {("one", 1)})
        with self.subTest("it was looked into"):
            seen = kept["one", 1]["databases"][0]
            self.assertEqual((seen["name"], seen["max_connections"]), ("orders", 100))
            self.assertGreaterEqual(len(seen["looks"]), 1)
            self.assertEqual([each for each in seen["notes"] if "pg_stat_statements" not in each], [])
        with self.subTest("missing, when it goes on"):
            missing = self.run_without_postgres("--resume")
            self.assert_one_line(missing, COULD_NOT_RUN, "dependency orders: PostgreSQL is not installed")
            self.assertEqual(self.trials(), kept)
        outcome = self.run_plan("--resume")
        self.assertIn(outcome.code, MEASURED, outcome.err)
        self.assert_whole({("one", repeat) for repeat in (1, 2, 3)})
        trials = self.trials()
        self.assertEqual(trials["one", 1], kept["one", 1])
        self.assert_none_failed(trials)
        for trial in trials.values():
            self.assertGreater(trial["writes"]["stored"], 5)
        self.assert_nothing_left()

    def test_in_a_long_trial_and_before_one(self) -> None:
        """It does not wait for the end of a load, nor for a candidate to become ready."""
        starting = keeping("starting", "hangs", ready={"timeout": "10m"})
        loaded = keeping("loaded")
        self.write_plan(self.database_plan(starting), "starting.plan.yaml")
        self.write_plan(self.database_plan(loaded, phases=LONG, timeout="5m"), "loaded.plan.yaml")
        seen = {
            "starting": lambda: any(" hangs " in each for each in processes_about(self.folder).values()),
            "loaded": lambda: self.told_by("loaded"),
        }
        for name, begun in seen.items():
            with self.subTest(name):
                self.results = self.folder / name
                run = self.start(f"{name}.plan.yaml", "-o", name)
                service.wait_until(begun, "the candidate")
                self.kill_the_database(run)
                outcome = run.wait(SOON_S)
                self.assert_nothing_left()
                self.assert_told(outcome, "0 of 1")
                self.assertEqual(self.trials(), {})


class Writes(DatabaseTest):
    def test_lost_and_doubled_ones_are_named(self) -> None:
        candidates = (keeping("keeps"), keeping("loses", "loses"), keeping("doubles", "doubles"))
        self.write_plan(self.database_plan(*candidates))
        outcome = self.run_plan()
        self.assertIn(outcome.code, MEASURED, outcome.err)
        self.assert_whole({(each["name"], 1) for each in candidates})
        trials = {name: trial for (name, _), trial in self.trials().items()}
        self.assert_none_failed({("keeps", 1): trials["keeps"]})
        kept = trials["keeps"]["writes"]
        self.assertGreater(kept["stored"], 5)
        self.assertEqual((kept["lost"], kept["doubled"], kept["unknown"]), ([], [], []))
        self.assert_named(outcome, trials["loses"], "loses", "lost", "acknowledged and not stored")
        self.assert_named(outcome, trials["doubles"], "doubles", "doubled", "stored more than once")
        self.assert_nothing_left()

    def assert_named(self, outcome: Outcome, trial: dict[str, Any], name: str, kind: str, words: str) -> None:
        """`kind` of the trial's writes are the keys of the candidate's own confession, and people are told."""
        writes = trial["writes"]
        found = writes[kind]
        self.assertEqual(trial["stored_state"], "failed", trial["reasons"])
        bad = {key for deed, key in self.told_by(name) if deed == name}
        self.assertGreater(len(found), 2)
        self.assertEqual(len(set(found)), len(found))
        self.assertLessEqual(set(found), bad)
        # What was done and not answered in time is nobody's loss.
        self.assertLessEqual(len(bad) - len(found), writes["unanswered"])
        others = {"lost", "doubled", "unknown"} - {kind}
        self.assertEqual([writes[other] for other in others], [[], []])
        reason = f"writes and rows differ: {len(found)} {words} ({', '.join(found[:3])}"
        self.assertTrue(trial["reasons"][0].startswith(reason), trial["reasons"])
        line = next(line for line in outcome.err.splitlines() if f"] {name} #1: failed" in line)
        remarks = next(each["remarks"] for each in self.report()["candidates"] if each["name"] == name)
        page = (self.results / "report.html").read_text()
        for text in (line, "\n".join(remarks), page):
            self.assertIn(reason, text)


if __name__ == "__main__":
    unittest.main()

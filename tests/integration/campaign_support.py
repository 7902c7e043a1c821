"""Small campaigns for `assay run`: plans of planted candidates, and what a campaign leaves behind."""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import sys
import tempfile
import unittest
from typing import Any

import service
from load_support import INVALID, OK, Outcome, Run

TINY = pathlib.Path(__file__).resolve().parent / "planted" / "tiny_service.py"
CAMPAIGN_FILES = {"campaign.db", "logs", "record.md", "report.html", "report.json"}
MEASURED = (OK, INVALID)  # INVALID: the machine was busy elsewhere in every trial
ATTEMPTS = 4
ENDS_WITHIN_S = 5  # every process that a campaign has started, from its end on


def candidate(name: str, mode: str = "good", *more: str, ready_timeout: str = "10s") -> dict[str, Any]:
    return {
        "name": name,
        "runtime": "python",
        "command": [sys.executable, str(TINY), "{port}", mode, *more],
        "ready": {"timeout": ready_timeout},
    }


def phase(name: str, kind: str, length: str, rate: float | str = 50) -> dict[str, Any]:
    return {"name": name, "kind": kind, "rate": rate, "length": length}


SHORT = (phase("warm-up", "warm-up", "300ms"), phase("steady", "steady", "1s"))


def plan(*candidates: dict[str, Any], repeats: int = 1, phases: Any = SHORT, **more: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "name": "tiny",
        "seed": 7,
        "repeats": repeats,
        "connections": 16,
        "timeout": "1s",
        "dependencies": [{"name": "third-party", "http_service": {"latency": {"median": "2ms"}}}],
        "candidates": list(candidates),
        "workload": [
            {"route": "GET /item/{id}", "weight": 4, "values": {"id": {"integer": [1, 1000]}}},
            {
                "route": "POST /order",
                "headers": {"Idempotency-Key": "{key}"},
                "body": '{{"item": 1}}',
                "values": {"key": "uuid"},
                "expected": [201],
            },
        ],
        "phases": list(phases),
        **more,
    }


def line_of(text: str) -> int:
    """Of the planted service, the first line that holds the text."""
    return next(number for number, line in enumerate(TINY.read_text().splitlines(), 1) if text in line)


def processes_about(folder: pathlib.Path) -> dict[int, str]:
    """Processes that have this folder in their command or environment, or that run in it; by their command."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        about = pathlib.Path("/proc", name)
        with contextlib.suppress(OSError):
            command = (about / "cmdline").read_bytes()
            told = command + (about / "environ").read_bytes() + os.readlink(about / "cwd").encode()
            if str(folder).encode() in told and int(name) != os.getpid():
                found[int(name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def blocked_by_itself(seen: dict[str, Any]) -> list[dict[str, Any]]:
    """Without what other processes did to it: that there was no CPU to be had for a moment."""
    return [call for call in seen["blocking"] if call["call"] != "waiting for a CPU"]


class CampaignTest(unittest.TestCase):
    """A folder with a plan, campaigns started in it, and the end of everything that they have left."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-campaign-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.end_processes)
        self.results = self.folder / "results"

    def end_processes(self) -> None:
        for pid in processes_about(self.folder):  # found by a folder that is this test's alone
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)

    def assert_cost_of_probe_is_told(self) -> None:
        us = r"-?\d+\.\d\d us \[-?\d+\.\d\d, \d+\.\d\d\]"
        told = self.report()["source"]["host"]["overhead of the probe"]
        self.assertRegex(told, rf"^{us} of CPU time more a wait .* and {us} more a call on a socket.*: 100 pairs ")
        for trial in self.trials().values():
            self.assertRegex(trial["facts"]["overhead of the probe"], r"at least -?\d+\.\d\d % \[.* of its CPU|no loop")

    def write_plan(self, document: dict[str, Any] | str, name: str = "tiny.plan.yaml") -> pathlib.Path:
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document, indent=1))
        return path

    def start(self, *arguments: str, before: tuple[str, ...] = (), **environment: str) -> Run:
        """`assay run` in the folder; `before` is what starts it in turn."""
        command = [*before, service.program("ASSAY_COMMAND"), "run", *arguments]
        # Keepers have no argument of their own: the folder is in their environment.
        told = {"ASSAY_TEST_FOLDER": str(self.folder), **environment}
        run = Run(command, cwd=self.folder, env={**os.environ, **told})
        self.addCleanup(run.kill)
        return run

    def run_plan(self, *arguments: str, limit_s: float = 60) -> Outcome:
        return self.start("tiny.plan.yaml", "-o", "results", *arguments).wait(limit_s)

    def run_plan_until_complete(self) -> Outcome:
        """Anew while a busy machine makes a trial invalid: only of complete ones a judgement can be asked."""
        for _ in range(ATTEMPTS):
            shutil.rmtree(self.results, ignore_errors=True)
            outcome = self.run_plan()
            states = [trial["stored_state"] for trial in self.trials().values()]
            if states and "invalid" not in states:
                return outcome
        raise AssertionError(f"{ATTEMPTS} campaigns in a row with an invalid trial: {outcome.err}")

    def trials(self, directory: pathlib.Path | None = None) -> dict[tuple[str, int], dict[str, Any]]:
        """What is stored, by candidate and repeat. Reads a copy: not even a hot journal is touched."""
        directory = directory or self.results
        with tempfile.TemporaryDirectory() as copy:
            for name in ("campaign.db", "campaign.db-journal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy(directory / name, copy)
            if not os.path.exists(os.path.join(copy, "campaign.db")):
                return {}
            with contextlib.closing(sqlite3.connect(os.path.join(copy, "campaign.db"))) as database:
                self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'trials'").fetchall():
                    return {}
                rows = database.execute("SELECT candidate, repeat, position, state, document FROM trials").fetchall()
        found = {row[:2]: json.loads(row[4]) | {"position": row[2], "stored_state": row[3]} for row in rows}
        self.assertEqual(len(found), len(rows), "a trial is stored twice")
        self.assertEqual(len({row[2] for row in rows}), len(rows), "two trials have one position")
        return found

    def report(self) -> dict[str, Any]:
        return json.loads((self.results / "report.json").read_text())

    def assert_no_process(self) -> None:
        service.wait_until(lambda: not processes_about(self.folder), "the end of every process", ENDS_WITHIN_S)

    def assert_none_failed(self, trials: dict[tuple[str, int], dict[str, Any]]) -> None:
        """Complete, or on a busy machine invalid: nothing is held against a candidate."""
        for key, trial in trials.items():
            self.assertIn(trial["stored_state"], ("complete", "invalid"), (key, trial["reasons"]))

    def assert_whole(self, keys: set[tuple[str, int]]) -> None:
        """Exactly these trials, each in the report, which is whole, and nothing beside it."""
        self.assertEqual(set(self.trials()), keys)
        self.assertEqual({each.name for each in self.results.iterdir()}, CAMPAIGN_FILES)
        page = (self.results / "report.html").read_text()
        self.assertTrue(page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>"), page[:80])
        self.assertTrue(page.rstrip().endswith("</html>"), page[-80:])
        self.assertGreater(len((self.results / "record.md").read_text()), 100)
        summaries = {each["name"]: each for each in self.report()["candidates"]}
        counted = {name: each["complete"] + each["invalid"] + each["failed"] for name, each in summaries.items()}
        names = [name for name, _ in keys]
        self.assertEqual(counted, {name: names.count(name) for name in names})

    def assert_one_line(self, outcome: Outcome, code: int, *words: str) -> None:
        self.assertEqual(outcome.code, code, outcome.err)
        self.assertEqual(outcome.out, "")
        self.assertEqual(len(outcome.err.splitlines()), 1, outcome.err)
        self.assertTrue(outcome.err.startswith("assay run: "), outcome.err)
        for word in words:
            self.assertIn(word, outcome.err)

"""`assay run` as a user meets it: a campaign and its report, bad input, and candidates that are bad in one way each.

The environment names the program: ASSAY_COMMAND; ctest sets it. No database: the candidates are planted ones.
"""

import hashlib
import http.server
import re
import socket
import threading
import unittest
from typing import Any

from campaign_support import MEASURED, CampaignTest, blocked_by_itself, candidate, line_of, phase, plan
from load_support import COULD_NOT_RUN, GATE_FAILED, OK, USAGE

CONFORMANCE = """checks:
  - name: an item
    request: { method: GET, target: /item/7 }
    expect: { status: 200, json: { id: 7, name: item 7 } }
  - name: no item
    request: { method: GET, target: /item/x }
    expect: { status: 404 }
"""
REFUSED_S = 5


class Whole(CampaignTest):
    def test_two_good_candidates(self) -> None:
        phases = (
            phase("warm-up", "warm-up", "500ms"),
            phase("steady", "steady", "2s", 60),
            phase("burst", "burst", "1s", "2x"),
        )
        self.write_plan(plan(candidate("one"), candidate("two"), repeats=2, phases=phases))
        outcome = self.run_plan()
        self.assertIn(outcome.code, MEASURED, outcome.err)
        self.assertEqual(outcome.out.splitlines()[-1], "report: results/report.html")
        self.assert_whole({(name, repeat) for name in ("one", "two") for repeat in (1, 2)})
        self.assert_none_failed(self.trials())
        for trial in self.trials().values():
            self.assertEqual([each["name"] for each in trial["phases"]], ["warm-up", "steady", "burst"])
            self.assertLess(trial["start_up_s"], 10)
        self.assert_no_process()
        lines = outcome.err.splitlines()
        self.assertEqual(len(lines), 4, outcome.err)
        for number, line in enumerate(lines, 1):
            told = rf"^\[{number}/4\] (one|two) #[12]: (complete|invalid)  steady p99 \d+\.\d ms  burst p99 "
            self.assertRegex(line, told)
        for each in self.report()["candidates"]:
            self.assertEqual((each["freezes"], blocked_by_itself(each)), (False, []), each)
        self.assert_cost_of_probe_is_told()
        self.assertNotIn("tiny_service.py", outcome.out)

    def test_no_dependency(self) -> None:
        self.write_plan(plan(candidate("one"), dependencies=[]))
        outcome = self.run_plan(limit_s=20)
        self.assertIn(outcome.code, MEASURED, outcome.err)
        self.assert_whole({("one", 1)})

    def test_background_tasks_run_beside_the_load(self) -> None:
        tasks = [
            {"name": "warm", "every": "250ms", "request": "GET /item/7", "phases": ["steady"]},
            {"name": "mark", "every": "600ms", "command": ["sh", "-c", "echo {url} >> marks"]},
        ]
        self.write_plan(plan(candidate("one"), background=tasks))
        outcome = self.run_plan(limit_s=20)
        self.assertIn(outcome.code, MEASURED, outcome.err)
        trial = self.trials()["one", 1]
        told = [event for event in trial["events"] if event["kind"] == "task"]
        warm = [event["text"] for event in told if event["text"].startswith("warm: ")]
        self.assertIn("warm: GET /item/7 was answered with 200", warm, told)
        for each in warm:  # the last begins shortly before the end
            self.assertRegex(each, "^warm: GET /item/7 was (answered with 200|under way when the load was over)$")
        self.assertTrue(all(event["at_s"] >= 0.3 for event in told if event["text"].startswith("warm: ")), told)
        self.assertRegex((self.folder / "marks").read_text(), r"^(http://127\.0\.0\.1:\d+\n)+$")
        summary = rf"^warm {len(warm)} times?.*; mark \d times?(, \d left out because it still ran)?$"
        self.assertRegex(trial["facts"]["background tasks"], summary)
        for each in trial["phases"]:
            self.assertEqual(each["all"]["offered"], sum(route["offered"] for route in each["routes"]))
            self.assertNotIn("GET /item/7", [route["route"] for route in each["routes"]])
        self.assert_no_process()

    def test_an_objective_that_is_not_kept_is_told(self) -> None:
        self.write_plan(plan(candidate("one"), objectives=["p50<1us", "errors<50%"]))
        self.assertEqual(self.run_plan_until_complete().code, GATE_FAILED)
        told = [line for line in self.report()["anomalies"] if "<" in line]
        self.assertEqual(len(told), 1, told)
        self.assertRegex(told[0], r"^one, steady: p50<1us was not kept in 1 of 1 runs: [\d.]+ ms at the worst$")
        self.assertIn(told[0], (self.results / "report.html").read_text().replace("&lt;", "<"))

    def test_a_blocking_call_is_named_and_its_clean_twin_is_not(self) -> None:
        phases = (phase("warm-up", "warm-up", "1s"), phase("steady", "steady", "3s"))
        self.write_plan(plan(candidate("clean", "patient"), candidate("frozen", "blocking"), phases=phases))
        outcome = self.run_plan_until_complete()
        self.assertEqual(outcome.code, OK, outcome.err)
        self.assert_whole({("clean", 1), ("frozen", 1)})
        found = {each["name"]: each for each in self.report()["candidates"]}
        self.assertEqual((found["clean"]["freezes"], blocked_by_itself(found["clean"])), (False, []))
        self.assertTrue(found["frozen"]["freezes"], found["frozen"])
        self.assertEqual(len(blocked_by_itself(found["frozen"])), 1, found["frozen"]["blocking"])
        site = blocked_by_itself(found["frozen"])[0]
        place = f"tiny_service.py:{line_of('time.sleep(')} in order"
        self.assertEqual((site["call"], site["peer"]), ("sleep", ""))
        self.assertTrue(site["place"].endswith(place), site)
        self.assertGreater(site["count"], 10)
        self.assertGreaterEqual(site["longest_ms"], 55)
        for text in (outcome.out, (self.results / "record.md").read_text(), (self.results / "report.html").read_text()):
            self.assertIn(place, text)
        frozen = [line for line in outcome.out.splitlines() if "FREEZES" in line]
        self.assertEqual([line.split()[0] for line in frozen], ["frozen"])
        verdicts = {name: each["diagnosis"]["verdict"] for name, each in found.items()}
        self.assertEqual(verdicts, {"clean": "not_enough_data", "frozen": "blocking_call"}, "3 s of steady load")
        cause = found["frozen"]["diagnosis"]["findings"][0]
        self.assertEqual((cause["call"], cause["place"]), (site["call"], site["place"]))
        self.assertIn(cause["next"], outcome.out)


class BadInput(CampaignTest):
    def refused(self, *arguments: str, code: int, words: tuple[str, ...], left: tuple[str, ...] = ()) -> None:
        """One line, and in the folder nothing but what was there, and `left`."""
        before = self.everything()
        self.assert_one_line(self.start(*arguments).wait(REFUSED_S), code, *words)
        after = self.everything()
        self.assertEqual({name for name in after if name not in before}, set(left))
        self.assertEqual({name: after.get(name) for name in before}, before)
        self.assert_no_process()

    def everything(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            for path in self.folder.rglob("*")
        }

    def test_mistakes_in_a_plan(self) -> None:
        good = str.replace
        self.write_plan(plan(candidate("one")))
        text = (self.folder / "tiny.plan.yaml").read_text()
        cases = {
            "unknown key": (good(text, '"repeats"', '"repeets"'), 'unknown key "repeets"', 'did you mean "repeats"?'),
            "duplicate key": (good(text, '"seed": 7', '"seed": 7,\n "seed": 8'), 'duplicate key "seed"', ":5:2:"),
            "wrong type": (good(text, '"repeats": 1', '"repeats": [1]'), "repeats", "whole number"),
            "a text for a number": (good(text, '"repeats": 1', '"repeats": "many"'), "repeats", "many"),
            "negative rate": (good(text, '"rate": 50', '"rate": -50'), "rate", "-50"),
            "not a number": (good(text, '"rate": 50', '"rate": .nan'), "rate", ""),
            "no steady phase": (good(text, '"kind": "steady"', '"kind": "burst"'), "steady", ""),
            "no unit": (good(text, '"length": "1s"', '"length": "1"'), "length", "duration"),
            "unknown reference": (good(text, '"seed": 7', '"reference": "onee"'), "reference", 'did you mean "one"?'),
            "no conformance file": (good(text, '"seed": 7', '"conformance": "none.yaml"'), "none.yaml", "no such file"),
            "a port nowhere": (good(text, '"{port}"', '"8080"'), "{port}", "candidates[0]"),
            "two of one name": (good(text, '"candidates": [', '"candidates": [{"name": "one", "url": '
                                     '"http://127.0.0.1:9"},'), "candidates", "one"),
            "newer version": (good(text, '"version": 1', '"version": 2'), "version", "2"),
            "empty": ("", "the file is empty", ""),
            "cut": (text[: len(text) // 2], "", ""),
            "NUL bytes": (good(text, '"tiny"', '"ti\0ny"'), "", ""),
            "no YAML": ("\x7fELF\x02\x01", "", ""),
        }  # fmt: skip
        for name, (bad, *words) in cases.items():
            with self.subTest(name):
                self.assertNotEqual(bad, text)
                self.write_plan(bad)
                self.refused("tiny.plan.yaml", "-o", "results", code=USAGE, words=("tiny.plan.yaml", *words))
                self.refused("tiny.plan.yaml", code=USAGE, words=("tiny.plan.yaml", *words))

    def test_files_and_arguments(self) -> None:
        self.write_plan(plan(candidate("fastapi"), candidate("flask")))
        (self.folder / "loop").symlink_to("loop")
        (self.folder / "file").write_text("mine\n")
        usage: dict[tuple[str, ...], tuple[str, ...]] = {
            ("none.yaml",): ("none.yaml", "no such file"),
            (str(self.folder),): (str(self.folder),),
            ("loop",): ("loop",),
            ("tiny.plan.yaml", "--only", "flaks"): ('"flaks"', 'did you mean "flask"?'),
            ("tiny.plan.yaml", "--only", "flask,nonsense"): ('"nonsense"',),
            ("tiny.plan.yaml", "--without", "flask,fastapi"): ("no candidate is left",),
            ("tiny.plan.yaml", "--repeats", "0"): ("repeats",),
            ("tiny.plan.yaml", "--repeats", "-1"): ("repeats",),
            ("tiny.plan.yaml", "--resum"): ("--resum", "did you mean --resume?"),
            ("tiny.plan.yaml", "second.yaml"): ("second.yaml",),
            (): ("plan",),
        }
        for arguments, words in usage.items():
            with self.subTest(arguments=arguments):
                self.refused(*arguments, code=USAGE, words=words)
        for directory in ("file", "file/results", "/proc/results", "/dev/null"):
            with self.subTest(directory=directory):
                self.refused("tiny.plan.yaml", "-o", directory, code=COULD_NOT_RUN, words=(directory,))

    def test_a_mistake_in_the_conformance_file(self) -> None:
        (self.folder / "checks.yaml").write_text("checks:\n  - name: an item\n")
        self.write_plan(plan(candidate("one"), conformance="checks.yaml"))
        self.refused("tiny.plan.yaml", "-o", "results", code=USAGE, words=("checks.yaml:2:5: ",))

    def test_a_name_does_not_lead_out_of_the_results(self) -> None:
        self.write_plan(plan(candidate("one") | {"build": ["false"]}, name="../escape"))
        self.assertNotEqual(self.start("tiny.plan.yaml").wait(REFUSED_S).code, 0)
        self.assertFalse((self.folder / "escape").exists())

    def test_a_command_that_cannot_be_built(self) -> None:
        broken = candidate("one") | {"build": ["sh", "-c", "echo planted; exit 5"]}
        self.write_plan(plan(broken, candidate("two")))
        outcome = self.run_plan()
        self.assert_one_line(outcome, COULD_NOT_RUN, "one", "build", "status 5", "planted")
        self.assertEqual(self.trials(), {})
        self.assertFalse((self.results / "report.html").exists())

    def test_a_directory_that_holds_a_campaign(self) -> None:
        phases = (phase("steady", "steady", "300ms"),)
        path = self.write_plan(plan(candidate("one"), candidate("two"), phases=phases))
        self.assertIn(self.run_plan("--only", "one").code, MEASURED)
        whole = self.trials()
        in_results = ("tiny.plan.yaml", "-o", "results")
        self.refused(*in_results, "--only", "one", code=COULD_NOT_RUN, words=("results", "--resume"))
        text = path.read_text()
        for change in ('"seed": 7', '"name": "tiny"', '"rate": 50'):
            with self.subTest(change):
                path.write_text(text.replace(change, {'"seed": 7': '"seed": 8'}.get(change, change + " ")))
                refused = self.start(*in_results, "--only", "one", "--resume").wait(REFUSED_S)
                self.assert_one_line(refused, COULD_NOT_RUN, "another plan")
        path.write_text(text)
        self.assertEqual(self.trials(), whole)
        with self.subTest("the whole of it again"):
            again = self.run_plan("--only", "one", "--resume")
            self.assertIn(again.code, MEASURED, again.err)
            self.assertEqual(self.trials(), whole)
        for more in ((), ("--only", "two"), ("--only", "one", "--repeats", "2")):
            with self.subTest("another part of the plan", more=more):
                self.other_part(*more)

    def other_part(self, *arguments: str) -> None:
        """It may be refused; if it is run, its trials are in the report."""
        before = self.trials()
        outcome = self.run_plan("--resume", *arguments)
        if outcome.code not in MEASURED:
            self.assert_one_line(outcome, outcome.code, "results")
            self.assertEqual(self.trials(), before)
        self.assert_whole(set(self.trials()))

    def test_a_foreign_campaign_file(self) -> None:
        self.write_plan(plan(candidate("one")))
        self.results.mkdir()
        (self.results / "campaign.db").write_text("not a database\n" * 100)
        for more in ((), ("--resume",)):
            refused = self.run_plan(*more)
            self.assert_one_line(refused, COULD_NOT_RUN, "results")
        self.assertEqual((self.results / "campaign.db").read_text(), "not a database\n" * 100)


class Running:
    """A service that the test itself runs, for a candidate that is a URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.reply(200)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.reply(201)

        def reply(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    def __init__(self) -> None:
        http.server.ThreadingHTTPServer.request_queue_size = 128  # connections come all at once
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class BadCandidates(CampaignTest):
    def assert_failed(self, trial: dict[str, Any], *words: str) -> None:
        self.assertEqual(trial["stored_state"], "failed", trial["reasons"])
        for word in words:
            self.assertIn(word, trial["reasons"][0])

    def assert_stored(self, outcome: Any, expected: dict[str, str]) -> None:
        self.assertIn(outcome.code, MEASURED, outcome.err)
        self.assert_whole({(name, 1) for name in expected})
        states = {name: trial["stored_state"] for (name, _), trial in self.trials().items()}
        # Invalid is what a busy machine makes of a complete one.
        self.assertEqual({name: state.replace("invalid", "complete") for name, state in states.items()}, expected)
        self.assert_no_process()
        # A line a trial, whatever the candidates have printed.
        self.assertEqual(len(outcome.err.splitlines()), len(expected), outcome.err)
        for number, line in enumerate(outcome.err.splitlines(), 1):
            self.assertTrue(line.startswith(f"[{number}/{len(expected)}] "), line)

    def test_what_does_not_come_to_the_load(self) -> None:
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        occupied = candidate("occupied")
        occupied["command"] = [*occupied["command"][:2], str(port), "good", "{port}"]
        (self.folder / "conformance.yaml").write_text(CONFORMANCE)
        candidates = (
            candidate("good"),
            candidate("never-starts", "never-starts"),
            candidate("hangs", "hangs", ready_timeout="2s"),
            candidate("wrong", "wrong"),
            candidate("missing") | {"command": ["./no-such-program", "{port}"]},
            candidate("no-program") | {"command": ["./conformance.yaml", "{port}"]},
            {"name": "nowhere", "url": f"http://127.0.0.1:{self.closed_port()}", "ready": {"timeout": "1s"}},
            occupied,
        )
        self.write_plan(plan(*candidates, conformance="conformance.yaml"))
        outcome = self.run_plan()
        with self.subTest("all of them"):
            states = {each["name"]: "failed" for each in candidates} | {"good": "complete"}
            self.assert_stored(outcome, states)
        words = {
            "never-starts": ("status 3", "planted refusal"),
            "hangs": ("not ready after 2 s", "never answers GET /health/ready"),
            "wrong": ("1 of 2 checks failed", "an item"),
            "missing": ("./no-such-program", "No such file"),
            "no-program": ("./conformance.yaml", "ermission denied"),
            "nowhere": ("not ready after 1 s", "refuses connections"),
            "occupied": ("status 1", f"'127.0.0.1', {port})"),
        }
        trials = self.trials()
        for name, expected in words.items():
            with self.subTest(name):
                self.assert_failed(trials[name, 1], *expected)
                self.assertEqual(trials[name, 1]["phases"], [])
        summaries = {each["name"]: each for each in self.report()["candidates"]}
        for name, expected in words.items():
            with self.subTest("its remark", name=name):
                self.assertIn(expected[-1], "\n".join(summaries[name]["remarks"]))

    def closed_port(self) -> int:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            return closed.getsockname()[1]

    def test_what_goes_wrong_under_load(self) -> None:
        running = Running()
        self.addCleanup(running.close)
        candidates = (
            candidate("good"),
            candidate("late", "late"),
            candidate("dies", "dies", "30"),
            candidate("errors", "errors"),
            candidate("mute", "mute"),
            {"name": "running", "url": running.url},
        )
        self.write_plan(plan(*candidates))
        outcome = self.run_plan()
        with self.subTest("all of them"):
            self.assert_stored(outcome, {each["name"]: "complete" for each in candidates} | {"dies": "failed"})
        trials = self.trials()
        with self.subTest("dies"):
            self.assert_failed(trials["dies", 1], "status 7", "during the load", "planted death")
        with self.subTest("late"):
            self.assertGreaterEqual(trials["late", 1]["start_up_s"], 2)
        for name, error in (("errors", "status"), ("mute", "timed_out")):
            with self.subTest(name):
                self.all_wrong(name, trials[name, 1], error)
        with self.subTest("running"):
            self.assertNotIn("command", trials["running", 1]["facts"])

    def all_wrong(self, name: str, trial: dict[str, Any], error: str) -> None:
        steady = trial["phases"][1]["all"]
        self.assertGreater(steady["offered"], 20)
        self.assertEqual(steady["answered_well"], 0)
        self.assertEqual(sum(steady["errors"].values()), steady["offered"], steady["errors"])
        self.assertTrue(any(re.search(error, kind) for kind in steady["errors"]), steady["errors"])
        complete = trial["stored_state"] == "complete"
        measured = [each for each in self.report()["metrics"] if (each["candidate"], each["phase"]) == (name, "steady")]
        runs = {each["metric"]: each["runs"] for each in measured}
        self.assertEqual(runs["error_share"], [1.0] if complete else [])
        self.assertEqual(runs["goodput_rps"], [0.0] if complete else [])

    def test_when_none_can_be_measured(self) -> None:
        self.write_plan(plan(candidate("one", "never-starts"), candidate("two", "never-starts")))
        outcome = self.run_plan()
        self.assertEqual(outcome.code, COULD_NOT_RUN, outcome.err)
        self.assert_whole({("one", 1), ("two", 1)})
        self.assertEqual(outcome.out.splitlines()[-1], "report: results/report.html")
        self.assert_no_process()


if __name__ == "__main__":
    unittest.main()

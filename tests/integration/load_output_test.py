"""What `assay load` prints, and where: rows on stdout, notices on stderr, progress on a terminal only."""

import os
import pty
import re
import select
import signal
import subprocess
import time
import unittest

import service
from bad_server import BadServer, answer_well
from load_support import INVALID, OK, LoadTest

ESCAPE = "\x1b"
SPECTRUM_ROW = re.compile(r"\s*(\d+\.\d{3})\s+([01]\.\d{6})\s+(\d+)(?:\s+(\d+\.\d{2}|inf))?\s*")


class Text(LoadTest):
    def text(self, *arguments: str) -> str:
        with BadServer(answer_well) as server:
            outcome = self.load(server.url, "-d", "500ms", "-c", "4", *arguments)
        self.assertIn(outcome.code, (OK, INVALID))
        self.assertEqual(outcome.err, "", "no terminal, no progress")
        self.assertNotIn(ESCAPE, outcome.out)
        self.assertRegex(outcome.out.splitlines()[0], "^VALID$" if outcome.code == OK else "^INVALID: .+$")
        return outcome.out

    def test_the_verdict_comes_first(self) -> None:
        lines = self.text("-R", "200").splitlines()
        self.assertRegex(lines[1], r"^GET http://127\.0\.0\.1:\d+/: 0\.5s, 4 connections, 1 thread, open model, ")
        self.assertEqual(lines[2].split(), ["mean", "p50", "p90", "p99", "p99.9", "max"])
        self.assertRegex(lines[3], r"^  response time( +[\d.]+(us|ms|s)| +-){6}$")
        self.assertRegex(lines[4], r"^  service time( +[\d.]+(us|ms|s)| +-){6}$")
        self.assertRegex(lines[5], r"^  send lag( +[\d.]+(us|ms|s)| +-){6}$")
        self.assertRegex(lines[6], r"^  100 responses in 0\.50s, [\d.]+k?B read$")
        self.assertRegex(lines[-1], r"^offered 200\.00 req/s, achieved [\d.]+ req/s$")

    def test_the_closed_model_has_no_response_time(self) -> None:
        text = self.text()
        self.assertIn("closed model", text)
        self.assertNotIn("response time", text)
        self.assertRegex(text.splitlines()[-1], r"^achieved [\d.]+ req/s$")

    def test_errors_have_their_row(self) -> None:
        with BadServer("overloaded") as server:
            outcome = self.load(server.url, "-d", "500ms", "-c", "2", "-R", "50")
        self.assertIn("\n  errors: status_5xx 25\n", outcome.out)

    def test_the_spectrum(self) -> None:
        text = self.text("-R", "200", "--latency")
        self.assertEqual(text.count("detailed percentile spectrum"), 2)
        for part in text.split("detailed percentile spectrum")[1:]:
            lines = part.splitlines()
            self.assertEqual(lines[1].split(), ["Value(ms)", "Percentile", "TotalCount", "1/(1-Percentile)"])
            end = next(number for number, line in enumerate(lines) if line.startswith("#[Mean"))
            matches = [SPECTRUM_ROW.fullmatch(line) for line in lines[3:end]]
            self.assertNotIn(None, matches)
            rows = [match.groups() for match in matches]
            self.assertGreater(len(rows), 5)
            self.assertEqual(rows[-1][1:], ("1.000000", "100", None))
            for column in (0, 1, 2):
                values = [float(row[column]) for row in rows]
                self.assertEqual(values, sorted(values), "each column grows")
            for _, quantile, _, inverse in rows[:-1]:
                self.assertAlmostEqual(float(inverse) * (1 - float(quantile)), 1, delta=0.01)


class Json(LoadTest):
    KEYS = (
        "format tool_version verdict reasons offered_rps achieved_rps requests errors response_time_us service_time_us "
        "send_lag_us stages gates url method model arrivals seed connections threads duration_s interrupted "
        "offered_requests received_bytes connects resent generator histograms_ns_v2"
    ).split()

    def document(self, *arguments: str) -> dict:
        with BadServer(answer_well) as server:
            return self.assert_measured(self.load(server.url, "-d", "500ms", "-c", "4", "--json", *arguments))

    def test_the_keys_in_their_order(self) -> None:
        for rate in ((), ("-R", "200")):
            self.assertEqual(list(self.document(*rate)), self.KEYS)

    def test_the_open_model(self) -> None:
        document = self.document("-R", "200", "--arrivals", "poisson", "--seed", "7", "-t", "2", "-m", "HEAD")
        self.assertEqual(document["format"], "assay.load/1")
        self.assertEqual((document["model"], document["arrivals"], document["seed"]), ("open", "poisson", 7))
        self.assertEqual((document["connections"], document["threads"], document["method"]), (4, 2, "HEAD"))
        self.assertEqual(document["offered_rps"], 200)
        self.assertEqual(document["response_time_us"]["count"], document["requests"])
        self.assertIs(document["interrupted"], False)

    def test_stages(self) -> None:
        stages = ("--stage", "500ms@0..200", "--stage", "100ms@0", "--stage", "500ms@100~50/100ms")
        with BadServer(answer_well) as server:
            document = self.assert_measured(self.load(server.url, "-c", "4", "--json", *stages))
            text = self.load(server.url, "-c", "4", *stages).out
        self.assertEqual([stage["shape"] for stage in document["stages"]], ["0..200/s", "0/s", "100~50/0.1s"])
        self.assertEqual([stage["offered_requests"] for stage in document["stages"]], [50, 0, 50])
        self.assertEqual([stage["start_s"] for stage in document["stages"]], [0, 0.5, 0.6])
        self.assertEqual(sum(stage["requests"] for stage in document["stages"]), document["requests"])
        self.assertAlmostEqual(document["offered_rps"], 100 / 1.1)
        self.assertIsNone(document["stages"][1]["response_time_us"]["p50"], "a pause tells nothing")
        self.assertRegex(text, r"\n  0s +0\.\.200/s +50 +50 +0 ")
        self.assertRegex(text, r"\n  0\.5s +0/s +0 +0 +0 +- +- +-\n")

    def test_objectives(self) -> None:
        with BadServer(answer_well) as server:
            load = (server.url, "-R", "200", "-d", "500ms", "-c", "4", "--json")
            held = self.load(*load, "--slo", "p90<5s,errors<1%")
            missed = self.load(*load, "--slo", "p90<5s,p99.99<5s")
            wrong = self.load(*load, "--slo", "p90<5")
        self.assertEqual(held.code, OK)
        self.assertEqual([gate["met"] for gate in held.document()["gates"]], [True, True])
        self.assertEqual(missed.code, 1)
        self.assertEqual([gate["met"] for gate in missed.document()["gates"]], [True, False])
        self.assertEqual(missed.document()["gates"][1]["measured"], "not estimable from 100 answers")
        self.assertEqual(wrong.code, 2)
        self.assertIn('--slo "p90<5": expected a gate such as', wrong.err)

    def test_what_cannot_be_said_is_null(self) -> None:
        document = self.document()
        for key in ("offered_rps", "offered_requests", "arrivals"):
            self.assertIsNone(document[key])
        few = self.document("-R", "20")["response_time_us"]
        self.assertEqual(few["count"], 10)
        self.assertIsNotNone(few["p50"])
        self.assertIsNone(few["p99.99"], "ten samples do not tell it")


class Streams(LoadTest):
    def test_the_fallback_notice_is_on_stderr(self) -> None:
        """Where the system refuses io_uring the run goes on with epoll, and the JSON is not disturbed."""
        with BadServer(answer_well) as server:
            outcome = self.load(server.url, "-d", "100ms", "-c", "1", "--json")
        self.assertIn(outcome.document()["generator"]["io"], ("io_uring", "epoll"))
        self.assertLessEqual(len(outcome.err.splitlines()), 1)

    def test_progress_on_a_terminal(self) -> None:
        with BadServer(answer_well) as server:
            seen, process = self.start_on_terminal("load", server.url, "-d", "600s", "-c", "2", "-R", "50")
            self.read_until(seen, lambda text: text.count("responses/s") >= 2)
            process.send_signal(signal.SIGINT)
            rows, _ = process.communicate(timeout=service.PATIENCE_S)
            text = self.read_until(seen, lambda text: text.endswith("\r\x1b[K"))
        self.assertRegex(text, r"\r\x1b\[K\d+\.\ds of 600s  \d+ responses/s  \d+ errors")
        self.assertRegex(rows, r"^(VALID|INVALID)")
        self.assertNotIn(ESCAPE, rows)

    def start_on_terminal(self, *arguments: str) -> tuple[int, subprocess.Popen]:
        """With stderr on a pseudo terminal; the other end of it, and the process."""
        seen, terminal = pty.openpty()
        self.addCleanup(os.close, seen)
        process = subprocess.Popen(
            [service.program("ASSAY_COMMAND"), *arguments], stdout=subprocess.PIPE, stderr=terminal, text=True
        )
        os.close(terminal)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.seen_text = ""
        return seen, process

    def read_until(self, seen: int, condition) -> str:
        deadline = time.monotonic() + service.PATIENCE_S
        while not condition(self.seen_text):
            self.assertLess(time.monotonic(), deadline, f"seen so far: {self.seen_text!r}")
            if select.select([seen], [], [], 0.1)[0]:
                self.seen_text += os.read(seen, 4096).decode()
        return self.seen_text


class Help(LoadTest):
    def test_help_has_five_examples(self) -> None:
        for flag in ("--help", "-h"):
            outcome = self.start("load", flag).wait(10)
            self.assertEqual((outcome.code, outcome.err), (OK, ""))
            self.assertEqual(len(re.findall(r"^  assay load http://", outcome.out, re.MULTILINE)), 5)
            for option in ("--rate", "--duration", "--connections", "--json", "--latency", "Exit codes"):
                self.assertIn(option, outcome.out)
        outcome = self.start("--help").wait(10)
        self.assertEqual((outcome.code, outcome.err), (OK, ""))
        self.assertIn("load", outcome.out)

    def test_version(self) -> None:
        outcome = self.start("--version").wait(10)
        self.assertEqual((outcome.code, outcome.err), (OK, ""))
        self.assertRegex(outcome.out, r"^assay \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()

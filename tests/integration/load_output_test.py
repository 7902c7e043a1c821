"""What `assay load` prints, and where: rows on stdout, notices on stderr, progress on a terminal only."""

import dataclasses
import http.server
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

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
        while lines[4].startswith("    95 % "):  # a run of which hardly more than one part differs has none
            self.assertRegex(lines.pop(4), r"^    95 % ((from|to)( +[\d.]+(us|ms|s)| +-){5}|of .+: not estimable: .+)$")
        self.assertRegex(lines[4], r"^  service time( +[\d.]+(us|ms|s)| +-){6}$")
        self.assertRegex(lines[5], r"^  send lag( +[\d.]+(us|ms|s)| +-){6}$")
        self.assertRegex(lines[6], r"^  100 responses in 0\.50s, [\d.]+k?B read$")
        self.assertIn("  arrivals: ", "\n".join(lines[7:]))
        self.assertRegex(lines[-1], r"^offered 200\.00 req/s, achieved [\d.]+ req/s$")

    def test_the_closed_model_has_no_response_time(self) -> None:
        text = self.text()
        self.assertIn("closed model", text)
        self.assertNotIn("response time", text)
        self.assertRegex(text.splitlines()[-1], r"^achieved [\d.]+ req/s$")

    def test_errors_have_their_row(self) -> None:
        with BadServer("overloaded") as server:
            outcome = self.load_undisturbed(server.url, "-d", "500ms", "-c", "2", "-R", "50")
        self.assertIn("\n  errors: status_5xx 25\n", outcome.out)
        self.assertTrue(outcome.out.endswith(
            "\nthe service collapsed: 0 % of what was offered came back as expected and in time\n"), outcome.out)

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
        "format tool_version verdict reasons offered_rps achieved_rps good_rps collapsed requests errors "
        "response_time_us response_interval_us steady expected_response_time_us service_time_us send_lag_us "
        "connect_time_us first_byte_us stages routes sessions gates url method model arrivals tick_us seed connections "
        "threads started_unix_s duration_s interrupted offered_requests received_bytes connects resent redirects "
        "waited_for_connection generator touched_by_stalls arrivals_seen histograms_ns_v2"
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
            held = self.load_undisturbed(*load, "--slo", "p90<5s,errors<1%")
            missed = self.load_undisturbed(*load, "--slo", "p90<5s,p99.99<5s")
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


class Seconds(LoadTest):
    KEYS = (
        "at_s length_s offered_requests requests offered_rps achieved_rps errors response_time_us generator"
    ).split()

    def test_a_line_for_each_second(self) -> None:
        with BadServer(answer_well) as server:
            outcome = self.load(server.url, "-d", "2500ms", "-R", "400", "-c", "4", "--ndjson", "-")
        lines = [json.loads(line) for line in outcome.out.splitlines()]
        self.assertEqual([line["at_s"] for line in lines], [0, 1, 2])
        self.assertEqual([line["offered_requests"] for line in lines], [400, 400, 200])
        self.assertEqual([line["requests"] for line in lines], [400, 400, 200])
        self.assertEqual([line["length_s"] for line in lines], [1, 1, 0.5])
        for line in lines:
            self.assertEqual(list(line), self.KEYS)
            self.assertEqual(line["offered_rps"], 400)
            times = line["response_time_us"]
            self.assertLessEqual(times["p50"], times["max"])
        self.assertIsNone(lines[2]["response_time_us"]["p99"], "200 answers do not tell it")
        self.assertRegex(outcome.err, r"^(VALID|INVALID)", "the summary gives way")

    def test_lines_come_while_it_runs_and_end_with_it(self) -> None:
        with BadServer(answer_well) as server, tempfile.NamedTemporaryFile("r") as file:
            run = self.start("load", server.url, "-d", "600s", "-R", "100", "-c", "2", "--ndjson", file.name)
            service.wait_until(lambda: pathlib.Path(file.name).read_text().count("\n") >= 2, "two seconds")
            run.send_signal(signal.SIGINT)
            outcome = run.wait(10)
            lines = [json.loads(line) for line in file.read().splitlines()]
        self.assertRegex(outcome.out, r"^(VALID|INVALID)")
        self.assertEqual([line["at_s"] for line in lines], list(range(len(lines))))
        length = float(re.search(r": ([\d.]+)s \(interrupted\)", outcome.out).group(1))
        self.assertAlmostEqual(sum(line["length_s"] for line in lines), length, delta=0.06)
        self.assertEqual(
            sum(line["requests"] for line in lines), int(re.search(r"(\d+) responses in", outcome.out).group(1))
        )


class Calibration(LoadTest):
    def test_it_measures_this_machine(self) -> None:
        outcome = self.start("load", "--calibrate", "-d", "600ms", "-R", "100", "-c", "4", "--json").wait(20)
        self.assertIn(outcome.code, (OK, INVALID), outcome.err)
        document = outcome.document()
        self.assertEqual(document["verdict"], "VALID" if outcome.code == OK else "INVALID")
        self.assertGreater(document["most_rps"], 100)
        self.assertGreater(document["cpu_per_request_us"], 0)
        self.assertEqual((document["rate_rps"], document["response_time_us"]["count"]), (100, 30))

    def test_it_takes_no_url(self) -> None:
        self.assert_refused(self.start("load", "http://127.0.0.1:1/", "--calibrate").wait(10), 2, "--calibrate")


class HdrFiles(LoadTest):
    def test_both_forms_are_of_the_response_time(self) -> None:
        with BadServer(answer_well) as server, tempfile.TemporaryDirectory() as folder:
            plain, log = f"{folder}/a.hgrm", f"{folder}/a.hlog"
            document = self.load(
                server.url, "-d", "500ms", "-R", "200", "-c", "4", "--hdr", plain, "--hdr", log, "--json"
            ).document()
            rows = pathlib.Path(plain).read_text().splitlines()
            lines = pathlib.Path(log).read_text().splitlines()
        self.assertRegex(rows[-2], r"^#\[Max     = +[\d.]+, Total count    = +100\]$")
        self.assertRegex(rows[-4], r" 1\.000000000000        100$")
        self.assertEqual([line.split(",")[0] for line in lines[-3:]], ["0.000", "Tag=service_time", "Tag=send_lag"])
        self.assertEqual(lines[-3].split(",")[-1], document["histograms_ns_v2"]["response_time"])

    def test_a_place_where_nothing_can_be_written_is_told_before_the_run(self) -> None:
        outcome = self.load("http://127.0.0.1:1/", "--hdr", "/no/such/a.hgrm")
        self.assert_refused(outcome, 2, "--hdr /no/such/a.hgrm: no such directory")
        outcome = self.load("http://127.0.0.1:1/", "--ndjson", "/no/such/a.ndjson")
        self.assert_refused(outcome, 4, "--ndjson /no/such/a.ndjson: No such file or directory")


class Metrics(LoadTest):
    def test_they_grow_while_it_runs(self) -> None:
        with BadServer(answer_well) as server:
            run = self.start("load", server.url, "-d", "600s", "-R", "200", "-c", "2", "--prometheus", "0")
            service.wait_until(lambda: "metrics at" in run.errors_so_far(), "the endpoint")
            url = re.search(r"http://127\.0\.0\.1:\d+/metrics", run.errors_so_far()).group()

            def value(name: str) -> float:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE).group(1))

            first = value("assay_load_responses_total")
            service.wait_until(lambda: value("assay_load_responses_total") > first + 50, "more responses")
            service.wait_until(lambda: value("assay_load_second_p99_seconds") > 0, "a second that is over")
            self.assertGreater(value("assay_load_generator_cpu_seconds_total"), 0)
            run.send_signal(signal.SIGINT)
            outcome = run.wait(10)
        self.assertRegex(outcome.out, r"^(VALID|INVALID)")


@dataclasses.dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


class Recording(http.server.BaseHTTPRequestHandler):
    """Answers hello, and keeps what was asked."""

    protocol_version = "HTTP/1.1"
    seen: list[Request] = []

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append(Request(self.requestline, dict(self.headers), body))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    do_GET = do_POST = answer

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class Several(LoadTest):
    """More than one request: what arrives at the server is what was asked for, and has a row of its own."""

    def requests_of(self, *arguments: str, url: bool = True) -> tuple[dict, list[Request]]:
        Recording.seen.clear()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recording)
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            origin = f"http://127.0.0.1:{server.server_port}"
            typed = [each.replace("SERVER", origin) for each in arguments]
            target = [origin] if url else []
            outcome = self.start("load", *target, "-R", "200", "-d", "500ms", "-c", "2", "--json", *typed).wait(20)
        finally:
            server.shutdown()
            serving.join()
            server.server_close()
        return self.assert_measured(outcome), list(Recording.seen)

    def test_curl_lines(self) -> None:
        one, two = "curl 'SERVER/a?x={y}' -H 'X-One: 1'", "curl -d b=2 SERVER/b"
        document, seen = self.requests_of("--curl", one, "--curl", two, "--curl", one, url=False)
        self.assertEqual([route["route"] for route in document["routes"]], ["GET /a?x={y}", "POST /b"])
        self.assertAlmostEqual(document["routes"][0]["share"], 2 / 3)
        self.assertEqual(sum(route["requests"] for route in document["routes"]), 100)
        self.assertIsNone(document["method"])
        self.assertEqual({each.line for each in seen}, {"GET /a?x={y} HTTP/1.1", "POST /b HTTP/1.1"})
        for each in seen:
            self.assertEqual(each.headers.get("X-One"), "1" if each.line.startswith("GET") else None)
            self.assertEqual(each.body, b"" if each.line.startswith("GET") else b"b=2")

    def test_a_har_file_is_sent_to_the_url(self) -> None:
        entries = [{"request": {"method": "GET", "url": url}} for url in
                   ("https://shop/", "https://cdn/x.js", "https://shop/items?q=1")]
        with tempfile.NamedTemporaryFile("w", suffix=".har") as file:
            json.dump({"log": {"entries": entries}}, file)
            file.flush()
            with BadServer(answer_well) as server:
                outcome = self.load(server.url, "--har", file.name, "-R", "100", "-d", "300ms", "-c", "2", "--json")
        self.assertEqual([route["route"] for route in outcome.document()["routes"]], ["GET /", "GET /items?q=1"])
        self.assertEqual(outcome.err, "assay load: 1 of 3 requests are left out: they are to others than the first\n")

    def test_a_file_of_requests_with_feeds_and_checks(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "ids.csv").write_text("id,name\n7,x\n8,y\n")
            requests = pathlib.Path(folder, "r.jsonl")
            requests.write_text('{"route": "GET /items/{id}", "weight": 3}\n\n'
                                '{"route": "POST /orders", "body": "{{\\"n\\":{n}}}"}\n')
            document, seen = self.requests_of(
                "--requests", str(requests), "--feed", f"id={folder}/ids.csv", "--feed", "n=seq", "-H", "X-All: 1",
                "--check", "header:content-length", "--check", "body~no such text")
        self.assertEqual([route["route"] for route in document["routes"]], ["GET /items/{id}", "POST /orders"])
        self.assertEqual(document["errors"], {"check_body": 100})
        self.assertEqual(document["good_rps"], 0)
        lines = {"GET /items/7 HTTP/1.1", "GET /items/8 HTTP/1.1", "POST /orders HTTP/1.1"}
        self.assertEqual({each.line for each in seen}, lines)
        bodies = [each.body for each in seen if each.line.startswith("POST")]
        self.assertEqual(len(bodies), len(set(bodies)), "none comes twice")
        self.assertRegex(bodies[0], rb'^\{"n":\d+\}$')
        self.assertEqual({each.headers["X-All"] for each in seen}, {"1"})

    def test_repeated_bursts(self) -> None:
        with BadServer(answer_well) as server:
            outcome = self.load(server.url, "-c", "4", "--json", "--stage", "1s@50", "--stage", "2x(500ms@50*4, 1s@50)")
        self.assertIn(outcome.code, (OK, INVALID), outcome.err)
        stages = outcome.document()["stages"]
        self.assertEqual([stage["offered_requests"] for stage in stages], [50, 100, 50, 100, 50])
        self.assertEqual([stage["burst"] is not None for stage in stages], [False, True, False, True, False])
        self.assertEqual(stages[1]["burst"]["watched_s"], 1)
        self.assertIn("the level before is not known", stages[1]["burst"]["why_not"], "of one second")


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
            self.assertEqual(len(re.findall(r"^  assay load ", outcome.out, re.MULTILINE)), 5)
            for option in ("--rate", "--duration", "--connections", "--json", "--latency", "Exit codes"):
                self.assertIn(option, outcome.out)
            self.assertNotIn("Excludes", outcome.out)
            if flag == "-h":  # on one screen
                self.assertLessEqual(len(outcome.out.splitlines()), 24)
                self.assertLessEqual(max(map(len, outcome.out.splitlines())), 80)
        outcome = self.start("--help").wait(10)
        self.assertEqual((outcome.code, outcome.err), (OK, ""))
        self.assertIn("load", outcome.out)

    def test_version(self) -> None:
        outcome = self.start("--version").wait(10)
        self.assertEqual((outcome.code, outcome.err), (OK, ""))
        self.assertRegex(outcome.out, r"^assay \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()

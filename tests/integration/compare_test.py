"""`assay compare`: two services that run already, a log, no YAML.

The environment names the program: ASSAY_COMMAND; ctest sets it.
"""

import collections
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from load_support import COULD_NOT_RUN, INVALID, OK, USAGE
from service import free_port, on_the_candidates_cpus

LIMIT_S = 60
ITEMS = 40
WORDS = ("tea", "coffee", "cocoa")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        path, _, query = self.path.partition("?")
        self.server.asked[self.command, path, query] += 1
        known = path.removeprefix("/items/").isdigit() or path in ("/search", "/")
        body = b"found\n" if known else b"unknown\n"
        self.send_response(200 if known and self.server.knows else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_) -> None:
        pass


class TinyService(http.server.ThreadingHTTPServer):
    """Knows items, a search and a start page; remembers what it was asked."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, knows: bool = True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.knows = knows
        self.asked: collections.Counter = collections.Counter()
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        with on_the_candidates_cpus():
            self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def end(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


def line(number: int, request: str, status: int = 200) -> str:
    minute, second = divmod(number % 3600, 60)
    stamp = f"[23/Nov/2026:10:{minute:02}:{second:02} +0000]"
    return f'10.0.0.{number % 9} - - {stamp} "{request} HTTP/1.1" {status} 17 "-" "test/1"\n'


def small_log() -> str:
    """Two thirds items, a quarter searches, some orders, one request in forty for what is not there."""
    requests = []
    for number in range(1200):
        if number % 40 == 39:
            requests.append(line(number, "GET /gone", 404))
        elif number % 12 == 11:
            requests.append(line(number, "POST /orders", 201))
        elif number % 4 == 2:
            requests.append(line(number, f"GET /search?q={WORDS[number % 3]}"))
        else:
            requests.append(line(number, f"GET /items/{1 + number * 7 % ITEMS}"))
    return "".join(requests)


class CompareTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-compare-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "access.log").write_text(small_log(), encoding="ascii")

    def service(self, **options: bool) -> TinyService:
        made = TinyService(**options)
        self.addCleanup(made.end)
        return made

    def assay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [os.environ["ASSAY_COMMAND"], *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    def refused(self, code: int, *arguments: str) -> str:
        done = self.assay("compare", *arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertFalse((self.folder / "results").exists())
        return done.stderr

    def test_two_urls_and_a_log_are_enough(self) -> None:
        one, two = self.service(), self.service()
        pair = (f"one={one.url}", f"two=http://localhost:{two.server_address[1]}")
        options = ("--log", "access.log", "--repeats", "1", "--rate", "30", "--shorten", "36s")
        done = self.assay("compare", *pair, *options)
        # INVALID: on a busy machine requests leave late; what was sent, and what is told of it, is the same.
        self.assertIn(done.returncode, (OK, INVALID), done.stderr + done.stdout)
        report = self.folder / "results" / "one-two" / "report.html"
        self.assertEqual(done.stdout.splitlines()[-1], "report: results/one-two/report.html")
        self.assertIn("not started by assay", report.read_text(encoding="utf-8"))

        # What changes data is said, with its share and the way to send it, and was not sent.
        self.assertRegex(done.stderr, r"not sent: POST /orders, 7.[0-9]+ % of the requests: POST changes data")
        self.assertIn("assay plan NAME.profile.json --bind BINDING.yaml", done.stderr)
        for each in (one, two):
            self.assertEqual({method for method, *_ in each.asked}, {"GET"})
            sent = each.asked.total()
            searches = {query for _, path, query in each.asked if path == "/search"}
            self.assertEqual(searches, {f"q={word}" for word in WORDS})
            items = {path.removeprefix("/items/") for _, path, _ in each.asked if path.startswith("/items/")}
            self.assertLessEqual({int(item) for item in items}, set(range(1, ITEMS + 1)))
            self.assertGreater(sent, 400)  # 480 are planned
        # The plan is there to go on from, and the results are nobody's to write over.
        plan = "results/one-two/one-two.plan.yaml"
        self.assertIn(f"plan: {plan}", done.stdout)
        checked = self.assay("plan", "--check", plan)
        self.assertEqual(checked.returncode, OK, checked.stderr)
        again = self.assay("compare", *pair, *options)
        self.assertEqual(again.returncode, COULD_NOT_RUN)
        self.assertIn("results/one-two holds a campaign already", again.stderr)
        self.assertIn(f"assay run {plan} -o results/one-two --resume", again.stderr)

    def test_mistakes_are_one_line(self) -> None:
        url = self.service().url
        good = (f"a={url}", f"b={url}", "--log", "access.log")
        (self.folder / "empty").write_text("")
        (self.folder / "writes").write_text("".join(line(n, "POST /orders", 201) for n in range(50)))
        cases = {
            (f"a={url}", "--log", "access.log"): "expected 2 to 16 candidates",
            ("a", f"b={url}", "--log", "access.log"): '"a": expected NAME=http://HOST:PORT',
            (f"a={url}", f"a={url}", "--log", "access.log"): "two candidates are called a",
            (f"a={url}/shop", f"b={url}", "--log", "access.log"): "the paths are the log's",
            ("a=https://127.0.0.1:1", f"b={url}", "--log", "access.log"): "expected NAME=http://HOST:PORT",
            ("a=http://127.0.0.1:http", f"b={url}", "--log", "access.log"): "expected a port from 1 to 65535",
            ("a=http://nowhere.invalid", f"b={url}", "--log", "access.log"): 'cannot resolve "nowhere.invalid"',
            (f"a={url}", f"b={url}", "--log", "-"): "expected a file, because it is read twice",
            (f"a={url}", f"b={url}"): "--log is required",
            (f"a={url}", f"b={url}", "--log", "writes"): "1 route changes data and need",
            (*good, "--rate", "0"): "--rate",
            (*good, "--shorten", "soon"): '--shorten "soon": expected a duration',
            (*good, "--shorten", "1s"): "1s is too short",
            (*good, "--repaets", "1"): "unknown argument --repaets; did you mean --repeats?",
        }
        for arguments, expected in cases.items():
            with self.subTest(arguments=arguments):
                error = self.refused(USAGE, *arguments)
                self.assertIn(expected, error)
                self.assertEqual(error.count("\n"), 1, error)
        for name, expected in {"empty": "empty: is empty", "nowhere": "nowhere: "}.items():
            with self.subTest(log=name):
                error = self.refused(COULD_NOT_RUN, f"a={url}", f"b={url}", "--log", name)
                self.assertIn(expected, error)
                self.assertEqual(error.count("\n"), 1, error)

    def test_a_url_that_does_not_answer_is_named(self) -> None:
        good = self.service().url
        dead = f"http://127.0.0.1:{free_port()}"
        error = self.refused(COULD_NOT_RUN, f"a={good}", f"b={dead}", "--log", "access.log")
        self.assertIn(f"b={dead}: not ready after 5 s: it refuses connections", error.splitlines()[-1])
        unknowing = self.service(knows=False).url
        error = self.refused(COULD_NOT_RUN, f"a={good}", f"b={unknowing}", "--log", "access.log")
        self.assertRegex(error.splitlines()[-1], f"b={unknowing}: .*it answers GET /search.q=[a-z]+ with 404, not 200")
        with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never answers
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            error = self.refused(COULD_NOT_RUN, f"a={url}", f"b={good}", "--log", "access.log")
        self.assertIn(f"a={url}: not ready after 5 s: it accepts connections", error.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()

"""`assay replay` as its users meet it: a real server, the three kinds of recordings, what is printed and where."""

import json
import pathlib
import re
import signal
import tempfile
import unittest

import service
from bad_server import BadServer, answer_well
from load_support import COULD_NOT_RUN, INVALID, OK, USAGE, LoadTest, Outcome, undisturbed

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "replay.md"
SEPARATOR = "\n🐵🙈🙉\n"


def log_line(at_ms: int, client: int, method: str = "GET", status: int = 200) -> str:
    stamp = f"2016-04-15T20:17:{at_ms // 1000:02}.{at_ms % 1000:03}Z"
    line = {"time": stamp, "ip": f"10.0.0.{client}", "verb": method, "path": f"/{client}", "status": status}
    return json.dumps(line | {"agent": "test"})


LOG_FORMAT = "json:time=time,address=ip,method=verb,target=path,status=status,agent=agent"


class Replay(LoadTest):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def source(self, text: str) -> str:
        path = self.folder / "recording"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def replay(self, kind: str, text: str, url: str, *arguments: str) -> Outcome:
        command = ("replay", kind, self.source(text), "--to", url, *arguments)
        return undisturbed(lambda: self.start(*command).wait(20))

    def log(self, requests: int, spacing_ms: int) -> str:
        lines = [log_line(spacing_ms * i, i % 5, "POST" if i % 10 == 9 else "GET") for i in range(requests)]
        return "\n".join(lines) + "\n"

    def test_a_log_at_twice_its_speed(self) -> None:
        with BadServer(answer_well) as server:
            url = server.url.rstrip("/")
            outcome = self.replay("log", self.log(100, 20), url, "--format", LOG_FORMAT, "--speed", "2x", "--json")
        document = self.assert_measured(outcome)
        self.assertEqual(document["requests"], 100)
        self.assertEqual(document["answered"], 90)
        self.assertEqual(document["refused"], {"unsafe_method": 10})
        self.assertEqual(document["failed"], {})
        self.assertEqual(document["statuses"], [{"recorded": 200, "replayed": 200, "requests": 90}])
        self.assertAlmostEqual(document["planned_duration_s"], 0.98, delta=0.001)
        self.assertEqual(document["clients"], 5)
        self.assertEqual(document["connects"], 5)
        page = DOCS.read_text(encoding="utf-8").split("# The document of")[1]
        self.assertEqual(set(document), set(re.findall(r"^\| `([a-z_0-9]+)` \|", page, re.MULTILINE)))

    def test_the_verdict_comes_first(self) -> None:
        with BadServer(answer_well) as server:
            url = server.url.rstrip("/")
            outcome = self.replay("log", self.log(20, 10), url, "--format", LOG_FORMAT)
        lines = outcome.out.splitlines()
        self.assertEqual(outcome.err, "", "no terminal, no progress")
        self.assertRegex(lines[0], "^VALID$" if outcome.code == OK else "^INVALID: .+$")
        self.assertRegex(lines[1], r"^replay to http://127\.0\.0\.1:\d+ at 1x: 0\.2s of 0\.2s, 5 clients, ")
        self.assertEqual(lines[2].split(), ["20", "requests", "recorded"])
        self.assertEqual(lines[3].split()[:2], ["18", "answered,"])
        self.assertIn("2 refused: unsafe_method", outcome.out)

    def test_a_recording_with_bodies(self) -> None:
        head = "1 a7590000000100000001c0a8 {at} 0\n"
        requests = [
            head.format(at=1646861401000000000) + "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n",
            head.format(at=1646861401050000000) + "POST /b HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\na=b",
            head.format(at=1646861401100000000) + "DELETE /c HTTP/1.1\r\nHost: shop\r\n\r\n",
        ]
        recording = "".join(each + SEPARATOR for each in requests)
        server = self.hello()
        url = f"http://127.0.0.1:{server.port}"
        outcome = self.replay("gor", recording, url, "--allow", "POST /b", "--json")
        document = self.assert_measured(outcome)
        self.assertEqual(document["answered"], 2)
        self.assertEqual(document["refused"], {"unsafe_method": 1})
        self.assertEqual(document["clients"], 1)

    def test_a_browsers_recording(self) -> None:
        def entry(at_ms: int, url: str) -> dict:
            return {
                "startedDateTime": f"2026-11-23T08:00:00.{at_ms:03}Z",
                "request": {"method": "GET", "url": url, "headers": [{"name": "Accept", "value": "*/*"}]},
                "response": {"status": 200},
                "connection": "7",
            }

        entries = [entry(0, "https://shop/a"), entry(30, "https://ads/b"), entry(60, "https://shop/c")]
        with BadServer(answer_well) as server:
            url = server.url.rstrip("/")
            outcome = self.replay("har", json.dumps({"log": {"entries": entries}}), url, "--json")
        document = self.assert_measured(outcome)
        self.assertEqual(document["answered"], 2)
        self.assertEqual(document["refused"], {"other_host": 1})

    def test_ctrl_c_keeps_what_was_measured(self) -> None:
        with BadServer(answer_well) as server:
            url = server.url.rstrip("/")
            source = self.source(self.log(1000, 50))
            run = self.start("replay", "log", source, "--to", url, "--format", LOG_FORMAT, "--json")
            service.wait_until(lambda: server.requests >= 5 or not run.running(), "the first requests")
            run.send_signal(signal.SIGINT)
            document = self.assert_measured(run.wait(20), ended_by=signal.SIGINT)
        self.assertTrue(document["interrupted"])
        self.assertGreaterEqual(document["answered"], 4)
        accounted = document["answered"] + sum(document["failed"].values()) + sum(document["refused"].values())
        self.assertEqual(accounted + document["not_reached"], 1000)

    def test_what_cannot_be_run_is_said_in_one_line(self) -> None:
        log = self.log(5, 10)
        good = ("--format", LOG_FORMAT)
        cases: list[tuple[tuple[str, ...], int, tuple[str, ...]]] = [
            (("log", self.source(log), "--to", "http://127.0.0.1:1", *good), COULD_NOT_RUN, ("cannot connect",)),
            (("log", "/nowhere", "--to", "http://127.0.0.1:1"), USAGE, ("/nowhere",)),
            (("log", self.source(log), "--to", "http://127.0.0.1:1/x", *good), USAGE, ("--to", "--rewrite")),
            (("log", self.source(log), "--to", "http://127.0.0.1:1", "--speed", "fast"), USAGE, ("--speed", "2x")),
            (("pcap", self.source(log), "--to", "http://127.0.0.1:1"), USAGE, ("pcap",)),
            (("log", self.source(log)), USAGE, ("--to",)),
            (
                ("log", self.source(log), "--to", "http://127.0.0.1:1", "--refuse", "*", *good),
                USAGE,
                ("nothing to send", "--refuse *"),
            ),
        ]
        for arguments, code, words in cases:
            with self.subTest(arguments=arguments):
                self.assert_refused(self.start("replay", *arguments).wait(20), code, *words)


if __name__ == "__main__":
    unittest.main()

"""`assay watch` as its users meet it: a blocking call named, a clean twin left alone, attaching, bad input."""

import contextlib
import http.client
import json
import os
import pathlib
import pwd
import signal
import subprocess
import sys
import threading
import time
import unittest

from inside_test import SlowPeer, line_of
from load_support import COULD_NOT_RUN, INVALID, OK, USAGE, Run
from service import PATIENCE_S, connects, free_port, program, wait_until

PLANTED = pathlib.Path(__file__).resolve().parent / "planted" / "service.py"
WATCHED_S = 5.5  # a diagnosis needs five
EVERY_S = 0.1


class Watch(unittest.TestCase):
    def setUp(self):
        self.peer = self.enterContext(SlowPeer())
        self.addCleanup(self.peer.shutdown)
        self.port = free_port()
        self.service = [sys.executable, str(PLANTED), str(self.port), str(self.peer.port), os.devnull]

    def start(self, *arguments: str) -> Run:
        run = Run([program("ASSAY_COMMAND"), "watch", *arguments], cwd=PLANTED.parent)
        self.addCleanup(run.kill)
        return run

    def wait_until_it_listens(self, what: Run | None = None) -> None:
        wait_until(lambda: connects(self.port) or (what and not what.running()), "the planted service")

    def load(self, path: str) -> None:
        """One request each tenth of a second, for as long as a diagnosis needs; then a pause of a look or two."""
        end = time.monotonic() + WATCHED_S
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as client:
            while time.monotonic() < end:
                client.request("GET", path)
                client.getresponse().read()
                threading.Event().wait(EVERY_S)

    def watched(self, path: str) -> dict:
        """The document, after Ctrl-C."""
        run = self.start("--json", "--", *self.service)
        self.wait_until_it_listens(run)
        self.load(path)
        run.send_signal(signal.SIGINT)
        outcome = run.wait(PATIENCE_S)
        self.assertEqual(outcome.code, OK, outcome.err)
        self.assertIn("  cpu 0.", outcome.err)  # a line an interval
        self.assertFalse(connects(self.port), "the command outlives the watch")
        document = outcome.document()
        self.assertEqual((document["ended"], document["runtime"]), ("interrupted", "python"))
        self.assertEqual(document["lag"]["quality"], "traced")
        probe = document["probe"]
        self.assertLess(probe["cpu_share_low"], probe["cpu_share"])
        self.assertGreater(probe["calls"], WATCHED_S / EVERY_S)  # to read and to answer, once it is known as a loop
        self.assertGreater(probe["stacks_cpu_share"], 0)
        return document

    def test_a_blocking_call_is_named_with_peer_and_line(self):
        document = self.watched("/price-timeout")
        self.assertEqual(document["verdict"], "blocking_call", document["findings"])
        self.assertEqual(len(document["findings"]), 1)
        found = document["findings"][0]
        self.assertEqual(found["call"], "recv (poll)")
        self.assertEqual(found["peer"], f"127.0.0.1:{self.peer.port}")
        self.assertEqual(found["place"], f"service.py:{line_of('peer.getresponse()')} in call_peer")
        self.assertGreater(found["numbers"]["blocked_s"], 1)
        self.assertIn("asynchronous client", found["next"])

    def test_a_clean_twin_is_healthy(self):
        document = self.watched("/price-executor")
        self.assertEqual(document["verdict"], "healthy", document["findings"])
        # A machine that is busy with others takes the CPU away: that is no call.
        self.assertEqual([each for each in document["blocking"] if each["call"] != "waiting for a CPU"], [])

    def test_a_process_that_runs_is_sampled_and_the_limits_are_said(self):
        service = subprocess.Popen(self.service, stdout=subprocess.DEVNULL, stdin=subprocess.PIPE)
        self.addCleanup(service.communicate)
        self.addCleanup(service.kill)
        self.wait_until_it_listens()
        nowhere = f"postgresql://shop@127.0.0.1:{free_port()}/shop"
        run = self.start("--json", "--duration", "8s", "--postgres", nowhere, "--pid", str(service.pid))
        self.load("/price-timeout")
        outcome = run.wait(PATIENCE_S)
        self.assertEqual(outcome.code, OK, outcome.err)
        document = outcome.document()
        self.assertEqual(document["lag"]["quality"], "sampled")
        self.assertEqual(document["verdict"], "blocking_call", document["findings"])
        self.assertEqual(document["findings"][0]["call"], "")
        self.assertIn("assay watch --", document["findings"][0]["next"])
        self.assertIn("it ran before", " ".join(document["notes"]))
        self.assertIsNone(document["probe"])
        self.assertIsNone(service.poll(), "it is left running")
        [database] = document["databases"]
        self.assertEqual((database["looks"], len(database["notes"])), ([], 1))
        self.assertIn("postgres: not looked into: ", database["notes"][0])
        self.assertTrue(any("ESTABLISHED" in look["states"] for look in document["connections"]))

    @unittest.skipIf(os.geteuid() != 0, "only root can watch as another user")
    def test_what_another_user_may_not_see_is_said_with_the_cure(self):
        service = subprocess.Popen(self.service, stdout=subprocess.DEVNULL, stdin=subprocess.PIPE)
        self.addCleanup(service.communicate)
        self.addCleanup(service.kill)
        self.wait_until_it_listens()
        nobody = pwd.getpwnam("nobody")
        # By its descriptor: that user may not enter the folder that the program is in.
        descriptor = os.open(program("ASSAY_COMMAND"), os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        run = Run(
            ["assay", "watch", "--json", "--duration", "2500ms", "--pid", str(service.pid)],
            executable=f"/proc/self/fd/{descriptor}",
            pass_fds=[descriptor],
            cwd="/",
            env={**os.environ, "TMPDIR": "/tmp"},
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
        )
        self.addCleanup(run.kill)
        outcome = run.wait(PATIENCE_S)
        self.assertEqual(outcome.code, INVALID, outcome.err)  # shorter than a diagnosis needs
        document = outcome.document()
        why = "Permission denied: it runs as root, the watch as nobody"
        cure = "start it under `assay watch -- CMD`, or watch as root"
        for hidden in (
            "its system calls may not be sampled, so its loops are not seen",
            "its descriptors may not be listed (counted as 0, and no connections)",
        ):
            self.assertIn(f"{hidden}: {why}; {cure}", document["notes"])
        self.assertEqual((document["lag"]["quality"], document["connections"]), ("none", []))
        self.assertGreater(document["processes"][-1]["rss_bytes"], 0)

    def test_a_command_that_ends_is_no_verdict(self):
        outcome = self.start("--", sys.executable, "-c", "print('its own words')").wait(PATIENCE_S)
        self.assertEqual(outcome.code, INVALID, outcome.err)
        self.assertTrue(outcome.out.startswith("not_enough_data: it was watched for "), outcome.out)
        self.assertIn("it exited with status 0", outcome.out)
        self.assertIn("its own words\n", outcome.err)
        failed = self.start("--", sys.executable, "-c", "raise SystemExit(7)").wait(PATIENCE_S)
        self.assertEqual((failed.code, failed.out), (COULD_NOT_RUN, ""))
        self.assertIn("it exited with status 7, after ", failed.err)

    def assert_refused(self, code: int, words: str, *arguments: str) -> None:
        outcome = self.start(*arguments).wait(PATIENCE_S)
        self.assertEqual((outcome.code, outcome.out), (code, ""), outcome.err)
        self.assertEqual(len(outcome.err.splitlines()), 1, outcome.err)
        self.assertIn(words, outcome.err)

    def test_bad_input_is_one_line(self):
        self.assert_refused(USAGE, "expected a command")
        self.assert_refused(USAGE, "not both", "--pid", "1", "--", "true")
        self.assert_refused(USAGE, 'expected the number of a process', "--pid", "-3x")
        self.assert_refused(USAGE, "--interval", "--interval", "1ms", "--", "true")
        self.assert_refused(USAGE, "duration -d", "-d", "soon", "--", "true")
        self.assert_refused(USAGE, "runtime", "--runtime", "cobol", "--", "true")
        self.assert_refused(USAGE, "did you mean --json?", "--jsn")
        self.assert_refused(COULD_NOT_RUN, "No such file", "--", "/nowhere/to/be/found")
        self.assert_refused(COULD_NOT_RUN, "there is no process", "--pid", "4194304")


if __name__ == "__main__":
    unittest.main()

"""The selftest's own: what it takes for a miss, and when it has seen enough."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

from comparing import PLANTED, Case, is_host_busy, mistakes, read_table
from rounds import Kept, least_right
from selftest import conclude, line_of

PORT = 4711


def finding(kind: str, **more) -> dict:
    return {"kind": kind, "call": "", "peer": "", "place": "", "text": kind, "numbers": {}, **more}


def document(*findings: dict, failures: tuple[str, ...] = (), verdict: str = "") -> dict:
    kinds = {each["kind"] for each in findings}
    usual = "healthy" if not kinds else kinds.pop() if len(kinds) == 1 else "mixed"
    return {"verdict": verdict or usual, "text": "", "findings": list(findings),
            "failures": [{"text": text, "count": 3} for text in failures]}


def case(fault: dict | list[dict], mode: str = "fault", **entry) -> Case:
    return Case("one", mode, {"service": "slow_file.py", "fault": fault, **entry})


RECV = {"kind": "blocking_call", "call": "recv", "peer": "127.0.0.1"}
LEAK = {"kind": "memory_leak"}
FOUND_RECV = finding("blocking_call", call="recv", peer=f"127.0.0.1:{PORT}")


class Mistakes(unittest.TestCase):
    def told(self, of: Case, seen: dict) -> list[str]:
        return mistakes(of, seen, PORT)

    def test_what_is_expected_is_none(self):
        self.assertEqual(self.told(case(RECV), document(FOUND_RECV)), [])
        self.assertEqual(self.told(case(RECV, "clean"), document()), [])
        self.assertEqual(self.told(case([LEAK, RECV]), document(FOUND_RECV, finding("memory_leak"))), [])

    def test_a_second_finding_is_one_wherever_it_stands(self):
        other = finding("memory_leak")
        for found in ((FOUND_RECV, other), (other, FOUND_RECV)):
            self.assertEqual(self.told(case(RECV), document(*found)), ["also memory_leak: memory_leak"])
        self.assertEqual(self.told(case(RECV), document(FOUND_RECV, FOUND_RECV)), ["also blocking_call: blocking_call"])
        self.assertEqual(self.told(case(RECV, "clean"), document(other)), ["also memory_leak: memory_leak"])

    def test_one_that_is_missing_is_one(self):
        self.assertEqual(self.told(case(RECV), document()), ["no blocking_call"])
        self.assertEqual(self.told(case([RECV, LEAK]), document(FOUND_RECV)), ["no memory_leak"])
        self.assertEqual(self.told(case(RECV), document(finding("cpu_bound"))),
                         ["cpu_bound instead of blocking_call: cpu_bound"])

    def test_the_peer_is_the_tables_also_where_that_has_none(self):
        for peer in (f"127.0.0.1:{PORT}0", f"127.0.0.1:{PORT + 1}", "127.0.0.1", ""):
            self.assertEqual(self.told(case(RECV), document({**FOUND_RECV, "peer": peer})),
                             [f"peer {peer!r} instead of '127.0.0.1'"])
        self.assertEqual(self.told(case(LEAK), document(finding("memory_leak", peer="somebody"))),
                         ["peer 'somebody' instead of ''"])
        read = {"kind": "blocking_call", "call": "read", "peer": "slow.fifo"}
        found = finding("blocking_call", call="read", peer="/tmp/of-this-run/slow.fifo")
        for peer in (found["peer"], found["peer"] + " (deleted)"):
            self.assertEqual(self.told(case(read), document({**found, "peer": peer})), [])
        self.assertEqual(len(self.told(case(read), document({**found, "peer": "/tmp/not-slow.fifo"}))), 1)

    def test_call_text_place_and_slope_are_compared(self):
        self.assertEqual(self.told(case(RECV), document({**FOUND_RECV, "call": "read"})),
                         ["call 'read' instead of 'recv'"])
        self.assertEqual(len(self.told(case({**RECV, "text": "twice"}), document(FOUND_RECV))), 1)
        self.assertEqual(len(self.told(case({**RECV, "place": "read_file"}), document(FOUND_RECV))), 1)
        numbers = {"slope_mb_per_hour_low": 100, "slope_mb_per_hour_high": 200}
        leak = document(finding("memory_leak", numbers=numbers))
        for rate, wrong in ((50, 0), (500, 1)):
            of = case({**LEAK, "mb_per_request": 0.001}, load=[{"rate": rate, "length_s": 1}])
            self.assertEqual(len(self.told(of, leak)), wrong)

    def test_too_little_is_not_healthy(self):
        self.assertEqual(len(self.told(case(RECV, "clean"), document(verdict="not_enough_data"))), 1)

    def test_failures_are_those_that_were_planted(self):
        lost = {"kind": "healthy", "failures": ["a lost task"]}
        told, other = "ValueError in a lost task", "another"
        self.assertEqual(self.told(case(lost), document(failures=(told,))), [])
        self.assertEqual(len(self.told(case(lost), document())), 1)
        self.assertEqual(len(self.told(case(lost), document(failures=(told, other)))), 1)
        self.assertEqual(len(self.told(case(lost, "clean"), document(failures=(told,)))), 1)
        self.assertEqual(self.told(case(RECV), document(FOUND_RECV, failures=(other,))), [], "it may end as it likes")

    def test_a_busy_host_is_told_from_the_service(self):
        self.assertTrue(is_host_busy(document(FOUND_RECV, finding("waiting_for_cpu"))))
        self.assertFalse(is_host_busy(document(FOUND_RECV)))


class Table(unittest.TestCase):
    def test_it_has_only_what_is_compared(self):
        table = read_table((PLANTED / "table.yaml").read_text(encoding="utf-8"))
        self.assertGreaterEqual(len(table), 12)
        with self.assertRaisesRegex(ValueError, "one: unknown pear"):
            read_table("one: {fault: {kind: blocking_call, pear: 127.0.0.1}}")


class Rounds(unittest.TestCase):
    def setUp(self):
        self.file = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "kept.jsonl"
        self.case = case(RECV)
        self.said = self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def kept(self, of: str = "these", fresh: bool = False) -> Kept:
        return Kept(self.file, of, fresh)

    def add(self, to: Kept, number: int, wrong: bool = False, tries: int = 1) -> dict:
        return to.add({"round": number, "case": "one", "mode": "fault", "wrong": ["it is"] if wrong else [], "said": "",
                       "tries": tries})

    def test_of_few_rounds_all_are_to_be_right_of_many_nineteen_of_twenty(self):
        self.assertEqual([least_right(rounds) for rounds in (1, 5, 19, 20, 21, 39, 40, 100)],
                         [1, 5, 19, 19, 20, 38, 38, 95])

    def test_one_miss_of_twenty_passes_one_of_nineteen_does_not(self):
        kept = self.kept()
        for number in range(1, 20):
            self.add(kept, number, wrong=number == 7)
        self.assertEqual(conclude([self.case], kept), 1)
        self.add(kept, 20)
        self.assertEqual(conclude([self.case], kept), 0)
        self.assertEqual(conclude([self.case], self.kept()), 0, "also after an interruption")
        self.add(kept, 21, wrong=True)
        self.assertEqual(conclude([self.case], kept), 1)

    def test_each_case_has_its_own_count(self):
        kept, twin = self.kept(), case(RECV, "clean")
        for number in range(1, 21):
            self.add(kept, number)
            wrong = ["also something"] if number < 3 else []
            kept.add({"round": number, "case": "one", "mode": "clean", "wrong": wrong, "tries": 1})
        self.assertEqual(kept.count("one", "fault").right, 20)
        self.assertEqual(kept.count("one", "clean").right, 18)
        self.assertEqual(conclude([self.case, twin], kept), 1)
        self.assertIn("clean  18 of 20, 19 are needed", self.said.getvalue())

    def test_rounds_of_other_programs_are_kept_and_not_counted(self):
        self.add(self.kept("others"), 1, wrong=True)
        kept = self.kept()
        self.assertIsNone(kept.find("one", "fault", 1))
        self.add(kept, 1)
        self.assertEqual((kept.count("one", "fault").right, kept.count("one", "fault").rounds), (1, 1))
        self.assertEqual(len(self.file.read_text(encoding="utf-8").splitlines()), 2)
        self.assertEqual(self.kept(fresh=True).count("one", "fault").rounds, 0)

    def test_a_retry_is_told_and_kept(self):
        kept = self.kept()
        self.assertNotIn("busy", line_of(self.add(kept, 1)))
        outcome = self.add(kept, 2, tries=2)
        self.assertIn("as it should be (try 2: the host was busy)", line_of(outcome))
        self.assertEqual(json.loads(self.file.read_text(encoding="utf-8").splitlines()[1])["tries"], 2)
        self.assertIn("1 tried again on a busy host", self.kept().count("one", "fault").text())


if __name__ == "__main__":
    unittest.main()

"""`assay learn` as its users meet it: the shop's log, every kind of wrong file, pipes, the profile."""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import unittest

ASSAY = os.environ["ASSAY_COMMAND"]
MAKE_LOG = pathlib.Path(__file__).resolve().parents[2] / "examples" / "shop" / "make_access_log.py"
OK, USAGE, COULD_NOT_RUN = 0, 2, 4
LIMIT_S = 30
MOST_DATA_BYTES = 250_000_000

LINE = '192.0.2.1 - - [16/Nov/2026:10:00:00 +0000] "GET /items/{} HTTP/1.1" 200 10 "-" "agent"\n'


def assay(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess:
    command = [ASSAY, "learn", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=LIMIT_S, check=False)


def shop_log(*arguments: str) -> bytes:
    command = [sys.executable, "-B", str(MAKE_LOG), *arguments]
    return subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=True).stdout


class Learn(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, content: bytes, name: str = "access.log") -> str:
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)

    def refused(self, code: int, expected: list[str], *arguments: str, stdin: bytes = b"") -> None:
        done = assay(*arguments, stdin=stdin)
        error = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (code, b""), error)
        self.assertEqual(error.count("\n"), 1, error)
        for text in expected:
            self.assertIn(text, error)


class TheShop(Learn):
    def setUp(self) -> None:
        super().setUp()
        self.log = shop_log()

    def test_the_mix_that_was_made_is_the_mix_that_is_learned(self) -> None:
        output = str(self.folder / "shop.profile.json")
        done = assay(self.file(self.log), "-o", output)
        self.assertEqual(done.returncode, OK, done.stderr)
        profile = json.loads(pathlib.Path(output).read_text())
        lines = self.log.decode().splitlines()
        self.assertEqual(profile["requests"], len(lines))
        # Counted once more, by text alone.
        truth = {
            "GET /items/{id}/price": sum("/price HTTP" in line for line in lines),
            "GET /items/{id}/image": sum("/image HTTP" in line for line in lines),
            "GET /items": sum('"GET /items?' in line for line in lines),
            "POST /orders": sum('"POST /orders' in line for line in lines),
            "POST /checksum": sum('"POST /checksum' in line for line in lines),
        }
        item = sum('"GET /items/' in line for line in lines)
        truth["GET /items/{id}"] = item - truth["GET /items/{id}/price"] - truth["GET /items/{id}/image"]
        learned = {f'{each["method"]} {each["path"]}': each["requests"] for each in profile["routes"]}
        self.assertEqual(learned, truth)
        shares = {"GET /items/{id}": 45, "GET /items": 25, "GET /items/{id}/image": 12, "GET /items/{id}/price": 10}
        known = sum(learned.values())
        for name, percent in {**shares, "POST /orders": 5, "POST /checksum": 3}.items():
            self.assertAlmostEqual(100 * learned[name] / known, percent, delta=1.5, msg=name)
        ids = next(each for each in profile["routes"] if each["path"] == "/items/{id}")["placeholders"][0]
        self.assertAlmostEqual(ids["zipf_exponent"], 0.9, delta=0.1)
        self.assertLessEqual(ids["greatest"], 1000, "ids that were not found do not count")
        self.assertEqual(len(profile["arrivals"]["hour_of_day"]), 24)
        self.assertGreater(profile["errors"]["errors"], 0)

    def test_the_portrait_fits_on_a_screen(self) -> None:
        text = assay("-", stdin=self.log).stdout.decode()
        self.assertLess(text.count("\n"), 40)
        for part in ("GET /items/{id} ", "busiest hour", "Poisson", "sessions", "day  ", "█", "never found"):
            self.assertIn(part, text)

    def test_the_same_bytes_are_the_same_profile(self) -> None:
        self.assertEqual(shop_log(), self.log)
        self.assertNotEqual(shop_log("--seed", "2"), self.log)
        path = self.file(self.log)
        self.assertEqual(assay(path, "--json").stdout, assay(path, "--json").stdout)

    def test_a_named_route_stays_as_it_was_named(self) -> None:
        done = assay(self.file(self.log), "--json", "--route", "GET /items/{item}/price", "--route", "GET /x/{y}")
        profile = json.loads(done.stdout)
        self.assertIn("/items/{item}/price", [each["path"] for each in profile["routes"]])
        self.assertEqual(profile["notes"], ["--route 'GET /x/{y}' matches no request"])


class BadInput(Learn):
    def test_one_clear_line_each(self) -> None:
        good = self.file((LINE * 3).encode(), "good.log")
        self.refused(USAGE, ["files is required"])
        self.refused(USAGE, ["--rout", "--route"], good, "--rout", "GET /")
        self.refused(USAGE, ["--route", "GET /items/{id}/price"], good, "--route", "items")
        self.refused(USAGE, ["standard input once"], "-", "-")
        self.refused(COULD_NOT_RUN, ["/no/such/file", "No such file"], "/no/such/file")
        self.refused(COULD_NOT_RUN, ["/no/such/file"], good, "/no/such/file")
        self.refused(COULD_NOT_RUN, ["Is a directory"], str(self.folder))
        self.refused(COULD_NOT_RUN, ["standard input: is empty"], "-")
        self.refused(COULD_NOT_RUN, ["is empty"], self.file(b"", "empty.log"))
        self.refused(COULD_NOT_RUN, ["expected an access log", "line 1:"], str(MAKE_LOG))
        self.refused(COULD_NOT_RUN, ["NUL byte"], self.file(os.urandom(5) + bytes(1000) + b"\n", "nul.log"))
        self.refused(COULD_NOT_RUN, ["line too long"], self.file(b"x" * 1_000_000, "long.log"))
        self.refused(COULD_NOT_RUN, ["gzip"], self.file(b"\x1f\x8b\x08\x00 rest", "a.gz"))
        self.refused(COULD_NOT_RUN, ["cannot write"], good, "-o", "/no/such/folder/p.json")

    def test_the_log_is_not_written_over(self) -> None:
        good = self.file((LINE * 3).encode())
        (self.folder / "link").symlink_to("access.log")
        self.refused(USAGE, ["name another file"], good, "-o", str(self.folder / "link"))
        self.assertEqual(pathlib.Path(good).read_text(), LINE * 3)
        self.assertEqual(assay(good, "-o", "/dev/null").returncode, OK)
        self.assertTrue(pathlib.Path("/dev/null").is_char_device())

    def test_a_full_disk_leaves_nothing_behind(self) -> None:
        good = self.file((LINE * 3).encode())
        with open("/dev/full", "wb") as full:
            done = subprocess.run([ASSAY, "learn", good], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, COULD_NOT_RUN)
        self.assertIn(b"cannot write the result", done.stderr)
        # A limit on the size of files stands in for a disk that is full half-way.
        output = self.folder / "p.json"
        output.write_text("the old one")
        done = subprocess.run(
            ["/bin/sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$0" learn "$1" -o "$2"', ASSAY, good, str(output)],
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.returncode, COULD_NOT_RUN, done)
        self.assertIn(b"cannot write", done.stderr)
        self.assertEqual(output.read_text(), "the old one")
        self.assertEqual(sorted(each.name for each in self.folder.iterdir()), ["access.log", "p.json"])

    def test_some_bad_lines_are_a_warning(self) -> None:
        content = LINE.encode() * 50 + b"\x00\x01bad\n" + b"cut"
        text = assay(self.file(content)).stdout.decode()
        self.assertTrue(text.startswith("WARNING"), text)
        self.assertIn("rejected 1: NUL byte; line 51: ??bad", text)

    def test_many_different_paths_need_bounded_memory(self) -> None:
        lines = (LINE.format(f"{i * 7919 % 1_000_003}/w{i * 31 % 99_991}/x{i}") for i in range(150_000))
        path = self.file("".join(lines).encode())
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_DATA, (MOST_DATA_BYTES, MOST_DATA_BYTES))

        command = [ASSAY, "learn", path, "--json"]
        done = subprocess.run(command, capture_output=True, preexec_fn=limit, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertLessEqual(len(json.loads(done.stdout)["routes"]), 100)


if __name__ == "__main__":
    unittest.main()

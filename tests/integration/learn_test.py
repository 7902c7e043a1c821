"""`assay learn` as its users meet it: the shop's log, every kind of wrong file, pipes, the profile."""

import gzip
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
OK, DIFFERENT, USAGE, COULD_NOT_RUN = 0, 1, 2, 4
LIMIT_S = 30
MOST_DATA_BYTES = 250_000_000
LOG_LINES = os.environ["ASSAY_LOG_LINES"]
# A folder of logs of real services, to be counted by other means as well.
SAMPLE_LOGS = os.environ.get("ASSAY_SAMPLE_LOGS", "")

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
        self.assertIn("--route 'GET /x/{y}' matches no request", profile["notes"])


class Compare(Learn):
    """Whether two workloads differ, and where."""

    def compared(self, code: int, *arguments: str, stdin: bytes = b"") -> dict:
        done = assay("--compare", *arguments, "--json", stdin=stdin)
        self.assertEqual(done.returncode, code, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["format"], "assay.workloads/1")
        return document

    def test_another_sample_of_the_shop_does_not_differ_whether_log_or_profile(self) -> None:
        log = self.file(shop_log(), "a.log")
        other = shop_log("--seed", "2")
        profile = str(self.folder / "b.profile.json")
        assay(self.file(other, "b.log"), "-o", profile)
        by_log = self.compared(OK, log, str(self.folder / "b.log"))
        self.assertIn(by_log["verdict"], ("same", "inconclusive"))
        same = {(each["kind"], each["of"]) for each in by_log["measures"] if each["verdict"] == "same"}
        self.assertIn(("route", "GET /items/{}/price"), same)
        self.assertIn(("status", "201"), same)
        self.assertEqual(self.compared(OK, log, profile)["measures"], by_log["measures"])
        self.assertEqual(self.compared(OK, log, "-", stdin=other)["measures"], by_log["measures"])

    def test_what_differs_is_named_and_is_the_exit_code(self) -> None:
        log = shop_log()
        self.file(log, "a.log")
        # Half of the reads of single items go to a new page.
        lines = log.decode().splitlines(keepends=True)
        changed = [
            line.replace("GET /items/", "GET /offers/") if i % 2 == 0 else line for i, line in enumerate(lines)
        ]
        paths = [str(self.folder / "a.log"), self.file("".join(changed).encode(), "b.log")]
        document = self.compared(DIFFERENT, *paths)
        self.assertEqual(document["verdict"], "differs")
        routes = {each["of"]: each for each in document["measures"] if each["verdict"] == "differs"}
        self.assertIn("GET /offers/{}", routes)
        self.assertGreater(routes["GET /offers/{}"]["low"], 0.02)
        self.assertLess(routes["GET /items/{}"]["high"], -0.02)
        text = assay("--compare", *paths).stdout.decode()
        self.assertTrue(text.startswith("DIFFERENT: "), text)
        self.assertRegex(text, r"(?m)^differs +GET /offers/\{\} ")

    def test_bad_input_is_one_clear_line(self) -> None:
        log = self.file(shop_log())
        self.refused(USAGE, ["two logs or profiles"], "--compare", log)
        self.refused(USAGE, ["leave out -o"], "--compare", log, log, "-o", "x.json")
        self.refused(COULD_NOT_RUN, ["/no/such/file"], "--compare", log, "/no/such/file")
        few = self.file((LINE * 3).encode(), "few.log")
        self.refused(COULD_NOT_RUN, ["few.log: nothing to compare by"], "--compare", log, few)
        later = self.file(b'{"format": "assay.profile/9"}', "later.profile.json")
        self.refused(COULD_NOT_RUN, ["this assay reads assay.profile/1"], "--compare", log, later)


class BadInput(Learn):
    def test_one_clear_line_each(self) -> None:
        good = self.file((LINE * 3).encode(), "good.log")
        self.refused(USAGE, ["files is required"])
        self.refused(USAGE, ["--rout", "--route"], good, "--rout", "GET /")
        self.refused(USAGE, ["--route", "GET /items/{id}/price"], good, "--route", "items")
        self.refused(USAGE, ["standard input once"], "-", "-")
        self.refused(COULD_NOT_RUN, ["/no/such/file", "No such file"], "/no/such/file")
        self.refused(COULD_NOT_RUN, ["/no/such/file"], good, "/no/such/file")
        (self.folder / "empty").mkdir()
        self.refused(COULD_NOT_RUN, ["is a directory without files"], str(self.folder / "empty"))
        self.refused(COULD_NOT_RUN, ["matches no file"], str(self.folder / "*.none"))
        self.refused(USAGE, ["--format", "did you mean caddy?"], good, "--format", "cady")
        self.refused(USAGE, ["--format", "expected the request"], good, "--format", "$status $msec")
        self.refused(USAGE, ["--format", "cannot read"], good, "--format", "@/no/such/nginx.conf")
        self.refused(COULD_NOT_RUN, ["3 of 3 lines are not", "line 1", "--format"], good, "--format", "caddy")
        self.refused(COULD_NOT_RUN, ["standard input: is empty"], "-")
        self.refused(COULD_NOT_RUN, ["is empty"], self.file(b"", "empty.log"))
        self.refused(COULD_NOT_RUN, ["expected an access log", "line 1:"], str(MAKE_LOG))
        self.refused(COULD_NOT_RUN, ["NUL byte"], self.file(os.urandom(5) + bytes(1000) + b"\n", "nul.log"))
        self.refused(COULD_NOT_RUN, ["line too long"], self.file(b"x" * 1_000_000, "long.log"))
        self.refused(COULD_NOT_RUN, ["a.gz: ends in the middle"], self.file(b"\x1f\x8b\x08\x00 rest", "a.gz"))
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
        self.assertIn("rejected 1: NUL byte; line 51: ?a", text)



class Memory(Learn):
    def learn_within(self, most_bytes: int, path: str) -> dict:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))

        command = [ASSAY, "learn", path, "--json"]
        done = subprocess.run(command, capture_output=True, preexec_fn=limit, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, OK, done.stderr)
        profile = json.loads(done.stdout)
        self.assertLessEqual(len(profile["routes"]), 100)
        return profile

    def test_many_different_paths_need_bounded_memory(self) -> None:
        lines = (LINE.format(f"{i * 7919 % 1_000_003}/w{i * 31 % 99_991}/x{i}") for i in range(150_000))
        self.learn_within(MOST_DATA_BYTES, self.file("".join(lines).encode()))

    def test_a_path_that_is_asked_for_often_needs_no_more_than_a_rare_one(self) -> None:
        # Each of 1,500 paths answers with 300 different sizes.
        path = self.folder / "access.log"
        with open(path, "w", encoding="ascii") as log:
            for size in range(300):
                log.writelines(
                    f'192.0.2.1 - - [16/Nov/2026:10:00:00 +0000] "GET /g{name % 12}/w{name // 12:x}/y HTTP/1.1" '
                    f'200 {size} "-" "a"\n'
                    for name in range(1500)
                )
        self.assertEqual(self.learn_within(40_000_000, str(path))["requests"], 450_000)

    def test_the_length_of_a_log_does_not_matter(self) -> None:
        lines = [LINE.format(i % 1000).encode() for i in range(20_000)]
        packed = gzip.compress(b"".join(lines))
        # Streams behind one another are one: 2 million lines, 170 MB unpacked.
        profile = self.learn_within(40_000_000, self.file(packed * 100, "access.log.gz"))
        self.assertEqual(profile["requests"], 2_000_000)


class Inputs(Learn):
    def setUp(self) -> None:
        super().setUp()
        self.log = shop_log()
        self.plain = json.loads(assay(self.file(self.log), "--json").stdout)

    def same(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual(done.returncode, OK, done.stderr)
        profile = json.loads(done.stdout)
        for key in ("requests", "routes", "other", "statuses", "arrivals", "sessions", "errors"):
            self.assertEqual(profile[key], self.plain[key], key)

    def test_packed_split_and_shuffled_it_is_the_same_log(self) -> None:
        packed = gzip.compress(self.log)
        self.same(assay(self.file(packed, "log.gz"), "--json"))
        self.same(assay("-", "--json", stdin=packed))
        lines = self.log.splitlines(keepends=True)
        parts = self.folder / "parts"
        parts.mkdir()
        third = len(lines) // 3
        (parts / "access.log").write_bytes(b"".join(lines[2 * third :]))
        (parts / "access.log.1").write_bytes(b"".join(lines[third : 2 * third]))
        (parts / "access.log.2.gz").write_bytes(gzip.compress(b"".join(lines[:third])))
        self.same(assay(str(parts), "--json"))
        self.same(assay(str(parts / "access.log*"), "--json"))

    def test_the_output_is_not_one_of_the_logs_that_a_folder_stands_for(self) -> None:
        self.refused(USAGE, ["name another file"], str(self.folder), "-o", str(self.folder / "access.log"))
        self.assertEqual((self.folder / "access.log").read_bytes(), self.log)

    def test_the_routes_of_the_services_own_description(self) -> None:
        paths = '"/items/{item}": {"get": {}}, "/items/{item}/price": {"get": {}}, "/a/{b}-{c}": {"get": {}}'
        described = self.file(f'{{"openapi": "3.0.0", "paths": {{{paths}}}}}'.encode(), "api.json")
        done = assay(str(self.folder / "access.log"), "--openapi", described, "--json")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn(b"/a/{b}-{c}: no route", done.stderr)
        routes = {route["path"]: route for route in json.loads(done.stdout)["routes"] if route["method"] == "GET"}
        self.assertIn("/items/{item}/price", routes)
        self.assertEqual(routes["/items/{item}"]["placeholders"][0]["why"], "named by the service's description")
        portrait = assay(str(self.folder / "access.log"), "--openapi", described).stdout.decode()
        self.assertRegex(portrait, r"NOTE: [\d.]+ % of the requests match no path of api\.json; of its 2 "
                                   r"operations 2 were asked for; not among them, the commonest first: GET /items "
                                   r"\([\d.]+ %\), ")
        refusal = ["not.json:1:1: expected an OpenAPI or Swagger document"]
        self.refused(USAGE, refusal, str(self.folder / "access.log"), "--openapi", self.file(b"{}", "not.json"))

    def test_a_page_of_html(self) -> None:
        log, page = str(self.folder / "access.log"), self.folder / "page.html"
        done = assay(log, "--html", str(page))
        self.assertEqual(done.returncode, OK, done.stderr)
        text = page.read_text(encoding="utf-8")
        self.assertIn("GET /items/{id}", text)
        self.assertTrue(text.endswith("</body></html>\n"))
        self.refused(USAGE, ["--html", "name another file"], log, "--html", log)

    def test_what_was_folded_and_why(self) -> None:
        log = str(self.folder / "access.log")
        done = assay(log, "--explain", "GET /items/{anything}")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("GET /items/{id}: ", done.stdout.decode())
        self.assertIn("values, not words: by their form", done.stdout.decode())
        self.assertRegex(done.stdout.decode(), r"\n  paths, of \d+ answered requests taken at random: /items/\d+ \(")
        piped = assay("-", "--explain", "GET /items/{id}", stdin=self.log).stdout.decode()
        self.assertIn("GET /items/{id}: ", piped)
        self.assertNotIn("  paths, of", piped, "a pipe cannot be read again")
        self.refused(USAGE, ["--explain", "did you mean"], log, "--explain", "GET /itemz/{id}")
        self.refused(USAGE, ["--explain: expected one log or profile"], log, log, "--explain", "GET /items")

    def test_a_format_of_ones_own(self) -> None:
        line = '{}|203.0.113.7|GET /items/{} HTTP/1.1|200|5|0.250\n'
        log = "".join(line.format(1646861401 + i, i) for i in range(100)).encode()
        form = "$msec|$remote_addr|$request|$status|$body_bytes_sent|$request_time"
        config = self.file(f"http {{\n  log_format mine '{form}';\n}}\n".encode(), "nginx.conf")
        for typed in (form, f"log_format mine '{form}';", f"@{config}", f"@{config}#mine"):
            done = assay(self.file(log, "own.log"), "--json", "--format", typed)
            self.assertEqual(done.returncode, OK, done.stderr)
            self.assertEqual(json.loads(done.stdout)["routes"][0]["path"], "/items/{id}")
        self.refused(COULD_NOT_RUN, ["own.log", "100 of 100 lines are not"], str(self.folder / "own.log"))


@unittest.skipUnless(SAMPLE_LOGS, "ASSAY_SAMPLE_LOGS names no folder of logs")
class RealLog(Learn):
    """The same counts as awk, sort and uniq give."""

    LOG = pathlib.Path(SAMPLE_LOGS) / "apache_combined_10k.log"

    def counted(self, command: str, text: bytes) -> list[str]:
        done = subprocess.run(["/bin/sh", "-c", command], input=text, capture_output=True, check=True)
        return done.stdout.decode().splitlines()

    def test_counts_are_those_of_awk(self) -> None:
        if not self.LOG.exists():
            self.skipTest(f"{self.LOG.name} is not there")
        log = self.LOG.read_bytes()
        # A line whose last quote is not closed is refused, and said so.
        whole = b"".join(each for each in log.splitlines(keepends=True) if each.count(b'"') == 6)
        broken = log.count(b"\n") - whole.count(b"\n")
        profile = json.loads(assay(str(self.LOG), "--json").stdout)
        self.assertEqual(profile["requests"], whole.count(b"\n"))
        self.assertEqual(sum(profile["sources"][0]["rejected"].values()), broken)
        printed = subprocess.run([LOG_LINES, "--print", str(self.LOG)], capture_output=True, check=True).stdout
        lines = printed[: printed.rindex(b"{")]
        pairs = {
            "methods": ("substr($6, 2)", "$1"),
            "statuses": ("$9", "$2"),
            "sizes": ("($10 == \"-\" ? 0 : $10)", "$3"),
            "hours": ("substr($4, 14, 2)", "$4"),
            "paths": ("$7", "$5"),
        }
        for name, (of_log, of_ours) in pairs.items():
            count = "awk '{{print {}}}' | LC_ALL=C sort | uniq -c | LC_ALL=C sort -k1,1rn -k2 | head -n 2000"
            expected = self.counted(count.format(of_log), whole)
            self.assertEqual(self.counted(count.format(of_ours), lines), expected, name)
        total = "awk '{{sum += {}}} END {{printf \"%.0f\", sum}}'"
        self.assertEqual(self.counted(total.format("$3"), lines), self.counted(total.format("$10"), whole))
        by_status = self.counted("awk '{print $9}' | sort | uniq -c", whole)
        self.assertEqual(profile["statuses"], {each.split()[1]: int(each.split()[0]) for each in by_status})


if __name__ == "__main__":
    unittest.main()

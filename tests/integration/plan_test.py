"""`assay plan` as a user meets it: bind, write, check; and each mistake as one line with exit code 2.

The environment names the program: ASSAY_COMMAND; ctest sets it.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOP = ROOT / "subjects" / "shop"
PROFILE = ROOT / "tests" / "lab" / "plan" / "data" / "shop.profile.json"
OK, USAGE, COULD_NOT_RUN = 0, 2, 4
LIMIT_S = 20


class PlanTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-plan-"))
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copy(SHOP / "binding.yaml", self.folder)
        for name in ("schema.sql", "seed.sql", "reset.sql", "conformance.yaml"):
            (self.folder / name).write_text("\n")
        for name in ("flask", "fastapi", "fastapi-blocking", "cpp"):
            (self.folder / name).mkdir()
            (self.folder / name / "candidate.yaml").write_text(f'{{name: {name}, command: [x, "{{port}}"]}}\n')

    def assay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [os.environ["ASSAY_COMMAND"], "plan", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=LIMIT_S)

    def refused(self, *arguments: str, code: int = USAGE) -> str:
        done = self.assay(*arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        return done.stderr

    def test_a_profile_becomes_a_plan_that_can_be_checked(self) -> None:
        done = self.assay(str(PROFILE), "--bind", "binding.yaml", "-o", "shop.plan.yaml")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("left out: GET /metrics", done.stderr)
        self.assertEqual((self.folder / "shop.plan.yaml").read_text(), (SHOP / "shop.plan.yaml").read_text())
        checked = self.assay("--check", "shop.plan.yaml")
        self.assertEqual(checked.returncode, OK, checked.stderr)
        self.assertIn("4 candidates x 3 repeats = 12 trials, about 11m00s, 97200 requests", checked.stdout)
        self.assertIn("if runs spread by 5 %", checked.stdout)

    def test_a_plan_has_the_bursts_of_the_log(self) -> None:
        profile = json.loads(PROFILE.read_text())
        profile["arrivals"].update({"dispersion": {"1": 2.5, "10": 9, "60": 30}, "worst_minute": [1] * 59 + [61]})
        (self.folder / "shop.profile.json").write_text(json.dumps(profile))
        binding = (self.folder / "binding.yaml").read_text()
        begin, end = binding.index("# Rates are of"), binding.index("dependencies:")
        (self.folder / "binding.yaml").write_text(binding[:begin] + binding[end:])
        done = self.assay("shop.profile.json", "--bind", "binding.yaml", "--full", "-o", "shop.plan.yaml")
        self.assertEqual(done.returncode, OK, done.stderr)
        plan = (self.folder / "shop.plan.yaml").read_text()
        self.assertIn("bursts: {of_rate: 1.165, dispersion_1s: 2.5, dispersion_10s: 9, dispersion_60s: 30}", plan)
        self.assertIn("  # the worst burst that was seen", plan)
        checked = self.assay("--check", "shop.plan.yaml")
        self.assertEqual(checked.returncode, OK, checked.stderr)
        self.assertIn("80/s to 4880/s in 60 parts one after the other", checked.stdout)
        # 1 + 1.5 * 100 / 1.165
        self.assertIn("bursts: the counts vary 130 at 1 s, ", checked.stdout)

    def test_stdout_is_the_plan_and_nothing_else(self) -> None:
        done = self.assay(str(PROFILE), "--bind", "binding.yaml")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(done.stdout, (SHOP / "shop.plan.yaml").read_text())

    def test_an_unbound_route_is_refused_aloud(self) -> None:
        binding = self.folder / "binding.yaml"
        binding.write_text(binding.read_text().replace("route: POST /checksum", "route: POST /other"))
        error = self.refused(str(PROFILE), "--bind", "binding.yaml", "-o", "shop.plan.yaml")
        self.assertIn('  - route: "POST /checksum"\n', error)
        self.assertIn("1.51 %", error)
        self.assertFalse((self.folder / "shop.plan.yaml").exists())

    def test_a_draft_of_a_binding_is_refused_until_it_is_filled_in(self) -> None:
        done = self.assay(str(PROFILE), "--draft", "draft.yaml")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(done.stdout, 'draft.yaml: 6 routes bound, 2 left out; 5 lines say "fill in"\n')
        self.assertIn("draft.yaml", self.refused(str(PROFILE), "--bind", "draft.yaml"))
        before = (self.folder / "draft.yaml").read_text()
        self.assertIn("that file exists", self.refused(str(PROFILE), "--draft", "draft.yaml"))
        self.assertEqual((self.folder / "draft.yaml").read_text(), before)

    def test_a_draft_may_have_bodies_of_the_services_description(self) -> None:
        (self.folder / "api.yaml").write_text(
            "openapi: 3.0.3\npaths: {/orders: {post: {requestBody: {content: {application/json: {schema: "
            "{required: [customer], properties: {customer: {type: string, example: jo}}}}}}}}}\n"
        )
        done = self.assay(str(PROFILE), "--draft", "draft.yaml", "--openapi", "api.yaml")
        self.assertEqual(done.returncode, OK, done.stderr)
        told = 'draft.yaml: 6 routes bound, 2 left out; 1 bodies drafted from api.yaml; 4 lines say "fill in"\n'
        self.assertEqual(done.stdout, told)
        draft = (self.folder / "draft.yaml").read_text()
        self.assertIn("    # drafted from api.yaml, by its own examples: do users send that?\n", draft)
        self.assertIn('    body: "{{\\"customer\\":\\"jo\\"}}"\n', draft)
        self.assertIn("--openapi is for --draft", self.refused(str(PROFILE), "--openapi", "api.yaml"))
        (self.folder / "draft.yaml").unlink()
        error = self.refused(str(PROFILE), "--draft", "draft.yaml", "--openapi", "binding.yaml")
        self.assertIn("--openapi binding.yaml:3:1: expected an OpenAPI or Swagger document", error)

    def test_what_a_plan_keeps_and_does_by_the_clock_is_checked(self) -> None:
        plan = (SHOP / "shop.plan.yaml").read_text()
        self.assertIn("\nproposed_objectives:\n", plan)
        more = 'objectives: ["p99<80ms"]\nbackground:\n  - {name: warm, every: 10s, request: POST /warm}\n'
        (self.folder / "more.plan.yaml").write_text(plan + more)
        checked = self.assay("--check", "more.plan.yaml")
        self.assertEqual(checked.returncode, OK, checked.stderr)
        self.assertIn("  warm                every 10s, 5 times a trial: POST /warm\n", checked.stdout)
        self.assertIn("\n  objective, of each steady phase\n  p99<80ms\n", checked.stdout)
        self.assertIn("\n  proposed from the log, to be confirmed: nobody is judged by it\n  errors<", checked.stdout)
        self.assertIn("is found four times of five", checked.stdout)

    def test_mistakes_are_one_line(self) -> None:
        (self.folder / "bad.plan.yaml").write_text("name: x\nphases: [{name: a, kind: steady, ratee: 1}]\n")
        (self.folder / "empty").write_text("")
        good = (str(PROFILE), "--bind", "binding.yaml")
        cases = {
            ("--check", "bad.plan.yaml"): 'bad.plan.yaml:2:34: unknown key "ratee" in phases[0]; did you mean "rate"?',
            ("--check", "none.yaml"): "none.yaml: no such file",
            ("--check", "empty"): "empty: the file is empty",
            (): "expected a profile, or --check FILE",
            (str(PROFILE),): "expected --bind FILE",
            ("empty", "--bind", "binding.yaml"): "empty: is not JSON; expected a profile",
            (str(PROFILE), "--bind", "none.yaml"): "none.yaml: no such file",
            (*good, "--shorten", "soon"): '--shorten "soon": expected a duration',
            (*good, "--shorten", "1m"): "1m is too short",
            (*good, "--ful"): "unknown argument --ful; did you mean --full?",
        }
        for arguments, expected in cases.items():
            with self.subTest(arguments=arguments):
                error = self.refused(*arguments)
                self.assertIn(expected, error)
                self.assertEqual(error.splitlines()[-1].count("assay plan: "), 1)

    def test_what_is_read_is_not_written_over(self) -> None:
        before = (self.folder / "binding.yaml").read_text()
        error = self.refused(str(PROFILE), "--bind", "binding.yaml", "-o", "./binding.yaml")
        self.assertIn("-o ./binding.yaml: that is a file to read; name another", error)
        self.assertEqual((self.folder / "binding.yaml").read_text(), before)

    def test_what_cannot_be_written_is_said_and_leaves_nothing(self) -> None:
        done = self.assay(str(PROFILE), "--bind", "binding.yaml", "-o", "flask")
        self.assertEqual(done.returncode, COULD_NOT_RUN)
        self.assertEqual([each.name for each in self.folder.glob("*unfinished*")], [])

    def test_the_schema_is_json_and_names_the_keys(self) -> None:
        schema = json.loads(self.assay("--schema").stdout)
        self.assertEqual(schema["required"], ["name", "candidates", "workload", "phases"])
        self.assertIn("acknowledged_by", schema["$defs"]["route"]["properties"])


if __name__ == "__main__":
    unittest.main()

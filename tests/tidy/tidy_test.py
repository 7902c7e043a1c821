#!/usr/bin/env python3
"""Each rule of the house style catches its bad example and leaves the good one alone."""

import unittest

import rules_code
import rules_house
import rules_text
from cpp_text import blank, functions
from tidy import check
from tree import Tree

HEAD = "// What it is for.\n// Misuse: none.\n#pragma once\n"
RECORD = "# T\n\n## Status\n\n## Context\n\n## Decision\n\n## Consequences\n"
SLEEP = "std::this_" + "thread::sleep" + "_for(1s);"


def rules_found(files: dict[str, str], rules) -> set[str]:
    return {finding.rule for rule in rules for finding in rule(Tree(files))}


def long_function(lines: int) -> str:
    return "int f(int a) {\n" + "  a += 1;\n" * (lines - 2) + "}\n"


class TextRules(unittest.TestCase):
    CASES = (
        # rule, path, bad, good
        ("file-length", "stack/a.cpp", "int a;\n" * 401, "int a;\n" * 400),
        ("columns", "stack/a.cpp", "//" + "x" * 119 + "\n", "//" + "x" * 118 + "\n"),
        ("columns", "run", "#" * 121 + "\n", "# https://" + "x" * 111 + "\n"),
        ("whitespace", "stack/a.cpp", "int a; \n", "int a;\n"),
        ("whitespace", "stack/a.cpp", "\tint a;\n", "  int a;\n"),
        ("whitespace", "stack/a.cpp", "int a;\r\n", "int a;\n"),
        ("whitespace", "stack/a.cpp", "int a;", "int a;\n"),
        ("whitespace", "stack/a.cpp", "int a;\n\n", "int a;\n\nint b;\n"),
        ("unfinished", "docs/a.md", f"{rules_text.MARKS[0]}: later\n", "to do it later\n"),
        ("unfinished", "stack/a.cpp", f"// {rules_text.MARKS[1]}\n", "// fixed\n"),
        ("machine-path", "docs/a.md", "see /" + "home/me/notes\n", "see /usr/share and lab/work/x\n"),
        ("package-host", "docs/a.md", "from py" + "pi.org\n", "from PyPI\n"),
    )

    def test_each_rule(self):
        for rule, path, bad, good in self.CASES:
            with self.subTest(rule=rule, bad=bad[:40]):
                self.assertIn(rule, rules_found({path: bad}, rules_text.RULES))
                self.assertNotIn(rule, rules_found({path: good}, rules_text.RULES))


class CodeRules(unittest.TestCase):
    CASES = (
        ("std-regex", "stack/a.cpp", "std::regex r;\n", "// std::regex is slow\n"),
        ("std-endl", "cli/a.cpp", "out << std::endl;\n", 'out << "std::endl" << "\\n";\n'),
        ("using-std", "cli/a.cpp", "using namespace std;\n", "using namespace std::chrono_literals;\n"),
        ("printf", "cli/a.cpp", 'printf("%d", 1);\n', 'fmt::print("{}", 1);\n'),
        ("printf", "cli/a.cpp", 'std::snprintf(b, 1, "x");\n', "int sprintf_count = 0;\n"),
        ("printf", "cli/a.cpp", 'fprintf(stdout, "x");\n', 'std::fprintf(stderr, "x");\n'),
        ("rand", "lab/load/a.cpp", "int a = rand();\n", "int a = source.rand();\nint b = operand();\n"),
        ("strtol", "cli/a.cpp", "auto a = std::stoi(text);\n", "auto a = std::from_chars(b, e, v);\n"),
        ("strtol", "cli/a.cpp", "auto a = atoi(text);\n", "auto a = to_int(text);\n"),
        (
            "header-assert",
            "stack/a.hpp",
            HEAD + "inline void f(int a) { assert(a); }\n",
            HEAD + 'static_assert(true);\ninline void f(int a) { ASSAY_PRECONDITION(a, "assert(a)"); }\n',
        ),
        ("detach", "stack/a.cpp", "std::thread(f).detach();\n", "std::thread(f).join();\n"),
        ("test-sleep", "tests/stack/a_test.cpp", SLEEP + "\n", "loop.advance(1s);\n"),
        ("test-sleep", "tests/a.cpp", "us" + "leep (5);\n", "int sleepers = 0;\n"),
        ("skipped-test", "tests/a.cpp", "GTEST_" + "SKIP();\n", "FAIL();\n"),
        ("skipped-test", "tests/a.cpp", "TEST(a, DISABLED" + "_b) {}\n", "TEST(a, disabled_b) {}\n"),
        (
            "capturing-coroutine",
            "stack/a.cpp",
            "auto f = [&](int a = g(1)) -> task<void> {};\n",
            "auto f = [](int a) -> task<void> {};\n",
        ),
        (
            "capturing-coroutine",
            "stack/a.cpp",
            "auto f = [this, x = g(2)]() mutable -> assay::task<int> {};\n",
            "auto f = [this](this auto self) -> task<int> {};\nauto g = [&]() -> int { return a[1](2); };\n",
        ),
        ("function-length", "stack/a.cpp", long_function(71), long_function(70)),
        (
            "function-length",
            "tests/a.py",
            "def f():\n" + "    a = 1\n" * 70,
            "def f():\n" + "    a = 1\n" * 69,
        ),
        ("python-syntax", "tests/a.py", "def f(:\n", "def f(): pass\n"),
        (
            "thread-local-coroutine",
            "stack/a.cpp",
            "task<void> f() { thread_local int a; co_await b; }\n",
            "int& a() { thread_local int a; return a; }\ntask<void> f() { co_await b; }\n",
        ),
        ("header-comment", "stack/a.hpp", "// One line.\n#pragma once\n", HEAD),
        ("pragma-once", "stack/a.hpp", "// What for.\n// Misuse.\n", HEAD),
    )

    def test_each_rule(self):
        for rule, path, bad, good in self.CASES:
            with self.subTest(rule=rule, bad=bad[:40]):
                self.assertIn(rule, rules_found({path: bad}, rules_code.RULES))
                self.assertNotIn(rule, rules_found({path: good}, rules_code.RULES))

    def test_every_ban_has_an_example(self):
        examples = {rule for rule, *_ in self.CASES}
        self.assertEqual(set(), {ban.rule for ban in rules_code.BANS} - examples)

    def test_bans_hold_where_they_say(self):
        self.assertNotIn("header-assert", rules_found({"stack/a.cpp": "assert(a);\n"}, rules_code.RULES))
        self.assertNotIn("printf", rules_found({"probe/a.c": 'printf("x");\n'}, rules_code.RULES))
        self.assertNotIn("test-sleep", rules_found({"bench/a.cpp": SLEEP + "\n"}, rules_code.RULES))


class Functions(unittest.TestCase):
    def names(self, code: str) -> list[str]:
        return [function.name for function in functions(blank(code))]

    def test_kinds_of_function(self):
        self.assertEqual(["f"], self.names("auto f(int a) noexcept -> int { if (a) { g(); } return a; }"))
        self.assertEqual(
            ["a_class"], self.names("struct a_class { a_class(int x) : x_{x}, y_(x) { g(); } int x_{1}; };")
        )
        self.assertEqual(
            ["TEST"], self.names("TEST(a, b) { for (int i = 0; i < 1; ++i) { f([&] { g(); }); } }")
        )
        self.assertEqual(
            ["f"], self.names("template <class T, int N> requires(N > 0) T f(T t) { return t; }")
        )
        self.assertEqual(["f"], self.names('extern "C" { void f(void) { } }'))
        self.assertEqual(["operator()"], self.names("struct s { void operator()() const { } };"))

    def test_what_is_none(self):
        self.assertEqual([], self.names("namespace a { enum class b { c, d }; int table[] = {f(1), {2}}; }"))
        self.assertEqual([], self.names("class alignas(64) a final : public b<int> { int c = 0; };"))
        self.assertEqual(
            [], self.names('const char* a = "f() { }"; // f() { }\nconst char* b = R"(f() { )";')
        )
        self.assertEqual([], self.names("#define F() { \\\n  g() {\nint a = 1'000;"))

    def test_lines_count_from_the_signature_on(self):
        found = list(functions(blank("int a;\n\n// Why.\nint f(int b,\n      int c) {\n  return b;\n}\n")))
        self.assertEqual([(4, 7)], [(function.first_line, function.last_line) for function in found])

    def test_a_lambda_behind_a_long_table_counts_alone(self):
        code = "CASES(a,\n" + "      b(1),\n" * 80 + "      [](int c) {\n        return c;\n      });\n"
        self.assertEqual([3], [function.lines for function in functions(blank(code))])

    def test_a_long_constructor_behind_initializers_is_seen(self):
        code = "s::s(int a)\n    : a_{a},\n      b_{g(a)} {\n" + "  h();\n" * 70 + "}\n"
        self.assertIn("function-length", rules_found({"stack/a.cpp": code}, rules_code.RULES))


class HouseRules(unittest.TestCase):
    def floor(self, path: str, include: str) -> bool:
        return "floor" in rules_found({path: f'#include "{include}"\n'}, rules_house.RULES)

    def test_floors(self):
        for path, include in (
            ("stack/runtime/a.cpp", "stack/net/b.hpp"),
            ("stack/net/a.cpp", "stack/http/b.hpp"),
            ("stack/observe/a.cpp", "stack/net/b.hpp"),
            ("stack/http/a.cpp", "lab/load/b.hpp"),
            ("stack/guard/a.cpp", "lab/model/b.hpp"),
            ("lab/load/a.cpp", "lab/judge/b.hpp"),
            ("lab/judge/a.cpp", "cli/b.hpp"),
            ("examples/a.cpp", "lab/load/b.hpp"),
        ):
            self.assertTrue(self.floor(path, include), (path, include))
        for path, include in (
            ("stack/runtime/a.cpp", "stack/runtime/b.hpp"),
            ("stack/net/a.cpp", "stack/runtime/b.hpp"),
            ("stack/http/a.cpp", "stack/observe/b.hpp"),
            ("lab/load/a.cpp", "lab/model/b.hpp"),
            ("lab/load/a.cpp", "stack/http/b.hpp"),
            ("lab/campaign/a.cpp", "lab/load/b.hpp"),
            ("cli/a.cpp", "lab/load/b.hpp"),
            ("tests/lab/a.cpp", "lab/load/b.hpp"),
        ):
            self.assertFalse(self.floor(path, include), (path, include))

    def test_includes_are_from_the_root(self):
        files = {"stack/net/a.cpp": '#include "b.hpp"\n', "stack/net/b.hpp": HEAD}
        self.assertIn("include-path", rules_found(files, rules_house.RULES))
        files["stack/net/a.cpp"] = '#include "stack/net/b.hpp"\n'
        self.assertNotIn("include-path", rules_found(files, rules_house.RULES))

    def test_heavy_headers_stay_in_sources(self):
        include = "#include <nlohmann/json.hpp>\n"
        self.assertIn("heavy-include", rules_found({"lab/load/a.hpp": include}, rules_house.RULES))
        self.assertNotIn("heavy-include", rules_found({"lab/load/a.cpp": include}, rules_house.RULES))

    def test_dead_files(self):
        files = {"stack/net/a.cpp": "", "stack/CMakeLists.txt": "add_library(a net/b.cpp)\n"}
        self.assertIn("dead-file", rules_found(files, rules_house.RULES))
        for named in (
            "net/a.cpp",
            "${CMAKE_CURRENT_SOURCE_DIR}/net/a.cpp",
            "net/${name}.cpp",
            "${PROJECT_SOURCE_DIR}/stack/net/a.cpp",
        ):
            files["stack/CMakeLists.txt"] = f"add_library(a {named})\n"
            self.assertNotIn("dead-file", rules_found(files, rules_house.RULES), named)
        files = {"stack/net/a.hpp": '#include "stack/net/a.hpp"\n'}
        self.assertIn("dead-file", rules_found(files, rules_house.RULES))
        files["tests/a.cpp"] = '#include "stack/net/a.hpp"\n'
        files["tests/CMakeLists.txt"] = "add_executable(a a.cpp)\n"
        self.assertNotIn("dead-file", rules_found(files, rules_house.RULES))

    def test_decisions(self):
        self.assertIn(
            "decision",
            rules_found({"docs/decisions/1.md": RECORD.replace("## Decision\n", "")}, rules_house.RULES),
        )
        self.assertNotIn("decision", rules_found({"docs/decisions/1.md": RECORD}, rules_house.RULES))

    def test_links(self):
        for bad in ("[a](gone.md)", "[a](b.md#gone)", "[a](#gone)", "[a]: gone.md", "![a](../gone.png)"):
            files = {"docs/a.md": bad + "\n", "docs/b.md": "# Here\n"}
            self.assertIn("link", rules_found(files, rules_house.RULES), bad)
        for good in (
            "[a](b.md)",
            "[a](b.md#it-is-here)",
            "[a](../docs)",
            "[a](https://a.b/c)",
            "`[a](gone.md)`",
            "```\n[a](gone.md)\n```",
            "[a](b.md#code-x)",
        ):
            files = {"docs/a.md": good + "\n", "docs/b.md": "# It is here!\n\n## Code `x`\n"}
            self.assertNotIn("link", rules_found(files, rules_house.RULES), good)


class Exceptions(unittest.TestCase):
    TREE = Tree({"run": "#" * 121 + "\n"})

    def test_an_exception_silences_its_finding_alone(self):
        self.assertEqual(["columns"], [finding.rule for finding in check(self.TREE, {})])
        self.assertEqual([], list(check(self.TREE, {("columns", "run"): "a reason"})))

    def test_a_stale_exception_is_a_finding(self):
        found = list(check(Tree({"run": "\n#\n"}), {("columns", "run"): "a reason"}))
        self.assertEqual(["stale-exception"], [finding.rule for finding in found])


if __name__ == "__main__":
    unittest.main()

"""Misuse that does not compile: each piece is given to the compiler of this build, and must be refused for its reason.

scylladb#20306 is the first of them: a coroutine lambda whose captures had gone, although its reviewers knew the rule.
"""

import os
import re
import subprocess
import unittest

HEAD = """
#include <string>
#include "stack/http/router.hpp"
#include "stack/runtime/semaphore.hpp"
using namespace assay;
task<void> greet(const std::string& whom) { (void)whom; co_return; }
task<void> rest() { co_return; }
"""
CASES = {
    "a lambda with captures that is a coroutine, awaited later": (
        "task<void> run(int n) { auto t = [n]() -> task<void> { (void)n; co_return; }(); co_await std::move(t); }",
        "temporary whose address is used",
    ),
    "a reference to a temporary, awaited later": (
        'task<void> run() { auto t = greet(std::string("x")); co_await std::move(t); }',
        "temporary whose address is used",
    ),
    "a task that gives back a reference to a local": (
        "ASSAY_CORO_WRAPPER task<void> run() { std::string whom; return greet(whom); }",
        "address of stack memory",
    ),
    "a task that nobody awaits": ("task<void> run() { rest(); co_return; }", "nodiscard"),
    "a task that could be awaited twice": (
        "task<void> run() { auto t = rest(); co_await t; }",
        "(co_await|awaitable|await_ready|rvalue)",
    ),
    "a task that is copied": ("task<void> run() { auto t = rest(); auto u = t; co_await std::move(u); }", "deleted"),
    "a plain function that hides a coroutine": ("task<void> run() { return rest(); }", "coroutine wrapper"),
    "a permit that is dropped at once": ("void run(semaphore& s) { s.try_acquire(); }", "nodiscard"),
    "a media type that nobody has checked": (
        "auto run(const char* sent) { return http::media_type(sent); }",
        "constant expression",
    ),
    "a parameter of a path that text cannot be": (
        "task<http::response> show(http::request&, double price); "
        'void run(http::router& to) { to.add(http::method::get, "/{price}", show); }',
        "text of a request is read as a whole number, .* from_text",
    ),
    "a flag as a parameter of a path": (
        "task<http::response> show(http::request&, bool is_open); "
        'void run(http::router& to) { to.add(http::method::get, "/{is_open}", show); }',
        "text of a request is read as a whole number",
    ),
    "a view of a query, whose text is decoded": (
        'auto run(http::request& asked) { return http::query_value<std::string_view>(asked.query(), "name"); }',
        "text of a request is read as a whole number",
    ),
    "a parameter of a path by reference": (
        "task<http::response> show(http::request&, const std::string& name); "
        'void run(http::router& to) { to.add(http::method::get, "/{name}", show); }',
        "takes the parameters of its path by value",
    ),
    "a handler that is none": (
        'void run(http::router& to) { to.add(http::method::get, "/", [](int) { return 1; }); }',
        r"a handler is a task<response>\(request&\)",
    ),
}
GOOD = """
task<void> run(std::string whom) { co_await greet(whom); auto t = rest(); co_await std::move(t); }
task<http::response> show(http::request&, int id, std::string name);
void add(http::router& to) { to.add(http::method::get, "/{id}/{name}", show); }
"""


def complaints_of(pieces: dict[str, str]) -> dict[str, str]:
    """What the compiler says of each, all of them compiled at once; nothing of a piece that it takes."""
    text = HEAD
    for at, body in enumerate(pieces.values()):
        text += f'#line 1 "piece{at}"\nnamespace piece{at} {{ {body} }}\n'
    done = subprocess.run(
        [os.environ["ASSAY_COMPILER"], "-std=c++23", "-fsyntax-only", "-Werror", "-ferror-limit=0",
         "-fno-caret-diagnostics", "-I", os.environ["ASSAY_SOURCE"], "-x", "c++", "-"],
        input=text, capture_output=True, text=True, check=False,
    )
    # What is said of a template in a header names the piece that asked for it in a note behind.
    complaints = re.split(r"^(?=.+: (?:error|warning): )", done.stderr, flags=re.MULTILINE)
    said = {what: "".join(each for each in complaints if re.search(f"^piece{at}:", each, re.MULTILINE))
            for at, what in enumerate(pieces)}
    return said if any(said.values()) or done.returncode == 0 else dict.fromkeys(pieces, done.stderr)


class Misuse(unittest.TestCase):
    def test_scylladb_20306_and_others_of_its_kind_do_not_compile(self):
        self.assertEqual(complaints_of({"good": GOOD}), {"good": ""})
        said = complaints_of({what: body for what, (body, _) in CASES.items()})
        for what, (_, why) in CASES.items():
            with self.subTest(what):
                self.assertRegex(said[what], f"error: .*{why}")


if __name__ == "__main__":
    unittest.main()

"""Rules on C++ and Python: function length, headers, banned constructs."""

import ast
import re
from typing import Iterator, NamedTuple

from cpp_text import blank, functions, line_of
from tree import CPP, HEADERS, Finding, Tree

MAX_FUNCTION_LINES = 70
LENGTH_WHY = "a function fits on a screen; hand a part of it a name"


class Ban(NamedTuple):
    rule: str
    pattern: str
    why: str
    where: str = ""  # a regular expression over paths; empty: everywhere
    outside: str = ""  # paths the ban does not hold for


TESTS = r"(^|/)tests/|_test\.cpp$"
# The probe carries no C++ runtime; the conformance test is built before any dependency is found.
BARE = r"^(?:probe|tests/conformance)/"
SLEEP = r"\b(?:sleep_(?:for|until)|u?sleep\s*\(|nanosleep)\b"

BANS = (
    Ban(
        "std-regex",
        r"\bstd::(?:basic_)?regex\b|#include\s*<regex>",
        "recursive and slow, its stack overflows on hostile input; write the parser",
    ),
    Ban("std-endl", r"\bstd::endl\b", "it flushes; write '\\n'"),
    Ban("using-std", r"\busing\s+namespace\s+std\s*;", "names of the library shadow ours without a word"),
    Ban(
        "printf",
        r"\bv?(?:s?n?printf|fprintf(?!\s*\(\s*stderr))\s*\(",
        "sizes by hand, and stdout belongs to results; use fmt (dying words go to stderr by fprintf)",
        outside=BARE,
    ),
    Ban(
        "rand",
        r"(?<![\w.>])(?:std::)?s?rand\s*\(",
        "one hidden global state: results cannot be reproduced from a seed",
    ),
    Ban(
        "strtol",
        r"\b(?:strto(?:l|ll|ul|ull|f|d|ld|imax|umax)|ato(?:i|l|ll|f)|std::sto(?:i|l|ll|ul|ull|f|d|ld))\s*\(",
        "errors by errno, exception or not at all, and the locale; use std::from_chars",
        outside=BARE,
    ),
    Ban(
        "header-assert",
        r"\bassert\s*\(",
        "gone where a user compiles the header with -DNDEBUG; write ASSAY_PRECONDITION",
        where=r"^stack/.*\.hpp$",
    ),
    Ban("detach", r"\.\s*detach\s*\(\s*\)", "a child never outlives its scope; join it"),
    Ban("test-sleep", SLEEP, "slow and flaky; use virtual time, or wait for the condition", where=TESTS),
    Ban(
        "skipped-test",
        r"\bGTEST_SKIP\b|\bDISABLED_\w",
        "a test that does not run says nothing; mend or remove it",
    ),
)

# A lambda that captures and is a coroutine: its captures live in the closure, which is often gone at the
# first resume. With `this auto self` the closure is a parameter, and so in the coroutine's frame.
CAPTURES = re.compile(r"\[(?P<captures>[^\][]*[\w&=*][^\][]*)\]\s*\((?!\s*this\b)")
COROUTINE_RESULT = re.compile(r"\s*(?:mutable\s*|noexcept\s*)*->\s*(?:::)?(?:assay::)?task\b")


def bans(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching(CPP):
        code = blank(text)
        for ban in BANS:
            if (ban.where and not re.search(ban.where, path)) or (
                ban.outside and re.search(ban.outside, path)
            ):
                continue
            for match in re.finditer(ban.pattern, code):
                found = " ".join(match.group().split())
                yield Finding(path, line_of(code, match.start()), ban.rule, f"'{found}'", ban.why)


def behind_parentheses(code: str, opening: int) -> int:
    """The offset behind the `)` that closes the `(` at `opening`."""
    depth = 0
    for match in re.compile(r"[()]").finditer(code, opening):
        depth += 1 if match.group() == "(" else -1
        if depth == 0:
            return match.end()
    return len(code)


def capturing_coroutines(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching(CPP):
        if path.startswith("tests/conformance/"):  # it tests just these
            continue
        code = blank(text)
        for match in CAPTURES.finditer(code):
            if COROUTINE_RESULT.match(code, behind_parentheses(code, code.rindex("(", 0, match.end()))):
                yield Finding(
                    path,
                    line_of(code, match.start()),
                    "capturing-coroutine",
                    f"[{match.group('captures')}](...) -> task",
                    "captures die with the closure, before the coroutine; pass them as arguments",
                )


def function_length(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching(CPP):
        for function in functions(blank(text)):
            if function.lines > MAX_FUNCTION_LINES:
                yield Finding(
                    path,
                    function.first_line,
                    "function-length",
                    f"{function.name}: {function.lines} lines, at most {MAX_FUNCTION_LINES}",
                    LENGTH_WHY,
                )


def python_function_length(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching((".py",)):
        try:
            module = ast.parse(text)
        except SyntaxError as error:
            yield Finding(path, error.lineno or 1, "python-syntax", str(error.msg), "it cannot run")
            continue
        for node in ast.walk(module):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    yield Finding(
                        path,
                        node.lineno,
                        "function-length",
                        f"{node.name}: {lines} lines, at most {MAX_FUNCTION_LINES}",
                        LENGTH_WHY,
                    )


def thread_local_coroutines(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching(CPP):
        code = blank(text)
        for function in functions(code):
            body = code[function.start : function.end]
            if re.search(r"\bthread_local\b", body) and re.search(r"\bco_(?:await|yield)\b", body):
                yield Finding(
                    path,
                    function.first_line,
                    "thread-local-coroutine",
                    function.name,
                    "compilers keep its address over a suspension, which may resume on another thread",
                )


def headers(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching(HEADERS):
        head = re.match(r"(?://[^\n]*\n)+|/\*.*?\*/\n", text, re.DOTALL)
        if head is None or head.group().count("\n") < 2:
            yield Finding(
                path,
                1,
                "header-comment",
                "no comment of two lines or more at the top",
                "a header says what it is for and how it is misused",
            )
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield Finding(path, 1, "pragma-once", "no #pragma once", "included twice it defines twice")


RULES = (
    bans,
    capturing_coroutines,
    function_length,
    python_function_length,
    thread_local_coroutines,
    headers,
)

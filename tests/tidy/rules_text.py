"""Rules on any text: layout, length, marks of unfinished work, names of somebody's machine."""

import re
from typing import Iterator

from tree import Finding, Tree

MAX_LINES = 400
MAX_COLUMNS = 120

# In pieces, so that this file passes its own rule.
MARKS = ("TO" + "DO", "FIX" + "ME", "X" * 3)
MARK = re.compile(r"\b(?:" + "|".join(MARKS) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w.~*-])/(?:home|root|Users|work|mnt|farm)/[\w.]")
PACKAGE_HOST = re.compile(r"\b(?:pypi|pythonhosted|npmjs|crates|golang|maven|debian)\.(?:org|io|com)\b")


def numbered(text: str):
    return enumerate(text.split("\n"), start=1)


def file_length(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.code():
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield Finding(
                path,
                MAX_LINES + 1,
                "file-length",
                f"{lines} lines, at most {MAX_LINES}",
                "a file is one room: split it along what it does",
            )


def columns(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.code():
        for number, line in numbered(text):
            # An address cannot be broken.
            if len(line) > MAX_COLUMNS and "://" not in line:
                yield Finding(
                    path,
                    number,
                    "columns",
                    f"{len(line)} columns, at most {MAX_COLUMNS}",
                    "two files fit side by side on a screen",
                )


def whitespace(tree: Tree) -> Iterator[Finding]:
    for path, text in sorted(tree.texts.items()):
        for number, line in numbered(text):
            if line.endswith("\r"):
                yield Finding(path, number, "whitespace", "carriage return", "line ends are LF")
            elif line != line.rstrip():
                yield Finding(
                    path, number, "whitespace", "trailing whitespace", "it makes noise in every diff"
                )
            if "\t" in line:
                yield Finding(path, number, "whitespace", "tab", "columns differ between readers")
        if text and not text.endswith("\n"):
            yield Finding(
                path, text.count("\n") + 1, "whitespace", "no newline at the end", "tools join the last line"
            )
        elif text.endswith("\n\n"):
            yield Finding(
                path, text.count("\n"), "whitespace", "blank line at the end", "it makes noise in diffs"
            )


def unfinished(tree: Tree) -> Iterator[Finding]:
    for path, text in sorted(tree.texts.items()):
        for number, line in numbered(text):
            if match := MARK.search(line):
                yield Finding(
                    path, number, "unfinished", match.group(), "do it now, or file an issue: marks rot"
                )


def machine(tree: Tree) -> Iterator[Finding]:
    for path, text in sorted(tree.texts.items()):
        for number, line in numbered(text):
            if match := MACHINE_PATH.search(line):
                yield Finding(
                    path,
                    number,
                    "machine-path",
                    match.group() + "...",
                    "the project speaks of itself alone, not of the machine somebody wrote it on",
                )
            if match := PACKAGE_HOST.search(line):
                yield Finding(
                    path,
                    number,
                    "package-host",
                    match.group(),
                    "which mirror serves packages is the user's configuration",
                )


RULES = (file_length, columns, whitespace, unfinished, machine)

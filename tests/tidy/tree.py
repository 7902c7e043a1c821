"""The files that the house style is checked on, and what a finding is.

A Tree maps a path (relative to the root, with '/') to its text, so that a test makes one of a few lines.
Binary files and golden data are not in it, only their names: a link to them still resolves.
"""

import os
import subprocess
from typing import NamedTuple

CPP = (".cpp", ".hpp", ".c", ".h")
HEADERS = (".hpp", ".h")
SOURCES = (".cpp", ".c")
CODE = CPP + (".py", ".sh", ".cmake", ".js", ".ts")
CODE_NAMES = ("CMakeLists.txt", "run")


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    message: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message} ({self.why})"


class Tree:
    def __init__(self, texts: dict[str, str], names: set[str] | None = None):
        self.texts = texts
        self.names = set(texts) | (names or set())
        self.folders = {""}
        for name in self.names:
            while "/" in name:
                name = name.rpartition("/")[0]
                self.folders.add(name)

    def matching(self, suffixes: tuple[str, ...], names: tuple[str, ...] = ()):
        """(path, text) of the files with one of these suffixes or file names, in order."""
        for path in sorted(self.texts):
            if path.endswith(suffixes) or path.rpartition("/")[2] in names:
                yield path, self.texts[path]

    def code(self):
        return self.matching(CODE, CODE_NAMES)

    def exists(self, path: str) -> bool:
        return path in self.names or path in self.folders


def listed(root: str) -> list[str]:
    """What git tracks or would track: a file is checked before its first commit."""
    # safe.directory: a clone mounted into a container often belongs to somebody else.
    command = [
        "git",
        "-c",
        f"safe.directory={root}",
        "-C",
        root,
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    output = subprocess.run(command, check=True, capture_output=True).stdout
    return [name for name in output.decode().split("\0") if name and os.path.isfile(os.path.join(root, name))]


def read(root: str) -> Tree:
    texts, names = {}, set()
    for name in listed(root):
        names.add(name)
        if not (name.endswith(CODE + (".md",)) or name.rpartition("/")[2] in CODE_NAMES):
            continue
        with open(os.path.join(root, name), encoding="utf-8", newline="") as file:
            texts[name] = file.read()
    return Tree(texts, names)

#!/usr/bin/env python3
"""The house style, in the spirit of TigerBeetle's tidy: what reviewers keep saying, said by a test.

    tidy.py [ROOT]    prints `file:line: rule: message (why)` for each finding; exit status 1 with any

A rule is a function from a Tree to findings, in one of the rooms rules_*.py. An exception to a rule stands in
ALLOWED with its reason; one that is no longer needed is itself a finding. Standard library only.
"""

import os
import sys
from typing import Iterator

import rules_code
import rules_house
import rules_text
from tree import Finding, Tree, read

RULES = rules_text.RULES + rules_code.RULES + rules_house.RULES

# (rule, path) -> reason
ALLOWED: dict[tuple[str, str], str] = {}


def check(tree: Tree, allowed: dict[tuple[str, str], str]) -> Iterator[Finding]:
    used = set()
    for rule in RULES:
        for finding in rule(tree):
            key = (finding.rule, finding.path)
            if key in allowed:
                used.add(key)
            else:
                yield finding
    for rule, path in sorted(set(allowed) - used):
        yield Finding(
            path, 1, "stale-exception", f"nothing left of '{rule}' to allow here", "remove it from ALLOWED"
        )


def main() -> int:
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    root = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else default)
    tree = read(root)
    findings = sorted(check(tree, ALLOWED))
    for finding in findings:
        print(finding)
    print(f"tidy: {len(tree.texts)} files, {len(findings)} findings")
    return 1 if findings or not tree.texts else 0


if __name__ == "__main__":
    sys.exit(main())

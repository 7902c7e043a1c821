#!/usr/bin/env python3
"""Reference pages of the stack, made of its headers: what each says of itself, and what it declares for others.

    reference.py FOLDER     writes FOLDER/index.md and a page for each header below stack/

A header begins with what it is for, an example, and what not to do with it; its declarations carry their own comments.
So a page is the header without what is no one else's: bodies of functions, private members, `detail`. Headers whose
first words say that they are internal have no page.
"""

import pathlib
import re
import sys

STACK = pathlib.Path(__file__).resolve().parent
INTERNAL = re.compile(r"\bInternal to\b|^// Internal", re.MULTILINE)
TYPE = re.compile(r"(?:class|struct|union|enum|namespace|concept)\b|requires\b")
ROOMS = {
    "runtime": "Loops, tasks, cancellation, waiting",
    "net": "Streams, addresses, names",
    "http": "HTTP/1.1, WebSocket, server-sent events",
    "guard": "Policies around handlers and clients",
    "data": "PostgreSQL and Redis",
    "observe": "Metrics, logs, traces, the watchdog",
    "testing": "For the tests of services",
}


def preamble_and_rest(text: str) -> tuple[list[str], list[str]]:
    """The comment that the header begins with, and the lines behind it."""
    lines = text.splitlines()
    end = next((at for at, line in enumerate(lines) if not line.startswith("//")), len(lines))
    return [line.removeprefix("//").removeprefix(" ") for line in lines[:end]], lines[end:]


def as_markdown(comment: list[str]) -> list[str]:
    """Prose as it is; what is indented by two or more is code."""
    out: list[str] = []
    in_code = False
    for at, line in enumerate(comment):
        following = next((later for later in comment[at:] if later), "")
        is_code = line.startswith("  ") and not line.lstrip().startswith("- ") or (in_code and not line and
                                                                                    following.startswith("  "))
        if is_code != in_code:
            out += ["```cpp"] if is_code else ["```", ""] if line else ["```"]
            in_code = is_code
        out.append(line.removeprefix("  ") if is_code else line)
    return out + (["```"] if in_code else [])


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def end_of_block(lines: list[str], begin: int, opened: int) -> int:
    """The line that closes the block of the declaration from `begin` to `opened`; the layout is the formatter's."""
    closing = " " * indent_of(lines[begin]) + "}"
    return next(at for at in range(opened + 1, len(lines)) if lines[at].startswith(closing))


def begin_of_declaration(lines: list[str], at: int) -> int:
    """Where the declaration begins whose body opens at the end of line `at`."""
    while at > 0 and not lines[at - 1].lstrip().startswith(("//", "#")):
        before = re.sub(r"\s*//.*", "", lines[at - 1])
        if not before or before.endswith((";", "{", "}", ":")):
            break
        at -= 1
    return at


def without_initialisers(declaration: str) -> str:
    """A constructor without what it makes of its members."""
    return re.sub(r"\)\s*(noexcept)?\s*:\s.*", lambda found: ")" + (" noexcept" if found.group(1) else ""),
                  declaration, flags=re.DOTALL)


def declared(lines: list[str]) -> list[str]:
    """The lines that are for others."""
    out: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if re.match(r"\s*namespace detail\b.*\{$", line):
            at = lines.index(line[: indent_of(line)] + "}  // namespace detail", at) + 1
        elif line.strip() in ("private:", "protected:"):
            # Up to the next access, or to the end of the class that has it.
            outer = " " * (indent_of(line) - 1)
            at = next(later for later in range(at + 1, len(lines))
                      if lines[later].startswith(outer + "}") or lines[later] == outer + " public:")
        elif line.startswith(("#", "namespace", "}  // namespace", "using namespace")):
            at += 1
        elif (code := re.sub(r"\s+//.*", "", line)).endswith("{") and not TYPE.search(line.split("(")[0]):
            begin = begin_of_declaration(lines, at)
            for _ in range(at - begin):
                out.pop()
            whole = "\n".join([*lines[begin:at], code.removesuffix("{").rstrip()])
            out += (without_initialisers(whole) + ";").splitlines()
            at = end_of_block(lines, begin, at) + 1
        elif re.match(r"\s+: .*\{\}$", line):
            out[-1] += ";"  # what a constructor makes of its members
            at += 1
        else:
            out.append(without_body(line))
            at += 1
    return out


def without_body(line: str) -> str:
    """Of a function on one line."""
    found = re.match(r"(\s*(?:[^/=]|=(?= 0))*?\))((?: (?:const|noexcept|override))*)(?: : .*)? \{.*\}(\s*//.*)?$", line)
    return f"{found.group(1)}{found.group(2)};{found.group(3) or ''}" if found else line


def tidied(lines: list[str]) -> str:
    return re.sub(r"\n+(\n *\};)", r"\1", re.sub(r"\n{3,}", "\n\n", "\n".join(lines))).strip("\n")


def page(path: str, text: str) -> str:
    comment, rest = preamble_and_rest(text)
    body = tidied(declared(rest))
    return "\n".join([f"# {path}", "", *as_markdown(comment), "", "## Declares", "", "```cpp", body, "```", ""])


def headers() -> dict[str, str]:
    found = {str(path.relative_to(STACK.parent)): path.read_text() for path in sorted(STACK.rglob("*.hpp"))}
    return {path: text for path, text in found.items() if not INTERNAL.search("\n".join(preamble_and_rest(text)[0]))}


def first_sentence(text: str) -> str:
    comment = " ".join(line for line in preamble_and_rest(text)[0] if not line.startswith("  "))
    return re.split(r"(?<=[.:;]) ", comment)[0].rstrip(".:;")


def write_all(folder: pathlib.Path) -> int:
    known = headers()
    index = ["# Reference of the stack", ""]
    for room, about in ROOMS.items():
        index += [f"## {about}", "", "| | |", "|---|---|"]
        for path, text in known.items():
            if path.startswith(f"stack/{room}/"):
                name = path.removeprefix("stack/").removesuffix(".hpp")
                index.append(f"| [{name}]({name}.md) | {first_sentence(text).replace('|', '&#124;')} |")
        index.append("")
    for path, text in known.items():
        target = folder / (path.removeprefix("stack/").removesuffix(".hpp") + ".md")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(path, text))
    (folder / "index.md").write_text("\n".join(index))
    return len(known)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: reference.py FOLDER")
    print(f"{write_all(pathlib.Path(sys.argv[1]))} pages in {sys.argv[1]}")

"""Reads C++ as text: enough to tell code from comments and to find functions, without a compiler.

blank() keeps every line and column where it was, so that an offset in the blanked text is one in the
file. functions() is a heuristic on braces. It errs towards finding too few functions, never towards one that
is too long.
"""

import re
from typing import Iterator, NamedTuple

# In this order: a raw string may contain what looks like a comment, a comment what looks like a string.
TOKEN = re.compile(
    r'(?P<raw>\bR"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")'
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<separator>(?<=[0-9a-fA-F])'(?=[0-9a-fA-F]))"
    r"|(?P<char>'(?:\\.|[^'\\\n])+')",
    re.DOTALL,
)


def spaces(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def blank(text: str) -> str:
    """Comments become spaces, string and character literals keep their quotes around spaces."""

    def replace(match: re.Match) -> str:
        found = match.group()
        if match.lastgroup == "comment":
            return spaces(found)
        if match.lastgroup == "separator":
            return "_"
        return found[0] + spaces(found[1:-1]) + found[-1]

    return TOKEN.sub(replace, text)


def without_directives(blanked: str) -> str:
    """Blanks preprocessor lines with their continuations: their braces need not balance."""
    return re.sub(
        r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: spaces(match.group()), blanked, flags=re.MULTILINE
    )


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


class Function(NamedTuple):
    name: str
    first_line: int
    last_line: int
    start: int  # offset of the signature
    end: int  # offset behind the closing brace

    @property
    def lines(self) -> int:
        return self.last_line - self.first_line + 1


CONTROL = re.compile(r"^(?:else\s+)?(?:if|for|while|switch|catch|do|else|try|return|co_return|co_await)\b")
TYPE = re.compile(
    r"^(?:typedef\s+|export\s+|inline\s+)*(?:namespace|class|struct|union|enum|extern)\b"
    r"(?!.*\)\s*(?:const|noexcept)*$)",  # but `struct s* f() {` is a function
    re.DOTALL,
)
INITIALIZERS = re.compile(r"\)\s*(?:noexcept\s*(?:\([^()]*\))?\s*)?:(?!:).*[\w>]\s*$", re.DOTALL)
NAME = re.compile(
    r"(?!(?:requires|noexcept|decltype|alignas|explicit)\b)\b(operator\s*(?:\(\)|[^\s\w(]+)|~?\w+)\s*\("
)


def strip_template(head: str) -> str:
    """The head without template parameters, whose `class` says nothing about what follows."""
    head = re.sub(r"^(?:\s|(?:public|private|protected)\s*:)*", "", head)
    while match := re.match(r"template\s*<", head):
        depth, at = 1, match.end()
        while at < len(head) and depth > 0:
            depth += {"<": 1, ">": -1}.get(head[at], 0)
            at += 1
        head = head[at:].lstrip()
    return head


def kind_of_brace(head: str) -> str:
    """What a `{` behind this text opens: 'function', 'block' or 'value' (an initializer in a statement)."""
    head = strip_template(head).rstrip()
    if not head or CONTROL.match(head) or TYPE.match(head):
        return "block"
    if head[-1] in "=,([{&|?:<+-":
        return "value"
    if "(" not in head or INITIALIZERS.search(head):
        return "value"
    return "function"


def functions(blanked: str) -> Iterator[Function]:
    """Every outermost function, in order; lambdas and types in it count to it."""
    text = without_directives(blanked)
    stack: list[tuple[str, int]] = []  # (kind of brace, offset of the head it ends)
    head = 0
    for match in re.finditer(r"[{};]", text):
        at = match.start()
        if match.group() == ";":
            # A `for (;;)` head keeps its semicolons.
            if text.count("(", head, at) == text.count(")", head, at):
                head = at + 1
        elif match.group() == "{":
            kind = kind_of_brace(text[head:at])
            stack.append((kind, head))
            if kind != "value":
                head = at + 1
        elif stack:
            kind, begin = stack.pop()
            if kind == "function" and not any(outer == "function" for outer, _ in stack):
                yield make_function(text, begin, at + 1)
            if kind != "value":
                head = at + 1


def make_function(text: str, begin: int, end: int) -> Function:
    head = text[begin : text.index("{", begin)]
    if head.count("(") > head.count(")") and "[" in head:
        begin += head.rindex("[")  # a lambda among the arguments of a macro or a call
    start = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
    name = NAME.search(text, start, end)
    return Function(
        name.group(1) if name else "lambda", line_of(text, start), line_of(text, end - 1), start, end
    )

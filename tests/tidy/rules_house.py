"""Rules on the house: floors and rooms, dead files, documents."""

import posixpath
import re
from typing import Iterator

from cpp_text import line_of
from tree import CPP, HEADERS, SOURCES, Finding, Tree

# What a room may include, beside itself; the first pattern that matches its folder holds. Folders below a
# name count to it. {room} stands for the room's own folder.
FLOORS = (
    (r"stack/runtime", ()),
    (r"stack/observe", ("stack/runtime",)),
    (r"stack/net", ("stack/runtime",)),
    (r"stack/http", ("stack/net", "stack/runtime", "stack/observe")),
    (r"stack/\w+", ("stack",)),
    # The page is made of what web/ has bundled.
    (r"lab/report", ("lab/model", "stack", "web")),
    # It reads what the probe writes: one description of the file for both.
    (r"lab/inside", ("lab/model", "stack", "probe")),
    (r"lab/campaign", ("lab", "stack")),
    (r"lab/\w+", ("lab/model", "stack")),
    (r"cli", ("lab", "stack")),
    (r"probe", ()),
    (r"(?:examples|subjects)", ("stack",)),
)
FLOOR_WHY = (
    "arrows go down only: cli, campaign, rooms, model, stack; rooms meet through the values of lab/model"
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)
HEAVY = re.compile(r"^(?:fmt/|nlohmann/(?!json_fwd)|CLI/|boost/|yaml-cpp/|simdjson)")
HEADINGS = ("Status", "Context", "Decision", "Consequences")


def is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def floors(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching(CPP):
        for pattern, below in FLOORS:
            if room := re.match(pattern + r"(?=/)", path):
                break
        else:
            continue
        for match in INCLUDE.finditer(text):
            target = match.group(1)
            if target and not any(is_within(target, folder) for folder in (room.group(), *below)):
                yield Finding(path, line_of(text, match.start()), "floor", f"includes {target}", FLOOR_WHY)


def includes(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching(CPP):
        for match in INCLUDE.finditer(text):
            quoted, angled = match.groups()
            line = line_of(text, match.start())
            if quoted and quoted not in tree.names:
                yield Finding(
                    path,
                    line,
                    "include-path",
                    f'"{quoted}" is no file from the root',
                    "includes name the room, from the root of the tree",
                )
            if angled and path.endswith(HEADERS) and HEAVY.match(angled):
                yield Finding(
                    path,
                    line,
                    "heavy-include",
                    f"<{angled}> in a header",
                    "every file that includes it pays its compile time; keep it behind a .cpp",
                )


def dead_sources(tree: Tree) -> Iterator[Finding]:
    """A source is alive when a CMakeLists.txt names it, from its folder; ${...} stands for anything.

    A module in cmake/ works for folders that it does not know: there the end of the path is enough.
    """
    named = []
    for path, text in tree.matching((".cmake",), ("CMakeLists.txt",)):
        folder = posixpath.dirname(path)
        for name in re.findall(r"[\w./${}-]+\.(?:cpp|c)\b", text):
            name = re.sub(r"^\$\{(?:CMAKE_CURRENT_SOURCE_DIR|CMAKE_CURRENT_LIST_DIR)\}/", "", name)
            name = re.sub(r"^\$\{(?:PROJECT_SOURCE_DIR|CMAKE_SOURCE_DIR)\}/", "/", name)
            if path.endswith(".cmake"):
                folder = ""
            full = name[1:] if name.startswith("/") else posixpath.normpath(posixpath.join(folder, name))
            pieces = re.split(r"\$\{\w+\}", full)
            anywhere = r"(?:.*/)?" if path.endswith(".cmake") else ""
            named.append(re.compile(anywhere + r"[^/]+".join(map(re.escape, pieces)) + r"\Z"))
    for path, _ in tree.matching(SOURCES):
        if not any(pattern.match(path) for pattern in named):
            yield Finding(
                path, 1, "dead-file", "in no CMakeLists.txt", "what is not built rots; build or remove it"
            )


def dead_headers(tree: Tree) -> Iterator[Finding]:
    included = set()
    for path, text in tree.matching(CPP):
        included.update(match.group(1) for match in INCLUDE.finditer(text) if match.group(1) != path)
    for path, _ in tree.matching(HEADERS):
        if path not in included:
            yield Finding(
                path, 1, "dead-file", "included by nothing", "what nobody uses is not there; use or remove it"
            )


def decisions(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching((".md",)):
        if not path.startswith("docs/decisions/") or path.endswith("README.md"):
            continue
        headings = [heading for heading, _ in headings_of(text)]
        for heading in HEADINGS:
            if heading not in headings:
                yield Finding(
                    path,
                    1,
                    "decision",
                    f"no heading '{heading}'",
                    "a record says where it stands, why it was asked, what was chosen and what follows",
                )


def without_code(markdown: str) -> str:
    """Fenced blocks and inline code as spaces: they show text, they do not link."""

    def spaces(match: re.Match) -> str:
        return re.sub(r"[^\n]", " ", match.group())

    markdown = re.sub(r"^(```+|~~~+).*?^\1[^\n]*$", spaces, markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", spaces, markdown)


def headings_of(markdown: str) -> list[tuple[str, str]]:
    """(heading, anchor) of each; code in a heading belongs to its anchor."""
    outside = without_code(markdown).split("\n")
    found = []
    for shown, line in zip(outside, markdown.split("\n")):
        if re.match(r"#{1,6} ", shown):
            heading = line.lstrip("#").strip()
            anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            found.append((heading, anchor))
    return found


def links(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.matching((".md",)):
        shown = without_code(text)
        targets = re.finditer(r"\]\(\s*<?([^()\s<>]+)>?[^()]*\)|^\[[^\]]+\]:\s*(\S+)", shown, re.MULTILINE)
        for match in targets:
            target = match.group(1) or match.group(2)
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            file, _, anchor = target.partition("#")
            full = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
            full = "" if full == "." else full
            line = line_of(shown, match.start())
            if not tree.exists(full):
                yield Finding(path, line, "link", f"{target} leads nowhere", "a dead link is worse than none")
            elif (
                anchor
                and full.endswith(".md")
                and anchor not in [found for _, found in headings_of(tree.texts[full])]
            ):
                yield Finding(
                    path, line, "link", f"{target}: no such heading", "a dead link is worse than none"
                )


RULES = (floors, includes, dead_sources, dead_headers, decisions, links)

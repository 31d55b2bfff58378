"""Pages of the repository as pages of the site: which there are, and where their links lead.

A page is written once, for those who read the repository. On the site its links to other pages
lead to these, and its links to programs and recipes to listings, which are pages too.
"""

import functools
import json
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = "README.md"
ELSEWHERE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/README.md",
    "examples/README.md",
    "runtime/FORMAT.md",
    "runtime/README.md",
    "runtime/SECURITY.md",
    "runtime/javascript/README.md",
    "train/NOTATION.md",
    "train/README.md",
)
"""Pages outside of docs/, which keep their places."""

METHODS = ("train/ssdgm_train/methods/*.py", "train/ssdgm_train/methods/classifiers/*.py")
LISTED = (
    "examples/*.py",
    "examples/*.ipynb",
    "examples/recipes/*.toml",
    "train/ssdgm_train/recipes/*.toml",
    *METHODS,
)
"""Files that are shown as listings."""

MADE = {"tests/architecture/messages.py": "messages.md"}
"""What pages are made from, and the pages: where a link to the one leads on the site."""

APART = re.compile(
    r"^(?P<fence>`{3,}).*?^(?P=fence)`*$|^#+ [^\n]*$|^:::[^\n]*$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(
    r"(?:\[(?P<file>[\w/.-]+(?:\.md|/))|)\]\((?!\w+:|#|/)(?P<place>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)"
)
NAMED = re.compile(r"(?<!\[)`(?P<place>[\w.-]+(?:/[\w.-]+)*\.(?:py|toml|ipynb))`(?!\])")
ITEM = re.compile(r"[-*] |\d+\. ")


def pages() -> dict[str, str]:
    """The site's path of every page, by its path in the repository."""
    own = {f"docs/{path.name}": path.name for path in sorted((ROOT / "docs").glob("*.md"))}
    return {HOME: "index.md", **own, **{page: page for page in ELSEWHERE}}


def listings() -> dict[str, str]:
    """The site's path of every listing, by the file's path in the repository."""
    return {name: f"source/{name}.md" for name in _files(LISTED)}


def made() -> dict[str, str]:
    """The site's path of what is made from a file, by that file's path in the repository."""
    methods = {name: f"methods/{Path(name).stem}.md" for name in _files(METHODS)}
    return {**MADE, **methods}


def _files(patterns: tuple[str, ...]) -> list[str]:
    """Files by their paths in the repository."""
    files = (path for pattern in patterns for path in sorted(ROOT.glob(pattern)))
    return [path.relative_to(ROOT).as_posix() for path in files if path.stem != "__init__"]


def page(place: str) -> str:
    """A page of the repository as Markdown of the site."""
    return adapted((ROOT / place).read_text(encoding="utf-8"), place)


def adapted(text: str, place: str) -> str:
    """Text of a page, with links that hold on the site and lists that its Markdown sees."""
    return prose(text, lambda part: separated(linked(part, place)))


def prose(text: str, change: Callable[[str], str]) -> str:
    """The text with all of it changed but headings and blocks of code."""
    return "".join(part if is_code else change(part) for part, is_code in parts(text))


@functools.cache
def title(place: str) -> str:
    """The first heading of a page of the repository."""
    heading = re.search(r"^# (.+)", (ROOT / place).read_text(encoding="utf-8"), re.MULTILINE)
    return heading[1] if heading else place


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut at blocks of code and headings: each part, and whether it is one of these."""
    start = 0
    for block in APART.finditer(text):
        yield text[start : block.start()], False
        yield block[0], True
        start = block.end()
    yield text[start:], False


def linked(text: str, place: str) -> str:
    """Prose whose links, and names of files that are listed, lead to pages of the site."""
    named = {**pages(), **listings()}
    known = {**named, **made()}
    here = posixpath.dirname(pages()[place])

    def to(target: str) -> str:
        return posixpath.relpath(target, here or ".")

    def link(match: re.Match[str]) -> str:
        inside = posixpath.join(posixpath.dirname(place), match["place"])
        target = posixpath.normpath(inside)
        if target not in known:
            return match[0]
        text = f"[{title(target)}" if match["file"] and target.endswith(".md") else ""
        shown = text or (f"[{match['file']}" if match["file"] else "")
        return f"{shown}]({to(known[target])}{match['anchor'] or ''})"

    def name(match: re.Match[str]) -> str:
        beside = posixpath.join(posixpath.dirname(place), match["place"])
        targets = [named[t] for t in (match["place"], beside) if t in named]
        return f"[{match[0]}]({to(targets[0])})" if targets else match[0]

    return NAMED.sub(name, LINK.sub(link, text))


def separated(text: str) -> str:
    r"""Prose with a blank line before each list that begins below a paragraph.

    Example:
        >>> separated("These are errors:\n- one;\n- two.")
        'These are errors:\n\n- one;\n- two.'
    """
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        begins = bool(ITEM.match(line))
        if begins and not inside and lines and lines[-1].strip():
            lines.append("")
        inside = begins or (inside and line.startswith(" "))
        lines.append(line)
    return "\n".join(lines)


def listing(place: str) -> str:
    """A file as a page: a program or recipe as it is, a notebook cell by cell."""
    text = (ROOT / place).read_text(encoding="utf-8")
    heading = f"# {posixpath.basename(place)}\n\n`{place}`\n\n"
    if place.endswith(".ipynb"):
        return heading + "\n\n".join(_cell(cell) for cell in json.loads(text)["cells"])
    return f"{heading}{fenced(text, Path(place).suffix[1:])}\n"


def _cell(cell: dict[str, object]) -> str:
    source = cell["source"]
    text = "".join(source) if isinstance(source, list) else str(source)
    if cell["cell_type"] != "markdown":
        return fenced(text, "python")
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)  # the page has its own title


def fenced(text: str, language: str) -> str:
    """A block of code, whatever backticks are in it."""
    ticks = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"

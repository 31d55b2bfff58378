"""Check a built site: every link and anchor is there, and no page asks another host for anything.

python docs/site/links.py build/site
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script", "img", "link", "source", "iframe", "audio", "video", "embed", "object"}
"""Elements whose addresses a browser fetches by itself; those of `a` wait for a click."""

QUIET = {"canonical", "next", "prev", "edit"}
"""Relations of a `link` that nothing is fetched for."""

INLINE = re.compile(
    r"""url\(\s*['"]?(?P<url>(?:https?:)?//[^)'"]+)|@import\s+['"](?P<more>[^'"]+)"""
)
LAZY = {"mermaid"}
"""Classes for which the theme would fetch a script from elsewhere."""


@dataclass
class Read(HTMLParser):
    """What a page refers to.

    Attributes:
        anchors: The names that a link can end in.
        links: Where its links lead.
        fetched: What a browser loads to show it.
        lazy: Classes that would make the theme load more.
    """

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    lazy: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element's name and addresses."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.lazy |= LAZY & {*given.get("class", "").split()}
        addresses = [given[name] for name in ("href", "src", "data") if given.get(name)]
        addresses += [part.split()[0] for part in given.get("srcset", "").split(",") if part]
        loads = tag in LOADED and not QUIET & {*given.get("rel", "").split()}
        (self.fetched if loads else self.links).extend(addresses)
        self.fetched += elsewhere(given.get("style", ""))


def read(text: str) -> Read:
    """A page's text, read; styles in the page count as fetched."""
    page = Read()
    page.feed(text)
    page.fetched += elsewhere(text)
    return page


def elsewhere(style: str) -> list[str]:
    """Addresses of other hosts in a style sheet."""
    urls = (match["url"] or match["more"] for match in INLINE.finditer(style))
    return [url for url in urls if urlsplit(url).netloc]


def faults(site: Path) -> Iterator[str]:
    """What is wrong with a site, a line each."""
    pages = {path: read(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in sorted(pages.items()):
        name = path.relative_to(site).as_posix()
        yield from (f"{name}: a class {each} loads a script" for each in sorted(page.lazy))
        for address in page.fetched:
            if urlsplit(address).netloc:
                yield f"{name}: {address} is fetched from another host"
        for address in (*page.fetched, *page.links):
            if fault := _missing(address, path, site, pages):
                yield f"{name}: {address} {fault}"
    for path in sorted(site.rglob("*.css")):
        for address in elsewhere(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: {address} is fetched from another host"


def _missing(address: str, path: Path, site: Path, pages: dict[Path, Read]) -> str:
    """What an address inside the site lacks; empty where it is whole, or leads elsewhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""
    base = site if parts.path.startswith("/") else path.parent
    target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return "leads to no file"
    anchor = unquote(parts.fragment)
    known = target not in pages or not anchor or anchor in pages[target].anchors
    return "" if known else "leads to no such anchor"


def main(folder: str) -> int:
    """Print what is wrong; the exit code says whether anything is."""
    wrong = list(faults(Path(folder).resolve()))
    print(*wrong, f"{len(wrong)} faults in {folder}", sep="\n")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

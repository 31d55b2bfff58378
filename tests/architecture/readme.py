"""What the pages say of the code, made from the code: `make docs` writes it, a test compares.

A page marks its generated parts by comments: `<!-- methods -->` (a row for every method),
`<!-- ladder: PACKAGE -->` (which room may import which), `<!-- help: COMMAND -->` (a command's
help) and `<!-- run: COMMAND -->` (what a command prints), each up to its closing comment.
"""

import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

from ssdgm_train import METHODS

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
HELP = re.compile(r"<!-- help: (?P<command>.+?) -->\n.*?<!-- /help -->", re.DOTALL)
RUN = re.compile(r"<!-- run: (?P<command>.+?) -->\n.*?<!-- /run -->", re.DOTALL)
LADDER = re.compile(r"<!-- ladder: (?P<package>\w+) -->\n.*?<!-- /ladder -->", re.DOTALL)
TABLE = re.compile(r"<!-- methods -->\n.*?<!-- /methods -->", re.DOTALL)
PROGRAMS = {
    "ssdgm-export": (sys.executable, "-m", "ssdgm_export"),
    "python": (sys.executable,),
}


def generated(text: str) -> str:
    """The text with every generated part made anew."""
    text = TABLE.sub(lambda _: f"<!-- methods -->\n{methods()}\n<!-- /methods -->", text)
    text = LADDER.sub(lambda match: ladder(match["package"]), text)
    text = RUN.sub(lambda match: outcome(match["command"]), text)
    return HELP.sub(lambda match: block(match["command"]), text)


def block(command: str) -> str:
    """A command's help between its markers."""
    return f"<!-- help: {command} -->\n\n```\n{shown(f'{command} --help')}\n```\n\n<!-- /help -->"


def outcome(command: str) -> str:
    """What a command prints, between its markers."""
    return f"<!-- run: {command} -->\n\n```\n{shown(command)}\n```\n\n<!-- /run -->"


def shown(command: str) -> str:
    """What a command prints on a terminal of 80 columns."""
    program, *words = command.split()
    plain = {**os.environ, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
    call = (*PROGRAMS[program], *words)
    done = subprocess.run(call, env=plain, check=True, capture_output=True, text=True)
    return done.stdout.rstrip()


def methods() -> str:
    """A row for every registered method."""
    lines = ["| method | year | paper | its bundle offers |", "|---|--:|---|---|"]
    for spec in METHODS.values():
        paper = f"[{spec.paper.title}]({spec.paper.link}), {spec.paper.authors}"
        lines.append(f"| `{spec.name}` | {spec.paper.year} | {paper} | {', '.join(spec.tasks)} |")
    return "\n".join(lines)


def ladder(package: str) -> str:
    """The layers of a package between their markers, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (c["layers"] for c in contracts if c.get("containers") == [package])
    floors = " > ".join(layer.replace(" ", "\N{NO-BREAK SPACE}") for layer in layers)
    text = textwrap.fill(floors, 90, subsequent_indent="  ").replace("\N{NO-BREAK SPACE}", " ")
    return f"<!-- ladder: {package} -->\n\n```\n{text}\n```\n\n<!-- /ladder -->"


def main() -> None:
    """Rewrite every page whose generated parts are out of date."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        made = generated(text)
        if made != text:
            page.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()

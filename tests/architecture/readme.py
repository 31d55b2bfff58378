"""What the README says of the code, made from the code: `make docs` writes it, a test compares."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ssdgm_train import METHODS

README = Path(__file__).parents[2] / "README.md"
HELP = re.compile(r"<!-- help: (?P<command>.+?) -->\n.*?<!-- /help -->", re.DOTALL)
RUN = re.compile(r"<!-- run: (?P<command>.+?) -->\n.*?<!-- /run -->", re.DOTALL)
TABLE = re.compile(r"<!-- methods -->\n.*?<!-- /methods -->", re.DOTALL)
PROGRAMS = {
    "ssdgm-export": (sys.executable, "-m", "ssdgm_export"),
    "python": (sys.executable,),
}


def generated(text: str) -> str:
    """The text with every generated part made anew."""
    text = TABLE.sub(lambda _: f"<!-- methods -->\n{methods()}\n<!-- /methods -->", text)
    text = RUN.sub(lambda found: outcome(found["command"]), text)
    return HELP.sub(lambda found: block(found["command"]), text)


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


if __name__ == "__main__":
    README.write_text(generated(README.read_text(encoding="utf-8")), encoding="utf-8")

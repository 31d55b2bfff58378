"""Every setting of a method as a commented TOML file, made from the code: `make docs` writes them.

The comments are the attributes in the docstrings of the dataclasses that hold the settings.
"""

import dataclasses
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ssdgm_train import METHODS
from ssdgm_train.method import Method, Sizes
from ssdgm_train.recipes import recipe

FOLDER = Path(__file__).parents[2] / "examples/recipes"
ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
WIDTH = 99


def file(spec: Method) -> str:
    """The file of a method."""
    chosen = recipe.load(None, spec.name)
    phases = ", ".join(phase.name for phase in spec.phases(chosen.model, Sizes(100, 1000)))
    paper = f"{spec.paper.authors} ({spec.paper.year})"
    lines = [
        *comment(f"Every setting of {spec.name} with its default, written by `make docs`."),
        *comment(f"{paper}: train/ssdgm_train/methods/{spec.name}.py"),
        f"method = {json.dumps(spec.name)}",
        *table("model", chosen.model),
        *table("train", chosen.train),
        *("", "[phases]"),
        *comment(f"[phases.NAME] holds what differs from [train] in a phase: {phases}."),
        *table("regularise", chosen.regularise),
        *table("data", chosen.data),
        *table("run", chosen.run),
    ]
    return "\n".join(lines) + "\n"


def table(name: str, values: Any, about: str = "") -> Iterator[str]:  # noqa: ANN401
    """The lines of a table, inner tables after its own settings."""
    words, fields = described(type(values)), dataclasses.fields(values)
    inner = [f for f in fields if dataclasses.is_dataclass(getattr(values, f.name))]
    if len(inner) < len(fields):
        yield from ("", *comment(about or summary(type(values))), f"[{name}]")
    for field in fields:
        if field not in inner:
            yield from comment(words[field.name] + allowed(field, words[field.name]))
            yield f"{field.name} = {json.dumps(getattr(values, field.name))}"
    for field in inner:
        yield from table(f"{name}.{field.name}", getattr(values, field.name), words[field.name])


def summary(owner: type) -> str:
    """The first sentence of a docstring."""
    return inspect.cleandoc(owner.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def described(owner: type) -> dict[str, str]:
    """The attributes in a docstring, each on one line."""
    text = inspect.cleandoc(owner.__doc__ or "").partition("Attributes:\n")[2]
    return {name: " ".join(words.split()) for name, words in ATTRIBUTE.findall(text)}


def allowed(field: dataclasses.Field[Any], text: str) -> str:
    """Which words a setting takes, where it takes some words only and the text lacks one."""
    check = field.metadata.get("check")
    wanted = check("\0") if check and isinstance(field.default, str) else ""
    words = wanted.removeprefix("one of ").split(", ") if wanted.startswith("one of ") else []
    told = all(f'"{word}"' in text for word in words)
    return "" if told else f" One of {', '.join(map(json.dumps, words))}."


def comment(text: str) -> list[str]:
    """Lines of a comment."""
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")


def main() -> None:
    """Write every file."""
    for spec in METHODS.values():
        (FOLDER / f"{spec.name}.toml").write_text(file(spec), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Every setting of a recipe as a commented TOML file, made from the code.

The comments are the attributes in the docstrings of the dataclasses that hold the settings.
"""

import dataclasses
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from ssdgm_train import plugins
from ssdgm_train.method import Sizes
from ssdgm_train.methods import METHODS
from ssdgm_train.recipes import lookup, recipe, shelf
from ssdgm_train.settings import RecipeError

ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
WIDTH = 99


def text(name: str) -> str:
    """The settings of a method, with its defaults, or of a recipe that ships.

    Args:
        name: Of the method, as `--method` takes it, or of the recipe.

    Raises:
        RecipeError: There is neither.
    """
    if name in shelf.names():
        return _file(recipe.load(name), f"Every setting of the recipe {name}")
    if name not in lookup.names() and plugins.PYTHON not in name:
        raise RecipeError(
            f"{name!r} is neither a method nor a recipe",
            f"{', '.join(lookup.names())}, or a recipe that ssdgm-export methods lists",
            _where(name),
        )
    lookup.find(name)
    return _file(recipe.load(None, name), f"Every setting of {name} with its default")


def _where(name: str) -> str:
    """How to see a setting of that name, or every name."""
    every = recipe.to_table(recipe.load(None, recipe.Recipe.method))
    tables = [key for key, table in every.items() if isinstance(table, dict) and name in table]
    if not tables:
        return "A method of your own is named file.py:METHOD."
    return (
        f"It is the setting {tables[0]}.{name} of {recipe.Recipe.method}, which "
        f"ssdgm-export recipe {recipe.Recipe.method} prints with all others."
    )


def _file(plan: recipe.Recipe, title: str) -> str:
    spec = plan.spec
    phases = ", ".join(phase.name for phase in spec.phases(plan.model, Sizes(100, 1000)))
    place = spec.build.__module__.replace(".", "/")
    own = f": train/{place}.py" if spec.name in METHODS else ""
    changed = recipe.to_table(plan).get("phases", {})
    lines = [
        *_comment(f"{title}, as `ssdgm-export recipe` prints it."),
        *_comment(f"{spec.paper.authors} ({spec.paper.year}){own}"),
        f"method = {json.dumps(plan.method)}",
        *_table("model", plan.model),
        *_table("train", plan.train),
        *("", "[phases]"),
        *_comment(f"[phases.NAME] holds what differs from [train] in a phase: {phases}."),
        *_phases(changed),
        *_table("regularise", plan.regularise),
        *_table("data", plan.data),
        *_table("run", plan.run),
    ]
    return "\n".join(lines) + "\n"


def _phases(changed: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, values in changed.items():
        yield f"[phases.{json.dumps(name)}]"
        yield from (f"{key} = {json.dumps(value)}" for key, value in values.items())


def _table(name: str, values: Any, about: str = "") -> Iterator[str]:  # noqa: ANN401  (any config)
    """The lines of a table, inner tables after its own settings."""
    words, fields = _described(type(values)), dataclasses.fields(values)
    inner = [f for f in fields if dataclasses.is_dataclass(getattr(values, f.name))]
    if len(inner) < len(fields):
        yield from ("", *_comment(about or _summary(type(values))), f"[{name}]")
    for field in fields:
        if field not in inner:
            meaning = words.get(field.name, "")
            yield from _comment(meaning + _allowed(field, meaning))
            yield f"{field.name} = {json.dumps(getattr(values, field.name))}"
    for field in inner:
        yield from _table(
            f"{name}.{field.name}", getattr(values, field.name), words.get(field.name, "")
        )


def _summary(owner: type) -> str:
    """The first sentence of a docstring."""
    return inspect.cleandoc(owner.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _described(owner: type) -> dict[str, str]:
    """The attributes in a docstring, each on one line."""
    listed = inspect.cleandoc(owner.__doc__ or "").partition("Attributes:\n")[2]
    return {name: " ".join(words.split()) for name, words in ATTRIBUTE.findall(listed)}


def _allowed(field: dataclasses.Field[Any], meaning: str) -> str:
    """Which words a setting takes, where it takes some words only and the text lacks one."""
    check = field.metadata.get("check")
    wanted = check("\0") if check and isinstance(field.default, str) else ""
    words = wanted.removeprefix("one of ").split(", ") if wanted.startswith("one of ") else []
    named = all(f'"{word}"' in meaning for word in words)
    return "" if named else f" One of {', '.join(map(json.dumps, words))}."


def _comment(words: str) -> list[str]:
    """Lines of a comment."""
    return textwrap.wrap(words, WIDTH, initial_indent="# ", subsequent_indent="# ")

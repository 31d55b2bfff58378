"""A page for each method of the registry, from its entry, its docstrings and its recipes."""

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import formulas

from ssdgm_train import METHODS
from ssdgm_train.labels import SPACES, Dense, OneClass
from ssdgm_train.method import Method
from ssdgm_train.methods import classifiers
from ssdgm_train.model import DECODER, ENCODER, PRIOR
from ssdgm_train.models import __name__ as models
from ssdgm_train.probability import objectives
from ssdgm_train.recipes import recipe, reference, shelf

SOURCE = "../source/{}.md"
EXAMPLES = {
    "views": "pairs.npz --labels 100",
    OneClass: "parts.csv --labels-as one-class",
    Dense: "cells/ --labels-as masks --labels 10",
}
"""Data that a method is for, where that is not rows with classes."""

DATA = {
    "views": "an `.npz` file with [an array for each view](../data.md#views)",
    OneClass: "rows of which [most are normal](../data.md#labels)",
    Dense: "a folder of [pictures and their masks](../data.md#labels)",
}
USUAL = "`digits` is built in; [any data set](../data.md) takes its place"
CALLS = {
    "classify": ("`classify`, `predict`, `predict_proba`", "`classify`, `predict`"),
    "encode": ("`encode`", ""),
    "reconstruct": ("`reconstruct`", ""),
    "generate": ("`generate`", "`generate`"),
    "score": ("`score`", "`score`"),
}
"""The calls of Python and the commands of a task."""

UNLIKE = {
    OneClass: ("`classify`, `predict`", "`classify`, `predict`"),
    Dense: ("`classify`, `predict`, `predict_proba`", "`predict`"),
}
"""Those of `classify`, where labels have no probabilities, or are no line of a table."""

QUOTED = re.compile(r"`(?:models\.(\w+)|(objectives))`")
TABLE = re.compile(r"^\[(?P<name>model[\w.]*)\]\n(?P<body>(?:.+\n)*)", re.MULTILINE)
SETTING = re.compile(r"(?P<words>(?:^#.*\n)*)^(?P<key>\w+) = (?P<value>.*)\n", re.MULTILINE)


def pages() -> dict[str, str]:
    """The pages by their paths on the site."""
    made = {f"methods/{name}.md": page(spec) for name, spec in METHODS.items()}
    return {"methods/index.md": index(), **made}


def index() -> str:
    """The table of all methods."""
    lines = [
        "# Methods",
        "",
        "Each method is one paper in one file. [The models](../concepts.md) says what they have "
        "in common; `ssdgm-export methods` prints this list. Without `--method`, `train` "
        "[compares a few recipes](../training.md#a-recipe-by-cross-validation) and takes the "
        "best.",
        "",
        "| method | year | what it is | labels | its bundle offers |",
        "|---|--:|---|---|---|",
    ]
    for name, spec in METHODS.items():
        cells = (f"[`{name}`]({name}.md)", spec.paper.year, spec.summary, labels(spec))
        lines.append(f"| {' | '.join(map(str, cells))} | {', '.join(spec.tasks)} |")
    return "\n".join(lines) + "\n"


def labels(spec: Method) -> str:
    """The kinds of labels that a method learns."""
    return ", ".join(name for name, space in SPACES.items() if spec.knows(space))


def page(spec: Method) -> str:
    """The page of a method."""
    paper = spec.paper
    sections = (
        f"# {spec.name}",
        f"{spec.summary[0].upper()}{spec.summary[1:]}.",
        f"[{paper.title}]({paper.link}), {paper.authors}, {paper.year}.",
        _facts(spec),
        _training(spec),
        _bundle(spec),
        _equations(spec),
        _settings(spec.name),
        _recipes(spec.name),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _facts(spec: Method) -> str:
    place = f"train/{module(spec).__name__.replace('.', '/')}.py"
    rows = (
        ("labels", labels(spec)),
        ("rows without labels", "it learns from them" if spec.unlabelled else "it ignores them"),
        ("classes without labels", "it can find them (`--extra-classes`)" if spec.finds else "no"),
        (
            "[regularisers](../training.md#regularisers)",
            "can be added (`--set regularise.…`)"
            if spec.trains and hasattr(spec.build, "judge")
            else "none",
        ),
        ("program", f"[`{place}`]({SOURCE.format(place)})"),
    )
    return "\n".join(["| | |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])


def _special(spec: Method) -> type | None:
    """The label space that a method is for alone, of those that other methods do not know."""
    if spec.knows(SPACES["classes"]):
        return None
    return next((space for space in UNLIKE if spec.knows(space)), None)


def example(spec: Method) -> str:
    """What `train` is given besides the method: the data, and what its labels are."""
    return EXAMPLES.get(_special(spec) or spec.name, "digits --labels 100")


def commands(spec: Method) -> list[str]:
    """From data to a bundle."""
    return [
        f"ssdgm-export train {example(spec)} --method {spec.name} --out runs/{spec.name}",
        f"ssdgm-export convert runs/{spec.name} -o {spec.name}.ssdgm",
    ]


def _training(spec: Method) -> str:
    kind = _special(spec) or spec.name
    given = example(spec).split()[0]
    about = f"`{given}` is {DATA[kind]}." if kind in DATA else f"{USUAL}."
    block = "\n".join(("```", *commands(spec), "```"))
    return (
        f"## Train it\n\n{block}\n\n{about} Without `--recipe` the settings are those of the "
        "[recipe](#recipes) for such rows, if there is one."
    )


def _bundle(spec: Method) -> str:
    calls = {**CALLS, "classify": UNLIKE.get(_special(spec) or object, CALLS["classify"])}
    lines = ["## What its bundle does", "", "| task | on paper | Python | commands |"]
    lines.append("|---|---|---|---|")
    lines += [
        f"| {task} | {_paper(spec, task)} | {' | '.join(calls[task])} |" for task in spec.tasks
    ]
    if "generate" in spec.tasks and _special(spec) is None:
        lines += ["", "`convert --score` adds [a score](../concepts.md#scores) of strange rows."]
    return "\n".join(lines)


def _paper(spec: Method, task: str) -> str:
    """What a task computes, by what the method's distributions take."""
    given = {one.name: one.given for one in spec.build.conditionals}
    q = rf"q(z \mid {', '.join(given.get(ENCODER, ()))})"
    p = rf"p(x \mid {', '.join(given.get(DECODER, ()))})"
    prior = r"p(z \mid y)" if PRIOR in given else "p(z)"
    return {
        "classify": "a score and a threshold" if OneClass in spec.spaces else r"$q(y \mid x)$",
        "encode": f"${q}$",
        "reconstruct": f"the mean of ${p}$ for the mean of ${q}$",
        "generate": rf"draws from ${prior} \, {p}$",
        "score": r"a bound of $-\log p(x)$",
    }[task]


def module(spec: Method) -> ModuleType:
    """The file of a method."""
    rooms = (importlib.import_module("ssdgm_train.methods"), classifiers)
    names = (
        f"{room.__name__}.{m.name}" for room in rooms for m in pkgutil.iter_modules(room.__path__)
    )
    return next(m for m in map(importlib.import_module, names) if vars(m).get("METHOD") is spec)


def _equations(spec: Method) -> str:
    """The docstrings of the method's file, and of those that it refers to."""
    own = _text(module(spec))
    parts = [f"## What it computes\n\n{own}"]
    for shared, bounds in dict.fromkeys(QUOTED.findall(own)):
        about = objectives if bounds else importlib.import_module(f"{models}.{shared}")
        parts.append(f"### `{bounds or f'models.{shared}'}`\n\n{_text(about)}")
    return "\n\n".join(parts)


def _text(about: ModuleType) -> str:
    return formulas.markdown(inspect.cleandoc(about.__doc__ or ""))


def settings(name: str) -> Iterator[tuple[str, str, str]]:
    """A method's own settings: the name as `--set` takes it, the default, and the meaning."""
    for table in TABLE.finditer(f"{reference.text(name)}\n"):
        for one in SETTING.finditer(table["body"]):
            words = " ".join(line.lstrip("# ") for line in one["words"].splitlines())
            yield f"{table['name']}.{one['key']}", one["value"], words


def _settings(name: str) -> str:
    every = f"[{name}.toml]({SOURCE.format(f'examples/recipes/{name}.toml')})"
    lines = ["## Settings", "", f"`--set NAME=VALUE` changes one. {every} has those of data, "]
    lines[-1] += "training and regularisers too; so does `ssdgm-export recipe " + name + "`."
    rows = [f"| `{key}` | `{value}` | {_cell(words)} |" for key, value, words in settings(name)]
    return "\n".join(
        [*lines, *(["", "| name | default | |", "|---|---|---|"] if rows else []), *rows]
    )


def _cell(words: str) -> str:
    """Words for a cell of a table, in which a bar would end it."""
    return words.replace("|", "\\|")


def _recipes(name: str) -> str:
    lines = ["## Recipes", ""]
    shipped = [each for each, method in shelved().items() if method == name]
    if not shipped:
        return "\n".join([*lines, "None ships: the defaults above hold."])
    return "\n".join([*lines, *(f"- {_recipe(each)}" for each in shipped)])


@functools.cache
def shelved() -> dict[str, str]:
    """The recipes that ship, each with the name of its method."""
    return {
        name: str(shelf.read(name).get("method", recipe.Recipe.method)) for name in shelf.names()
    }


def _recipe(name: str) -> str:
    place = f"train/ssdgm_train/recipes/{name}.toml"
    text = (shelf.SHELF / f"{name}{shelf.SUFFIX}").read_text(encoding="utf-8")
    comment = re.match(r"(?:#.*\n)*", text)
    words = " ".join(line.lstrip("# ") for line in (comment[0] if comment else "").splitlines())
    first = re.split(r"(?<=[a-z0-9)]\.) (?=[A-Z])", words)[0]
    return f"[`{name}`]({SOURCE.format(place)}){': ' if first else ''}{first}"

"""Every message that a user can meet, read out of the source.

A message is a call of an error's class, wherever it is raised. Parts that are computed are shown
as {...}; a variable that is given texts in the same function is replaced by them. In the folder
`tests`, `python -m architecture.messages` prints all messages and help texts.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import packages
import typer

from ssdgm_export import cli
from ssdgm_runtime import errors

ROOT_CLASS, INPUT = "SsdgmError", "InputError"
PARAMETERS = {"": ("found", "expected", "mend"), INPUT: ("name", "got", "want", "hint")}
Texts = Mapping[str, str]


@dataclass(frozen=True)
class Message:
    """A message in the source.

    Attributes:
        module: The module's name.
        line: The number of the line.
        kind: The error's class.
        found: What was found.
        expected: What was expected instead, or nothing.
        mend: What to do, or nothing.
    """

    module: str
    line: int
    kind: str
    found: str
    expected: str = ""
    mend: str = ""

    def __str__(self) -> str:
        """The message as it is printed."""
        return str(errors.SsdgmError(self.found, self.expected, self.mend))


def messages(trees: Mapping[str, ast.Module]) -> list[Message]:
    """The messages in modules, given by their names."""
    kinds = family(trees.values())
    return [
        message((module, call.lineno, called), call, PARAMETERS[kinds[called]], texts)
        for module, tree in trees.items()
        for call, texts in calls(tree, kinds)
        if (called := name_of(call.func))
    ]


def family(trees: Iterable[ast.Module]) -> dict[str, str]:
    """Every class of errors, and whose parameters it has."""
    bases = {
        node.name: {ast.unparse(base).split(".")[-1] for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    members = {ROOT_CLASS}
    while more := {name for name, above in bases.items() if above & members} - members:
        members |= more
    return {name: INPUT if INPUT in {name, *bases[name]} else "" for name in members}


def calls(tree: ast.Module, kinds: Mapping[str, str]) -> Iterator[tuple[ast.Call, Texts]]:
    """Each call of an error's class, with the texts of the variables around it."""
    constants = [node for node in tree.body if isinstance(node, ast.Assign)]
    yield from _calls(tree, kinds, variables(ast.Module(constants, [])))


def _calls(
    node: ast.AST, kinds: Mapping[str, str], texts: Texts
) -> Iterator[tuple[ast.Call, Texts]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        texts = {**texts, **variables(node)}
    if isinstance(node, ast.Call) and name_of(node.func) in kinds:
        yield node, texts
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, kinds, texts)


def variables(function: ast.AST) -> dict[str, str]:
    """The texts that a function assigns to names; several of one name have bars between them."""
    texts: dict[str, list[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_text(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            assert node.value is not None
            for target in targets:
                texts.setdefault(ast.unparse(target), []).append(text(node.value, {}))
    return {name: " | ".join(several) for name, several in texts.items()}


def is_text(node: ast.AST | None) -> bool:
    """Whether an expression is certainly a text."""
    if isinstance(node, ast.BinOp | ast.IfExp):
        sides = (
            (node.left, node.right) if isinstance(node, ast.BinOp) else (node.body, node.orelse)
        )
        return any(map(is_text, sides))
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def text(node: ast.expr, texts: Texts) -> str:
    """An expression as it looks in a message."""
    match node:
        case ast.Constant():
            return str(node.value)
        case ast.JoinedStr():
            return "".join(text(part, {}) for part in node.values)
        case ast.FormattedValue():
            return "{" + ast.unparse(node.value) + "}"
        case ast.Name() if node.id in texts:
            return texts[node.id]
        case ast.BinOp(op=ast.Add()):
            return text(node.left, texts) + text(node.right, texts)
        case ast.IfExp():
            return f"{text(node.body, texts)} | {text(node.orelse, texts)}"
    return "{" + ast.unparse(node) + "}"


def name_of(function: ast.expr) -> str:
    """The last word of what is called."""
    return ast.unparse(function).split(".")[-1]


def message(
    place: tuple[str, int, str], call: ast.Call, names: Sequence[str], texts: Texts
) -> Message:
    """A call as a message: the module, the line and the class, and what is passed by name."""
    given = {name: text(value, texts) for name, value in zip(names, call.args, strict=False)}
    given |= {str(k.arg): text(k.value, texts) for k in call.keywords}
    if names == PARAMETERS[INPUT]:
        found = f"{given.get('name', '')} is {given.get('got', '')}"
        return Message(*place, found, given.get("want", ""), given.get("hint", ""))
    return Message(*place, **{name: given[name] for name in names if name in given})


def sources() -> dict[str, ast.Module]:
    """The modules of the three packages."""
    return {
        name: ast.parse(path.read_text(encoding="utf-8"))
        for name, path in packages.modules().items()
    }


def helps(command: Any, words: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401  (typer's click)
    """The help texts of a command and of those below it, each with the words that show it."""
    yield words, str(command.help)
    for name, below in getattr(command, "commands", {}).items():
        yield from helps(below, f"{words} {name}")
    for parameter in command.params:
        yield f"{words} {parameter.opts[0]}", str(parameter.help)


if __name__ == "__main__":
    for one in messages(sources()):
        print(f"{one.module}:{one.line} {one.kind}\n    {one}")  # noqa: T201
    for words, help_ in helps(typer.main.get_command(cli.app), "ssdgm-export"):
        print(f"{words}\n    {help_}")  # noqa: T201

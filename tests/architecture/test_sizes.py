"""The house's measures: small rooms and files, short functions, names that say what they hold."""

import ast
import graphlib
from collections import Counter
from collections.abc import Iterator

import packages
import pytest

FILE_LINES = 300
FUNCTION_LINES = 40
SHORT = 20
SHARE_SHORT = 0.9
ROOM = 12
"""How many modules a folder may hold, beside `__init__` and its sub-packages."""

EMPTY_NAMES = {"found": 5, "told": 0}
"""How often a variable may still have a name that says nothing of what it holds: lower them."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines of the body below the docstring."""
    body = function.body
    if len(body) > 1 and ast.get_docstring(function) is not None:
        body = body[1:]
    assert function.end_lineno is not None
    return function.end_lineno - body[0].lineno + 1


def bare(function: Function) -> list[str]:
    """Arguments without an annotation."""
    args = function.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    named = (a for a in every if a is not None and a.arg not in ("self", "cls"))
    return [a.arg for a in named if a.annotation is None]


def imports(tree: ast.AST) -> Iterator[str]:
    """Every name that a file imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def variables(tree: ast.AST) -> Iterator[str]:
    """Every name that is bound to a value: assigned, looped over, caught, or an argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def cycle(trees: dict[str, ast.AST]) -> list[str]:
    """A ring of modules that import each other, or none; a package may import its own parts."""
    graph = {
        name: {n for n in imports(tree) if n in trees and not f"{name}.".startswith(f"{n}.")}
        for name, tree in trees.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


PATHS = packages.modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
EVERY = pytest.mark.parametrize("name", list(PATHS))


def test_all_three_packages_are_measured() -> None:
    assert {name.split(".")[0] for name in PATHS} == set(packages.FOLDERS)
    assert len(PATHS) > 50


@EVERY
def test_a_file_is_below_its_ceiling(name: str) -> None:
    lines = len(PATHS[name].read_text(encoding="utf-8").splitlines())
    assert lines < FILE_LINES, f"{name} has {lines} lines: part it"


def test_a_folder_holds_few_modules() -> None:
    files = [name for name, path in PATHS.items() if path.name != "__init__.py"]
    rooms = Counter(name.rpartition(".")[0] for name in files)
    full = {room: count for room, count in rooms.items() if count > ROOM}
    assert not full, f"these hold more than {ROOM} modules: {full}"


def test_variables_are_named_for_what_they_hold() -> None:
    names = Counter(name for tree in TREES.values() for name in variables(tree))
    assert {name: names[name] for name in EMPTY_NAMES if names[name] > EMPTY_NAMES[name]} == {}


@EVERY
def test_a_function_is_below_its_ceiling(name: str) -> None:
    long = {f.name: length(f) for f in functions(TREES[name]) if length(f) > FUNCTION_LINES}
    assert not long, f"{name} has functions of more than {FUNCTION_LINES} lines: {long}"


@EVERY
def test_every_argument_is_annotated(name: str) -> None:
    untyped = {f.name: bare(f) for f in functions(TREES[name]) if bare(f)}
    assert not untyped, f"{name} has arguments without a type: {untyped}"


def test_most_functions_are_short() -> None:
    lengths = [length(f) for tree in TREES.values() for f in functions(tree)]
    short = sum(lines <= SHORT for lines in lengths) / len(lengths)
    assert short >= SHARE_SHORT, f"only {short:.0%} of functions have {SHORT} lines or fewer"


def test_no_import_leads_back_to_itself() -> None:
    ring = cycle(TREES)
    assert not ring, " -> ".join(ring)


SAMPLE = '''
def long(a, *, b: int, **c):
    """Docstring
    of two lines."""
    x = 1

    return x
'''


def test_the_measures_measure() -> None:
    (function,) = functions(ast.parse(SAMPLE))
    assert length(function) == 3
    assert bare(function) == ["a", "c"]
    assert sorted(variables(function)) == ["a", "b", "c", "x"]
    trees = {
        "p": ast.parse("from p import a"),
        "p.a": ast.parse("def late() -> None:\n    from p import b"),
        "p.b": ast.parse("import p.a"),
    }
    assert set(cycle(trees)) == {"p.a", "p.b"}
    assert cycle({k: v for k, v in trees.items() if k != "p.b"}) == []

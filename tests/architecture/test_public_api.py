"""What others may use: every public thing says what it is, every exported name exists."""

import ast
import importlib
from collections.abc import Iterator

import packages
import pytest

PATHS = packages.modules()
IMPORTABLE = [name for name in PATHS if not name.endswith("__main__")]
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    """A module or class and all that is public in it, by dotted names."""
    yield name, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for child in node.body:
        if isinstance(child, Documented) and not child.name.startswith("_"):
            yield from public(child, f"{name}.{child.name}")


@pytest.mark.parametrize("name", list(PATHS))
def test_everything_public_says_what_it_is(name: str) -> None:
    tree = ast.parse(PATHS[name].read_text(encoding="utf-8"))
    silent = [where for where, node in public(tree, name) if not ast.get_docstring(node)]
    assert not silent, f"no docstring: {', '.join(silent)}"


def test_a_thing_without_a_docstring_is_seen() -> None:
    tree = ast.parse(
        '"""Module."""\nclass A:\n    """A."""\n    def b(self): ...\n    def _c(): ...'
    )
    silent = [where for where, node in public(tree, "m") if not ast.get_docstring(node)]
    assert silent == ["m.A.b"]


@pytest.mark.parametrize("name", IMPORTABLE)
def test_every_exported_name_exists(name: str) -> None:
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", [])
    assert [n for n in exported if not hasattr(module, n)] == []
    assert len(set(exported)) == len(exported)


@pytest.mark.parametrize("name", list(packages.FOLDERS))
def test_a_package_lists_its_public_names_and_marks_its_types(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__
    assert "__version__" in package.__all__
    assert (packages.FOLDERS[name] / "py.typed").exists()

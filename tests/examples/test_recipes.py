"""Every recipe loads, and the documented ones name every field."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ssdgm_train import METHODS
from ssdgm_train.recipes import recipe

RECIPES = Path(__file__).parents[2] / "examples/recipes"
FILES = sorted(RECIPES.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_recipe_loads_and_means_the_method_of_its_name(path: Path) -> None:
    found = recipe.load(path)
    assert found.method == path.stem.split("-")[0]
    assert recipe.from_table(recipe.to_table(found)) == found


def outline(table: dict[str, Any]) -> dict[str, Any]:
    """The keys of a document, table in table."""
    return {k: outline(v) if isinstance(v, dict) else None for k, v in table.items()}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_a_recipe_that_shows_every_field_with_its_default(name: str) -> None:
    path = RECIPES / f"{name}.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    wanted = recipe.to_table(recipe.load(None, name))
    assert outline(table) == outline(wanted)
    assert recipe.load(path) == recipe.load(None, name)


@pytest.mark.parametrize("name", METHODS)
def test_every_field_of_that_recipe_is_commented(name: str) -> None:
    lines = (RECIPES / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    bare = [
        line for line in lines if " = " in line and not line.startswith("#") and "#" not in line
    ]
    assert not bare

"""Every recipe loads, and the documented ones name every field."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ssdgm_train import METHODS
from ssdgm_train.recipes import recipe, reference

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
def test_that_recipe_is_made_from_the_code(name: str) -> None:
    made = reference.text(name)
    text = (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
    assert made == text, f"{name}.toml is out of date: run `make docs`"
    assert max(map(len, text.splitlines())) <= reference.WIDTH


@pytest.mark.parametrize("name", METHODS)
def test_every_setting_has_a_description(name: str) -> None:
    lines = (RECIPES / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("["))
    above = [
        line
        for line, after in zip(lines[first:], lines[first + 1 :], strict=False)
        if "=" in after and not after.startswith("#")
    ]
    assert above
    assert all(line.startswith("#") for line in above)


def test_a_recipe_that_ships_and_a_method_of_one_s_own_are_told_too(tmp_path: Path) -> None:
    for name in ("paper-m1m2-100", "default-m2-small"):
        told = reference.text(name)
        (tmp_path / "told.toml").write_text(told)
        assert recipe.load(tmp_path / "told.toml") == recipe.load(name)
        assert f"# Every setting of the recipe {name}" in told
    own = f"{RECIPES.parent / 'your_own_method.py'}:METHOD"
    (tmp_path / "own.toml").write_text(reference.text(own))
    assert recipe.load(tmp_path / "own.toml") == recipe.load(None, own)
    with pytest.raises(ValueError, match="'nothing' is neither a method nor a recipe"):
        reference.text("nothing")

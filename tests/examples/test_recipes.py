"""Every recipe loads, and the documented ones name every field."""

import importlib.util
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ssdgm_train import METHODS
from ssdgm_train.recipes import recipe

RECIPES = Path(__file__).parents[2] / "examples/recipes"
FILES = sorted(RECIPES.glob("*.toml"))


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """What `make docs` writes them with."""
    path = Path(__file__).parents[1] / "architecture/settings.py"
    spec = importlib.util.spec_from_file_location("settings_of_methods", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
def test_that_recipe_is_made_from_the_code(generator: ModuleType, name: str) -> None:
    made = generator.file(METHODS[name])
    text = (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
    assert made == text, f"{name}.toml is out of date: run `make docs`"
    assert max(map(len, text.splitlines())) <= generator.WIDTH


@dataclass(frozen=True)
class Undescribed:
    """Settings.

    Attributes:
        known: A setting that
            says what it is.
    """

    known: int = 1
    unknown: int = 2


def test_a_setting_without_a_description_is_seen(generator: ModuleType) -> None:
    assert generator.described(Undescribed) == {"known": "A setting that says what it is."}
    with pytest.raises(KeyError, match="unknown"):
        list(generator.table("model", Undescribed()))

"""Recipes by name and by file, and the bases under them."""

from pathlib import Path

import cases
import pytest

from ssdgm_train import method
from ssdgm_train.recipes import recipe, shelf
from ssdgm_train.settings import RecipeError

NAMES = shelf.names()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder without recipes."""
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_recipes_ship() -> None:
    assert {"paper-m1", "paper-m2", "paper-m1m2-100"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_that_ships_loads_by_its_name_and_means_its_method(name: str) -> None:
    found = recipe.load(name)
    assert found.method == name.split("-")[1]
    assert recipe.from_table(recipe.to_table(found)) == found


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_that_ships_sets_what_there_is_to_set(name: str) -> None:
    """A phase that is misspelt, say, would be an error; a base's settings are there."""
    found, table = recipe.load(name), shelf.read(name)
    phases = [stage.phase.name for stage in found.stages(method.Sizes(1, 1))]
    assert set(table.get("phases", {})) <= set(phases)
    shares = name.endswith(
        (
            "-tables",
            "-colour",
            "-tags",
            "-small",
            "-windows",
            "-baseline",
            "-numbers",
            "-points",
            "-wide",
            "-views",
            "-segment",
        )
    )
    own = {"default-oneclass": 0.2}  # its threshold is found by them
    assert found.data.validation == own.get(name, 0.1 if shares else 10_000)
    assert "base" not in table


def test_a_recipe_is_laid_over_its_base_table_by_table(tmp_path: Path) -> None:
    write(tmp_path / "under.toml", 'method = "m1"\n[train]\nsteps = 7\nbeta1 = 0.5\n')
    middle = (
        'base = "under.toml"\n[train]\nsteps = 8\n[model.head]\nhat = 2\n[phases.head]\nsteps=1'
    )
    write(tmp_path / "middle.toml", middle)
    over = 'base = "middle.toml"\n[model.features]\nlatent = 3\n[phases.head]\nbeta2 = 0.5\n'
    found = recipe.load(write(tmp_path / "over.toml", over))
    assert found.method == "m1"
    assert (found.train.steps, found.train.beta1) == (8, 0.5)
    assert (found.model.features.latent, found.model.head.hat) == (3, 2.0)
    head = found.phases["head"]
    assert (head.steps, head.beta1, head.beta2) == (1, 0.5, 0.5)


def test_a_base_lies_beside_the_recipe_and_not_in_the_working_folder(tmp_path: Path) -> None:
    write(tmp_path / "under.toml", "[train]\nsteps = 5\n")
    write(tmp_path / "there/under.toml", "[train]\nsteps = 6\n")
    path = write(tmp_path / "there/over.toml", 'base = "under.toml"\n')
    assert recipe.load(path).train.steps == 6
    assert recipe.load("there/over.toml").train.steps == 6


def test_a_base_may_be_a_recipe_that_ships(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.toml", 'base = "paper-m2"\n[train]\nsteps = 5\n')
    found, under = recipe.load(path), recipe.load("paper-m2")
    assert found.model == under.model
    assert found.train.steps == 5
    assert found.train.learning_rate == under.train.learning_rate


def test_a_file_beside_goes_before_a_recipe_that_ships(tmp_path: Path) -> None:
    """As an argument and as a base; its own base of that name is the one that ships."""
    write(tmp_path / "paper-m2", "[train]\nsteps = 5\n")
    assert recipe.load("paper-m2").train.steps == 5
    over = write(tmp_path / "over.toml", 'base = "paper-m2"\n')
    assert recipe.load(over).train.steps == 5
    assert recipe.load(write(tmp_path / "there/o.toml", 'base = "paper-m2"')).train.steps != 5


def test_a_folder_of_that_name_is_no_recipe_and_in_nobody_s_way(tmp_path: Path) -> None:
    (tmp_path / "paper-m2").mkdir()
    assert recipe.load("paper-m2").method == "m2"


def test_a_name_in_a_folder_is_that_file_and_no_recipe_that_ships(tmp_path: Path) -> None:
    text = cases.message(RecipeError, lambda: recipe.load(tmp_path / "paper-m2"))
    assert f"No recipe is at {tmp_path / 'paper-m2'}" in text


def test_an_unknown_name_is_an_error_that_lists_those_there_are() -> None:
    text = cases.message(RecipeError, lambda: recipe.load("papre-m2"))
    assert "No recipe is at" in text
    assert f"expected a TOML file, none, or one of {', '.join(NAMES)}" in text


def test_a_base_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path / "over.toml", 'base = "under.toml"\n')
    text = cases.message(RecipeError, lambda: recipe.load(path))
    assert f"No recipe is at {tmp_path / 'under.toml'}" in text


@pytest.mark.parametrize("steps", [("a",), ("a", "b"), ("a", "b", "c")])
def test_bases_in_a_circle_are_an_error(steps: tuple[str, ...], tmp_path: Path) -> None:
    for name, under in zip(steps, (*steps[1:], steps[0]), strict=True):
        write(tmp_path / f"{name}.toml", f'base = "./{under}.toml"\n')
    text = cases.message(RecipeError, lambda: recipe.load(tmp_path / "a.toml"))
    assert f"The base of {tmp_path / steps[-1]}.toml leads back to {tmp_path / 'a.toml'}" in text
    assert "expected bases that end" in text


HOSTILE = {
    "base = 3": "is 3; expected the name of a recipe",
    'base = ["m2"]': "is ['m2']; expected the name of a recipe",
    "[base]\nx = 1": "is {'x': 1}; expected the name of a recipe",
    'base = ""': "is not a TOML file",
    'base = ".."': "is not a TOML file",
    'base = "/etc/hostname\\u0000"': "is not a TOML file",
    "phases = [1]": "phases is [1]; expected tables such as [phases.joint]",
    "[[phases]]\nsteps = 3": "phases is [{'steps': 3}]; expected tables such as",
    "phases.joint = []": "phases is {'joint': []}; expected tables such as",
    "[phases.joint.steps]\nx = 1": "phases.joint.steps is {'x': 1}; expected a value of type int",
    "[phases.other]": "phases.other is not a phase; expected one of joint",
    "model = []": "model is []; expected a table",
    "[[model]]\nlatent = 3": "model is [{'latent': 3}]; expected a table",
    "train = 2020-01-01": "expected a table",
    "method = 1979-05-27": "The method is datetime.date(1979, 5, 27); expected one of",
    "[train]\nsteps = " + "[" * 5000: "is not a TOML file",
}


@pytest.mark.parametrize(("content", "text"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_a_hostile_recipe_is_an_error_and_nothing_else(
    content: str, text: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "plan.toml", content)
    assert text in cases.message(RecipeError, lambda: recipe.load(path))


def test_a_table_over_a_value_and_a_value_over_a_table_are_errors_of_the_upper(
    tmp_path: Path,
) -> None:
    write(tmp_path / "under.toml", "[train]\nsteps = 3\n")
    text = 'base = "under.toml"\ntrain = 3\n'
    found = cases.message(RecipeError, lambda: recipe.load(write(tmp_path / "over.toml", text)))
    assert "train is 3; expected a table" in found
    text = 'base = "under.toml"\n[train.steps]\nx = 3\n'
    found = cases.message(RecipeError, lambda: recipe.load(write(tmp_path / "over.toml", text)))
    assert "train.steps is {'x': 3}; expected a value of type int" in found


def test_no_recipe_has_a_name_and_is_the_bare_settings(tmp_path: Path) -> None:
    assert recipe.load("none", "m1m2") == recipe.load(None, "m1m2")
    (tmp_path / "none").write_text("[train]\nsteps = 5\n")
    assert recipe.load("none").train.steps == recipe.load(None).train.steps


def test_what_a_recipe_is_for_is_no_setting_and_no_matter_of_its_heirs(tmp_path: Path) -> None:
    heir = recipe.load(write(tmp_path / "mine.toml", 'base = "default-m1"\n'))
    assert heir == recipe.load("default-m1")
    assert shelf.purpose("density-m1") is None
    nearer, base = shelf.purpose("default-m1-600"), shelf.purpose("default-m1")
    assert base is not None
    assert nearer == {**base, "labels": 600}
    text = cases.message(RecipeError, lambda: recipe.load(None, None, ["for.rows=3"]))
    assert "for is not a setting" in text

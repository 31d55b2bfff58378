"""Recipes: TOML and settings into frozen dataclasses, and back."""

import dataclasses
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases
import pytest

from ssdgm_train import method, methods, settings
from ssdgm_train.recipes import recipe
from ssdgm_train.settings import RecipeError

NAMES = pytest.mark.parametrize("name", list(methods.METHODS))


@NAMES
def test_the_default_recipe_comes_back_from_its_own_toml(name: str, tmp_path: Path) -> None:
    plan = recipe.load(None, name)
    (tmp_path / "plan.toml").write_text(recipe.dumps(plan))
    assert recipe.load(tmp_path / "plan.toml") == plan
    assert recipe.from_table(recipe.to_table(plan)) == plan
    assert plan.spec is methods.METHODS[name]
    assert plan.model == methods.METHODS[name].Config()


@NAMES
def test_every_setting_that_is_written_can_be_set(name: str) -> None:
    default = recipe.load(None, name)
    table = tomllib.loads(recipe.dumps(default))
    assert table.pop("method") == name
    assert table.pop("phases") == {}
    assert set(table) == {"model", "train", "data", "run", "regularise"}
    for key, value in entries(table):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        assert recipe.load(None, name, [f"{key}={text}"]) == default, key


def entries(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a document, those of nested tables too."""
    for key, value in table.items():
        if isinstance(value, dict):
            assert value, f"{prefix}{key}"
            yield from entries(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def test_a_changed_recipe_comes_back_too(tmp_path: Path) -> None:
    plan = recipe.load(
        None, "m2", ["model.hidden=[30, 20]", "data.prior=[0.25, 0.75]", "run.select=best"]
    )
    (tmp_path / "plan.toml").write_text(recipe.dumps(plan))
    found = recipe.load(tmp_path / "plan.toml")
    assert found == plan
    assert found.model.hidden == (30, 20)
    assert found.data.prior == (0.25, 0.75)


def test_settings_stand_over_the_file_and_the_last_over_the_first(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('method = "m2"\n[train]\nsteps = 7\nlearning_rate = 0.5\n')
    found = recipe.load(path, None, ["train.steps=8", " train.steps = 9 "])
    assert (found.train.steps, found.train.learning_rate) == (9, 0.5)
    assert recipe.load(path, "supervised").method == "supervised"


def test_a_whole_number_is_a_float_and_one_value_a_list_of_one() -> None:
    found = recipe.load(None, "m2", ["train.learning_rate=1", "model.hidden=8"])
    assert found.train.learning_rate == 1.0
    assert type(found.train.learning_rate) is float
    assert found.model.hidden == (8,)


def test_a_recipe_is_frozen() -> None:
    plan = recipe.load(None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.train.steps = 3  # type: ignore[misc]


BAD = {
    "modle.hidden=3": "modle is not a setting; expected one of method, model, train, phases, "
    "data, run, regularise. Did you mean model?",
    "train.stepps=3": "train.stepps is not a setting; expected one of steps, ",
    "train.learningrate=3": "Did you mean train.learning_rate?",
    "model.hiden=3": "Did you mean model.hidden?",
    "train.steps=1e3": "train.steps is 1000.0; expected a value of type int",
    "train.steps=true": "train.steps is True; expected a value of type int",
    "train.steps=many": "train.steps is 'many'; expected a value of type int",
    "train.learning_rate=fast": "train.learning_rate is 'fast'; expected a value of type float",
    "model.batch_norm=1": "model.batch_norm is 1; expected a value of type bool",
    "model.hidden=[8, wide]": "model.hidden is '[8, wide]'; expected a value of type int",
    'model.hidden=[8, "wide"]': "model.hidden is 'wide'; expected a value of type int",
    "model.hidden=[8, 0]": "model.hidden is (8, 0); expected a number above 0",
    "model.hidden=[]": "model.hidden is (); expected at least one value",
    "run.select=first": "run.select is 'first'; expected one of last, best",
    "run.select=1": "run.select is 1; expected a value of type str",
    "model.activation=sine": "model.activation is 'sine'; expected one of relu, silu, ",
    "data.likelihood=poisson": "data.likelihood is 'poisson'; expected one of auto, bernoulli, ",
    "train.schedule=step": "train.schedule is 'step'; expected one of constant, cosine",
    "train.steps=-1": "train.steps is -1; expected a number from 0 to below",
    "train.labelled_batch=0": "train.labelled_batch is 0; expected a number from 1 to below",
    "train.learning_rate=0": "train.learning_rate is 0.0; expected a number above 0",
    "train.learning_rate=nan": "train.learning_rate is nan; expected a number above 0",
    "train.learning_rate=inf": "train.learning_rate is inf; expected a number above 0",
    "train.beta1=1": "train.beta1 is 1.0; expected a number from 0 to below 1",
    "train.clip_norm=-1": "train.clip_norm is -1.0; expected a number from 0",
    "data.prior=[0.5, -0.5]": "data.prior is (0.5, -0.5); expected a number above 0",
    "data.validation=inf": "data.validation is inf; expected a number from 0 to below inf",
    "model.joint.alpha=3": "model.joint is not a setting; expected one of hidden, ",
    "phases=3": "phases is 3; expected tables such as [phases.joint]",
    "phases.joint=3": "phases is {'joint': 3}; expected tables such as [phases.joint]",
    "phases.head.steps=3": "phases.head is not a phase; expected one of joint",
    "phases.joint.stepps=3": "phases.joint.stepps is not a setting; expected one of steps, ",
    "phases.joint.steps=-1": "phases.joint.steps is -1; expected a number from 0 to below",
    "phases.joint.steps=often": "phases.joint.steps is 'often'; expected a value of type int",
    "base=m2": "base is not a setting; expected one of method, model, ",
    "train=3": "train is 3; expected a table",
    "model=3": "model is 3; expected a table",
    "train.steps": "The setting is 'train.steps'; expected key=value, such as train.steps=1000",
    "=3": "The setting is '=3'; expected key=value",
    "method=m3": "The method is 'm3'; expected one of supervised, ",
    "method=[1]": "The method is [1]; expected one of supervised, ",
    "method.name=m2": "The method is {'name': 'm2'}; expected one of",
}


@pytest.mark.parametrize(("change", "text"), BAD.items(), ids=list(BAD))
def test_a_setting_that_cannot_be_used_is_an_error_that_names_it(change: str, text: str) -> None:
    found = cases.message(RecipeError, lambda: recipe.load(None, None, [change]))
    assert text in found


def test_a_setting_below_a_value_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("[train]\nsteps = 7\n")
    text = cases.message(RecipeError, lambda: recipe.load(path, None, ["train.steps.more=3"]))
    assert text == "steps is a value; expected a section. Write steps=3."


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "No recipe is at"),
        (b"method = m2", "is not a TOML file"),
        (b"\xff\xfe", "is not a TOML file"),
        (b"[train]\nsteps = '7'", "train.steps is '7'; expected a value of type int"),
        (b"[model]\nlatent = 0", "model.latent is 0; expected a number above 0"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(
    tmp_path: Path, content: bytes | None, text: str
) -> None:
    path = tmp_path / "plan.toml"
    if content is not None:
        path.write_bytes(content)
    assert text in cases.message(RecipeError, lambda: recipe.load(path))


def test_settings_of_one_method_are_unknown_to_another() -> None:
    text = cases.message(RecipeError, lambda: recipe.load(None, "supervised", ["model.latent=3"]))
    assert "model.latent is not a setting" in text


BAD_NESTED = {
    "model.features=3": "model.features is 3; expected a table",
    "model.features.hidden=[]": "model.features.hidden is (); expected at least one value",
    "model.features.latents=3": "Did you mean model.features.latent?",
    "model.latent=3": "model.latent is not a setting; expected one of features, head",
    "model.head.loss=svm": "model.head.loss is 'svm'; expected one of logistic, s3vm",
    "model.head.kernel=-1": "model.head.kernel is -1; expected a number from 0",
    "model.features.warm_up=1": "model.features.warm_up is 1.0; expected a number from 0",
    "phases.joint.steps=3": "phases.joint is not a phase; expected one of features, head",
}


@pytest.mark.parametrize(("change", "text"), BAD_NESTED.items(), ids=list(BAD_NESTED))
def test_a_setting_of_a_nested_table_is_named_whole(change: str, text: str) -> None:
    assert text in cases.message(RecipeError, lambda: recipe.load(None, "m1", [change]))


def test_a_phase_has_the_common_settings_but_for_its_own(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    train = "[train]\nsteps = 7\nlearning_rate = 0.5\n"
    path.write_text(f'method = "m1"\n{train}[phases.head]\nsteps = 3\n')
    plan = recipe.load(path, None, ["phases.features.clip_norm=2", "train.beta1=0.5"])
    features, head = (stage.plan for stage in plan.stages(method.Sizes(1, 1)))
    assert (features.steps, features.learning_rate, features.clip_norm) == (7, 0.5, 2.0)
    assert (head.steps, head.learning_rate, head.clip_norm) == (3, 0.5, 0.0)
    assert features.beta1 == head.beta1 == 0.5
    (tmp_path / "again.toml").write_text(recipe.dumps(plan))
    assert recipe.load(tmp_path / "again.toml") == plan


def test_phases_that_are_done_have_no_stage() -> None:
    plan = recipe.load(None, "m1m2", ["phases.joint.steps=5"])
    (stage,) = plan.stages(method.Sizes(1, 1), ("features",))
    assert (stage.phase.name, stage.plan.steps) == ("joint", 5)


def test_a_common_setting_that_every_phase_overrides_is_refused() -> None:
    with pytest.raises(settings.RecipeError) as caught:
        recipe.load("default-m1m2", None, ["train.steps=10"])
    assert "train.steps has no effect" in str(caught.value)
    assert "phases.joint.steps=10" in str(caught.value)
    assert recipe.load("default-m1m2", None, ["train.clip_norm=5"]).train.clip_norm == 5

"""Which networks rows get, what a run stores of it, and what is handed from one to another."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import cases
import pytest

import ssdgm_train
from ssdgm_train import problems, settings
from ssdgm_train.labels import classes
from ssdgm_train.methods import METHODS, m2
from ssdgm_train.methods.classifiers import supervised
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import MLP
from ssdgm_train.networks.pooled import Pooled
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import baseline, directory, loading

SHAPES = {
    problems.ROWS: (6,),
    problems.TABLE: (6,),
    problems.IMAGE: (9, 7, 3),
    problems.WINDOWS: (2, 12),
}


def problem(kind: str, shape: tuple[int, ...]) -> Problem:
    space = classes.uniform(3)
    return Problem(shape, "float32", space, "gaussian", (0.0,), (1.0,), kind=kind)


@pytest.mark.parametrize("kind", SHAPES)
def test_every_kind_of_rows_has_a_network(kind: str) -> None:
    """Each view of rows with several has that of its own kind."""
    assert {*problems.KINDS} - {*SHAPES} == {problems.VIEWS}
    found = builder.fitted(m2.Config(), problem(kind, SHAPES[kind]))
    wanted = ("conv", (16,)) if kind in (problems.IMAGE, problems.WINDOWS) else ("mlp", ())
    assert (found.network, found.channels) == wanted
    assert builder.fitted(found, problem(kind, SHAPES[kind])) == found


def test_what_is_named_is_taken() -> None:
    image = problem(problems.IMAGE, (28, 28))
    named = builder.fitted(m2.Config(network="mlp", channels=(4,)), image)
    assert (named.network, named.channels) == ("mlp", ())
    wide = builder.fitted(m2.Config(channels=(4, 9)), image)
    assert (wide.network, wide.channels) == ("conv", (4, 9))


@pytest.mark.parametrize("shape", [(7,), (2, 3, 4, 2)])
def test_a_picture_of_other_axes_is_flat_or_merged(shape: tuple[int, ...]) -> None:
    found = builder.fitted(supervised.Config(), problem(problems.IMAGE, shape))
    assert found.network == ("mlp" if len(shape) == 1 else "conv")


def test_convolutions_of_rows_without_neighbours_are_an_error() -> None:
    text = cases.message(
        settings.RecipeError,
        lambda: builder.fitted(m2.Config(network="conv"), problem(problems.ROWS, (6,))),
    )
    assert text == (
        "network is conv, but rows are of kind rows and shape [6]; expected images [height, "
        "width] or [height, width, channels], or windows [channels, time]. Set network=auto or "
        "mlp, or set data.kind to image or windows."
    )


def begun(out: Path, kind: str, name: str, *changes: str, **more: Any) -> directory.Run:  # noqa: ANN401
    """A run that has ended, on rows of a kind."""
    source = cases.saved(out.with_suffix(".npz"), cases.separable(kind, 60, 30, test=12))
    plan = cases.small_recipe(name, *changes)
    for _ in ssdgm_train.train(ssdgm_train.begin(source, plan, out, seed=1, device="cpu", **more)):
        pass
    return directory.Run(out)


def tables(config: Any) -> list[Any]:  # noqa: ANN401
    """A configuration and those inside it that choose networks."""
    inner = [getattr(config, f.name) for f in dataclasses.fields(config)]
    return [c for c in (config, *inner) if hasattr(c, "network")]


@pytest.mark.parametrize("name", cases.METHODS)
@pytest.mark.parametrize("kind", ["logistic-uint8", "gaussian-float32"])
def test_a_run_stores_what_auto_came_to(kind: str, name: str, tmp_path: Path) -> None:
    image = kind == "logistic-uint8"
    source = cases.saved(tmp_path / "rows.npz", cases.separable(kind, 60, 30))
    labels = () if METHODS[name].knows(classes.Classes) else cases.ONE_CLASS
    plan = recipe.load(None, name, (*labels, *cases.settings(name, hidden="[8]")))
    session = ssdgm_train.begin(source, plan, tmp_path / "run", seed=1, device="cpu")
    stored = session.run.read().plan
    assert recipe.load(tmp_path / "run/recipe.toml") == stored == session.recipe
    first, *others = tables(stored.model)
    image = image and hasattr(first, "channels")  # a ladder has perceptrons alone
    assert first.network == ("conv" if image else "mlp")
    assert getattr(first, "channels", ()) == ((16,) if image else ())
    assert all(other.network == "mlp" for other in others)
    steps = [stage.plan.steps for stage in session.stages]
    assert steps[0] == builder.STEPS[first.network]
    assert steps[1:] == [20_000] * (len(steps) - 1)
    assert stored.train.steps == steps[-1]


def test_steps_that_are_given_hold_for_every_phase(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", cases.separable("logistic-uint8", 60, 30))
    for place, changes, wanted in (
        ("a", ("train.steps=7",), [7, 7]),
        ("b", ("phases.head.steps=9",), [4000, 9]),
    ):
        plan = recipe.load(None, "m1", (*cases.settings("m1", hidden="[8]"), *changes))
        session = ssdgm_train.begin(source, plan, tmp_path / place, device="cpu")
        assert [stage.plan.steps for stage in session.stages] == wanted
        again = session.run.read().plan
        assert [stage.plan.steps for stage in again.stages(session.sizes)] == wanted


def test_the_baseline_has_the_classifier_s_own_network(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", "logistic-uint8", "m2", cases.COMPARED)
    one, other = (
        loading.load_model(found) for found in (run, directory.Run(run.path / baseline.FOLDER))
    )
    shapes = [{k: v.shape for k, v in m.classifier.state_dict().items()} for m in (one, other)]
    assert shapes[0] == shapes[1]
    assert any(key.startswith("before") for key in shapes[0])


@pytest.mark.parametrize("network", ["conv", "mlp"])
@pytest.mark.parametrize("name", ["m2", "supervised"])
def test_a_classifier_begins_as_the_encoder_whichever_that_was(
    network: str, name: str, tmp_path: Path
) -> None:
    kind = "logistic-uint8"
    start = begun(tmp_path / "m1", kind, "m1", f"model.features.network={network}")
    run = begun(tmp_path / "run", kind, name, init_from=start.path)
    model, donor = loading.load_model(run), loading.load_model(start)
    assert builder.like(model.classifier) == builder.like(donor.features.encoder)
    told = json.loads((run.path / "run.json").read_text())
    assert told["recipe"]["model"]["network"] == network
    changed = {k: v for k, v in told["init"]["settings"].items() if "network" in k}
    assert changed == ({} if network == "conv" else {"model.network": "mlp"})


def test_a_perceptron_has_the_same_names_as_ever() -> None:
    model = m2.Model(m2.Config(hidden=(8,)), problem(problems.ROWS, (6,)))
    assert {name.split(".")[1] for name, _ in model.named_parameters()} == {"first", "rest"}
    assert isinstance(model.classifier, MLP)


def test_a_classifier_has_convolutions_of_its_own_where_they_are_set() -> None:
    image, pooled = problem(problems.IMAGE, (28, 28)), (8, 8, 16)
    for build in (m2.METHOD, METHODS["adgm"], METHODS["gmdgm"], supervised.METHOD):
        model = build.build(dataclasses.replace(build.Config(), pooled=pooled), image)
        network = model.classifier
        assert isinstance(network, MLP)
        assert isinstance(network.before, Pooled)
        assert network.before.channels == pooled
        assert sum(isinstance(part, Pooled) for part in model.modules()) == 1


def test_rows_without_neighbours_have_no_pooled_network() -> None:
    text = cases.message(
        settings.RecipeError,
        lambda: builder.fitted(m2.Config(pooled=(8,)), problem(problems.ROWS, (6,))),
    )
    assert "pooled is [8]" in text
    assert "Leave pooled empty" in text

"""Which recipe is taken where none is named: by what rows are, how many, and how many labels."""

from pathlib import Path

import cases
import numpy as np
import pytest

import ssdgm_train
from ssdgm_train import method
from ssdgm_train.data import dataset
from ssdgm_train.labels import Classes
from ssdgm_train.methods import METHODS
from ssdgm_train.recipes import recipe, recommended, shelf
from ssdgm_train.recipes.recommended import Asked, DataFacts

MNIST = DataFacts("image", 60_000, (28, 28), 100, 60_000)


def facts(**changes: object) -> DataFacts:
    return DataFacts(**{**vars(MNIST), **changes})  # type: ignore[arg-type]


def name(by: str | None, found: DataFacts, *changes: str) -> str:
    taken = Asked(None, by, changes).chosen(found).taken
    assert taken is not None
    return taken.name


CHOSEN: dict[str, tuple[str | None, DataFacts, str]] = {
    "no method is m2": (None, MNIST, "default-m2"),
    "m1": ("m1", MNIST, "default-m1-100"),
    "m1m2": ("m1m2", MNIST, "default-m1m2-100"),
    "no recipe": ("supervised", MNIST, "none"),
    "between two counts, the nearer by its ratio": ("m1m2", facts(labels=250), "default-m1m2-600"),
    "the other side of it": ("m1m2", facts(labels=240), "default-m1m2-100"),
    "few labels": ("m1m2", facts(labels=10), "default-m1m2-100"),
    "many labels": ("m1m2", facts(labels=20_000), "default-m1m2-3000"),
    "few rows": ("m1m2", facts(rows=1797, pool=1797), "none"),
    "small pictures": (None, facts(rows=1797, shape=(8, 8)), "default-m2-small"),
    "no recipe for small pictures": ("m1m2", facts(shape=(8, 8)), "none"),
    "large pictures": ("m1m2", facts(shape=(64, 64)), "none"),
    "m2 from an m1": ("m2", facts(start="m1", labels=600), "pretrained-m2-600"),
    "m2 from an m1 of small pictures": ("m2", facts(shape=(8, 8), start="m1"), "none"),
    "m2 from an m2": ("m2", facts(start="m2"), "default-m2"),
    "m1m2 from an m1": ("m1m2", facts(start="m1"), "default-m1m2-100"),
    "rows": (None, facts(kind="rows", rows=80, shape=(6,)), "default-m2-tables"),
    "wide rows": (None, facts(kind="rows", rows=80, shape=(401,)), "default-m2-tables-wide"),
    "a table": ("m1", facts(kind="table", rows=80, shape=(6,)), "default-m1-tables"),
    "no recipe for a table": ("m1m2", facts(kind="table", shape=(6,)), "none"),
    "colours": (None, facts(kind="colour", rows=80, shape=(8, 8, 3)), "default-m2-colour"),
    "no recipe for colours": ("m1", facts(kind="colour", shape=(28, 28, 3)), "none"),
    "windows": (None, facts(kind="windows", shape=(2, 300)), "default-m2-windows"),
    "no recipe for windows": ("m1", facts(kind="windows", shape=(2, 300)), "none"),
}


@pytest.mark.parametrize(("by", "found", "wanted"), CHOSEN.values(), ids=CHOSEN)
def test_a_method_takes_the_recipe_for_such_rows(
    by: str | None, found: DataFacts, wanted: str
) -> None:
    assert name(by, found) == wanted
    chosen = Asked(None, by).chosen(found)
    assert chosen.plan == recipe.load(wanted, by)
    assert chosen.taken is not None
    assert (f"recommended for {by or 'm2'}" in chosen.taken.reason) == (by != "")


def test_a_method_that_a_setting_names_is_as_good() -> None:
    assert name(None, MNIST, "method=m1m2") == "default-m1m2-100"
    assert Asked(None, None, ("method=m1",)).chosen(MNIST).plan == recipe.load("default-m1-100")


def test_a_recipe_that_is_named_is_taken_whatever_the_rows_are() -> None:
    found = Asked("default-m1", None).chosen(facts(rows=100, pool=100))
    assert found.plan == recipe.load("default-m1")
    assert found.taken == recommended.Taken("default-m1", "named")
    assert Asked("none", "m1m2").chosen(MNIST).plan == recipe.load(None, "m1m2")


def test_a_recipe_as_it_comes_stays_as_it_is() -> None:
    plan = recipe.load("default-m1")
    found = recommended.settle(plan, cases.separable(), 9)
    assert found == recommended.Chosen(plan, None)


def test_a_setting_stands_over_a_recipe_that_nobody_named() -> None:
    changes = ("train.steps=7", "train.learning_rate=1e-4")
    found = Asked(None, "m1m2", changes).chosen(MNIST).plan
    assert found.model == recipe.load("default-m1m2").model
    stages = found.stages(method.Sizes(1, 1))
    assert {stage.plan.steps for stage in stages} == {7}
    assert {stage.plan.learning_rate for stage in stages} == {1e-4}


@pytest.mark.parametrize(
    ("pool", "changes", "validation"),
    [
        (60_000, (), 10_000),
        (50_000, (), 10_000),
        (49_999, (), 0.1),
        (100, (), 0.1),
        (100, ("data.validation=30",), 30),
    ],
)
def test_validation_rows_are_counted_off_where_there_are_enough(
    pool: int, changes: tuple[str, ...], validation: float
) -> None:
    found = Asked(None, "m1m2", changes).chosen(facts(pool=pool)).plan
    assert found.data.validation == validation


@pytest.mark.parametrize(
    ("labels", "pool", "changes", "validation"),
    [
        (100, 100, (), 0),  # ten rows would decide nothing
        (400, 400, (), 0.1),
        (100, 5_000, (), 0.1),  # their labels are beyond the budget
        (100, 100, ("data.validation=20",), 20),
    ],
)
def test_where_rows_are_held_out_in_turns_few_are_not_held_out_for_good(
    labels: int, pool: int, changes: tuple[str, ...], validation: float
) -> None:
    for kind, shape in (("rows", (6,)), ("image", (99, 99))):
        known = facts(kind=kind, shape=shape, labels=labels, pool=pool)
        folded = Asked(None, "m2", changes, folded=True).chosen(known).plan
        assert folded.data.validation == validation
        once = Asked(None, "m2", changes).chosen(known).plan
        assert once.data.validation == (20 if changes else 0.1)


def test_what_there_is_to_choose_by_is_the_data_s() -> None:
    pictures = np.zeros((6, 4, 4, 3), np.uint8)
    y = np.array([0, 1, 0, 1, -1, -1])
    found = recommended.data_facts(dataset.make("some", pictures, y), None)
    assert found == DataFacts("colour", 6, (4, 4, 3), 4, 4)
    assert recommended.data_facts(dataset.make("some", pictures, y), 2).pool == 2
    whole = dataset.make("some", pictures[..., :1], np.arange(6) % 2)
    assert recommended.data_facts(whole, 2, "m1") == DataFacts("image", 6, (4, 4, 1), 2, 6, "m1")


@pytest.mark.parametrize("title", shelf.names())
def test_every_recipe_says_what_it_is_for_or_that_it_is_for_nothing(title: str) -> None:
    """What the paper did and what is best for a bound is not what is recommended."""
    by = title.split("-")[1]
    known = dict(recommended.purposes(by))
    assert (title in known) == title.startswith(("default-", "pretrained-"))
    assert by in METHODS


def test_a_recipe_that_nobody_named_fails_no_run_that_would_train_without(tmp_path: Path) -> None:
    """Pictures like MNIST's with a hundred labels: the recipe's validation rows are 10,000."""
    rng = np.random.default_rng(0)
    y = np.where(np.arange(20_000) < 100, np.arange(20_000) % 10, -1)
    np.savez(tmp_path / "p.npz", x=rng.integers(0, 256, (len(y), 20, 20)).astype(np.uint8), y=y)
    others = ("views",)  # whose recipe is for rows of several
    knowing = [name for name, spec in METHODS.items() if spec.knows(Classes)]
    for by in (name for name in knowing if name not in others):
        asked = Asked(None, by)
        session = ssdgm_train.begin(str(tmp_path / "p.npz"), asked, tmp_path / by, device="cpu")
        assert len(session.split.validation) == 10
        taken = session.run.read().taken.name
        fitting = (f"default-{by}-100", f"default-{by}")
        assert taken == next((name for name in fitting if name in shelf.names()), "none")

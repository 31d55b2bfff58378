"""Naming a method alone takes a recipe that ships, wherever one is for such rows."""

import itertools
from collections.abc import Iterator

import pytest

from ssdgm_train.methods import METHODS
from ssdgm_train.recipes import recipe, recommended, shelf
from ssdgm_train.recipes.recommended import Asked, DataFacts, Purpose

LABELS = (0, 1, 30, 100, 600, 1000, 3000, 60_000)
PURPOSES = {
    name: (method, purpose)
    for method in METHODS
    for name, purpose in recommended.purposes(method)
    if name.startswith("default-")
}


def facts(purpose: Purpose) -> Iterator[DataFacts]:
    """Data that a recipe is for: at the edges of its sizes, and with few labels and many."""
    sizes = {max(purpose.least, 1), purpose.most or max(purpose.least, 1)}
    rows = {max(purpose.rows, 1), 60_000}
    for kind, space in itertools.product(purpose.kinds, purpose.spaces):
        for count, size, labels in itertools.product(rows, sizes, LABELS):
            known = min(labels, count)
            yield DataFacts(kind, count, (size,), known, count, space=space)


def test_every_default_recipe_is_for_something() -> None:
    assert {*PURPOSES} == {name for name in shelf.names() if name.startswith("default-")}


@pytest.mark.parametrize("name", PURPOSES)
def test_a_recipe_is_taken_by_the_method_s_name_alone_for_some_data(name: str) -> None:
    """Its settings are: a recipe that differs from its base in its name alone may stand for it."""
    method, purpose = PURPOSES[name]
    known = [data for data in facts(purpose) if purpose.fits(data)]
    assert known, "no data is as its table [for] has it"
    plans = [Asked(method=method).chosen(data) for data in known]
    wanted = recipe.load(name, method)
    taken = {plan.taken.name for plan in plans if plan.taken is not None and plan.plan == wanted}
    alike = {other for other in PURPOSES if recipe.load(other) == wanted}
    assert taken, f"{name} is taken for no data: another recipe always stands before it"
    assert name in taken or taken < alike


@pytest.mark.parametrize("name", PURPOSES)
def test_what_a_recipe_is_for_gets_one_that_ships(name: str) -> None:
    method, purpose = PURPOSES[name]
    for data in filter(purpose.fits, facts(purpose)):
        assert recommended.nearest(method, data) in PURPOSES

"""How a budget is divided into steps."""

import pytest

from ssdgm_train.portfolio import budget

CHEAP, DEAR = budget.Cost(1.0, 0.01), budget.Cost(2.0, 0.03)


def seconds(steps: budget.Steps, costs: list[budget.Cost], folds: int) -> float:
    return folds * sum(costs[k].of(steps.fold) for k in steps.kept)


@pytest.mark.parametrize("minutes", [1, 3, 10])
@pytest.mark.parametrize(("own", "share"), [(10**6, budget.LEAST_SEARCH), (500, 0.5)])
def test_folds_take_half_or_what_a_long_last_run_leaves(
    own: int, share: float, minutes: int
) -> None:
    costs, whole = [budget.Cost(0.0, 0.001), budget.Cost(0.0, 0.003)], 60.0 * minutes
    steps = budget.divided(costs, own, 3, whole, 4.0)
    searched = seconds(steps, costs, 3)
    assert steps.kept == (0, 1)
    assert searched + 4 <= whole * share
    assert steps.fold == own or searched + 4 > 0.9 * whole * share
    for cost, last in zip(costs, steps.last, strict=True):
        assert searched + 4 + cost.of(last) <= whole


def test_no_more_steps_than_the_recipe_has() -> None:
    steps = budget.divided([CHEAP, DEAR], 150, 3, 3600.0, 0.0)
    assert (steps.fold, steps.last) == (150, (150, 150))
    assert steps.peers == (budget.PEERS, budget.PEERS)


def test_peers_have_the_time_that_is_left() -> None:
    def peers(seconds: float) -> tuple[int, ...]:
        return budget.divided([budget.Cost(0.0, 0.1)], 100, 0, seconds, 0.0).peers

    whole = 100 * 0.1 / budget.LAST
    assert [peers(k * whole + 1) for k in (1, 2, 3, 4, 9)] == [(0,), (1,), (2,), (3,), (3,)]


def test_what_there_is_no_time_for_is_left_out_the_last_first() -> None:
    costs = [CHEAP, DEAR, budget.Cost(0.0, 9.0)]
    steps = budget.divided(costs, 300, 3, 60.0, 0.0)
    assert steps.kept == (0, 1)
    assert steps.fold >= budget.LEAST


def test_the_recommended_recipe_stays_although_it_is_the_costliest() -> None:
    steps = budget.divided([budget.Cost(0.0, 9.0), CHEAP, CHEAP], 300, 3, 60.0, 0.0)
    assert (steps.kept, steps.fold) == ((0,), 0)


def test_without_time_or_folds_the_first_is_trained_at_least_a_little() -> None:
    for folds in (0, 3):
        steps = budget.divided([CHEAP, DEAR], 1000, folds, 1.0, 0.5)
        assert steps == budget.Steps((0,), 0, (budget.LEAST,), (0,))


def test_what_folds_need_not_train_costs_them_no_steps_and_is_left_out_last() -> None:
    still = budget.Cost(1.0, 0.02, folded=False)
    steps = budget.divided([CHEAP, DEAR, still], 300, 3, 60.0, 0.0)
    assert (steps.kept, steps.fold) == ((0, 1, 2), 150)
    steps = budget.divided([CHEAP, budget.Cost(0.0, 9.0), still], 300, 3, 60.0, 0.0)
    assert steps.kept == (0, 2)
    assert budget.divided([budget.Cost(0.0, 9.0), still], 300, 3, 60.0, 0.0).kept == (0,)

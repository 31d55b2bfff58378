"""Batches as a pure function of the step's number."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssdgm_train.data.batches import Batches, Stream

POOLS = st.integers(1, 30)
SIZES = st.integers(1, 80)


GROUPS = st.sampled_from([(1, 0), (1, 4), (2, 4), (3, 6), (3, 9)])


def stream(pool: int, size: int, seed: int = 0, groups: tuple[int, int] = (1, 0)) -> Stream:
    return Stream(np.arange(pool) * 10, size, (seed, 1), *groups)


@given(POOLS, SIZES, st.lists(st.integers(0, 40), min_size=1, max_size=8), GROUPS)
def test_a_batch_depends_on_its_step_alone(
    pool: int, size: int, order: list[int], groups: tuple[int, int]
) -> None:
    one = stream(pool, size, groups=groups)
    for step in order:
        assert one(step).tolist() == stream(pool, size, groups=groups)(step).tolist()


@given(POOLS, SIZES, GROUPS)
def test_every_row_is_visited_once_a_round(pool: int, size: int, groups: tuple[int, int]) -> None:
    draw = stream(pool, size, groups=groups)
    seen = np.concatenate([draw(step) for step in range(-(-3 * pool // size))])
    for turn in range(3):
        assert sorted(seen[turn * pool : (turn + 1) * pool].tolist()) == draw.pool.tolist()


def test_groups_are_mixed_of_blocks_from_all_over() -> None:
    draw = Stream(np.arange(1000), 100, (0, 1), block=10, group=200)
    first = np.concatenate([draw(0), draw(1)])
    assert len(set((first // 10).tolist())) == 20
    assert first.min() < 200
    assert first.max() >= 800
    assert (np.diff(first) == 1).sum() < 10, "neighbours were served one after another"


@given(POOLS, SIZES, st.integers(0, 20))
def test_a_batch_has_its_size_even_where_the_pool_is_smaller(
    pool: int, size: int, step: int
) -> None:
    assert len(stream(pool, size)(step)) == size


def test_rounds_and_seeds_differ_in_their_order() -> None:
    draw = stream(30, 30)
    assert draw(0).tolist() != draw(1).tolist()
    assert draw(0).tolist() != stream(30, 30, seed=1)(0).tolist()


def test_an_empty_pool_gives_empty_batches() -> None:
    assert Stream(np.arange(0), 5, (0, 1))(3).tolist() == []


def test_memory_does_not_grow_with_the_steps() -> None:
    draw = stream(7, 5)
    for step in range(100):
        draw(step)
    assert len(draw._orders) <= 2


def draw(x: torch.Tensor, y: torch.Tensor, unlabelled: int) -> Batches:
    others = Stream(np.arange(20, 20 + unlabelled), 8, (0, 2))
    return Batches(x, y, Stream(np.arange(20), 6, (0, 1)), others)


@pytest.mark.parametrize("unlabelled", [0, 20])
def test_a_batch_holds_the_rows_of_its_indices(unlabelled: int) -> None:
    x = torch.arange(40.0).reshape(-1, 1)
    y = torch.where(torch.arange(40) < 20, torch.arange(40) % 3, -1)
    batch = draw(x, y, unlabelled)(2)
    assert batch.x.shape == (6, 1)
    assert torch.equal(batch.y, batch.x[:, 0].long() % 3)
    assert len(batch.u) == (8 if unlabelled else 0)
    assert (batch.u >= 20).all()


def test_prepared_rows_of_any_shape_are_batches_too() -> None:
    """Posteriors [n, 2, latent]: a mean and a scale, each a function of the row's number."""
    posteriors = torch.stack([torch.arange(120.0).reshape(40, 3), torch.ones(40, 3)], 1)
    batch = draw(posteriors, torch.arange(40) % 3, 20)(1)
    assert batch.x.shape == (6, 2, 3)
    assert batch.u.shape == (8, 2, 3)
    assert torch.equal(batch.y, (batch.x[:, 0, 0] / 3).long() % 3)

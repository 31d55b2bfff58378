"""Augmentations keep the shape of rows, change them within ranges, and draw from one source."""

import cases
import noises
import pytest
import torch
from torch import Tensor

from ssdgm_train.augmentation import choice, images, series, values
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks.convolutions import Grid

GRIDS = [Grid(1, (9, 6), last=True), Grid(3, (8, 8), last=True), Grid(2, (5, 7), last=True)]
KINDS = tuple(cases.KINDS)


def observed(kind: str) -> tuple[Tensor, choice.Augment]:
    problem = cases.stated(kind)
    return observations.observer_for(problem)(cases.batch(kind).u), choice.augmentation_for(
        problem
    )


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_every_kind_have_an_augmentation(kind: str) -> None:
    x, augment = observed(kind)
    strong = augment(x, choice.STRONG, noises.seeded(3))
    assert strong.shape == x.shape
    assert strong.dtype == x.dtype
    assert bool(strong.isfinite().all())
    assert not torch.equal(strong, x)
    assert torch.equal(strong, augment(x, choice.STRONG, noises.seeded(3)))
    assert not torch.equal(strong, augment(x, choice.STRONG, noises.seeded(4)))


@pytest.mark.parametrize("kind", KINDS)
def test_without_strength_nothing_changes(kind: str) -> None:
    x, augment = observed(kind)
    torch.testing.assert_close(augment(x, 0.0, noises.seeded(3)), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_more_strength_changes_more(kind: str) -> None:
    x, augment = observed(kind)
    x = x.repeat(40, 1)
    weak, strong = (
        (augment(x, strength, noises.seeded(3)) - x).square().mean()
        for strength in (choice.WEAK, choice.STRONG)
    )
    assert 0 < weak < strong


@pytest.mark.parametrize("grid", GRIDS)
def test_half_of_the_images_are_mirrored_where_that_is_allowed(grid: Grid) -> None:
    x = torch.rand(200, grid.width)
    mirrored = grid.fold(grid.unfold(x).flip(-1), 1)
    answers = images.Images(grid, mirror=True)(x, 0.0, noises.seeded(1))
    plain, turned = ((answers - each).abs().amax(1) < 1e-4 for each in (x, mirrored))
    assert bool((plain ^ turned).all())
    assert 60 < int(turned.sum()) < 140


def test_a_dot_moves_no_further_than_the_ranges_allow() -> None:
    grid = Grid(1, (29, 29), last=True)
    x = torch.zeros(300, grid.width)
    x[:, grid.width // 2] = 1.0
    moved = grid.unfold(images.Images(grid)(x, 1.0, noises.seeded(2)))[:, 0]
    mass = moved.sum((1, 2))
    seen = mass > 0.05  # it may be erased
    rows = (moved.sum(2) * torch.arange(29)).sum(1)[seen] / mass[seen]
    assert int(seen.sum()) > 250
    assert float((rows - 14).abs().max()) < 29 * (images.MOVE + 0.5 * images.BEND * 4) * 1.3
    assert float((rows - 14).abs().max()) > 29 * images.MOVE * 0.5


def test_columns_are_taken_from_other_rows_as_a_whole() -> None:
    augment = values.Values((0, 1, 1, 1, 2, 0), numbers=0)
    x = torch.arange(50.0)[:, None] + torch.zeros(6)
    answers = augment(x, 1 / values.SWAPPED, noises.seeded(0))  # every column is another row's
    assert torch.equal(answers[:, 1], answers[:, 3])
    assert torch.equal(answers[:, 0], answers[:, 5])
    assert sorted(answers[:, 1].tolist()) == x[:, 1].tolist()
    assert not torch.equal(answers[:, 1], x[:, 1])


def test_only_numbers_are_noisy() -> None:
    augment = values.Values((0, 1, 2), numbers=1)
    answers = augment(torch.zeros(400, 3), 1.0, noises.seeded(0))
    assert float(answers[:, 0].std()) == pytest.approx(values.JITTER, rel=0.15)
    assert not answers[:, 1:].any()


def test_the_columns_of_a_table_are_its_own() -> None:
    problem = cases.stated("columns-float32")
    columns = values.columns_of(problem)
    assert columns == (0, 1, 2, 3, 3, 3, 4, 4, 0)  # three numbers, two blocks, a gap in the first
    assert len(columns) == observations.observer_for(problem).width


def test_a_window_is_silent_for_a_while_and_of_another_size() -> None:
    augment = series.Windows(Grid(2, (50,), last=False))
    answers = augment(torch.ones(200, 100), 1.0, noises.seeded(0)).reshape(200, 2, 50)
    silent = (answers == 0).all(1).float().mean(1)
    assert float(silent.max()) <= series.SILENT + 0.02
    assert float(silent.mean()) > 0.02
    sizes = answers.sum(2) / (answers != 0).sum(2)
    assert 0.05 < float(sizes.std()) < 0.2

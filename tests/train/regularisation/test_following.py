"""Points follow their pictures: where they are then, and the terms of labelled and other rows."""

import dataclasses
from collections.abc import Callable

import noises
import pytest
import torch
from torch import Tensor, nn

from ssdgm_train.augmentation.images import Images
from ssdgm_train.labels import Points
from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.regularisation import following, terms
from ssdgm_train.regularisation.plan import Regularisation

SIDE = 40
GRID = Grid(1, (SIDE, SIDE), last=True)
IMAGES = Images(GRID)
SPACE = Points((SIDE / 2.0,) * 2, (5.0,) * 2)
FOUND = torch.tensor([[14.0, 19.0], [22.0, 24.0], [18.0, 27.0]])


def spots(places: Tensor) -> Tensor:
    """Pictures with one bright spot at each place [n, 2], x and y in pixels."""
    ticks = torch.arange(SIDE) + 0.5
    across, down = (torch.exp(-((ticks - c[:, None]) ** 2) / 8) for c in places.mT)
    return (down[:, :, None] * across[:, None]).flatten(1)


def centres(x: Tensor) -> Tensor:
    """The mean place of what is bright, [n, 2]."""
    maps, ticks = x.reshape(-1, SIDE, SIDE).clamp(min=0), torch.arange(SIDE) + 0.5
    whole = maps.sum((1, 2))
    return torch.stack([(maps.sum(1) @ ticks) / whole, (maps.sum(2) @ ticks) / whole], 1)


class Sees(nn.Module):
    """q(y | x): the middle of what is bright, with one deviation everywhere."""

    labels = SPACE
    standardise: Callable[[Tensor], Tensor] = staticmethod(lambda x: x)

    def judge(self, x: Tensor) -> Tensor:
        mean = centres(x)
        return SPACE.stood(mean, torch.ones_like(mean), torch.zeros(2))


def rows(y: Tensor, **plan: float) -> terms.Rows:
    setting = dataclasses.replace(Regularisation(), **plan)  # type: ignore[arg-type]
    x = spots(FOUND)
    return terms.Rows(Sees(), x, y, x, None, noises.seeded(), setting, IMAGES)


def test_a_point_is_where_its_picture_shows_it_then() -> None:
    moved, points = IMAGES.following(spots(FOUND), FOUND[:, None], 0.5, noises.seeded())
    assert not torch.allclose(points[:, 0], FOUND, atol=0.5)
    torch.testing.assert_close(centres(moved), points[:, 0], atol=0.5, rtol=0)


def test_a_point_that_leaves_its_picture_is_not_known() -> None:
    corner = torch.full((50, 1, 2), 1.0)
    _, points = IMAGES.following(spots(corner[:, 0]), corner, 1.0, noises.seeded())
    assert 0 < points.isnan().any(-1).sum() < 50


def test_who_sees_points_loses_little_by_moving_pictures() -> None:
    """A right answer costs the entropy of its deviation, and one that is off costs more."""
    y = FOUND.double()
    right = following.answered(rows(y, augmented=1.0, consistency=1.0), IMAGES, SPACE)
    assert [*right] == ["augmented", "consistency"]
    assert right["consistency"].max() < 0.5
    wrong = following.answered(rows(y + 6, augmented=1.0), IMAGES, SPACE)
    assert (wrong["augmented"] > right["augmented"] + 5).all()


def test_a_row_without_known_points_costs_nothing() -> None:
    unknown = torch.full((3, 2), torch.nan).double()
    given = following.answered(rows(unknown, augmented=1.0), IMAGES, SPACE)
    assert given["augmented"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["augmented", "consistency"])
def test_a_batch_without_rows_has_empty_terms(name: str) -> None:
    empty = dataclasses.replace(
        rows(FOUND.double(), **{name: 1.0}),
        x=torch.zeros(0, SIDE**2),
        u=torch.zeros(0, SIDE**2),
        y=torch.zeros(0, 2).double(),
    )
    assert following.answered(empty, IMAGES, SPACE)[name].shape == (0,)

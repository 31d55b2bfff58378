"""Points in pictures: which are right, how answers that were moved are compared, raw numbers."""

import numpy as np
import pytest
import torch
from torch import distributions

from ssdgm_train.labels import Points, points
from ssdgm_train.labels.space import Known

SPACE = Points((10.0, 20.0, 12.0, 22.0), (4.0, 5.0, 6.0, 7.0))
NAN = float("nan")


def test_a_point_is_right_within_a_tenth_of_the_longer_side_of_its_box() -> None:
    y = np.array([[0.0, 0.0, 10.0, 40.0], [0.0, 0.0, NAN, NAN]])
    said = np.array([[2.4, 3.1, 10.0, 44.5], [0.0, 0.0, 5.0, 5.0]])
    np.testing.assert_array_equal(points.correct(said, y), [[1, 0], [1, NAN]])
    np.testing.assert_array_equal(points.correct(said, y, near=0.2)[0], [1, 1])


def test_the_score_is_that_of_numbers_with_the_share_of_right_points() -> None:
    y = torch.tensor([[10.0, 20.0, 30.0, 20.0]]).double()
    raw = torch.zeros(1, 8).double()
    score = SPACE.measure(raw, y)
    assert score.pck == pytest.approx(0.5)
    assert score.rmse is not None
    assert "50.0 % of points" in score.words


def test_nothing_known_has_no_share() -> None:
    assert SPACE.measure(torch.zeros(1, 8), torch.full((1, 4), NAN).double()).pck is None


def test_bundles_have_the_numbers() -> None:
    described = SPACE.described(["a_x", "a_y", "b_x", "b_y"])
    assert described["space"] == "numbers"
    assert described["names"] == ["a_x", "a_y", "b_x", "b_y"]


def test_raw_numbers_stand_for_means_and_deviations_in_pixels() -> None:
    mean, spread = torch.tensor([[8.0, 21.0, 13.0, 30.0]]), torch.tensor([[2.0, 1.0, 3.0, 0.5]])
    outputs = SPACE.outputs(SPACE.stood(mean, spread, torch.zeros(4)))
    torch.testing.assert_close(outputs["mean"], mean)
    least = 0.05 * torch.tensor(SPACE.scale)
    torch.testing.assert_close(outputs["scale"], spread + least)


def test_an_answer_strays_by_the_divergence_of_the_points_that_are_known() -> None:
    said, raw = torch.randn(2, 3, 8).double()
    mask = torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]).double()
    moved = Known(torch.randn(3, 4).double(), mask)
    (_, target), (mean, scale) = SPACE._q(said), SPACE._q(raw)
    each = distributions.kl_divergence(
        distributions.Normal(moved.value, target), distributions.Normal(mean, scale)
    )
    torch.testing.assert_close(SPACE.strayed(said, moved, raw), (each * mask).sum(-1))

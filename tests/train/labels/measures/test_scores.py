"""Proper scores, reliability and confusion, against what is known or another library's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from torch import Tensor

from ssdgm_train.labels.measures import scores


def sample(rows: int, temperature: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits [rows, 4] and labels drawn from softmax(logits / temperature)."""
    draw = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, 4, generator=draw)
    return logits, torch.multinomial((logits / temperature).softmax(-1), 1, generator=draw)[:, 0]


def test_the_brier_score_of_two_classes_is_twice_that_of_one() -> None:
    logits, y = sample(200, 1.0)
    pair, truth = logits[:, :2], (y % 2)
    theirs = brier_score_loss(truth.numpy(), pair.double().softmax(-1)[:, 1].numpy())
    assert scores.measure(pair, truth).brier == pytest.approx(2 * theirs)


def test_sure_and_right_is_zero_and_sure_and_wrong_the_worst() -> None:
    logits = torch.tensor([[50.0, 0.0]])
    right, wrong = (scores.measure(logits, torch.tensor([k])) for k in (0, 1))
    assert (right.error, right.brier, right.ece) == pytest.approx((0, 0, 0), abs=1e-12)
    assert (wrong.error, wrong.brier, wrong.ece) == pytest.approx((1, 2, 1))


def test_the_calibration_error_is_the_weighted_gap_of_its_bins() -> None:
    """Three rows at 0.9, two of them right; one at 0.55, wrong."""
    p = torch.tensor([0.9, 0.9, 0.9, 0.55], dtype=torch.float64)
    logits = torch.stack([p, 1 - p], -1).log()
    found = scores.reliability(logits, torch.tensor([0, 0, 1, 1]))
    assert found.counts.tolist() == [0] * 8 + [1] + [0] * 4 + [3, 0]
    assert found.confidence[[8, 13]].tolist() == pytest.approx([0.55, 0.9])
    assert found.accuracy[[8, 13]].tolist() == pytest.approx([0, 2 / 3])
    assert found.error == pytest.approx((0.55 + 3 * (0.9 - 2 / 3)) / 4)


@given(st.integers(1, 60), st.floats(0.1, 10))
def test_every_row_is_in_one_bin(rows: int, temperature: float) -> None:
    logits, y = sample(rows, 1.0, rows)
    found = scores.reliability(logits / temperature, y)
    assert found.counts.sum() == rows
    assert 0 <= found.error <= 1
    right = (found.counts * found.accuracy).sum()
    assert float(right) == pytest.approx(float((logits.argmax(-1) == y).sum()))


def test_the_confusion_matrix_counts_truth_down_and_guesses_across() -> None:
    logits = torch.eye(3)[[0, 1, 1, 0]]
    found = scores.confusion(logits, torch.tensor([0, 1, 2, 2]))
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 1, 0], [1, 1, 0]])

"""Regressors of scikit-learn's, whose rows may count differently and lack some numbers."""

import numpy as np
import pytest
from sklearn import linear_model, neighbors

from ssdgm_train.evaluation import regressors

X = np.repeat(np.linspace(-1, 1, 10, dtype=np.float32), 2)[:, None]
Y = np.stack([np.tile([0.0, 1.0], 10), np.full(20, 0.5)], 1)
"""Pairs of rows, of which one is 0 and the other 1."""

SECOND = np.tile([1.0, 9.0], 10)


def test_rows_count_as_often_as_they_weigh() -> None:
    learnt = regressors.fitted(linear_model.Ridge(1e-6), X, Y, SECOND)
    np.testing.assert_allclose(learnt.predict(X), np.tile([0.9, 0.5], (20, 1)), atol=1e-4)


def test_rows_of_weight_0_are_left_out_whatever_learns() -> None:
    model = neighbors.KNeighborsRegressor(1)
    learnt = regressors.fitted(model, X, Y, np.tile([0.0, 1.0], 10))
    np.testing.assert_array_equal(learnt.predict(X)[:, 0], 1)


@pytest.mark.parametrize("weights", [None, SECOND])
def test_the_best_is_found_with_the_weights_too(
    weights: np.ndarray | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {"ridge": linear_model.Ridge(1e-3)}
    monkeypatch.setattr(regressors, "candidates", lambda *_: only)
    held = regressors.folds(len(Y), 0, 4)
    gaps = np.where(np.arange(20)[:, None] == 3, np.nan, Y)
    every, best, learnt = regressors.on_labels("rows", X, gaps, held, weights)
    assert best in every
    mean = learnt.predict(X)[:, 0].mean()
    assert (mean > 0.7) == (weights is not None)


def test_there_are_no_more_neighbours_than_rows() -> None:
    learnt = regressors.fitted(neighbors.KNeighborsRegressor(5), X[:3], Y[:3])
    np.testing.assert_allclose(learnt.predict(X[:1])[:, 0], Y[:3, 0].mean())

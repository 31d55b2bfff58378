"""The regressor passes scikit-learn's own checks, and learns from rows without numbers."""

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks

from ssdgm_export import SemiSupervisedRegressor
from ssdgm_runtime import errors, load

CHECKED = SemiSupervisedRegressor(
    method="m2", alpha=10.0, hidden=16, latent=2, steps=40, learning_rate=5e-2
)
PLAIN = SemiSupervisedRegressor(method="supervised", hidden=16, steps=60, learning_rate=2e-2)
Rows = tuple[NDArray[np.float32], NDArray[np.float64]]


@pytest.fixture(autouse=True)
def _no_complaint_before_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constructor as it is without this suite's own type checks: it takes anything."""
    bare = inspect.unwrap(SemiSupervisedRegressor.__init__)
    monkeypatch.setattr(SemiSupervisedRegressor, "__init__", bare)


FAIL = {
    "check_sample_weight_equivalence_on_dense_data": "rows are drawn as often as they weigh, in an"
    " order of their own, as in scikit-learn's SGDRegressor; other draws train other weights",
}


@estimator_checks.parametrize_with_checks(
    [CHECKED], expected_failed_checks=lambda estimator: FAIL, xfail_strict=True
)
def test_it_passes_the_checks_of_scikit_learn(
    estimator: SemiSupervisedRegressor, check: Callable[[SemiSupervisedRegressor], None]
) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def rows() -> Rows:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 4)).astype(np.float32)
    return x, np.stack([300 + 20 * x[:, 0], x[:, 1] - x[:, 2]], 1).astype(np.float64)


def blank(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every second row without any number, every seventh without its first."""
    y = y.copy()
    y[::2] = np.nan
    y[::7, 0] = np.nan
    return y


@pytest.fixture(scope="module")
def fitted(rows: Rows) -> SemiSupervisedRegressor:
    x, y = rows
    model = clone(CHECKED).set_params(steps=200, random_state=1)
    return model.fit(x[:150], blank(y)[:150])


def test_nan_is_a_number_that_is_not_known(fitted: SemiSupervisedRegressor, rows: Rows) -> None:
    x, y = rows
    assert fitted.run_.record.data.labelled == np.count_nonzero(~np.isnan(blank(y)[:150]).all(1))
    assert fitted.score(x[150:], y[150:]) > 0.8
    mean, scale = fitted.predict(x[150:], return_std=True)
    assert mean.shape == scale.shape == (50, 2)
    assert (scale > 0).all()
    assert scale[:, 0].mean() > 5 * scale[:, 1].mean()  # each in its own unit


def test_one_column_comes_back_as_it_was_given(rows: Rows) -> None:
    x, y = rows
    model = clone(PLAIN).fit(x, y[:, 1])
    assert model.predict(x).shape == (200,)
    assert model.score(x, y[:, 1]) > 0.8


def test_its_bundle_predicts_as_it_does(
    fitted: SemiSupervisedRegressor, rows: Rows, tmp_path: Path
) -> None:
    path = fitted.export(tmp_path / "a.ssdgm", precision="fp32")
    with load(path) as model:
        assert model.tasks == ("predict", "encode", "reconstruct", "generate")
        np.testing.assert_allclose(model.predict(rows[0]), fitted.predict(rows[0]), rtol=1e-4)
        answer = model.classify(rows[0])
        np.testing.assert_allclose(
            answer.scale, fitted.predict(rows[0], return_std=True)[1], rtol=1e-3
        )
        assert model.verify().passed


def test_rows_are_drawn_for_numbers(fitted: SemiSupervisedRegressor) -> None:
    low = fitted.sample([[260.0, 0.0]], 300, 0).mean(0)
    high = fitted.sample([[340.0, 0.0]], 300, 0).mean(0)
    assert high[0] - low[0] > 1
    with pytest.raises(errors.InputError, match="numbers"):
        fitted.sample([[260.0]])


def test_a_search_scores_known_numbers_alone(rows: Rows) -> None:
    x, y = rows
    given = y[:, 1].copy()
    given[::3] = np.nan
    search = GridSearchCV(clone(PLAIN), {"hidden": [4, 16]}, cv=2).fit(x, given)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    with pytest.raises(errors.InputError, match="without any known label"):
        search.best_estimator_.score(x, np.full(200, np.nan))


def test_labels_are_numbers_and_nothing_else(rows: Rows) -> None:
    with pytest.raises(errors.InputError, match="labels_as"):
        clone(PLAIN).set_params(labels_as="classes").fit(rows[0], rows[1])


def test_without_a_method_the_recommended_recipe_is_trained(rows: Rows) -> None:
    settings = ("train.steps=4", "model.hidden=[8]")
    model = SemiSupervisedRegressor(settings=settings, random_state=0).fit(rows[0], rows[1])
    assert model.run_.record.plan.method == "m2"

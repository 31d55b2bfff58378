"""The detector of outliers passes scikit-learn's checks, and its bundle has its threshold."""

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils import estimator_checks

from ssdgm_export import OutlierDetector
from ssdgm_runtime import errors, load

QUICK = OutlierDetector(hidden=8, latent=2, steps=20, learning_rate=1e-2, random_state=0)
Rows = tuple[NDArray[np.float32], NDArray[np.float32]]


@pytest.fixture(autouse=True)
def _no_complaint_before_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constructor as it is without this suite's own type checks: it takes anything."""
    bare = inspect.unwrap(OutlierDetector.__init__)
    monkeypatch.setattr(OutlierDetector, "__init__", bare)


@estimator_checks.parametrize_with_checks([QUICK])
def test_it_passes_the_checks_of_scikit_learn(
    estimator: OutlierDetector, check: Callable[[OutlierDetector], None]
) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Rows near a curve, and rows off it whose every column is as usual as theirs."""
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 3, 600)
    near = np.stack([np.sin(turn), np.cos(turn), turn], 1) + 0.05 * rng.standard_normal((600, 3))
    off = np.stack([rng.permutation(near[:200, k]) for k in range(3)], 1)
    return near.astype(np.float32), off.astype(np.float32)


@pytest.fixture(scope="module")
def fitted(rows: Rows) -> OutlierDetector:
    model = clone(QUICK).set_params(hidden=32, steps=600, false_alarms=0.1)
    return model.fit(rows[0][:500])


def test_rows_off_the_curve_are_found(fitted: OutlierDetector, rows: Rows) -> None:
    near, off = rows[0][500:], rows[1]
    x, truth = np.concatenate([near, off]), np.repeat([1, -1], [len(near), len(off)])
    assert roc_auc_score(truth, fitted.score_samples(x)) > 0.85
    alarms = float((fitted.predict(near) == -1).mean())
    assert alarms < 0.25
    assert (fitted.predict(off) == -1).mean() > 3 * alarms
    values = fitted.decision_function(x)
    np.testing.assert_array_equal(fitted.predict(x), np.where(values < 0, -1, 1))


def test_samples_of_one_s_own_are_the_same_each_time(fitted: OutlierDetector, rows: Rows) -> None:
    near, many = rows[0][500:], clone(fitted).set_params(samples=100)
    many.run_, many.offset_, many.n_features_in_ = fitted.run_, fitted.offset_, 3
    own = many.score_samples(near)
    np.testing.assert_array_equal(own, many.score_samples(near))
    assert 0 < np.abs(own - fitted.score_samples(near)).mean() < 0.1


def test_its_bundle_has_its_threshold(fitted: OutlierDetector, rows: Rows, tmp_path: Path) -> None:
    with load(fitted.export(tmp_path / "a.ssdgm")) as model:
        x = np.concatenate(rows)
        found = model.score(x)
        np.testing.assert_allclose(found.log_prob, fitted.score_samples(x), atol=1e-2, rtol=1e-3)
        clear = np.abs(fitted.decision_function(x)) > 0.05
        assert found.inlier is not None
        np.testing.assert_array_equal(found.inlier[clear], fitted.predict(x)[clear] == 1)
        assert 0 <= found.rank.min() <= found.rank.max() <= 1


@pytest.mark.parametrize("far", [1e5, 1e7, 1e9, 1e15, 1e30])
def test_the_farthest_rows_are_outliers(far: float, fitted: OutlierDetector, rows: Rows) -> None:
    """Their log p(x) is beyond what floats hold, or the difference of two infinities."""
    x = rows[0][:3].copy()
    x[1, 2] = far
    for samples in (0, 10):
        many = clone(fitted).set_params(samples=samples)
        many.run_, many.offset_, many.n_features_in_ = fitted.run_, fitted.offset_, 3
        scores = many.score_samples(x)
        assert np.isfinite(scores).all()
        assert scores[1] == scores.min() < -1e6
        assert many.predict(x)[1] == -1


@pytest.mark.filterwarnings("ignore::ssdgm_runtime.DriftWarning")
def test_the_farthest_rows_are_outliers_on_the_device(
    fitted: OutlierDetector, rows: Rows, tmp_path: Path
) -> None:
    x = np.repeat(rows[0][:1], 6, axis=0)
    x[1:, 2] = [1e5, 1e7, 1e9, 1e15, 1e30]
    with load(fitted.export(tmp_path / "a.ssdgm")) as model:
        found = model.classify(x)
        assert np.isfinite(found.score).all()
        assert found.labels[1:].all()
        assert model.score(x).rank[1:].max() == 0


@pytest.mark.parametrize("share", [-0.1, 0.6])
def test_a_share_of_false_alarms_is_a_share(share: float) -> None:
    with pytest.raises(errors.InputError, match="false_alarms"):
        clone(QUICK).set_params(false_alarms=share).fit(np.zeros((9, 2)))


def test_frames_with_categories_and_missing_values() -> None:
    n = 60
    x = pd.DataFrame(
        {
            "age": [None, *np.linspace(20.0, 60, n - 1)],
            "colour": ["red", "blue"] * (n // 2),
            "member": [True, True, False] * (n // 3),
        }
    )
    strange = x.assign(age=1e4)
    model = clone(QUICK).fit(x)
    assert (model.n_features_in_, list(model.feature_names_in_)) == (3, list(x.columns))
    assert (model.predict(strange) == -1).all()
    assert (model.predict(x) == 1).mean() > 0.5
    y = np.repeat([1, 0, -1], [40, 10, 10])
    sampled = clone(QUICK).set_params(samples=2).fit(x, y)
    assert np.isfinite(sampled.score_samples(x)).all()


def test_numbers_with_gaps() -> None:
    x = np.where(np.random.default_rng(0).random((60, 3)) < 0.1, np.nan, 1.5)
    x[:, 0] = np.linspace(0, 1, 60)
    model = clone(QUICK).set_params(settings=('data.missing=["nan"]',)).fit(x)
    assert np.isfinite(model.score_samples(x)).all()

"""`sample_weight`, `class_weight` and `early_stopping` of the estimators."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ssdgm_export import SemiSupervisedClassifier, SemiSupervisedRegressor

Array = NDArray[Any]
SMALL: dict[str, Any] = {"hidden": 16, "latent": 2, "steps": 60, "learning_rate": 1e-2}


def small(**settings: Any) -> SemiSupervisedClassifier:  # noqa: ANN401
    return SemiSupervisedClassifier(**{**SMALL, "method": "m2", "random_state": 0, **settings})


def overlapping(rows: int = 400) -> tuple[Array, Array]:
    """One feature that says little, and a class that a row in eight has."""
    rng = np.random.default_rng(0)
    y = (np.arange(rows) % 8 == 0).astype(np.int64)
    return rng.normal(y[:, None], 1.0, (rows, 1)), y


def test_weights_alike_are_no_weights() -> None:
    x, y = overlapping(60)
    y[30:] = -1
    one, other = small().fit(x, y), small().fit(x, y, sample_weight=np.full(60, 3.0))
    np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(x))


@pytest.mark.parametrize("method", ["m2", "supervised"])
def test_balanced_classes_count_alike(method: str) -> None:
    x, y = overlapping()
    latent: dict[str, Any] = {} if method == "m2" else {"latent": None}
    plain, balanced, named = (
        small(method=method, class_weight=weight, steps=120, **latent).fit(x, y)
        for weight in (None, "balanced", {1: 7.0})
    )
    assert plain.predict_proba(x)[:, 1].mean() < 0.2
    assert (plain.predict(x) == 1).mean() < 0.1
    for weighted in (balanced, named):
        assert 0.3 < (weighted.predict(x) == 1).mean() < 0.6
    np.testing.assert_array_equal(balanced.predict_proba(x), named.predict_proba(x))


def test_rows_of_weight_0_are_left_out() -> None:
    x, y = overlapping(80)
    weight = np.ones(80)
    weight[40:] = 0
    one = small().fit(x, np.where(weight == 0, 9, y), sample_weight=weight)
    other = small().fit(x[:40], y[:40])
    assert one.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(x))


def test_a_frame_s_rows_have_weights_too() -> None:
    x, y = overlapping()
    frame = pd.DataFrame({"n": x[:, 0], "weight": pd.Categorical(["a", "b"] * 200)})
    words = pd.Series(np.where(y == 1, "Yes", "No"))
    one, other = (
        small(method="supervised", latent=None, steps=120, class_weight=weight).fit(
            frame, words, sample_weight=rows
        )
        for weight, rows in (({"Yes": 7.0}, None), (None, pd.Series(np.where(y == 1, 7.0, 1.0))))
    )
    assert 0.2 < (one.predict(frame) == "Yes").mean() < 0.6
    np.testing.assert_array_equal(one.predict_proba(frame), other.predict_proba(frame))
    weight = np.ones(400)
    weight[0] = 0
    assert len(small(steps=1).fit(frame, words, weight).run_.table.arrow) == 399  # type: ignore[union-attr]


def test_numbers_of_heavy_rows_are_met() -> None:
    x = np.zeros((80, 1)) + np.arange(80)[:, None] % 2
    y = np.where(np.arange(80) < 40, 0.0, 10.0)
    regressor = SemiSupervisedRegressor(
        method="supervised", hidden=8, steps=150, learning_rate=4e-2, random_state=0
    )
    weight = np.where(y == 0, 1.0, 9.0)
    assert regressor.fit(x, y).predict(x) == pytest.approx(np.full(80, 5.0), abs=1.5)
    assert regressor.fit(x, y, weight).predict(x) == pytest.approx(np.full(80, 9.0), abs=1.0)


def test_weights_that_cannot_be_used_are_refused() -> None:
    x, y = overlapping(40)
    for weight, message in (
        (np.ones(39), "39|inconsistent"),
        (-np.ones(40), "(?i)negative"),
        (np.zeros(40), "(?i)zero|0 for every row"),
        (np.full(40, np.nan), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            small().fit(x, y, sample_weight=weight)
    with pytest.raises(ValueError, match="Every labelled training row has the weight 0"):
        small(class_weight={0: 0, 1: 0}).fit(x, y)
    with pytest.raises(ValueError, match="names the class '5'; expected one of 0, 1"):
        small(class_weight={5: 2}).fit(x, y)
    with pytest.raises(ValueError, match=r"class_weight is 'even'"):
        small(class_weight="even").fit(x, y)
    with pytest.raises(ValueError, match="class_weight is set, but the labels y are numbers"):
        SemiSupervisedRegressor(method="m2", class_weight="balanced").fit(x, y / 2)


def test_training_stops_early() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 4)), rng.integers(0, 2, 400)
    patient = small(early_stopping=True, steps=1000, patience=2, method="supervised", latent=None)
    trained = patient.fit(x, y)
    plan, result = trained.run_.record.plan, trained.run_.result
    assert (plan.run.patience, plan.run.select) == (2, "best")
    assert trained.run_.record.data.validation == 40
    assert result.steps < 1000
    assert small(early_stopping=True)._plan().run.patience == 5  # type: ignore[union-attr]
    with pytest.warns(UserWarning, match="early_stopping has no effect: 6 labelled rows"):
        small(early_stopping=True, steps=4).fit(x[:60], y[:60])

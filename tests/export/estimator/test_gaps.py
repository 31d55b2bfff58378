"""What stands for a missing number or no label, as settings of the estimator."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ssdgm_runtime
from ssdgm_export import SemiSupervisedClassifier

SETTINGS = ('data.missing=["-999"]', 'data.unlabelled=["9"]')


def small(**settings: Any) -> SemiSupervisedClassifier:  # noqa: ANN401
    quick = {"hidden": 8, "steps": 20, "method": "supervised", "random_state": 0}
    return SemiSupervisedClassifier(**{**quick, "settings": SETTINGS, **settings})


@pytest.mark.parametrize("kind", ["array", "frame"])
def test_numbers_may_be_missing_in_training_and_on_the_device(kind: str, tmp_path: Path) -> None:
    rng, y = np.random.default_rng(0), np.tile([0, 1, 9], 20)
    x = rng.normal(y[:, None] % 2, 0.2, (60, 2)).astype(np.float32)
    x[::7, 0] = -999
    rows: Any = x if kind == "array" else pd.DataFrame(x, columns=["a", "b"])
    model = small().fit(rows, y)
    assert model.classes_.tolist() == [0, 1]
    assert model.run_.record.data.unlabelled == 20
    assert model.run_.problem.columns[0].range[0] > -2
    probs, blank = model.predict_proba(rows), np.where(x == -999, np.nan, x)
    blank_rows: Any = blank if kind == "array" else pd.DataFrame(blank, columns=["a", "b"])
    np.testing.assert_array_equal(model.predict_proba(blank_rows), probs)
    known = y != 9
    assert model.score(rows, y) == np.mean(model.predict(rows)[known] == y[known])
    model.export(tmp_path / "t.ssdgm")
    with ssdgm_runtime.load(tmp_path / "t.ssdgm") as opened:
        for given in (rows, x, blank):
            np.testing.assert_allclose(opened.predict_proba(given), probs, atol=1e-5)


def test_without_the_setting_numbers_are_numbers() -> None:
    x = np.array([[0.0, -999.0], [1.0, np.nan]] * 10)
    with pytest.raises(ValueError, match="contains NaN"):
        small(settings=()).fit(x, np.tile([0, 1], 10))
    with pytest.raises(ValueError, match=r"no labels|known classes"):
        small(settings=('data.unlabelled=["0", "1"]',)).fit(x[:, :1], np.tile([0, 1], 10))

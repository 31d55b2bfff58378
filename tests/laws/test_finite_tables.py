"""Any finite table that trains can be exported: whatever its scales, offsets, tails and size."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ssdgm_export import SemiSupervisedClassifier
from ssdgm_runtime import errors, model

Floats = NDArray[np.float32]
RANDOM = np.random.default_rng(20)


def scales(rows: int) -> Floats:
    """Every scale from 1e-6 to 1e6, about zero and far from it."""
    scale = 10.0 ** np.arange(-6, 7)
    offset = 1e3 * scale * (np.arange(13) % 2)
    return (offset + scale * RANDOM.standard_normal((rows, 13))).astype(np.float32)


def offsets(rows: int) -> Floats:
    """Numbers far from zero that differ in their last digits."""
    return (2014 + 1e6 * np.arange(4) + RANDOM.standard_normal((rows, 4))).astype(np.float32)


def constants(rows: int) -> Floats:
    """Columns of one value beside one that says something."""
    return np.column_stack(
        [np.full(rows, v) for v in (0.0, -3e6, 1e-6)] + [RANDOM.standard_normal(rows)]
    ).astype(np.float32)


def tails(rows: int) -> Floats:
    """Cauchy and log-normal numbers, and ones that are nearly always zero."""
    rare = np.where(RANDOM.random(rows) < 0.98, 0.0, RANDOM.standard_normal(rows))
    columns = [rare, np.exp(5 * RANDOM.standard_normal(rows)), RANDOM.standard_cauchy(rows)]
    return np.column_stack(columns).astype(np.float32)


def test_a_frame_in_another_order_gives_the_same_answers_on_the_device(tmp_path: Path) -> None:
    frame = pd.DataFrame(scales(200)[:, :5], columns=["b", "a", "e", "d", "c"])
    y = labels(frame.to_numpy())
    trained = SemiSupervisedClassifier(method="m2", steps=60, random_state=0).fit(frame, y)
    with model.load(trained.export(tmp_path / "a.ssdgm")) as opened:
        wanted = opened.predict_proba(frame)
        assert np.abs(wanted - trained.predict_proba(frame)).max() < 1e-4
        assert (opened.predict_proba(frame[["a", "b", "c", "d", "e"]]) == wanted).all()
        assert (opened.predict_proba(frame.to_numpy()) == wanted).all()
        with pytest.raises(errors.InputError, match="without the column 'a'"):
            opened.predict_proba(frame.drop(columns="a"))


def labels(x: Floats) -> NDArray[np.int64]:
    """Two classes by the last column, every other row without a label."""
    y = (x[:, -1] > np.median(x[:, -1])).astype(np.int64)
    y[len(y) // 2 :: 2] = -1
    return y


@pytest.mark.parametrize(
    ("name", "table", "rows", "settings"),
    [
        ("m2", scales, 200, {"validation": 0.3}),
        ("m2", offsets, 200, {"validation": 0.3}),
        ("m2", constants, 60, {}),
        ("m2", tails, 300, {"validation": 0.3}),
        ("m2", scales, 8, {}),
        ("supervised", tails, 300, {"validation": 0.3}),
        ("m1", scales, 60, {}),
    ],
)
def test_a_finite_table_that_trains_is_exported(
    name: str,
    table: object,
    rows: int,
    settings: dict[str, float],
    tmp_path: Path,
) -> None:
    x = table(rows)  # type: ignore[operator]
    trained = SemiSupervisedClassifier(method=name, steps=60, random_state=0, **settings)  # type: ignore[arg-type]
    trained.fit(x, labels(x))
    with model.load(trained.export(tmp_path / "a.ssdgm")) as opened:
        assert opened.verify().passed
        assert np.abs(opened.predict_proba(x) - trained.predict_proba(x)).max() < 1e-3


def test_the_golden_rows_of_a_column_keep_to_its_own_range(tmp_path: Path) -> None:
    x = scales(200)
    trained = SemiSupervisedClassifier(method="m2", steps=60, random_state=0).fit(x, labels(x))
    place = trained.export(tmp_path / "a.ssdgm")
    golden = np.load(place / "golden/classifier/x.npy")
    assert (np.abs(golden - x.mean(0)) < 8 * x.std(0)).all()
    with model.load(place) as opened:
        (variant, *_) = (
            v for v in opened.graphs.bundle.manifest.variants if v.component == "decoder"
        )
        (output,) = (t for t in opened.graphs.graph("decoder", "test").outputs if t.name == "x")
        atol, _ = variant.tolerance(output)
    assert np.ravel(atol) == pytest.approx(1e-4 * x.std(0), rel=0.02)

"""Pipelines as bundles: what goes in exactly, and one sentence for what does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

import ssdgm_runtime
from ssdgm_export import SemiSupervisedClassifier, SemiSupervisedRegressor, export
from ssdgm_runtime import errors

Array = NDArray[Any]


def small(method: str = "m2", **settings: Any) -> SemiSupervisedClassifier:  # noqa: ANN401
    quick = {"hidden": 8, "latent": 2, "steps": 30, "random_state": 0}
    return SemiSupervisedClassifier(**{**quick, "method": method, **settings})


def rows() -> tuple[Array, Array]:
    """Columns of very different units, the last one of a single value."""
    rng, y = np.random.default_rng(0), np.arange(60) % 2
    x = rng.normal(y[:, None], 0.5, (60, 3)) * [1e3, 1e-2, 1] + [5e3, 0, -7]
    return np.column_stack([x, np.full(60, 3.0)]), np.where(np.arange(60) < 20, y, -1)


@pytest.mark.parametrize(
    ("steps", "method"),
    [
        ((StandardScaler(), "passthrough"), "m2"),
        ((MinMaxScaler((-1, 3)), RobustScaler(), make_pipeline(MaxAbsScaler())), "m1m2"),
        ((StandardScaler(with_mean=False),), "supervised"),
    ],
)
def test_scalers_go_into_the_bundle(steps: tuple[Any, ...], method: str, tmp_path: Path) -> None:
    x, y = rows()
    own = {"settings": ("model.features.threshold=0",)} if method == "m1m2" else {}
    own |= {"latent": None} if method == "supervised" else {}
    names = [(f"step {i}", step) for i, step in enumerate(steps)]
    pipeline = Pipeline([*names, ("model", small(method, **own))])
    frame = pd.DataFrame(x, columns=list("abcd"))
    pipeline.fit(frame, y)
    export(pipeline, tmp_path / "t.ssdgm", license="MIT")
    with ssdgm_runtime.load(tmp_path / "t.ssdgm") as opened:
        assert opened.verify().passed
        for given in (x.astype(np.float32), frame):
            wanted = pipeline.predict_proba(frame)
            np.testing.assert_allclose(opened.predict_proba(given), wanted, atol=1e-4)
        if method != "supervised":
            latents = pipeline.transform(frame)
            np.testing.assert_allclose(opened.encode(frame).mean, latents, atol=1e-3)
            drawn = opened.generate([0, 1], n=200, seed=0).x
            assert np.abs(drawn.mean(0) - x.mean(0))[:3].max() < 4e3


def test_numbers_are_predicted_in_their_units(tmp_path: Path) -> None:
    x, _ = rows()
    regressor = SemiSupervisedRegressor(method="supervised", hidden=8, steps=30, random_state=0)
    pipeline = make_pipeline(StandardScaler(), regressor).fit(x, 1e3 + x[:, 0])
    export(pipeline, tmp_path / "t.ssdgm")
    with ssdgm_runtime.load(tmp_path / "t.ssdgm") as opened:
        found = np.asarray(opened.predict(x.astype(np.float32))).ravel()
    np.testing.assert_allclose(found, pipeline.predict(x), rtol=1e-4)


def test_an_estimator_alone_is_exported_as_it_exports_itself(tmp_path: Path) -> None:
    x, y = rows()
    model = small("supervised", latent=None).fit(x[:, :3], y)
    export(model, tmp_path / "a.ssdgm")
    export(make_pipeline("passthrough", model), tmp_path / "b.ssdgm")
    sums = [(tmp_path / f"{name}.ssdgm/SHA256SUMS").read_bytes() for name in "ab"]
    assert sums[0] == sums[1]


@pytest.mark.parametrize("step", [PCA(2), SimpleImputer(), MinMaxScaler(clip=True)])
def test_other_steps_are_one_sentence(step: Any, tmp_path: Path) -> None:  # noqa: ANN401
    x, y = rows()
    pipeline = make_pipeline(step, small("supervised", latent=None, steps=2)).fit(x, y)
    with pytest.raises(errors.SsdgmError) as caught:
        export(pipeline, tmp_path / "t.ssdgm")
    name = type(step).__name__
    assert str(caught.value).startswith(
        f"{name} in front of the model cannot go into the bundle exactly. Give the table itself "
        "to the estimator, which imputes, encodes and scales inside the bundle;"
    )
    assert not (tmp_path / "t.ssdgm").exists()


def test_what_is_no_model_of_this_package_is_refused(tmp_path: Path) -> None:
    x, y = rows()
    with pytest.raises(errors.InputError, match="model is LogisticRegression; expected a Semi"):
        export(make_pipeline(StandardScaler(), LogisticRegression()), tmp_path / "t.ssdgm")
    with pytest.raises(NotFittedError):
        export(make_pipeline(StandardScaler(), small()), tmp_path / "t.ssdgm")
    scaled = make_pipeline(MinMaxScaler(), small(likelihood="bernoulli", steps=2)).fit(x, y)
    with pytest.raises(errors.SsdgmError, match="only before rows of numbers with a gaussian"):
        export(scaled, tmp_path / "t.ssdgm")


def test_numbers_that_float32_does_not_hold_are_told(tmp_path: Path) -> None:
    x, y = rows()
    far = x[:, :1] / 1e3 + 1e9
    pipeline = make_pipeline(StandardScaler(), small("supervised", latent=None)).fit(far, y)
    with pytest.raises(errors.SsdgmError, match="since float32 cannot hold these numbers"):
        export(pipeline, tmp_path / "t.ssdgm")

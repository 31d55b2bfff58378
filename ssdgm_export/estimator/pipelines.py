"""A scikit-learn `Pipeline` as a bundle: scalers in front of the model become the bundle's own.

Scalers are x' = (x - shift) / scale, column by column, and so is the first thing that a model of
numbers does; together they are one such scaling, in whose units rows come in and are drawn.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ssdgm_export.estimator import base, memory
from ssdgm_runtime import errors
from ssdgm_train import data
from ssdgm_train.likelihoods.observations import Standardise
from ssdgm_train.problems import Problem
from ssdgm_train.runs import directory, records, storage

Array = NDArray[Any]
Scaling = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Shift and scale, [features] each."""

CLOSE = 1e-3
"""How far answers may be from the pipeline's: probabilities, or shares of the labels' range."""

INSTEAD = (
    "Give the table itself to the estimator, which imputes, encodes and scales inside the bundle; "
    "StandardScaler, MinMaxScaler, MaxAbsScaler and RobustScaler may stay."
)


def export(
    model: Any,  # noqa: ANN401  (a pipeline, or an estimator)
    path: str | Path,
    *,
    precision: str = "fp32",
    license: str | None = None,
    score: bool = False,
) -> Path:
    """Write a bundle of an estimator of this package, or of a pipeline that ends with one.

    Args:
        model: The estimator, or a `Pipeline` of scalers and one; it is fitted. The bundle takes
            rows as the pipeline does.
        path: A new `NAME.ssdgm`, or `NAME.ssdgm.zip`.
        precision: Some of fp32, int8 and fp16, with commas.
        license: An SPDX expression.
        score: Whether to add what `Model.score` needs; for methods that generate.

    Raises:
        SsdgmError: A step cannot go into a bundle exactly, or as `ssdgm_export.convert`.
    """
    if not isinstance(model, Pipeline):
        _check(model)
        written: Path = model.export(path, precision=precision, license=license, score=score)
        return written
    *steps, last = _steps(model)
    _check(last)
    if not steps:
        return export(last, path, precision=precision, license=license, score=score)
    trained = _rescaled(last, steps, tuple(getattr(model, "feature_names_in_", ())))
    _compare(last, trained)
    return memory.export(trained, Path(path), precision, license, score)


def _steps(pipeline: Pipeline) -> Iterator[Any]:
    """Its steps in order, those of pipelines inside it too."""
    for _, step in pipeline.steps:
        if isinstance(step, Pipeline):
            yield from _steps(step)
        elif step not in (None, "passthrough"):
            yield step


def _check(model: object) -> None:
    """Refuse what is no fitted classifier or regressor of this package."""
    if not isinstance(model, base.SemiSupervised):
        raise errors.InputError(
            "model",
            f"{type(model).__name__}",
            "a SemiSupervisedClassifier or -Regressor, or a Pipeline that ends with one",
        )
    check_is_fitted(model)


def _scaling(step: Any, width: int) -> Scaling:  # noqa: ANN401  (any transformer)
    """A scaler's shift and scale."""
    none, one = np.zeros(width), np.ones(width)
    if isinstance(step, StandardScaler):
        shift, scale = step.mean_ if step.with_mean else none, step.scale_
    elif isinstance(step, RobustScaler):
        shift, scale = step.center_, step.scale_
    elif isinstance(step, MaxAbsScaler) and not getattr(step, "clip", False):
        shift, scale = none, step.scale_
    elif isinstance(step, MinMaxScaler) and not step.clip:
        shift, scale = -step.min_ / step.scale_, 1 / step.scale_
    else:
        name = type(step).__name__
        message = f"{name} in front of the model cannot go into the bundle exactly"
        raise errors.SsdgmError(message, mend=INSTEAD)
    return none if shift is None else shift, one if scale is None else scale


def _rescaled(
    model: base.SemiSupervised, steps: list[Any], names: tuple[str, ...]
) -> memory.Trained:
    """The trained model for rows as they are before the steps."""
    trained, problem = model.run_, model.run_.problem
    if problem.likelihood != "gaussian" or problem.columns or len(problem.shape) != 1:
        raise errors.SsdgmError(
            "A scaler can go into a bundle only before rows of numbers with a gaussian likelihood",
            mend=INSTEAD,
        )
    (width,) = problem.shape
    shift, scale = np.zeros(width), np.ones(width)
    for step in steps:
        own = _scaling(step, width)
        shift, scale = shift + scale * own[0], scale * own[1]
    stated = dataclasses.replace(
        problem,
        shift=tuple((shift + scale * np.array(problem.shift)).tolist()),
        scale=tuple((scale * np.array(problem.scale)).tolist()),
        features=names,
    )
    x = (_rows(trained).astype(np.float64) * scale + shift).astype(np.float32)
    table = dataclasses.replace(trained.table, x=x, features=names)  # type: ignore[arg-type]
    with memory.written(dataclasses.replace(trained, table=table)) as folder:
        run = directory.Run(folder / "run")
        record = run.read()
        digest = data.load(str(folder / table.file), plan=record.plan.data).digest
        about = dataclasses.replace(record.data, digest=digest)
        _reweigh(run, trained, stated)
        moved = dataclasses.replace(record, data=about, problem=stated)
        storage.write_json(run.path / "run.json", moved)
        return memory.Trained(memory.files(run.path, table.file), table)


def _reweigh(run: directory.Run, trained: memory.Trained, stated: Problem) -> None:
    """Write the new scaling into the weights that a bundle is made of."""
    old, new = (_buffers(problem) for problem in (trained.problem, stated))
    names = [
        f"{name}.{key}"
        for name, module in trained.model.named_modules()
        for key in old
        if isinstance(module, Standardise)
        and all(torch.equal(getattr(module, k), v) for k, v in old.items())
    ]
    checkpoint = run.chosen(trained.record.plan.run.select)
    state = records.load(checkpoint / storage.STATE, records.State)
    kept = {
        stem: storage.load_tensors(checkpoint, stem)
        for stem in state.sha256
        if (checkpoint / f"{stem}.safetensors").exists()
    }
    for tensors in kept.values():
        tensors |= {name: new[name.rpartition(".")[2]] for name in names if name in tensors}
    storage.save_tensors(checkpoint, kept, state)


def _rows(trained: memory.Trained) -> Array:
    assert isinstance(trained.table, memory.Table)
    return trained.table.x


def _buffers(problem: Problem) -> dict[str, torch.Tensor]:
    return {key: torch.tensor(getattr(problem, key)) for key in ("shift", "scale")}


def _compare(model: base.SemiSupervised, trained: memory.Trained) -> None:
    """Refuse a bundle whose answers would not be the pipeline's, on the rows of training."""
    theirs, ours = (base.answers_of(run, model.device) for run in (model.run_, trained))
    wanted, given = theirs.probs(_rows(model.run_)), ours.probs(_rows(trained))
    spread = max(1.0, float(np.ptp(wanted)))
    apart = float(np.abs(wanted - given).max()) / spread
    if not apart <= CLOSE:
        raise errors.SsdgmError(
            f"The bundle's answers would differ from the pipeline's by {apart:.2g}, since float32 "
            "cannot hold these numbers before they are scaled",
            mend="Subtract a constant from the columns that are far from zero, and fit again.",
        )

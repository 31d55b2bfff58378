"""From rows to a `Problem`: which likelihood fits them and how they become observations."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns
from ssdgm_train import likelihoods, problems
from ssdgm_train.data import dataset, store
from ssdgm_train.data.settings import AUTO, DataPlan
from ssdgm_train.data.split import Split
from ssdgm_train.labels import classes
from ssdgm_train.problems import Pieces, Problem

COUNT_LEVELS = 64
"""Images of whole numbers below this are counts, not grey levels out of 255."""

COLOURS = 3
PIECE = 1 << 16
"""Rows a piece, where something is fitted; fewer, if they have `FEATURES`."""

FEATURES = 1 << 23


def problem(data: dataset.Dataset, split: Split, plan: DataPlan) -> Problem:
    """State the problem; whatever is fitted is fitted on training rows alone.

    Raises:
        DataError: The likelihood or the prior does not fit the data.
    """
    chosen, size = split.training, max(1, min(PIECE, FEATURES // math.prod(data.shape)))

    def whole() -> Iterator[NDArray[np.generic]]:
        return (store.take(data.x, some) for _, some in store.pieces(chosen, size))

    count = columns.numbers(data.columns) if data.columns else data.x.shape[-1]

    def pieces() -> Iterator[NDArray[np.generic]]:
        return (x[:, :count] for x in whole()) if data.columns else whole()

    gaps = _gaps(pieces) if data.columns else ()
    name = fitting(data, pieces, gaps) if plan.likelihood == AUTO else plan.likelihood
    _check_columns(name, data, gaps)
    scaling = likelihoods.LIKELIHOODS[name].fit(pieces, plan.total)
    return Problem(
        shape=data.shape,
        dtype=data.x.dtype.name,
        labels=_classes(plan.prior, len(data.classes)),
        likelihood=name,
        shift=scaling.shift,
        scale=scaling.scale,
        total=scaling.total,
        kind=data.kind,
        columns=data.columns,
        gaps=gaps,
        unseen=_unseen(data.columns[count:], lambda: (x[:, count:] for x in whole())),
        series=data.series,
        features=data.features,
    )


def fitting(data: dataset.Dataset, pieces: Pieces, gaps: tuple[int, ...] = ()) -> str:
    """The likelihood that fits rows of this kind: bits, counts, colours, real numbers, columns."""
    if len(data.columns) > columns.numbers(data.columns) or gaps:
        return "columns"
    if data.kind != problems.IMAGE:
        return "gaussian"
    if data.x.dtype != np.uint8:
        return "bernoulli" if all(_shares(x) for x in pieces()) else "gaussian"
    if max(int(x.max()) for x in pieces()) < COUNT_LEVELS:
        return "binomial"
    return "logistic" if data.shape[2:] == (COLOURS,) else "bernoulli"


def _shares(x: NDArray[np.generic]) -> bool:
    return bool(((x >= 0) & (x <= 1)).all())  # type: ignore[operator]


def _gaps(pieces: Pieces) -> tuple[int, ...]:
    """The columns of numbers that training rows lack here and there."""
    found = np.any([np.isnan(x).any(0) for x in pieces()], axis=0)
    return tuple(np.flatnonzero(found).tolist())


def _unseen(categories: columns.Columns, pieces: Pieces) -> tuple[int, ...]:
    """Which categories, all columns' in turn, no training row has."""
    counts = [np.zeros(len(column.categories), np.int64) for column in categories]
    for x in pieces() if categories else ():
        for found, codes in zip(counts, x.T, strict=True):
            known = codes[codes >= 0].astype(np.int64)
            found += np.bincount(known, minlength=len(found))
    every = np.concatenate([np.zeros(0, np.int64), *counts])
    return tuple(np.flatnonzero(every == 0).tolist())


def _check_columns(name: str, data: dataset.Dataset, gaps: tuple[int, ...]) -> None:
    """Refuse a likelihood that has no place for categories, or none for what is missing."""
    if name == "columns":
        if not data.columns:
            raise errors.DataError(
                "data.likelihood is columns and the data is no table", "a table with named columns"
            )
        return
    told = [data.columns[i].name for i in gaps]
    told += [c.name for c in data.columns if c.kind != columns.NUMBER]
    if told:
        raise errors.DataError(
            f"data.likelihood is {name} and the column {told[0]!r} is a category or has gaps",
            "columns of numbers without gaps",
            "Leave data.likelihood out, or set data.likelihood=columns.",
        )


def _classes(prior: tuple[float, ...], size: int) -> classes.Classes:
    if not prior:
        return classes.uniform(size)
    if len(prior) != size or min(prior) <= 0 or abs(sum(prior) - 1) > 1e-6:
        raise errors.DataError(
            f"data.prior is {list(prior)}", f"{size} positive numbers that sum to one", ""
        )
    return classes.Classes(prior)

"""Summaries of the values of every column, channel or colour, and of single rows.

One pass over the rows in pieces keeps the extremes and sums of every position; the distribution of
values is estimated from a sample of rows.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows import columns as table
from ssdgm_train import problems
from ssdgm_train.data import dataset

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FLAT = 0.02
"""An image or window is nearly constant if it spans less than this share of the whole range."""

COMMON = 10
"""The most values that are listed with their counts."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Feature:
    """A column of a table or of rows, a channel of windows, a colour of images, a view of several.

    Attributes:
        name: Its name in messages.
        kind: One of `ssdgm_runtime.rows.columns.KINDS`.
        missing: The number of missing values.
        low: The smallest value; None if there is none, or for a category.
        high: The largest value; None as above.
        mean: The mean; None as above.
        deviation: The standard deviation; None as above.
        quantiles: The `QUANTILES` of the sample; empty as above.
        present: The number of values of the sample that are not missing.
        distinct: The number of different values of the sample.
        common: The most frequent values of the sample, by name or number, and their counts.
        unit: Of a number, as `ssdgm_runtime.rows.columns.Column` has it: that of dates, or empty.
    """

    name: str
    kind: str
    missing: int
    low: float | None
    high: float | None
    mean: float | None
    deviation: float | None
    quantiles: tuple[float, ...]
    present: int
    distinct: int
    common: tuple[tuple[str, int], ...]
    unit: str = ""


@dataclass(frozen=True)
class Positions:
    """Statistics of every position of a flattened row, [width]; NaN where all values are missing.

    Attributes:
        rows: The number of rows that were read.
        missing: The number of missing values.
        low: The smallest value.
        high: The largest.
        total: The sum.
        squares: The sum of squares.
        spans: The largest minus the smallest value of every row, [rows]; of images and windows.
        levels: The different values of bytes; empty for other dtypes.
        whole: Whether all values are whole numbers.
    """

    rows: int
    missing: NDArray[np.int64]
    low: Floats
    high: Floats
    total: Floats
    squares: Floats
    spans: NDArray[np.float32]
    levels: tuple[int, ...]
    whole: bool

    @property
    def constant(self) -> Bools:
        """Which positions never change, or never have a value, [width]."""
        constant: Bools = ~(self.low < self.high)
        return constant


def values(x: NDArray[np.generic], columns: table.Columns) -> Floats:
    """Rows [n, ...] flattened to [n, width]; NaN where a value is missing."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    codes = flat[:, table.numbers(columns) :] if columns else flat[:, :0]
    codes[codes < 0] = np.nan
    return flat


class Passage:
    """The pass over rows: `add` every piece, then ask for `positions`."""

    def __init__(self, data: dataset.Dataset) -> None:
        width = math.prod(data.shape)
        self._data, self._rows, self._whole = data, 0, True
        self._low, self._high = np.full((2, width), np.nan)
        self._missing = np.zeros(width, np.int64)
        self._total, self._squares = np.zeros((2, width))
        self._used = np.zeros(256, np.int64)
        self._spans: list[NDArray[np.float32]] = []

    def add(self, piece: NDArray[np.generic]) -> None:
        """Count some rows in."""
        x = values(piece, self._data.columns)
        absent = np.isnan(x)
        self._rows += len(x)
        self._low = np.fmin(self._low, np.fmin.reduce(x, 0))
        self._high = np.fmax(self._high, np.fmax.reduce(x, 0))
        self._missing += absent.sum(0)
        if piece.dtype == np.uint8:
            self._used += np.bincount(piece.reshape(-1), minlength=256)
        else:
            self._whole = self._whole and bool(((x == np.trunc(x)) | absent).all())
        if self._data.kind in (problems.IMAGE, problems.WINDOWS):
            self._spans.append((x.max(1) - x.min(1)).astype(np.float32))
        x[absent] = 0.0
        self._total += x.sum(0)
        self._squares += np.einsum("ij,ij->j", x, x)

    @property
    def positions(self) -> Positions:
        """The statistics of the rows so far."""
        spans = np.concatenate(self._spans) if self._spans else np.empty(0, np.float32)
        levels = tuple(np.flatnonzero(self._used).tolist())
        return Positions(
            self._rows,
            self._missing,
            self._low,
            self._high,
            self._total,
            self._squares,
            spans,
            levels,
            self._whole,
        )


def owners(data: dataset.Dataset) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The features' names, and the index of the feature of every position of a row, [width]."""
    shape, width = data.shape, math.prod(data.shape)
    if data.views:
        sizes = [view.width for view in data.views]
        return tuple(view.name for view in data.views), np.repeat(np.arange(len(sizes)), sizes)
    if data.kind == problems.WINDOWS and len(shape) > 1:
        names = tuple(f"channel {i}" for i in range(shape[0]))
        names = data.series.channels if data.series else names
        return names, np.repeat(np.arange(shape[0]), width // shape[0])
    if data.kind == problems.IMAGE and len(shape) > 1:
        depth = shape[2] if len(shape) == 3 else 1
        channels = tuple(f"channel {i}" for i in range(depth))
        names = {1: ("pixels",), len(COLOURS): COLOURS}.get(depth, channels)
        return names, np.tile(np.arange(depth), width // depth)
    named = tuple(c.name for c in data.columns)
    return named or tuple(f"column {i}" for i in range(width)), np.arange(width)


def summarise(data: dataset.Dataset, seen: Positions, sample: Floats) -> tuple[Feature, ...]:
    """A summary of every feature; `sample` is [m, width], as returned by `values`."""
    names, owner = owners(data)
    kinds = [c.kind for c in data.columns] or [table.NUMBER] * len(names)
    units = [c.unit for c in data.columns] or [""] * len(names)
    order = np.argsort(owner, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(owner[order])) + 1)
    columns = zip(names, kinds, parts, strict=True)
    plain = (
        _feature(name, kind, seen, part, _categories(data, i), sample[:, part])
        for i, (name, kind, part) in enumerate(columns)
    )
    return tuple(replace(one, unit=unit) for one, unit in zip(plain, units, strict=True))


def _categories(data: dataset.Dataset, index: int) -> tuple[str, ...]:
    return data.columns[index].categories if data.columns else ()


def _feature(
    name: str,
    kind: str,
    seen: Positions,
    part: NDArray[np.int64],
    categories: tuple[str, ...],
    sample: Floats,
) -> Feature:
    there = sample[~np.isnan(sample)]
    distinct, counts = np.unique(there, return_counts=True)
    best = np.argsort(-counts, kind="stable")[:COMMON]
    common = tuple((_named(distinct[i], categories), int(counts[i])) for i in best)
    missing = int(seen.missing[part].sum())
    if kind != table.NUMBER or not len(there):
        none = (None, None, None, None, ())
        return Feature(name, kind, missing, *none, len(there), len(distinct), common)
    count = seen.rows * len(part) - missing
    mean = float(seen.total[part].sum()) / count
    variance = float(seen.squares[part].sum()) / count - mean**2
    return Feature(
        name=name,
        kind=kind,
        missing=missing,
        low=float(np.fmin.reduce(seen.low[part])),
        high=float(np.fmax.reduce(seen.high[part])),
        mean=mean,
        deviation=math.sqrt(max(variance, 0.0)),
        quantiles=tuple(np.quantile(there, QUANTILES, method="nearest").tolist()),
        present=len(there),
        distinct=len(distinct),
        common=common if len(distinct) <= COMMON else (),
    )


def _named(value: float, categories: tuple[str, ...]) -> str:
    return categories[int(value)] if categories else f"{value:g}"


def flat(seen: Positions) -> NDArray[np.int64]:
    """Which of the rows that were read are nearly constant; only for images and windows."""
    if not len(seen.spans):
        return np.empty(0, np.int64)
    whole = float(np.fmax.reduce(seen.high) - np.fmin.reduce(seen.low))
    return np.flatnonzero(seen.spans <= FLAT * whole)

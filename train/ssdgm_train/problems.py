"""The problem that a data set states for any method: its rows, labels and likelihood."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import series as long
from ssdgm_train.labels.space import Space

ROWS, TABLE, IMAGE, WINDOWS, VIEWS = "rows", "table", "image", "windows", "views"
KINDS = (ROWS, TABLE, IMAGE, WINDOWS, VIEWS)
"""Features without order; columns with names; pixels; channels over time [channels, time]; several
arrays of these kinds, any of which may be missing in any row.
"""

Pieces = Callable[[], Iterator[NDArray[np.generic]]]
"""Returns an iterator over the training rows in pieces; it can be called several times."""


@dataclass(frozen=True)
class Scaling:
    """How rows become observations: (row - shift) / scale.

    Attributes:
        shift: One number, or one per feature.
        scale: One number, or one per feature.
        total: The largest count if rows are counts, else 1.
    """

    shift: tuple[float, ...]
    scale: tuple[float, ...]
    total: int = 1


@dataclass(frozen=True)
class View:
    """One of the arrays that rows are made of; the fields are those of `Problem`."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    likelihood: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    total: int = 1
    kind: str = ROWS


@dataclass(frozen=True)
class Problem:
    """What a data set fixes for every method.

    Attributes:
        shape: The shape of one row.
        dtype: The rows' own numpy dtype, which is the input type of exported graphs.
        labels: The label space with its prior.
        likelihood: A key of `likelihoods.LIKELIHOODS`.
        shift: As `Scaling.shift`; for a table, of its numbers.
        scale: As `Scaling.scale`.
        total: As `Scaling.total`.
        kind: One of `KINDS`, by which networks are chosen.
        columns: The columns of a table, numbers first; empty for other rows.
        gaps: The indices of numbers that are missing in some training rows.
        unseen: The categories, numbered through all columns, that no training row has; they are
            treated as unknown.
        series: The columns of the long table from which windows were cut.
        features: The names of a row's values, in order, if they have names and the data is not a
            table.
        padded: Whether windows are series of unequal length, NaN after the end of each.
        shortest: The least length of these.
        views: What rows are made of, where they are several arrays; a whole row has the values of
            all of them in this order, NaN throughout where it lacks a view.
    """

    shape: tuple[int, ...]
    dtype: str
    labels: Space
    likelihood: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    total: int = 1
    kind: str = ROWS
    columns: table.Columns = ()
    gaps: tuple[int, ...] = ()
    unseen: tuple[int, ...] = ()
    series: long.Series | None = None
    features: tuple[str, ...] = ()
    padded: bool = False
    shortest: int = 0
    views: tuple[View, ...] = ()

    @property
    def width(self) -> int:
        """The number of features of one flattened row."""
        return math.prod(self.shape)

    @property
    def numbers(self) -> int:
        """The number of features that are numbers: all but a table's categories."""
        return table.numbers(self.columns) if self.columns else self.width

    @property
    def blocks(self) -> tuple[int, ...]:
        """The number of categories of each categorical column."""
        return tuple(len(c.categories) for c in self.columns[self.numbers :])

    def of(self, view: View) -> "Problem":
        """The problem of one view by itself."""
        return Problem(
            shape=view.shape,
            dtype=view.dtype,
            labels=self.labels,
            likelihood=view.likelihood,
            shift=view.shift,
            scale=view.scale,
            total=view.total,
            kind=view.kind,
        )

    @property
    def parts(self) -> dict[str, "Problem"]:
        """The problem of each view by its name; none where rows are one array."""
        return {view.name: self.of(view) for view in self.views}

"""What the data set fixes before any method is chosen: the rows, the labels, the likelihood."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import series as long
from ssdgm_train.labels import classes

ROWS, TABLE, IMAGE, WINDOWS = "rows", "table", "image", "windows"
KINDS = (ROWS, TABLE, IMAGE, WINDOWS)
"""Features without order; columns with names; pixels; channels over time [channels, time]."""

Pieces = Callable[[], Iterator[NDArray[np.generic]]]
"""Training rows, some at a time, as often as they are asked for."""


@dataclass(frozen=True)
class Scaling:
    """How rows become observations.

    Attributes:
        shift: Subtracted from a raw row; one number, or one a feature.
        scale: Divided by afterwards; one number, or one a feature.
        total: The largest count where rows are counts, else 1.
    """

    shift: tuple[float, ...]
    scale: tuple[float, ...]
    total: int = 1


@dataclass(frozen=True)
class Problem:
    """What the data set fixes.

    Attributes:
        shape: The shape of one row.
        dtype: The rows' own numpy dtype, which the exported graph eats.
        labels: The label space with its prior.
        likelihood: A key of `likelihoods.LIKELIHOODS`.
        shift: As `Scaling.shift`; of a table, of its numbers.
        scale: As `Scaling.scale`.
        total: As `Scaling.total`.
        kind: One of `KINDS`, by which networks are chosen.
        columns: The columns of a table, numbers first, as `problems.columns` has its rows.
        gaps: Which of the numbers are missing in some training rows.
        unseen: Which categories, all columns' in turn, no training row has; they say nothing.
        series: The columns of the long table that windows were cut of.
        features: The names of a row's values, in its order, where they have names and the row is
            no table's.
    """

    shape: tuple[int, ...]
    dtype: str
    labels: classes.Classes
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

    @property
    def width(self) -> int:
        """The number of features of one flattened row."""
        return math.prod(self.shape)

    @property
    def numbers(self) -> int:
        """How many features are numbers: all but a table's categories."""
        return table.numbers(self.columns) if self.columns else self.width

    @property
    def blocks(self) -> tuple[int, ...]:
        """How many categories each categorical column has."""
        return tuple(len(c.categories) for c in self.columns[self.numbers :])

"""What was measured of a data set, and the findings that rules derive from it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.data import dataset, store
from ssdgm_train.inspection import features, labels, repeats

WARNING, NOTE = "warning", "note"
SHOWN = 4
"""The most names or rows that a sentence lists."""


@dataclass(frozen=True)
class Seen:
    """A data set and what was measured of it.

    Attributes:
        data: The data set.
        rows: The numbers of the training rows that were inspected.
        positions: Statistics of every position of a row.
        features: Statistics of every column, channel or colour.
        sample: Some of the rows, [m, width], as returned by `features.values`.
        sampled: The numbers of these rows, [m].
        known: Some of the labelled rows, [k, width].
        labels: The numbers of their labels, [k].
        repeats: Equal rows.
        counts: Labelled training rows per class, tag or number, [classes].
        tests: Test rows per class, tag or number, [classes].
        tagged: What there is of tags; None for other labels.
        numbers: What there is of numbers; None for other labels.
        meant: Whether the recipe says that the labels are classes.
    """

    data: dataset.Dataset
    rows: NDArray[np.int64]
    positions: features.Positions
    features: tuple[features.Feature, ...]
    sample: features.Floats
    sampled: store.Indices
    known: features.Floats
    labels: NDArray[np.int64]
    repeats: repeats.Repeats
    counts: NDArray[np.int64]
    tests: NDArray[np.int64]
    tagged: labels.Tagged | None = None
    numbers: tuple[labels.Measured, ...] | None = None
    meant: bool = False

    @property
    def named(self) -> bool:
        """Whether columns can be left out by their names."""
        return bool(self.data.columns or self.data.series)

    def counted(self, count: int) -> str:
        """A number of rows and, if the sample is not all rows, the size of the sample."""
        part = len(self.sampled) < len(self.data.x)
        return counted(count, "row") + (f" of {len(self.sampled):,} sampled" if part else "")


@dataclass(frozen=True)
class Finding:
    """Something worth knowing before training.

    Attributes:
        level: `WARNING`, or `NOTE` if it is not necessarily a fault.
        topic: Two or three words.
        found: What was found and where, a sentence without its full stop.
        mend: What to do, sentences.
        columns: The columns that it is about.
        rows: The numbers of the first few training rows that it is about, from 0.
        classes: The classes that it is about.
    """

    level: str
    topic: str
    found: str
    mend: str
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    classes: tuple[int | str, ...] = ()


Rule = Callable[[Seen], Iterator[Finding]]


def listed(things: Sequence[object], shown: int = SHOWN) -> str:
    """The first few things, separated by commas, and the number of the others."""
    first = ", ".join(str(thing) for thing in things[:shown])
    return f"{first} and {len(things) - shown:,} more" if len(things) > shown else first


def quoted(names: Iterable[object]) -> list[str]:
    """Names of columns or classes, quoted for a sentence."""
    return [repr(name) for name in names]


def counted(count: int, one: str, many: str = "") -> str:
    """A number and its noun.

    Example:
        >>> counted(1, "row"), counted(1200, "row")
        ('1 row', '1,200 rows')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"

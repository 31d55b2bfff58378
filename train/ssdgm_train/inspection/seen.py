"""What was seen of a data set, on which rules judge, and what a rule says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.data import dataset, store
from ssdgm_train.inspection import features, repeats

WARNING, NOTE = "warning", "note"
SHOWN = 4
"""Names or rows that a sentence lists."""


@dataclass(frozen=True)
class Seen:
    """A data set and what was measured of it.

    Attributes:
        data: The data set.
        rows: The numbers of the training rows that were looked at.
        positions: What was measured of every position of a row.
        features: The same for every column, channel or colour.
        sample: Some of the rows, [m, width], as `features.values` has them.
        sampled: Their numbers, [m].
        known: Some of the labelled rows, [k, width].
        labels: Their class indices, [k].
        repeats: Equal rows.
        counts: Labelled training rows a class, [classes].
        tests: Test rows a class, [classes].
        meant: Whether it was said that the labels are classes.
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
    meant: bool = False

    @property
    def named(self) -> bool:
        """Whether columns can be left out by their names."""
        return bool(self.data.columns or self.data.series)

    def counted(self, count: int) -> str:
        """So many rows of the sample, which may be all."""
        part = len(self.sampled) < len(self.data.x)
        return counted(count, "row") + (f" of {len(self.sampled):,} sampled" if part else "")


@dataclass(frozen=True)
class Finding:
    """Something worth knowing before a training.

    Attributes:
        level: `WARNING`, or `NOTE` for what is no fault.
        topic: Two or three words.
        found: What was found and where, a sentence without its full stop.
        mend: What to do, sentences.
        columns: The columns that it is about.
        rows: The numbers of training rows that it is about, from 0; the first few.
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


def some(things: Sequence[object], shown: int = SHOWN) -> str:
    """The first few of some things, as a sentence has them."""
    told = ", ".join(str(thing) for thing in things[:shown])
    return f"{told} and {len(things) - shown:,} more" if len(things) > shown else told


def quoted(names: Iterable[object]) -> list[str]:
    """Names of columns or classes, as a sentence has them."""
    return [repr(name) for name in names]


def counted(count: int, one: str, many: str = "") -> str:
    """A number and its noun.

    Example:
        >>> counted(1, "row"), counted(1200, "row")
        ('1 row', '1,200 rows')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"

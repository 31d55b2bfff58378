"""What the labels of a data set are: how many rows have each, how many entries are missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.data import dataset, targets
from ssdgm_train.labels.measures import overlaps

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Tagged:
    """The tags of training rows.

    Attributes:
        missing: Of each tag, in how many labelled rows it is not known.
        complete: How many rows have every entry.
        cardinality: The mean number of tags of these rows.
        single: How many of them have exactly one tag.
    """

    missing: tuple[int, ...]
    complete: int
    cardinality: float
    single: int


@dataclass(frozen=True)
class Measured:
    """One number of the labels of training rows.

    Attributes:
        name: Its name.
        known: In how many rows it is known.
        mean: Its mean over these.
        deviation: Its standard deviation.
        quantiles: Its least value, the 5, 50 and 95 % quantiles, and its largest value.
    """

    name: str
    known: int
    mean: float
    deviation: float
    quantiles: tuple[float, ...]


def numbers(data: dataset.Dataset) -> tuple[Measured, ...] | None:
    """What there is of numbers; None for other labels."""
    if data.space != targets.NUMBERS:
        return None
    known = [column[~np.isnan(column)] for column in data.y.T]
    return tuple(
        Measured(
            str(name),
            len(each),
            float(each.mean()),
            float(each.std()),
            tuple(np.quantile(each, (0, 0.05, 0.5, 0.95, 1)).tolist()),
        )
        for name, each in zip(data.classes, known, strict=True)
    )


def counts(y: targets.Labels, size: int) -> Counts:
    """How many rows have each class or tag, or know each number, [size]; of masks show a class."""
    if y.ndim == 3:
        shown: Counts = (overlaps.counted(y, size) > 0).sum(0)
        return shown
    if y.dtype.kind == "f":
        known: Counts = (~np.isnan(y)).sum(0)
        return known
    if y.ndim > 1:
        having: Counts = (y == 1).sum(0)
        return having
    return np.bincount(y[y != dataset.UNLABELLED], minlength=size)


def places(data: dataset.Dataset) -> tuple[float, ...] | None:
    """The share of each class among the places of training masks, and of those without label.

    None for other labels.
    """
    if data.space != targets.MASKS:
        return None
    counted = overlaps.counted(data.y[targets.labelled(data.y)], len(data.classes))
    every = int(np.prod(data.y.shape[1:])) * len(counted)
    known = counted.sum(0) / max(every, 1)
    return (*known.tolist(), float(1 - known.sum()))


def tagged(data: dataset.Dataset) -> Tagged | None:
    """What there is of tags; None for classes."""
    if data.space != targets.TAGS:
        return None
    y = data.y[targets.labelled(data.y)]
    each = (y[(y != dataset.UNLABELLED).all(1)] == 1).sum(1)
    return Tagged(
        missing=tuple((y == dataset.UNLABELLED).sum(0).tolist()),
        complete=len(each),
        cardinality=float(each.mean()) if len(each) else 0.0,
        single=int((each == 1).sum()),
    )


def codes(
    data: dataset.Dataset, y: NDArray[np.generic]
) -> tuple[NDArray[np.int64], NDArray[np.int64], targets.Names]:
    """The labels of training rows and of others, `y`, as numbers of different labels.

    Measurements and masks are 0 where they are known: none contradicts another.

    Returns:
        Both, -1 where a label, or an entry of it, is not known, and what the numbers stand for:
        classes, or sets of tags such as "a + b".
    """
    if data.space in (targets.NUMBERS, targets.MASKS):
        ours, theirs = (targets.labelled(part).astype(np.int64) - 1 for part in (data.y, y))
        return ours, theirs, ("a number" if data.space == targets.NUMBERS else "a mask",)
    if data.space != targets.TAGS:
        return data.y.astype(np.int64, copy=False), y.astype(np.int64, copy=False), data.classes
    both = np.concatenate([data.y, y])
    sets, numbers = np.unique(both, axis=0, return_inverse=True)
    known = np.where((both == dataset.UNLABELLED).any(1), dataset.UNLABELLED, numbers.reshape(-1))
    names = tuple(" + ".join(_having(data.classes, entries)) or "no tag" for entries in sets)
    return known[: len(data.y)], known[len(data.y) :], names


def _having(names: targets.Names, entries: NDArray[np.generic]) -> list[str]:
    return [str(name) for name, entry in zip(names, entries.tolist(), strict=True) if entry == 1]

"""What the labels of a data set are: how many rows have each, how many entries are missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.data import dataset, targets

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


def counts(y: targets.Labels, size: int) -> Counts:
    """How many rows have each class or tag, [size]."""
    if y.ndim > 1:
        having: Counts = (y == 1).sum(0)
        return having
    return np.bincount(y[y != dataset.UNLABELLED], minlength=size)


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

    Returns:
        Both, -1 where a label, or an entry of it, is not known, and what the numbers stand for:
        classes, or sets of tags such as "a + b".
    """
    if data.space != targets.TAGS:
        return data.y.astype(np.int64, copy=False), y.astype(np.int64, copy=False), data.classes
    both = np.concatenate([data.y, y])
    sets, numbers = np.unique(both, axis=0, return_inverse=True)
    known = np.where((both == dataset.UNLABELLED).any(1), dataset.UNLABELLED, numbers.reshape(-1))
    names = tuple(" + ".join(_having(data.classes, entries)) or "no tag" for entries in sets)
    return known[: len(data.y)], known[len(data.y) :], names


def _having(names: targets.Names, entries: NDArray[np.generic]) -> list[str]:
    return [str(name) for name, entry in zip(names, entries.tolist(), strict=True) if entry == 1]

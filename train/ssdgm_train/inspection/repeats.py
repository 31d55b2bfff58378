"""Find equal rows by a 128-bit digest of each, 16 bytes per row."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.data import dataset

Digests = NDArray[np.uint64]
SHOWN = 5
"""The most examples that are kept."""


@dataclass(frozen=True)
class Place:
    """A row: its part, "training" or "test", its number there from 0, and its label or None."""

    part: str
    row: int
    label: int | str | None


Pair = tuple[Place, Place]


@dataclass(frozen=True)
class Repeats:
    """Equal rows among those that were inspected.

    Attributes:
        training: Training rows that equal an earlier one.
        test: Test rows that equal an earlier one.
        shared: Test rows that equal a training row.
        conflicting: Labelled training rows that equal one with another label.
        contradicted: Test rows that equal labelled training rows, none of which has their label.
        repeats: Examples of equal training rows.
        leaks: Examples of a training row and an equal test row.
        conflicts: Examples of equal training rows with two labels.
        contradictions: Examples of a training row and an equal test row with another label.
    """

    training: int
    test: int
    shared: int
    conflicting: int
    contradicted: int
    repeats: tuple[Pair, ...]
    leaks: tuple[Pair, ...]
    conflicts: tuple[Pair, ...]
    contradictions: tuple[Pair, ...]


@dataclass(frozen=True)
class Part:
    """The inspected rows of a part: digests [n, 2], row numbers [n] and class indices [n]."""

    name: str
    digests: Digests
    rows: NDArray[np.int64]
    y: NDArray[np.int64]


def digests(x: NDArray[np.generic]) -> Digests:
    """The digests of rows, [n, 2]; -0 equals 0, and missing values equal one another."""
    flat = np.ascontiguousarray(x).reshape(len(x), -1)
    if flat.dtype.kind == "f":
        flat = np.where(np.isnan(flat), flat.dtype.type(np.nan), flat + flat.dtype.type(0))
    digested = b"".join(hashlib.blake2b(row.data, digest_size=16).digest() for row in flat)
    return np.frombuffer(digested, np.uint64).reshape(-1, 2)


def find_repeats(training: Part, test: Part, classes: tuple[int | str, ...]) -> Repeats:
    """Find equal rows within and between the two parts."""
    groups = _groups(np.concatenate([training.digests, test.digests]))
    ours, theirs = groups[: len(training.rows)], groups[len(training.rows) :]

    def place(part: Part, i: int) -> Place:
        label = int(part.y[i])
        named = None if label == dataset.UNLABELLED else classes[label]
        return Place(part.name, int(part.rows[i]), named)

    def pairs(
        left: NDArray[np.int64], right: NDArray[np.int64], part: Part = training
    ) -> tuple[Pair, ...]:
        both = zip(left[:SHOWN].tolist(), right[:SHOWN].tolist(), strict=True)
        return tuple((place(training, i), place(part, j)) for i, j in both)

    first = _first(ours, ours)
    again = np.flatnonzero(first != np.arange(len(ours)))
    match = _first(ours, theirs)
    shared = np.flatnonzero(match >= 0)
    conflicts = _conflicts(ours, training.y)
    labelled = np.flatnonzero(training.y != dataset.UNLABELLED)
    strange, origin = _contradictions(ours[labelled], training.y[labelled], theirs, test.y)
    return Repeats(
        training=len(again),
        test=int((_first(theirs, theirs) != np.arange(len(theirs))).sum()),
        shared=len(shared),
        conflicting=len(conflicts.rows),
        contradicted=len(strange),
        repeats=pairs(first[again], again),
        leaks=pairs(match[shared], shared, test),
        conflicts=pairs(conflicts.left, conflicts.right),
        contradictions=pairs(labelled[origin], strange, test),
    )


def _groups(digests: Digests) -> NDArray[np.int64]:
    """The number of each digest's group; equal digests have equal numbers."""
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    ordered = digests[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(1)
    groups = np.empty(len(order), np.int64)
    groups[order] = np.cumsum(fresh)
    return groups


def _first(groups: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first index of each wanted group in `groups`; -1 if it is not there."""
    distinct, at = np.unique(groups, return_index=True)
    if not len(distinct):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
    return np.where(distinct[place] == wanted, at[place], -1)


@dataclass(frozen=True)
class _Conflicts:
    """All rows that conflict, and for each group one row each of two labels."""

    rows: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]


def _conflicts(groups: NDArray[np.int64], y: NDArray[np.int64]) -> _Conflicts:
    labelled = np.flatnonzero(y != dataset.UNLABELLED)
    size = 1 + int(y.max(initial=0))
    pairs, at = np.unique(groups[labelled] * size + y[labelled], return_index=True)
    rows, group = labelled[at], pairs // size
    twice = np.flatnonzero(group[1:] == group[:-1])
    inside = labelled[np.isin(groups[labelled], group[twice])]
    _, single = np.unique(group[twice], return_index=True)
    return _Conflicts(inside, rows[twice[single]], rows[twice[single] + 1])


def _contradictions(
    ours: NDArray[np.int64],
    y: NDArray[np.int64],
    theirs: NDArray[np.int64],
    y_test: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The test rows whose label no equal labelled row has, and the index of such a row."""
    size = 1 + int(max(y.max(initial=0), y_test.max(initial=0)))
    match = _first(ours, theirs)
    agreed = np.isin(theirs * size + y_test, ours * size + y)
    strange = np.flatnonzero((match >= 0) & ~agreed)
    return strange, match[strange]

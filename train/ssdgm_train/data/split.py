"""Which rows are labelled, unlabelled and held out for validation: seeded and stratified."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train import seeds
from ssdgm_train.data import dataset, store

Indices = store.Indices
Codes = NDArray[np.signedinteger[Any]]

MOST = 10_000
"""Rows that a share holds out for validation, at most."""

PIECE = 1 << 16
"""Indices at once, where there may be very many."""


@dataclass(frozen=True)
class Split:
    """Sorted indices into the training rows; no row is in two of them."""

    labelled: Indices
    unlabelled: Indices
    validation: Indices

    @property
    def digest(self) -> str:
        """SHA-256 over the three index arrays, as text."""
        found = hashlib.sha256()
        parts = {"": self.labelled, "|": self.unlabelled, "||": self.validation}
        for before, part in parts.items():
            found.update(before[:1].encode())
            for start, piece in store.pieces(part, PIECE):
                text = ",".join(map(str, piece.tolist()))
                found.update(("," * bool(start) + text).encode())
        return found.hexdigest()

    @property
    def training(self) -> Indices:
        """Sorted indices of all rows that are trained on."""
        found = np.concatenate([self.labelled, self.unlabelled])
        found.sort(kind="stable")  # which merges what is sorted already
        return found


def split(
    data: dataset.Dataset,
    labels: int | None,
    validation: float,
    seed: int,
    held: Indices | None = None,
) -> Split:
    """Draw a split.

    Where every label is known (a benchmark), validation rows are held out first and their labels
    are extra to the budget. Where labels are blank, the budget is all the labels that are used,
    and a stratified part of it is held out for validation.

    Args:
        data: The data set.
        labels: The budget of labelled training rows; None for every label there is.
        validation: The share of rows held out, 0 to 1, which are `MOST` at most; a number from 1
            on counts rows.
        seed: Of the draw.
        held: Validation rows to keep to instead of drawing some.

    Raises:
        DataError: The budget is below one label a class or above what there is.
    """
    rng = seeds.generator(seed, seeds.SPLIT)
    y, size, fully = _codes(data), len(data.classes), data.fully_labelled
    known = _where(y != dataset.UNLABELLED)
    budget = known if fully else _budget(y, known, labels, size, rng)
    drawn = _stratified(y, budget, _count(validation, len(budget)), size, rng)
    held = drawn if held is None else compact(held)
    if fully:
        chosen = _budget(y, _without(known, held, len(y)), labels, size, rng)
    else:
        if not _within(held, budget, len(y)):
            left = _left(labels, len(held), size)
            budget = _budget(y, _without(known, held, len(y)), left, size, rng)
        chosen = _without(budget, held, len(y))
    _check_every_class(data.classes, _counts(y, chosen, size))
    others = np.ones(len(y), np.bool_)
    others[held] = others[chosen] = False
    return Split(chosen, _where(others), held)


def compact(rows: NDArray[Any]) -> Indices:
    """Indices as integers of 32 bits, if they fit."""
    small = int(rows.max(initial=0)) < 2**31
    return rows.astype(np.int32 if small else np.int64, copy=False)


def _codes(data: dataset.Dataset) -> Codes:
    """The class indices in as few bytes as they need."""
    found = np.empty(len(data.y), np.min_scalar_type(-len(data.classes)))
    for start, piece in store.pieces(data.y):
        found[start : start + len(piece)] = piece
    return found


def _where(mask: NDArray[np.bool_]) -> Indices:
    """The indices of what is true."""
    pieces = (compact(np.flatnonzero(part) + start) for start, part in store.pieces(mask, PIECE))
    return compact(np.concatenate([*pieces]))


def _mask(rows: Indices, length: int) -> NDArray[np.bool_]:
    found = np.zeros(length, np.bool_)
    found[rows] = True
    return found


def _without(rows: Indices, left_out: Indices, length: int) -> Indices:
    return rows[~_mask(left_out, length)[rows]]


def _within(rows: Indices, others: Indices, length: int) -> bool:
    return bool(_mask(others, length)[rows].all())


def _left(labels: int | None, held: int, size: int) -> int | None:
    """What is left of a budget beside validation rows that are given."""
    if labels is not None and labels - held < size:
        raise errors.DataError(
            f"--labels is {labels}, and {held} are validation rows of the run to start from",
            f"at least {held + size}, one label a class beside them",
            "Raise --labels, or leave it out to use them all.",
        )
    return None if labels is None else labels - held


def _count(validation: float, rows: int) -> int:
    return round(validation if validation >= 1 else min(validation * rows, MOST))


def _budget(
    y: Codes, pool: Indices, labels: int | None, size: int, rng: np.random.Generator
) -> Indices:
    """A class-balanced draw of `labels` rows from the pool, or all of it."""
    if labels is None:
        return pool
    if labels < size:
        raise errors.DataError(
            f"--labels is {labels} for {size} classes", "at least one label a class", ""
        )
    if labels > len(pool):
        raise errors.DataError(
            f"--labels is {labels} and there are {len(pool)} labelled training rows",
            f"at most {len(pool)}" if len(pool) else "some, beside the validation rows",
            "Leave --labels out to use them all." if len(pool) else "Lower data.validation.",
        )
    counts = _counts(y, pool, size)
    return _take(y, pool, _balanced(counts, labels, rng), rng)


def _balanced(
    counts: NDArray[np.int64], total: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """As equal a share a class as the counts allow, the remainder to random classes."""
    shares = np.zeros_like(counts)
    while (left := total - int(shares.sum())) > 0:
        open_classes = rng.permutation(np.flatnonzero(shares < counts))
        each = max(left // len(open_classes), 1)
        for k in open_classes[: left if each == 1 else None]:
            shares[k] += min(each, counts[k] - shares[k])
    return shares


def _stratified(
    y: Codes, pool: Indices, total: int, size: int, rng: np.random.Generator
) -> Indices:
    """`total` rows with the pool's own class shares, by largest remainders."""
    counts = _counts(y, pool, size)
    exact = counts * (min(total, len(pool)) / max(len(pool), 1))
    shares = np.floor(exact).astype(np.int64)
    order = np.argsort(shares - exact, kind="stable")
    shares[order[: min(total, len(pool)) - int(shares.sum())]] += 1
    return _take(y, pool, shares, rng)


def _take(y: Codes, pool: Indices, shares: NDArray[np.int64], rng: np.random.Generator) -> Indices:
    of = y[pool]
    parts = [rng.permutation(pool[of == k])[:n] for k, n in enumerate(shares)]
    return np.sort(np.concatenate(parts))


def _counts(y: Codes, pool: Indices, size: int) -> NDArray[np.int64]:
    """How many rows of each class there are in a pool."""
    found = np.zeros(size, np.int64)
    for _, part in store.pieces(pool, PIECE):
        found += np.bincount(y[part], minlength=size)
    return found


def _check_every_class(classes: tuple[int | str, ...], counts: NDArray[np.int64]) -> None:
    if not counts.all():
        missing = [classes[k] for k in np.flatnonzero(counts == 0)]
        raise errors.DataError(
            f"no label is left to train on for {missing}",
            "at least two labelled rows a class, one of them for validation",
            "Label more rows, raise --labels, or lower data.validation.",
        )

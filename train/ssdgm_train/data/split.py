"""Which rows are labelled, unlabelled and held out for validation: seeded and stratified."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train import seeds
from ssdgm_train.data import dataset

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Sorted indices into the training rows; no row is in two of them."""

    labelled: Indices
    unlabelled: Indices
    validation: Indices

    @property
    def digest(self) -> str:
        """SHA-256 over the three index arrays."""
        parts = (self.labelled, self.unlabelled, self.validation)
        text = "|".join(",".join(map(str, part.tolist())) for part in parts)
        return hashlib.sha256(text.encode()).hexdigest()


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
        validation: The share of rows held out, 0 to 1; a number from 1 on counts rows.
        seed: Of the draw.
        held: Validation rows to keep to instead of drawing some.

    Raises:
        DataError: The budget is below one label a class or above what there is.
    """
    rng = seeds.generator(seed, seeds.SPLIT)
    known = np.flatnonzero(data.y != dataset.UNLABELLED)
    size = len(data.classes)
    if data.fully_labelled:
        drawn = _stratified(data.y, known, _count(validation, len(known)), size, rng)
        held = drawn if held is None else held
        chosen = _budget(data.y, np.setdiff1d(known, held), labels, size, rng)
    else:
        budget = _budget(data.y, known, labels, size, rng)
        drawn = _stratified(data.y, budget, _count(validation, len(budget)), size, rng)
        held = drawn if held is None else held
        if not np.isin(held, budget).all():
            left = _left(labels, len(held), size)
            budget = _budget(data.y, np.setdiff1d(known, held), left, size, rng)
        chosen = np.setdiff1d(budget, held)
    _check_every_class(data, chosen)
    others = np.setdiff1d(np.arange(len(data.y)), np.union1d(held, chosen))
    return Split(chosen, others, held)


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
    return round(validation if validation >= 1 else validation * rows)


def _budget(
    y: NDArray[np.int64], pool: Indices, labels: int | None, size: int, rng: np.random.Generator
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
    counts = np.bincount(y[pool], minlength=size)
    return _take(y, pool, _balanced(counts, labels, rng), rng)


def _balanced(counts: Indices, total: int, rng: np.random.Generator) -> Indices:
    """As equal a share a class as the counts allow, the remainder to random classes."""
    shares = np.zeros_like(counts)
    while (left := total - int(shares.sum())) > 0:
        open_classes = rng.permutation(np.flatnonzero(shares < counts))
        each = max(left // len(open_classes), 1)
        for k in open_classes[: left if each == 1 else None]:
            shares[k] += min(each, counts[k] - shares[k])
    return shares


def _stratified(
    y: NDArray[np.int64], pool: Indices, total: int, size: int, rng: np.random.Generator
) -> Indices:
    """`total` rows with the pool's own class shares, by largest remainders."""
    counts = np.bincount(y[pool], minlength=size)
    exact = counts * (min(total, len(pool)) / max(len(pool), 1))
    shares = np.floor(exact).astype(np.int64)
    order = np.argsort(shares - exact, kind="stable")
    shares[order[: min(total, len(pool)) - int(shares.sum())]] += 1
    return _take(y, pool, shares, rng)


def _take(
    y: NDArray[np.int64], pool: Indices, shares: Indices, rng: np.random.Generator
) -> Indices:
    parts = [rng.permutation(pool[y[pool] == k])[:n] for k, n in enumerate(shares)]
    return np.sort(np.concatenate(parts))


def _check_every_class(data: dataset.Dataset, chosen: Indices) -> None:
    missing = sorted(set(range(len(data.classes))) - set(data.y[chosen].tolist()))
    if missing:
        raise errors.DataError(
            f"no label is left to train on for {[data.classes[k] for k in missing]}",
            "at least two labelled rows a class, one of them for validation",
            "Label more rows, raise --labels, or lower data.validation.",
        )

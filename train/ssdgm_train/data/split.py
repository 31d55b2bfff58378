"""Which rows are labelled, unlabelled and held out for validation: seeded and stratified.

Classes get equal parts of a budget of labels. Tags get rows in the shares that they have, except
that a row with every tag is set aside for training first.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train import seeds
from ssdgm_train.data import dataset, store, targets
from ssdgm_train.labels import classes, tags

Indices = store.Indices
Codes = NDArray[np.signedinteger[Any]]

MOST = 10_000
"""The most rows that a share (`validation` below 1) holds out."""

PIECE = 1 << 16
"""Indices processed at once, as there may be very many."""


@dataclass(frozen=True)
class Split:
    """Sorted indices into the training rows; no row is in two of them."""

    labelled: Indices
    unlabelled: Indices
    validation: Indices

    @property
    def digest(self) -> str:
        """SHA-256 over the three index arrays, as text."""
        sha256 = hashlib.sha256()
        parts = {"": self.labelled, "|": self.unlabelled, "||": self.validation}
        for before, part in parts.items():
            sha256.update(before[:1].encode())
            for start, piece in store.pieces(part, PIECE):
                text = ",".join(map(str, piece.tolist()))
                sha256.update(("," * bool(start) + text).encode())
        return sha256.hexdigest()

    @property
    def training(self) -> Indices:
        """Sorted indices of all rows that are trained on."""
        rows = np.concatenate([self.labelled, self.unlabelled])
        rows.sort(kind="stable")  # fast: both parts are sorted already
        return rows


def split(
    data: dataset.Dataset,
    labels: int | None,
    validation: float,
    seed: int,
    held: Indices | None = None,
) -> Split:
    """Draw a split.

    If every label is known (a benchmark), validation rows are held out first and their labels are
    not part of the budget. If labels are missing, the budget is all labels that are used, and a
    stratified part of it is held out for validation.

    Args:
        data: The data set.
        labels: The budget of labelled training rows; None for every label there is.
        validation: The share of rows held out, of which there are at most `MOST`; from 1 on, the
            number of rows.
        seed: The seed of the draw.
        held: Validation rows to use instead of drawing some.

    Raises:
        DataError: The budget is below one label a class, or above the labels there are.
    """
    rng = seeds.generator(seed, seeds.SPLIT)
    y, size, fully = _codes(data), _size(data), data.fully_labelled
    labelled = _where(y != dataset.UNLABELLED)
    free = labelled if held is None else _without(labelled, compact(held), len(y))
    kept = _kept(data, free, rng)
    draw = (_TagDraw if _tagged(data) else _Draw)(y, size, rng, kept)
    budget = labelled if fully else draw.budget(labelled, labels)
    rest = _without(budget, kept, len(y))
    drawn = _stratified(y, rest, _count(validation, len(budget)), size, rng)
    held = drawn if held is None else compact(held)
    if fully:
        chosen = draw.budget(_without(labelled, held, len(y)), labels)
    else:
        if not _within(held, budget, len(y)):
            left = draw.left(labels, len(held))
            budget = draw.budget(_without(labelled, held, len(y)), left)
        chosen = _without(budget, held, len(y))
    _check_every(data, chosen, _counts(y, chosen, size))
    others = ~(_mask(held, len(y)) | _mask(chosen, len(y)))
    return Split(chosen, _where(others), held)


def compact(rows: NDArray[Any]) -> Indices:
    """Indices as 32-bit integers, if they fit."""
    small = int(rows.max(initial=0)) < 2**31
    return rows.astype(np.int32 if small else np.int64, copy=False)


def _codes(data: dataset.Dataset) -> Codes:
    """The number of each row's stratum in the smallest sufficient integer type."""
    size = len(data.classes)
    codes = np.empty(len(data.y), np.min_scalar_type(-size - 1))
    if _tagged(data):
        codes[:] = tags.Tags((tags.THRESHOLD,) * size).strata(data.y)
        return codes
    space = classes.uniform(size)
    for start, piece in store.pieces(data.y):
        codes[start : start + len(piece)] = space.strata(piece)
    return codes


def _size(data: dataset.Dataset) -> int:
    """The number of strata: the classes; the tags, and one for rows without any."""
    return len(data.classes) + _tagged(data)


def _tagged(data: dataset.Dataset) -> bool:
    return data.space == targets.TAGS


def _kept(data: dataset.Dataset, pool: Indices, rng: np.random.Generator) -> Indices:
    """Of tags, rows of the pool that together have all of them, the rarest one's first."""
    if not _tagged(data):
        return pool[:0]
    has = store.take(data.y, pool) == 1
    chosen: list[int] = []
    for tag in np.argsort(has.sum(0), kind="stable"):
        if not has[chosen, tag].any() and has[:, tag].any():
            chosen.append(int(rng.choice(np.flatnonzero(has[:, tag]))))
    return np.sort(pool[chosen])


def _where(mask: NDArray[np.bool_]) -> Indices:
    """The indices at which a mask is true."""
    pieces = (compact(np.flatnonzero(part) + start) for start, part in store.pieces(mask, PIECE))
    return compact(np.concatenate([*pieces]))


def _mask(rows: Indices, length: int) -> NDArray[np.bool_]:
    mask = np.zeros(length, np.bool_)
    mask[rows] = True
    return mask


def _without(rows: Indices, left_out: Indices, length: int) -> Indices:
    return rows[~_mask(left_out, length)[rows]]


def _within(rows: Indices, others: Indices, length: int) -> bool:
    return bool(_mask(others, length)[rows].all())


def _count(validation: float, rows: int) -> int:
    return round(validation if validation >= 1 else min(validation * rows, MOST))


@dataclass(frozen=True)
class _Draw:
    """How a budget of labels is drawn: as many of each class.

    Attributes:
        y: The stratum of every row.
        size: How many strata there are.
        rng: The source of randomness.
        kept: Rows that are part of every budget.
    """

    y: Codes
    size: int
    rng: np.random.Generator
    kept: Indices

    why = "so that one label per class is left"

    @property
    def least(self) -> int:
        """The fewest labelled rows that can be trained on."""
        return self.size

    def left(self, labels: int | None, held: int) -> int | None:
        """The labels left of a budget after the validation rows of an earlier run."""
        if labels is not None and labels - held < self.least:
            raise errors.DataError(
                f"--labels is {labels}, but {held} labels are in the validation rows of the first "
                "run",
                mend=f"Set --labels to at least {held + self.least}, {self.why}; or leave it out "
                "to use all labels.",
            )
        return None if labels is None else labels - held

    def budget(self, pool: Indices, labels: int | None) -> Indices:
        """A draw of `labels` rows from the pool, or all of it."""
        if labels is None:
            return pool
        if labels < self.least:
            raise self.too_few(labels)
        if labels > len(pool):
            raise errors.DataError(
                f"--labels is {labels}, but there are {len(pool)} labelled training rows besides "
                "the validation rows",
                mend="Leave --labels out to use them all."
                if len(pool)
                else "Lower data.validation.",
            )
        return self.drawn(pool, labels)

    def too_few(self, labels: int) -> errors.DataError:
        """The error of a budget below `least`."""
        return errors.DataError(
            f"--labels is {labels}, but there are {self.size} classes",
            mend=f"Set --labels to at least {self.size}: every class needs one.",
        )

    def drawn(self, pool: Indices, labels: int) -> Indices:
        """A class-balanced draw."""
        counts = _counts(self.y, pool, self.size)
        return _take(self.y, pool, _balanced(counts, labels, self.rng), self.rng)


class _TagDraw(_Draw):
    """The same of tags: the rows that are kept, and others in the shares of their strata."""

    why = "so that every tag is on a row"

    @property
    def least(self) -> int:
        """The rows that are kept."""
        return len(self.kept)

    def too_few(self, labels: int) -> errors.DataError:
        """The error of a budget below `least`."""
        return errors.DataError(
            f"--labels is {labels}, but it takes {self.least} rows to show every tag",
            mend=f"Set --labels to at least {self.least}.",
        )

    def drawn(self, pool: Indices, labels: int) -> Indices:
        """A stratified draw."""
        rest = _without(pool, self.kept, len(self.y))
        more = _stratified(self.y, rest, labels - self.least, self.size, self.rng)
        return np.sort(np.concatenate([self.kept, more]))


def _balanced(
    counts: NDArray[np.int64], total: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The rows per class, as equal as the counts allow; the remainder goes to random classes."""
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
    """Draw `total` rows with the class shares of the pool, rounded by largest remainders."""
    counts = _counts(y, pool, size)
    exact = counts * (min(total, len(pool)) / max(len(pool), 1))
    shares = np.floor(exact).astype(np.int64)
    order = np.argsort(shares - exact, kind="stable")
    shares[order[: min(total, len(pool)) - int(shares.sum())]] += 1
    return _take(y, pool, shares, rng)


def _take(y: Codes, pool: Indices, shares: NDArray[np.int64], rng: np.random.Generator) -> Indices:
    labels = y[pool]
    parts = [rng.permutation(pool[labels == k])[:n] for k, n in enumerate(shares)]
    return np.sort(np.concatenate(parts))


def _counts(y: Codes, pool: Indices, size: int) -> NDArray[np.int64]:
    """How many rows of each class there are in a pool."""
    counts = np.zeros(size, np.int64)
    for _, part in store.pieces(pool, PIECE):
        counts += np.bincount(y[part], minlength=size)
    return counts


def _check_every(data: dataset.Dataset, chosen: Indices, counts: NDArray[np.int64]) -> None:
    """Refuse a split that leaves a class, or a tag, without a labelled training row."""
    one, rows = "class", "No label is left to train on for the classes"
    if _tagged(data):
        counts = (store.take(data.y, chosen) == 1).sum(0)
        one, rows = "tag", "No row is left to train on that has the tags"
    if not counts.all():
        missing = [data.classes[k] for k in np.flatnonzero(counts == 0)]
        raise errors.DataError(
            f"{rows} {missing}",
            mend=f"Each {one} needs at least two labelled rows, one of them for validation: label "
            "more rows, raise --labels, or lower data.validation.",
        )

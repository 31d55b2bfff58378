"""Draws of rows by the strata that they are in, and budgets of labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train.data import store

Indices = store.Indices
Codes = NDArray[np.signedinteger[Any]]

FEWEST = 5
"""The fewest outliers that are held out; fewer are all trained on."""

PIECE = 1 << 16
"""Indices processed at once, as there may be very many."""


def compact(rows: NDArray[Any]) -> Indices:
    """Indices as 32-bit integers, if they fit."""
    small = int(rows.max(initial=0)) < 2**31
    return rows.astype(np.int32 if small else np.int64, copy=False)


def where(mask: NDArray[np.bool_]) -> Indices:
    """The indices at which a mask is true."""
    pieces = (compact(np.flatnonzero(part) + start) for start, part in store.pieces(mask, PIECE))
    return compact(np.concatenate([*pieces]))


def masked(rows: Indices, length: int) -> NDArray[np.bool_]:
    """Which of `length` rows are among some, [length]."""
    mask = np.zeros(length, np.bool_)
    mask[rows] = True
    return mask


def without(rows: Indices, left_out: Indices, length: int) -> Indices:
    """The rows that are not among others."""
    return rows[~masked(left_out, length)[rows]]


def within(rows: Indices, others: Indices, length: int) -> bool:
    """Whether all rows are among others."""
    return bool(masked(others, length)[rows].all())


@dataclass(frozen=True)
class Draw:
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
    every = True
    """Whether each stratum is a class, which training needs."""

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
                else "All labelled rows are held out for validation. Lower data.validation: "
                "--set data.validation=0.1",
            )
        return self.drawn(pool, labels)

    def too_few(self, labels: int) -> errors.DataError:
        """The error of a budget below `least`."""
        return errors.DataError(
            f"--labels is {labels}, but there are {self.size} classes",
            mend=f"Set --labels to at least {self.size}: every class needs one.",
        )

    def held(self, pool: Indices, rows: int) -> Indices:
        """A stratified draw of rows to hold out."""
        return stratified(self.y, pool, rows, self.size, self.rng)

    def drawn(self, pool: Indices, labels: int) -> Indices:
        """A class-balanced draw."""
        counts = counted(self.y, pool, self.size)
        return take(self.y, pool, balanced(counts, labels, self.rng), self.rng)


class TagDraw(Draw):
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
        rest = without(pool, self.kept, len(self.y))
        more = stratified(self.y, rest, labels - self.least, self.size, self.rng)
        return np.sort(np.concatenate([self.kept, more]))


class MaskDraw(TagDraw):
    """The same of masks."""

    why = "so that every class is on a picture"

    def too_few(self, labels: int) -> errors.DataError:
        """The error of a budget below `least`."""
        return errors.DataError(
            f"--labels is {labels}, but it takes {self.least} pictures to show every class",
            mend=f"Set --labels to at least {self.least}.",
        )


class NumberDraw(TagDraw):
    """The same of numbers: rows in the shares of their strata."""

    why = "so that labels differ"
    every = False

    @property
    def least(self) -> int:
        """Two labels, which may differ."""
        return 2

    def too_few(self, labels: int) -> errors.DataError:
        """The error of a budget below `least`."""
        return errors.DataError(
            f"--labels is {labels}, and numbers cannot be learnt from so few",
            mend="Set --labels to at least 2, or better to some dozens.",
        )

    def drawn(self, pool: Indices, labels: int) -> Indices:
        """A stratified draw."""
        return stratified(self.y, pool, labels, self.size, self.rng)


class NormalDraw(Draw):
    """The same of normal rows, stratum 0, and outliers, stratum 1."""

    why = "so that a normal row is left"

    @property
    def least(self) -> int:
        """One, of either."""
        return 1

    def held(self, pool: Indices, rows: int) -> Indices:
        """A stratified draw; no outliers where it would take too few to measure anything by."""
        drawn = super().held(pool, rows)
        if int((self.y[drawn] == 1).sum()) >= FEWEST:
            return drawn
        normal = pool[self.y[pool] == 0]
        return super().held(normal, min(rows, max(len(normal) - 1, 0)))


def balanced(counts: NDArray[np.int64], total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The rows per class, as equal as the counts allow; the remainder goes to random classes."""
    shares = np.zeros_like(counts)
    while (left := total - int(shares.sum())) > 0:
        open_classes = rng.permutation(np.flatnonzero(shares < counts))
        each = max(left // len(open_classes), 1)
        for k in open_classes[: left if each == 1 else None]:
            shares[k] += min(each, counts[k] - shares[k])
    return shares


def stratified(
    y: Codes, pool: Indices, total: int, size: int, rng: np.random.Generator
) -> Indices:
    """Draw `total` rows with the class shares of the pool, rounded by largest remainders."""
    counts = counted(y, pool, size)
    exact = counts * (min(total, len(pool)) / max(len(pool), 1))
    shares = np.floor(exact).astype(np.int64)
    order = np.argsort(shares - exact, kind="stable")
    shares[order[: min(total, len(pool)) - int(shares.sum())]] += 1
    return take(y, pool, shares, rng)


def grouped(draw: Draw, pool: Indices, total: int, groups: NDArray[np.int64]) -> Indices:
    """Whole groups of the pool with at most `total` rows together, or else one that is small.

    They are drawn in turns by their commonest stratum; one that alone has a class stays.
    """
    known, number = np.unique(groups[pool], return_inverse=True)
    counts = np.zeros((len(known), draw.size), np.int64)
    np.add.at(counts, (number, draw.y[pool]), 1)
    order, sizes, left = _turns(counts.argmax(1), draw.rng), counts.sum(1), counts.sum(0)
    drawn: list[int] = []
    for few in (True, False):  # where none fits, the smallest that may go
        for one in order if few else order[np.argsort(sizes[order], kind="stable")]:
            last = ((left == counts[one]) & (counts[one] > 0)).any()
            fits = sizes[[*drawn, one]].sum() <= total if few else not drawn
            if total and fits and len(drawn) < len(known) - 1 and not (last and draw.every):
                drawn.append(int(one))
                left = left - counts[one]
    return pool[np.isin(number, drawn)]


def _turns(strata: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A random order in which every stratum comes once before any comes again."""
    order = rng.permutation(len(strata))
    turn = [int((strata[order[:i]] == strata[one]).sum()) for i, one in enumerate(order)]
    return order[np.argsort(turn, kind="stable")]


def take(y: Codes, pool: Indices, shares: NDArray[np.int64], rng: np.random.Generator) -> Indices:
    """A draw from the pool of so many rows of each stratum, sorted."""
    labels = y[pool]
    parts = [rng.permutation(pool[labels == k])[:n] for k, n in enumerate(shares)]
    return np.sort(np.concatenate([pool[:0], *parts]))


def counted(y: Codes, pool: Indices, size: int) -> NDArray[np.int64]:
    """How many rows of each class there are in a pool."""
    counts = np.zeros(size, np.int64)
    for _, part in store.pieces(pool, PIECE):
        counts += np.bincount(y[part], minlength=size)
    return counts

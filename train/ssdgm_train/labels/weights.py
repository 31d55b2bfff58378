"""How much rows count: weights of rows and of classes, as how often a row is drawn.

In expectation, a loss over rows that are drawn in proportion to their weights is the loss weighted
by them; so weights act on every term of every method, without a word in the methods.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors

BALANCED = "balanced"
FINE, MOST = 50, 10_000_000
"""How often a row of average weight is in a pool at most, and how long a pool may then be."""

Floats = NDArray[np.float64]
Indices = NDArray[np.integer[Any]]


def checked(name: str, weights: NDArray[np.generic], rows: int) -> Floats:
    """Weights [n] of rows as float64.

    Raises:
        DataError: There is not one for each row, one is negative or not finite, or all are 0.
    """
    if weights.shape != (rows,) or weights.dtype.kind not in "biuf":
        got = f"{name} has shape {list(weights.shape)} and dtype {weights.dtype}"
        raise errors.DataError(got, f"a number for each of the {rows} rows")
    numbers = weights.astype(np.float64)
    strange = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if len(strange):
        row = int(strange[0])
        raise errors.DataError(
            f"{name} holds {numbers[row]:g}, first in row {row}",
            "finite numbers from 0",
            "Correct the weight, or write 0 for a row that is not to be trained on.",
        )
    if not numbers.any():
        raise errors.DataError(f"{name} is 0 for every row", "some weights above 0")
    return numbers


def said(words: Iterable[str]) -> dict[str, float]:
    """The words of `data.class_weight`, such as "spam=3", as weights by name.

    Raises:
        DataError: One of them is none.
    """
    known = {}
    for word in words:
        name, _, text = word.rpartition("=")
        try:
            weight = float(text)
        except ValueError:
            weight = -1.0
        if not name or not 0 <= weight < np.inf:
            raise errors.DataError(
                f"data.class_weight has {word!r}", f"{BALANCED}, or such as spam=3 for a class"
            )
        known[name.strip()] = weight
    return known


def of_classes(
    words: Sequence[str], names: Sequence[object], y: NDArray[np.int64], weights: Floats
) -> Floats:
    """Weights [n] of labelled rows that have some already, times those of their classes.

    Args:
        words: `data.class_weight`.
        names: The classes' own values, [K].
        y: Class indices, [n].
        weights: Of the rows, [n].

    Raises:
        DataError: A word is no weight of a class, or names no class.
    """
    if tuple(words) == (BALANCED,):
        total = np.bincount(y, weights, len(names))
        each = np.divide(weights.sum(), len(names) * total, where=total > 0, out=total * 0)
    else:
        each = _named(said(words), names)
    weighted: Floats = weights * each[y]
    return weighted


def _named(given: dict[str, float], names: Sequence[object]) -> Floats:
    """Weights by name as one for each class; capitals count only where nothing else fits."""
    exact = [str(name) for name in names]
    folded = {name.strip().lower(): k for k, name in enumerate(exact)}
    each = np.ones(len(exact))
    for name, weight in given.items():
        place = exact.index(name) if name in exact else folded.get(name.lower())
        if place is None:
            raise errors.DataError(
                f"data.class_weight names the class {name!r}", f"one of {', '.join(exact)}"
            )
        each[place] = weight
    return each


def repeated(rows: Indices, weights: Floats) -> Indices:
    """Rows in their order, each as often as its weight says; rows alike are there once each.

    Whole multiples of the smallest weight are kept to exactly. Others are rounded up or down at
    random, always alike: the rarest row is there about `FINE` / 2 times, unless the pool would
    have more than `FINE` times the rows, or `MOST`.

    Args:
        rows: Row numbers, [n].
        weights: Theirs, [n], from 0 on.
    """
    if not weights.any():
        return rows[:0]
    ratio = weights / weights[weights > 0].min()
    total = float(ratio.sum())
    longest = max(len(rows), min(FINE * len(rows), MOST))
    if np.allclose(ratio, np.round(ratio), rtol=1e-9, atol=0) and total <= longest:
        return np.repeat(rows, np.round(ratio).astype(np.int64))
    size = int(min(longest, max(len(rows), FINE / 2 * total)))
    exact = weights / weights.sum() * size
    rounding = np.random.default_rng(0).random(len(rows))
    return np.repeat(rows, np.floor(exact + rounding).astype(np.int64))

"""Are the numbers that a graph gives what they stand for?

Probabilities of classes are none below 0 and sum to one, those of tags lie between 0 and 1, scales
are above 0, and nothing is NaN or infinite. A graph can give anything, whatever its maker meant,
so every answer is looked at. What it costs is counted in tenths of a microsecond: one row is
looked at as a list, and of many the least and the greatest number, which takes less time than to
compare them all.
"""

import math
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Look = Callable[[Array], bool]
"""Whether an output [n, ...] is proper in every row."""

SHARES, TRUTHS, SCALE, FINITE = "shares", "truths", "scale", "finite"
"""Kinds of outputs: probabilities that sum to one, those that need not, above zero, and any."""

NEAR = 0.005
"""How far from one the sum of probabilities may be: half precision rounds each by a
two-thousandth."""
_SHORT, _FEW = 64, 24  # a row that is looked at as a list, and one number by number

_LITTLE = sys.byteorder == "little"
_isfinite, _less, _greater = np.isfinite, np.less, np.greater


def looks(kinds: Iterable[str | Look]) -> list[tuple[int, Look]]:
    """What to look at: the places of outputs of these kinds, or looks; `` is not looked at."""
    every = {FINITE: finite, SHARES: shares, TRUTHS: truths, SCALE: scale}
    return [(i, kind if callable(kind) else every[kind]) for i, kind in enumerate(kinds) if kind]


def finite(array: Array) -> bool:
    """Whether no number is NaN or infinite."""
    return 0 not in _isfinite(array).tobytes()


def shares(array: Array) -> bool:
    """Whether every row [n, K] is none below 0 and sums to one; NaN is neither."""
    if array.size <= _SHORT and len(array) == 1:
        row: list[float] = array.tolist()[0]
        if not -NEAR < sum(row) - 1 < NEAR:
            return False
        # where no number's byte with the sign has that bit, none is below 0; -0.0 has it, too
        size = array.itemsize
        signs = array.tobytes()[size - 1 if _LITTLE else 0 :: size]
        return signs.isascii() or min(row) >= 0
    if len(array) == 0:
        return True
    if not array.item(array.argmin()) >= 0:  # NaN is the least; first, as inf - inf is no sum
        return False
    sums = array.dot(_ones(array.shape[-1], array.dtype.char))
    least, most = sums.item(sums.argmin()), sums.item(sums.argmax())
    return bool(least > 1 - NEAR and most < 1 + NEAR)


@lru_cache(maxsize=64)
def _ones(width: int, kind: str) -> Array:
    return np.ones(width, kind)


def truths(array: Array) -> bool:
    """Whether every number lies between 0 and 1, but for rounding."""
    if array.size <= _FEW and len(array) == 1:
        return _between(array.ravel().tolist(), -NEAR, 1 + NEAR)
    return 0 not in (_less(array, 1 + NEAR) & _greater(array, -NEAR)).tobytes()


def scale(array: Array) -> bool:
    """Whether every number is above 0, and none infinite."""
    if array.size <= _FEW and len(array) == 1:
        return _between(array.ravel().tolist(), 0, math.inf)
    return 0 not in (_greater(array, 0) & _isfinite(array)).tobytes()


def _between(numbers: list[float], low: float, high: float) -> bool:
    """Whether every number lies strictly between two; NaN lies nowhere."""
    for number in numbers:  # noqa: SIM110  (half the time of a generator)
        if not low < number < high:
            return False
    return True

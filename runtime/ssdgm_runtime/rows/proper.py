"""Are the numbers that a graph gives what they stand for?

Probabilities of classes are none below 0 and sum to one, those of tags lie between 0 and 1, scales
are above 0, and nothing is NaN or infinite. A graph can give anything, whatever its maker meant,
so every answer is looked at. What it costs is counted in tenths of a microsecond: one row is
looked at as a list, which takes less time than to ask numpy.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors

Array = NDArray[Any]
Look = Callable[[Array], bool]
"""Whether an output [n, ...] is proper in every row."""

SHARES, TRUTHS, SCALE, FINITE = "shares", "truths", "scale", "finite"
"""Kinds of outputs: probabilities that sum to one, those that need not, above zero, and any."""

NEAR = 0.005
"""How far from one the sum of probabilities may be: half precision rounds each by a
two-thousandth."""
_SHORT = 64  # a row that is looked at as a list

_isfinite, _less, _greater, _abs = np.isfinite, np.less, np.greater, np.abs


def looks(kinds: Iterable[str]) -> list[tuple[int, Look]]:
    """What to look at: the places of outputs of these kinds, and how; `` is not looked at."""
    every = {FINITE: finite, SHARES: shares, TRUTHS: truths, SCALE: scale}
    return [(place, every[kind]) for place, kind in enumerate(kinds) if kind]


def finite(array: Array) -> bool:
    """Whether no number is NaN or infinite."""
    return 0 not in _isfinite(array).tobytes()


def shares(array: Array) -> bool:
    """Whether every row [n, K] is none below 0 and sums to one; NaN is neither."""
    if array.size <= _SHORT and len(array) == 1:
        row: list[float] = array.tolist()[0]
        return -NEAR < sum(row) - 1 < NEAR and min(row) >= 0
    sums = array.dot(_ones(array.shape[-1], array.dtype))
    return 0 not in _less(_abs(sums - 1), NEAR).tobytes() and 1 not in _less(array, 0).tobytes()


@lru_cache(maxsize=64)
def _ones(width: int, dtype: "np.dtype[Any]") -> Array:
    return np.ones(width, dtype)


def truths(array: Array) -> bool:
    """Whether every number lies between 0 and 1, but for rounding."""
    return 0 not in (_less(array, 1 + NEAR) & _greater(array, -NEAR)).tobytes()


def scale(array: Array) -> bool:
    """Whether every number is above 0, and none infinite."""
    return 0 not in (_greater(array, 0) & _isfinite(array)).tobytes()


_WANTED = {
    SHARES: "probabilities, none below 0, that sum to one in every row",
    TRUTHS: "probabilities from 0 to 1",
    SCALE: "standard deviations above 0",
}


def refusal(
    name: str, kind: str, array: Array, feeds: Iterable[str], start: int = 0
) -> errors.SsdgmError:
    """The error for an output that is not proper.

    Args:
        name: The output's.
        kind: What it should be.
        array: What it is, [n, ...].
        feeds: The names of the graph's inputs.
        start: The number of the first row.

    Returns:
        InputError where it is not finite, which inputs can lead to; else FormatError, as no
        inputs should.
    """
    flat = array.reshape(len(array), -1)
    bad = ~np.isfinite(flat).all(axis=1)
    if bad.any():
        return errors.InputError(
            f"The output {name}",
            f"not finite in {int(bad.sum())} rows (first: row {start + int(bad.argmax())})",
            "",
            f"Check that row of {' and '.join(feeds)} for values far beyond the training data's"
            " (generating: a smaller temperature); if they are usual, run verify on the bundle.",
        )
    look = dict(zip((SHARES, TRUTHS, SCALE), (shares, truths, scale), strict=True))[kind]
    row = next((i for i in range(len(flat)) if not look(flat[i : i + 1])), 0)
    shown = ", ".join(f"{number:.4g}" for number in flat[row, :4].tolist())
    more = ", ..." if flat.shape[1] > 4 else ""
    return errors.FormatError(
        f"The output {name[:80]} is {shown}{more} in row {start + row}",
        _WANTED[kind],
        "Run verify on the bundle, and convert the run again.",
    )

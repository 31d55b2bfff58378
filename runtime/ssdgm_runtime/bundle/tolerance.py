"""When two results agree: one rule for parity, golden rows and whatever compares values.

Values agree when |found - wanted| <= atol + rtol * |wanted|; NaN and infinity never do. When
predictions agree is the affair of their label space.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Bound = float | Array
"""An absolute tolerance: one number, or one for every value of a row."""

ATOL, RTOL = 1e-4, 1e-4  # what fp32 graphs are held to
HUGE = float(np.finfo(np.float64).max)  # stands for NaN and infinity, which JSON has no word for


def gaps(computed: Array, wanted: Array, atol: Bound, rtol: float) -> tuple[float, float]:
    """How far two arrays are apart; arguments as of `shares`.

    Returns:
        The largest difference, and the largest as a share of what is allowed: at most 1 agrees.
        `HUGE` stands for what is not finite and for arrays of two shapes; arrays without values
        are 0 apart.
    """
    if computed.shape != wanted.shape:
        return HUGE, HUGE
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.abs(computed.astype(np.float64) - wanted.astype(np.float64))
    largest = [_numbers(gap), shares(computed, wanted, atol, rtol)]
    return float(largest[0].max(initial=0.0)), float(largest[1].max(initial=0.0))


def shares(computed: Array, wanted: Array, atol: Bound, rtol: float) -> NDArray[np.float64]:
    """Each difference as a share of what is allowed, of the arrays' shape: at most 1 agrees.

    Args:
        computed: What the runtime gives, [n, *shape].
        wanted: What it should be.
        atol: The absolute tolerance, one number or one a value of a row, *shape.
        rtol: The relative tolerance.

    Returns:
        The shares; `HUGE` where one of the two is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        kept = wanted.astype(np.float64)
        gap = np.abs(computed.astype(np.float64) - kept)
        share = gap / (atol + rtol * np.abs(kept))
    # 0 / 0, exact where nothing is allowed, agrees; infinity over infinity is NaN and does not
    return _numbers(np.where(gap == 0, 0.0, share))


def _numbers(values: NDArray[np.float64]) -> NDArray[np.float64]:
    finite: NDArray[np.float64] = np.nan_to_num(values, nan=HUGE, posinf=HUGE)
    return finite

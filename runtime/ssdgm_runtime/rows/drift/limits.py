"""Rows whose values have limits, such as pixels: a look costs two passes and imports nothing."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

SLACK = 1e-6
"""Of the span between the limits: what rounding may add."""


def looked(x: Array, span: tuple[float, float] | None) -> Array:
    """The same rows; warns of values that no training row could have, if there are limits."""
    if span is None or not x.size:
        return x
    slack = SLACK * (span[1] - span[0])
    low, high = span[0] - slack, span[1] + slack
    if x.max() > high or x.min() < low:
        from ssdgm_runtime.rows.drift import differences, warning

        unlike = differences.sentence(differences.outside(x, span))
        warning.warn(f"{unlike}. Scale them as those of the training were.")
    return x

"""What the squared errors of reconstructions are divided by."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows.views.layout import Layout

Array = NDArray[Any]


def units(tensors: Mapping[str, Array], layout: Layout) -> dict[str, Array | float]:
    """For each tensor of numbers that rows are made of: 1, or each value's variance over rows.

    Args:
        tensors: The rows as graphs take them.
        layout: How they are laid out in several tensors, whose numbers have no common unit.
    """
    if not layout:
        return {"x": 1.0}
    return {name: _variance(x) for name, x in tensors.items() if x.dtype.kind == "f"}


def _variance(x: Array) -> Array:
    spread = np.ma.filled(np.ma.masked_invalid(x.astype(np.float64)).var(axis=0), 0)
    variance: Array = np.where(spread > 0, spread, 1)
    return variance

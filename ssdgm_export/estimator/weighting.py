"""`sample_weight` and `class_weight` as scikit-learn has them, for a data set and a recipe."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _check_sample_weight

from ssdgm_runtime import errors

Array = NDArray[Any]


def weighing(given: str | Mapping[Any, Any] | None) -> tuple[str, ...] | None:
    """`class_weight` as scikit-learn has it, as the setting of a recipe."""
    if isinstance(given, Mapping):
        return tuple(f"{label}={float(weight)!r}" for label, weight in given.items())
    return None if given is None else (given,)


def weighted(x: Any, y: Array, given: Any) -> tuple[Any, Array, Array | None]:  # noqa: ANN401
    """Rows and labels without those whose weight is 0, and the weights of the others, if any.

    Args:
        x: Rows, an array or a frame of narwhals.
        y: Labels [n, ...].
        given: Weights [n], or None.

    Raises:
        ValueError: They are no numbers from 0, not one for each row, or all 0.
    """
    if given is None:
        return x, y, None
    weights = _check_sample_weight(given, y, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise errors.InputError("sample_weight", "0 for every row", "some weights above 0")
    kept = weights > 0
    if kept.all():
        return x, y, weights
    rows = x[kept] if isinstance(x, np.ndarray) else x.filter(kept.tolist())
    return rows, y[kept], weights[kept]

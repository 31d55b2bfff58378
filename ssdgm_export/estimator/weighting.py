"""`sample_weight` and `class_weight` as scikit-learn has them, for a data set and a recipe."""

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _check_sample_weight

from ssdgm_runtime import arguments, errors
from ssdgm_train.labels import weights

Array = NDArray[Any]


def weighing(given: str | Mapping[Any, Any] | None) -> tuple[str, ...] | None:
    """`class_weight` as scikit-learn has it, as the setting of a recipe.

    Raises:
        InputError: It is neither None, "balanced" nor weights from 0 by label.
    """
    if isinstance(given, Mapping) and all(map(_is_weight, given.values())):
        return tuple(f"{label}={float(weight)!r}" for label, weight in given.items())
    if given is None or given == weights.BALANCED:
        return None if given is None else (weights.BALANCED,)
    wanted = "None, 'balanced', or numbers from 0 by label, such as {1: 3.0}"
    raise errors.InputError("class_weight", arguments.shown(given), wanted)


def _is_weight(value: object) -> bool:
    return isinstance(value, numbers.Real) and 0 <= float(value) < np.inf


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
    each = _check_sample_weight(given, y, dtype=np.float64, ensure_non_negative=True)
    if not each.any():
        raise errors.InputError("sample_weight", "0 for every row", "some weights above 0")
    kept = each > 0
    if kept.all():
        return x, y, each
    rows = x[kept] if isinstance(x, np.ndarray) else x.filter(kept.tolist())
    return rows, y[kept], each[kept]

"""Are outputs finite? Looked at on every call, so in as little time as it takes."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors

Array = NDArray[Any]
_FEW = 4096  # beyond, the product might be shared among threads


def check(found: Mapping[str, Array], feeds: Iterable[str], start: int = 0) -> None:
    """Refuse outputs that are not finite: what went in was too large, or the weights are bad.

    Args:
        found: The outputs, [n, ...].
        feeds: The inputs' names, for the message.
        start: The number of the first row.

    Raises:
        InputError: There are some; it names the first row.
    """
    for name, array in found.items():
        if array.dtype.kind != "f" or _finite(array):
            continue
        bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
        raise errors.InputError(
            f"the output {name}",
            f"not finite in {int(bad.sum())} rows (first: row {start + int(bad.argmax())})",
            "finite numbers",
            f"Check that row of {' and '.join(feeds)} for values far beyond the training data's"
            " (generating: a smaller temperature); if they are usual, run verify on the bundle.",
        )


def _finite(array: Array) -> bool:
    if array.size <= _FEW and math.isfinite(np.vdot(array, array)):
        return True  # half the time of looking at every number; an overflow is looked at again
    return bool(np.isfinite(array).all())

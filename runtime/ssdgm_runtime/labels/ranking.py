"""Where a score stands among those of rows like the training rows, whose quantiles are kept."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, jsonfile

Floats = NDArray[np.float64]
Shares = tuple[float, ...]


def quantiles(section: jsonfile.Json, place: str) -> tuple[Shares, Shares]:
    """The fields `levels`, shares in ascending order, and `values`, the score of each.

    Args:
        section: What they are fields of.
        place: Its name in messages.

    Raises:
        FormatError: They are not as many, out of order, or levels beyond 0 to 1.
    """
    levels, values = (
        tuple(
            jsonfile.number(v, f"{place}.{key}") for v in jsonfile.optional(section, key, list, [])
        )
        for key in ("levels", "values")
    )
    if len(levels) != len(values) or any(list(side) != sorted(side) for side in (levels, values)):
        raise errors.FormatError(
            f"The {place} of the manifest has {len(levels)} levels and {len(values)} values",
            "as many of each, in ascending order",
            jsonfile.MEND,
        )
    if not all(0 <= level <= 1 for level in levels):
        raise errors.FormatError(
            f"The {place} of the manifest has levels beyond 0 to 1", mend=jsonfile.MEND
        )
    return levels, values


def ranks(score: NDArray[Any], levels: Shares, values: Shares) -> Floats:
    """The share of rows as strange as each score or stranger, [n]; NaN where nothing is kept."""
    if not levels:
        return np.full(len(score), np.nan)
    above: Floats = 1 - np.interp(score, values, levels, left=0.0, right=1.0)
    return above

"""The range of the values of a problem's rows, in the data's own units."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ssdgm_train import likelihoods
from ssdgm_train.problems import Problem

Floats = NDArray[np.float64]

SPREAD = 2
"""The range of a number without limits is its mean plus and minus this many deviations."""


def value_range(problem: Problem) -> tuple[float, float]:
    """The smallest and largest value of rows; (0, 0) if rows have no numbers."""
    low, high = feature_range(problem)
    return (float(low.min()), float(high.max())) if low.size else (0.0, 0.0)


def feature_range(problem: Problem) -> tuple[Floats, Floats]:
    """The smallest and largest value of every number, see `SPREAD` for those without limits.

    Both have shapes that broadcast with a row's numbers; they are empty if there are none.
    """
    if problem.views:
        sides = zip(*(_whole(part) for part in problem.parts.values()), strict=True)
        low, high = (np.concatenate(side) for side in sides)
        return low, high
    limits = likelihoods.family_of(problem).limits(problem)
    if limits is None:
        shift, scale = (folded(side, problem) for side in (problem.shift, problem.scale))
        low, high = shift - SPREAD * scale, shift + SPREAD * scale
    else:
        low, high = (np.array([limit], np.float64) for limit in limits)
    if np.issubdtype(np.dtype(problem.dtype), np.integer):
        bounds = np.iinfo(problem.dtype)
        low, high = low.clip(bounds.min), high.clip(max=bounds.max)
    return low, high


def _whole(part: Problem) -> tuple[Floats, Floats]:
    """The range of every value of a view, [width] each."""
    low, high = (np.broadcast_to(side, part.shape).ravel() for side in feature_range(part))
    return low, high


def units(problem: Problem) -> Floats | None:
    """The fitted deviations of numbers without limits; None for likelihoods with limits.

    One number, or one per feature in the shape of a row.
    """
    if likelihoods.family_of(problem).limits(problem) is not None:
        return None
    return folded(problem.scale, problem)


def folded(values: Sequence[float], problem: Problem) -> Floats:
    """One number for all features, or one per feature in the shape of a row."""
    array: Floats = np.array(values, np.float64)
    return array.reshape(problem.shape) if len(array) == problem.width > 1 else array

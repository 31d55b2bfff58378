"""Between which values the rows of a problem lie, in the data's own units."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ssdgm_train import likelihoods
from ssdgm_train.problems import Problem

Floats = NDArray[np.float64]

SPREAD = 2
"""Deviations from the mean that count as the range of a number without limits."""


def value_range(problem: Problem) -> tuple[float, float]:
    """The smallest and largest value of rows; 0 and 0, where none is a number."""
    low, high = feature_range(problem)
    return (float(low.min()), float(high.max())) if low.size else (0.0, 0.0)


def feature_range(problem: Problem) -> tuple[Floats, Floats]:
    """The smallest and largest value of every number, `SPREAD` deviations off its mean if open.

    Each is of a shape that broadcasts with a row's numbers; empty where there are none.
    """
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


def units(problem: Problem) -> Floats | None:
    """The deviations of numbers without limits, as they were fitted; None for limited ones.

    One number, or one for every number of a row in its shape.
    """
    if likelihoods.family_of(problem).limits(problem) is not None:
        return None
    return folded(problem.scale, problem)


def folded(values: Sequence[float], problem: Problem) -> Floats:
    """One number for all features, or one a feature in the shape of a row."""
    found: Floats = np.array(values, np.float64)
    return found.reshape(problem.shape) if len(found) == problem.width > 1 else found

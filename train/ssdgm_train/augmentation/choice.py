"""The augmentation that suits the rows of a problem.

An augmentation is a function of observations [n, features], a strength and noise to observations
of the same shape; `WEAK` and `STRONG` are the two strengths that consistency compares.
"""

from collections.abc import Callable

from torch import Tensor

from ssdgm_train import problems
from ssdgm_train.augmentation import images, places, series, several, values
from ssdgm_train.labels.dense import Dense
from ssdgm_train.networks import builder
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem

WEAK, STRONG = 0.25, 1.0
"""The shares of an augmentation's ranges that rows which set a target have, and others."""

Augment = Callable[[Tensor, float, Noise], Tensor]


def augmentation_for(problem: Problem, mirror: bool = False) -> Augment:
    """The augmentation of a problem's rows.

    Args:
        problem: The problem.
        mirror: Whether an image and its mirror image have the same label.
    """
    if problem.views:
        parts = problem.parts.values()
        return several.Several([(augmentation_for(part, mirror), part.width) for part in parts])
    if isinstance(problem.labels, Dense):
        return places.Shades()
    grid = builder.grid_of(problem)
    if grid is None:
        return values.Values(values.columns_of(problem), problem.numbers)
    if problem.kind == problems.IMAGE:
        return images.Images(grid, mirror)
    return series.Windows(grid, problem.padded)

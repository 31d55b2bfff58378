r"""What a likelihood is: a density of observations, and all that follows from which one it is.

A likelihood works on *observations*, see `observations`. A new one is a file that gives a `Family`
and a line in `LIKELIHOODS`; and, to be drawn from on a device, a sampler in the runtime's
`likelihoods` with its row in `runtime/FORMAT.md`.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 3.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ssdgm_train.likelihoods import observations
from ssdgm_train.probability import shapes
from ssdgm_train.problems import Pieces, Problem, Scaling

Parameters = dict[str, Tensor]
Draw = Callable[[Tensor, torch.Generator | None], Tensor]
Levels = dict[str, Any]


@dataclass(frozen=True)
class Likelihood:
    """A density over the observations of one problem.

    Attributes:
        name: The family's name, as recipes and manifests write it.
        outputs: How many raw numbers the decoder gives for a row.
        spreads: How many of the last of them are log-spreads.
        log_prob: (observation, raw outputs) to nats, one number an example.
        parameters: Raw outputs to the family's named parameters, in observation units.
        mean: Named parameters to the expected observation.
        draw: What training sees for a grey observation: itself, or fresh bits.
    """

    name: str
    outputs: int
    spreads: int
    log_prob: Callable[[Tensor, Tensor], Tensor]
    parameters: Callable[[Tensor], Parameters]
    mean: Callable[[Parameters], Tensor]
    draw: Draw

    def decoded(self, raw: Tensor, units: observations.Observes) -> Parameters:
        """Raw outputs to the mean as "x" and the parameters, in the data's own units.

        What has no features, such as the numbers of a table without any, is left out.
        """
        found = self.parameters(raw)
        told = {"x": units.inverse(self.mean(found)), **units.in_units(found)}
        return {name: value for name, value in told.items() if value.shape[-1]}


@dataclass(frozen=True)
class Family:
    """A likelihood before any problem is stated.

    Attributes:
        name: As recipes and manifests write it.
        fit: (training rows [n, ...] in pieces, the recipe's largest count) to what makes
            observations of them; DataError for rows that it is no density of.
        build: A problem to its likelihood.
        limits: The smallest and largest value that rows can have; None for open ones.
        levels: Of counts, their largest as `total`, and `low` and `step`, the units of one;
            empty where rows are drawn without them.
    """

    name: str
    fit: Callable[[Pieces, int], Scaling]
    build: Callable[[Problem], Likelihood]
    limits: Callable[[Problem], tuple[float, float] | None]
    levels: Callable[[Problem], Levels]


def same(x: shapes.Features, generator: torch.Generator | None) -> shapes.Features:
    """The observation itself: what a likelihood draws that has nothing to draw."""
    return x


def open_ended(problem: Problem) -> None:
    """No limits."""


def no_levels(problem: Problem) -> Levels:
    """None: rows are numbers in their own units."""
    return {}

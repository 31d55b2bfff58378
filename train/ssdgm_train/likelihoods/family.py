r"""The interface of a likelihood: a density of observations, and what depends on its choice.

A likelihood works on *observations*, see `observations`. A new one is a file that defines a
`Family`, a line in `LIKELIHOODS` and, so that bundles can draw from it, a sampler in the runtime's
`likelihoods` with its row in `runtime/FORMAT.md`.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 3.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ssdgm_train.likelihoods import observations
from ssdgm_train.probability import shapes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Pieces, Problem, Scaling

Parameters = dict[str, Tensor]
Draw = Callable[[Tensor, Noise], Tensor]
Levels = dict[str, Any]


@dataclass(frozen=True)
class Likelihood:
    """A density over the observations of one problem.

    Attributes:
        name: The family's name, as recipes and manifests write it.
        outputs: The number of raw outputs of the decoder for a row.
        spreads: How many of the last of them are log-spreads.
        log_prob: (observation, raw outputs) to nats, one number per example.
        parameters: From raw outputs to the family's named parameters, in observation units.
        mean: From named parameters to the expected observation.
        draw: From an observation to what training sees: itself, or fresh bits of grey levels.
    """

    name: str
    outputs: int
    spreads: int
    log_prob: Callable[[Tensor, Tensor], Tensor]
    parameters: Callable[[Tensor], Parameters]
    mean: Callable[[Parameters], Tensor]
    draw: Draw

    def decoded(self, raw: Tensor, units: observations.Observes) -> Parameters:
        """From raw outputs to the mean, "x", and the parameters, in the data's own units.

        Tensors without features, such as the numbers of a table without any, are left out.
        """
        parameters = self.parameters(raw)
        decoded = {"x": units.inverse(self.mean(parameters)), **units.in_units(parameters)}
        return {name: value for name, value in decoded.items() if value.shape[-1]}


@dataclass(frozen=True)
class Family:
    """A likelihood before it is fitted to a problem.

    Attributes:
        name: As recipes and manifests write it.
        fit: (training rows [n, ...] in pieces, the recipe's largest count) to the scaling that
            makes observations of them; DataError for rows that it has no density for.
        build: From a problem to its likelihood.
        limits: The smallest and largest value that rows can have; None if there are no limits.
        levels: Of counts, their largest as `total`, and `low` and `step`, the units of one;
            empty for rows that are drawn without them.
    """

    name: str
    fit: Callable[[Pieces, int], Scaling]
    build: Callable[[Problem], Likelihood]
    limits: Callable[[Problem], tuple[float, float] | None]
    levels: Callable[[Problem], Levels]


def same(x: shapes.Features, noise: Noise) -> shapes.Features:
    """The observation itself: `draw` of a likelihood that draws nothing."""
    return x


def open_ended(problem: Problem) -> None:
    """No limits."""


def no_levels(problem: Problem) -> Levels:
    """None: rows are numbers in their own units."""
    return {}

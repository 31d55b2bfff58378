"""Real numbers: a Gaussian with a learned mean and a learned scale that has a floor."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.likelihoods import family
from ssdgm_train.likelihoods.family import Likelihood, Parameters
from ssdgm_train.probability import distributions, shapes
from ssdgm_train.problems import Pieces, Problem, Scaling

FLOOR = 0.05
LARGEST = 4.0
"""The largest log-spread."""

CONSTANT = 1e-6
"""A feature is constant if its deviation is at most this share of its largest magnitude."""


def gaussian(problem: Problem, floor: float = FLOOR) -> Likelihood:
    """Real values with a learned mean and scale, the scale at least `floor` (standardised units).

    Without a floor the density of a constant pixel grows without bound.
    """

    def log_prob(x: shapes.Features, raw: Tensor) -> shapes.Nats:
        if problem.padded:
            return _until_the_end(x, parameters(raw), problem.shape[-1])
        return distributions.normal_log_prob(x, **parameters(raw))

    def parameters(raw: Tensor) -> Parameters:
        mean, spread = raw.chunk(2, -1)
        return {"mean": mean, "scale": scale_of(spread, floor)}

    return Likelihood(
        name="gaussian",
        outputs=2 * problem.numbers,
        spreads=problem.numbers,
        log_prob=log_prob,
        parameters=parameters,
        mean=lambda natural: natural["mean"],
        draw=family.same,
    )


def _until_the_end(x: shapes.Features, natural: Parameters, time: int) -> shapes.Nats:
    """The density of series of unequal length: what comes after an end has no part in it."""
    values, there = x[..., :-time], x[..., -time:]
    each = distributions.normal_log_density(values, natural["mean"], natural["scale"])
    return (each * torch.cat([there] * (values.shape[-1] // time), -1)).sum(-1)


def scale_of(spread: Tensor, floor: float = FLOOR) -> Tensor:
    """From a raw output to a scale in standardised units."""
    return floor + torch.exp(spread.clamp(max=LARGEST))


def fit(pieces: Pieces, total: int = 1) -> Scaling:
    """The scaling to zero mean and unit variance of every feature; NaN (missing) is ignored.

    A feature that is constant, or always missing, is not divided.
    """
    count = np.maximum(sum(np.isfinite(x).sum(0) for x in _floats(pieces)), 1)
    mean = sum(np.nansum(x, 0) for x in _floats(pieces)) / count
    squares = sum(np.nansum(np.square(np.abs(x - mean)), 0) for x in _floats(pieces))
    spread = np.sqrt(squares / count)
    largest = np.max([np.nanmax(np.abs(x), 0, initial=0) for x in _floats(pieces)], 0)
    spread[spread <= CONSTANT * largest] = 1.0
    shift, scale = mean.astype(np.float32), spread.astype(np.float32)
    return Scaling(tuple(shift.tolist()), tuple(scale.tolist()))


def _floats(pieces: Pieces) -> Iterator[NDArray[np.float64]]:
    return (x.reshape(len(x), -1).astype(np.float64) for x in pieces())


FAMILY = family.Family("gaussian", fit, gaussian, family.open_ended, family.no_levels)

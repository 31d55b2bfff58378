"""Bits and counts: Bernoulli and binomial likelihoods of observations in [0, 1]."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_runtime import errors
from ssdgm_train.likelihoods import family
from ssdgm_train.likelihoods.family import Likelihood, Parameters
from ssdgm_train.probability import distributions
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Pieces, Problem, Scaling

MOST = 2**16
"""The largest count that a bundle can describe."""


def bernoulli(problem: Problem) -> Likelihood:
    """The likelihood of bits, or of grey levels in [0, 1] as probabilities of bits."""
    return _likelihood("bernoulli", problem, distributions.bernoulli_log_prob, _bits)


def binomial(problem: Problem) -> Likelihood:
    """The likelihood of counts 0..total, observed as fractions of the total."""
    log_prob = partial(distributions.binomial_log_prob, total=problem.total)
    return _likelihood("binomial", problem, log_prob, family.same)


def _likelihood(
    name: str,
    problem: Problem,
    log_prob: Callable[[Tensor, Tensor], Tensor],
    draw: family.Draw,
) -> Likelihood:
    return Likelihood(
        name=name,
        outputs=problem.numbers,
        spreads=0,
        log_prob=log_prob,
        parameters=_probs,
        mean=_get_probs,
        draw=draw,
    )


def _fit_bernoulli(pieces: Pieces, total: int) -> Scaling:
    if all(x.dtype == np.uint8 for x in pieces()):
        return Scaling((0.0,), (255.0,))
    low, high = _range(pieces)
    if low < 0 or high > 1:
        raise errors.DataError(
            f"data.likelihood is bernoulli, but x has values in [{low:g}, {high:g}]",
            "floats in [0, 1], or uint8",
            "Scale the rows, or set data.likelihood=gaussian.",
        )
    return Scaling((0.0,), (1.0,))


def _fit_binomial(pieces: Pieces, total: int) -> Scaling:
    strange = next((x for x in pieces() if not _whole(x)), None)
    if strange is not None:
        raise errors.DataError(
            f"data.likelihood is binomial, but x is {strange.dtype} with fractions",
            f"whole numbers from 0 to {MOST}",
            "Round the rows, or set data.likelihood=gaussian.",
        )
    low, high = _range(pieces)
    largest = max(int(high), 1)
    if low < 0 or largest > MOST:
        raise errors.DataError(
            f"data.likelihood is binomial, but x has values in [{low:g}, {high:g}]",
            f"counts from 0 to {MOST}",
            "Set data.likelihood=gaussian.",
        )
    if total and largest > total:
        raise errors.DataError(
            f"data.total is {total}, but a training row has the count {largest}",
            mend=f"Set data.total to at least {largest}, or leave it out.",
        )
    total = total or largest
    return Scaling((0.0,), (float(total),), total)


def _whole(x: NDArray[np.generic]) -> bool:
    return x.dtype.kind == "u" or bool((x == np.trunc(x)).all())


def _range(pieces: Pieces) -> tuple[float, float]:
    ranges = [(float(x.min()), float(x.max())) for x in pieces()]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _probs(raw: Tensor) -> Parameters:
    return {"probs": torch.sigmoid(raw)}


def _get_probs(parameters: Parameters) -> Tensor:
    return parameters["probs"]


def _bits(x: Tensor, noise: Noise) -> Tensor:
    return noise.bits(x)


def _limits(problem: Problem) -> tuple[float, float]:
    return problem.shift[0], problem.shift[0] + problem.scale[0]


def _levels(problem: Problem) -> family.Levels:
    step = problem.scale[0] / problem.total
    return {"total": problem.total, "low": problem.shift[0], "step": step}


BERNOULLI = family.Family("bernoulli", _fit_bernoulli, bernoulli, _limits, _levels)
BINOMIAL = family.Family("binomial", _fit_binomial, binomial, _limits, _levels)

"""Draws from the likelihoods p(x | y, z).

One uniform (or normal) number a value, so that a last-bit difference in a parameter moves at most
the value it belongs to, never the ones after it.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.inference import noise
from ssdgm_runtime.rows import proper

Floats = NDArray[np.float32]


# the smallest float64 is 2^-1074: a half to this power can still be accumulated
_BLOCK = 1000


Parameters = Mapping[str, Floats]


Sampler = Callable[[Parameters, manifest.Likelihood, noise.Streams], Floats]


def bernoulli(
    parameters: Parameters, likelihood: manifest.Likelihood, streams: noise.Streams
) -> Floats:
    """Draw x = low + step [u < probs], float32 [rows, width]."""
    probs = parameters["probs"]
    hits = streams("x", probs.shape[1]).uniform(len(probs)) < probs
    return _scaled(hits, likelihood)


def binomial(
    parameters: Parameters, likelihood: manifest.Likelihood, streams: noise.Streams
) -> Floats:
    """Draw x = low + step k, k of Binomial(total, probs), float32 [rows, width]."""
    probs = parameters["probs"].astype(np.float64)
    stream = streams("x", probs.shape[1])
    counts = np.zeros(probs.shape)
    for start in range(0, likelihood.total, _BLOCK):
        size = min(_BLOCK, likelihood.total - start)
        counts += _counts(probs, size, stream.uniform(len(probs)))
    return _scaled(counts, likelihood)


def gaussian(
    parameters: Parameters, likelihood: manifest.Likelihood, streams: noise.Streams
) -> Floats:
    """Draw x = mean + scale eps in the data's own units, float32 [rows, width]."""
    mean, scale = parameters["mean"], parameters["scale"]
    x: Floats = mean + scale * streams("x", mean.shape[1]).take(len(mean))
    return x


def logistic(
    parameters: Parameters, likelihood: manifest.Likelihood, streams: noise.Streams
) -> Floats:
    """Draw the level nearest to mean + scale log(u / (1 - u)), float32 [rows, width]."""
    mean, scale = (parameters[name].astype(np.float64) for name in ("mean", "scale"))
    u = streams("x", mean.shape[1]).uniform(len(mean))
    with np.errstate(divide="ignore"):
        x = mean + scale * (np.log(u) - np.log1p(-u))
    levels = (x - likelihood.low) / likelihood.step
    return _scaled(np.rint(levels).clip(0, likelihood.total), likelihood)


def columns(
    parameters: Parameters, likelihood: manifest.Likelihood, streams: noise.Streams
) -> Floats:
    """Draw a table's rows, float32 [rows, columns]: numbers as `gaussian`, then codes."""
    parts = [gaussian(parameters, likelihood, streams)] if "mean" in parameters else []
    if "code_probs" in parameters:
        parts.append(_codes(parameters["code_probs"], likelihood.blocks, streams))
    return np.concatenate(parts, axis=1)


def views(
    parameters: Parameters, likelihood: manifest.Likelihood, streams: noise.Streams
) -> Floats:
    """Draw every view as its own likelihood has it, float32 [rows, width]: whole rows."""
    parts = []
    for name, own in likelihood.views:
        given = {key: parameters[f"{key}.{name}"] for key in _PARAMETERS[own.name]}
        parts.append(SAMPLERS[own.name](given, own, streams.of(name)))
    return np.concatenate(parts, axis=1)


SAMPLERS: dict[str, Sampler] = {
    "bernoulli": bernoulli,
    "binomial": binomial,
    "gaussian": gaussian,
    "logistic": logistic,
    "columns": columns,
    "views": views,
}


_PARAMETERS: dict[str, tuple[str, ...]] = {
    "bernoulli": ("probs",),
    "binomial": ("probs",),
    "gaussian": ("mean", "scale"),
    "logistic": ("mean", "scale"),
}


KINDS = {"probs": proper.TRUTHS, "code_probs": proper.TRUTHS, "scale": proper.SCALE}
"""What these outputs are, as `proper` has it."""


def parameters(likelihood: manifest.Likelihood, numbers: int) -> tuple[str, ...]:
    """The decoder's outputs that a sampler needs; none for a likelihood that is not known.

    Args:
        likelihood: The bundle's.
        numbers: How many columns of a table are numbers.
    """
    if likelihood.name == "columns":
        return (*(("mean", "scale") * bool(numbers)), *(("code_probs",) * bool(likelihood.blocks)))
    several = [(key, _PARAMETERS.get(own.name, ())) for key, own in likelihood.views]
    if several and all(names for _, names in several):
        return tuple(f"{name}.{key}" for key, names in several for name in names)
    return _PARAMETERS.get(likelihood.name, ())


def _codes(probs: Floats, blocks: tuple[int, ...], streams: noise.Streams) -> Floats:
    """A code for every block of probabilities, by inverting its cumulative sum."""
    u, start = streams("codes", len(blocks)).uniform(len(probs)), 0
    codes = np.empty((len(probs), len(blocks)), np.float32)
    for i, size in enumerate(blocks):
        below = np.cumsum(probs[:, start : start + size].astype(np.float64), axis=1)
        beyond = u[:, i, None] * below[:, -1:] >= below
        codes[:, i] = np.minimum(beyond.sum(1), size - 1)
        start += size
    return codes


def _scaled(counts: NDArray[np.generic], likelihood: manifest.Likelihood) -> Floats:
    low, step = np.float32(likelihood.low), np.float32(likelihood.step)
    x: Floats = low + step * counts.astype(np.float32)
    return x


def _counts(probs: NDArray[np.float64], total: int, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert the binomial distribution function by adding up its terms from zero."""
    rare = np.minimum(probs, 1.0 - probs)  # the first term, (1 - rare)^total, cannot underflow
    odds = rare / (1.0 - rare)
    term = (1.0 - rare) ** total
    below, counts = term.copy(), np.zeros(probs.shape)
    for k in range(total):
        beyond = u >= below
        if not beyond.any():
            break
        counts += beyond
        term *= odds * ((total - k) / (k + 1))
        below += term
    return np.where(probs > 0.5, total - counts, counts)

r"""The likelihood \(p(x \mid y, z)\): what the decoder's raw outputs mean.

A likelihood works on *observations*: rows flattened and mapped by `nn.Standardise`, to [0, 1] for
Bernoulli and Binomial, to zero mean and unit variance for Gaussian. A new one is a function that
returns a `Likelihood` and a line in `LIKELIHOODS`; a scaling in `data.problem`; and, to be sampled
on a device, a sampler in `ssdgm_runtime.noise` and its row in `runtime/FORMAT.md`.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 3.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ssdgm_train import distributions, shapes


@dataclass(frozen=True)
class Likelihood:
    """A family of densities over observations.

    Attributes:
        name: The family's name, as recipes and manifests write it.
        heads: Decoder outputs for each feature; their last axis is heads * features.
        log_prob: (observation, raw outputs) to nats, one number an example.
        parameters: Raw outputs to the family's named parameters, in observation units.
        mean: Named parameters to the expected observation.
        draw: What training sees for a grey observation: itself, or fresh bits.
    """

    name: str
    heads: int
    log_prob: Callable[[Tensor, Tensor], Tensor]
    parameters: Callable[[Tensor], dict[str, Tensor]]
    mean: Callable[[dict[str, Tensor]], Tensor]
    draw: Callable[[Tensor, torch.Generator | None], Tensor]


def bernoulli() -> Likelihood:
    """Bits, or grey levels in [0, 1] taken as probabilities of bits."""
    return Likelihood(
        name="bernoulli",
        heads=1,
        log_prob=distributions.bernoulli_log_prob,
        parameters=_probs,
        mean=_get_probs,
        draw=_bits,
    )


def binomial(total: int) -> Likelihood:
    """Counts 0..total, observed as fractions of the total."""
    return Likelihood(
        name="binomial",
        heads=1,
        log_prob=partial(distributions.binomial_log_prob, total=total),
        parameters=_probs,
        mean=_get_probs,
        draw=same,
    )


def gaussian(floor: float = 0.05) -> Likelihood:
    """Real values with a learned mean and scale, the scale at least `floor` (standardised units).

    Without a floor the density of a constant pixel grows without bound.
    """

    def log_prob(x: shapes.Features, raw: Tensor) -> shapes.Nats:
        return distributions.normal_log_prob(x, **parameters(raw))

    def parameters(raw: Tensor) -> dict[str, Tensor]:
        mean, spread = raw.chunk(2, -1)
        return {"mean": mean, "scale": floor + torch.exp(spread.clamp(max=4.0))}

    return Likelihood(
        name="gaussian",
        heads=2,
        log_prob=log_prob,
        parameters=parameters,
        mean=lambda found: found["mean"],
        draw=same,
    )


LIKELIHOODS: dict[str, Callable[[int], Likelihood]] = {
    "bernoulli": lambda total: bernoulli(),
    "binomial": binomial,
    "gaussian": lambda total: gaussian(),
}
"""Every likelihood by name, made for counts out of `total` where that means something."""


def _probs(raw: Tensor) -> dict[str, Tensor]:
    return {"probs": torch.sigmoid(raw)}


def _get_probs(found: dict[str, Tensor]) -> Tensor:
    return found["probs"]


def same(x: shapes.Features, generator: torch.Generator | None) -> shapes.Features:
    """The observation itself: what a likelihood draws that has nothing to draw."""
    return x


def _bits(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.bernoulli(x, generator=generator)

r"""The evidence log p(x) by importance sampling, and the labels that it implies.

With \(z_s \sim q(z \mid x, y)\) and weights \(w_s(x, y) = p(x, y, z_s) / q(z_s \mid x, y)\),
whose mean is p(x, y) for any q,

.. math::
    \log p(x) \ge E \log \sum_y \frac1S \sum_s w_s(x, y), \quad
    p(y \mid x) \approx \frac{\sum_s w_s(x, y)}{\sum_{y'} \sum_s w_s(x, y')}

The first is a bound in expectation only: a single estimate may be above. It grows with S and
tends to log p(x). At S = 1 the label is summed out of one weight a class; that is at least the
bound U(x) that training maximises, whose label is summed out by q(y | x). A weight with the
analytic divergence in place of \(\log p(z) / q(z)\) would not have the right mean; all sums are
log-sum-exps.

Densities are those of observations, that is, of rows standardised as in training. For grey levels
a Bernoulli likelihood gives a cross-entropy, not a log-probability; for drawn bits it gives one.

References:
    Importance Weighted Autoencoders (Burda et al., 2016), theorem 1.
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 4, for the
    labels.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssdgm_runtime import errors
from ssdgm_train import likelihoods, method
from ssdgm_train.evaluation import passes
from ssdgm_train.likelihoods import observations
from ssdgm_train.probability import shapes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem

BOUNDED = ("bernoulli", "binomial")
"""Likelihoods of observations from 0 to 1."""

NUMBERS = 2**23
"""The most rows times classes times features of one pass."""


@dataclass(frozen=True)
class Estimate:
    """Importance-sampling estimates of the evidence of n rows.

    Attributes:
        draws: The number of draws S.
        single: The bound of one draw, averaged over the draws, [n], in nats.
        log_joint: The log of the mean weight, which tends to log p(x, y), [n, K]; [n, 1] and
            log p(x) for a model without labels. softmax(log_joint) are posterior labels.
    """

    draws: int
    single: shapes.Nats
    log_joint: shapes.Logits

    @property
    def bound(self) -> shapes.Nats:
        """The importance-weighted bound of log p(x) of S draws, [n], in nats."""
        return self.log_joint.logsumexp(-1)


def observed(problem: Problem, x: shapes.Rows, noise: Noise) -> dict[str, Tensor]:
    """Raw rows as observations [n, features].

    Returns:
        "rows", as they are; and "bits", drawn once, if the likelihood draws bits.

    Raises:
        DataError: A value is outside the range of the likelihood.
    """
    likelihood = likelihoods.likelihood_for(problem)
    rows = observations.observer_for(problem).to(x.device)(x)
    if likelihood.name in BOUNDED and not bool(((rows >= 0) & (rows <= 1)).all()):
        raise errors.DataError(
            f"The rows to evaluate have values in [{float(x.min()):g}, {float(x.max()):g}]",
            f"{likelihood.name} values in [0, {problem.scale[0]:g}], as in training",
            "Scale these rows like the training rows, or train with data.likelihood=gaussian.",
        )
    if likelihood.draw is likelihoods.same:
        return {"rows": rows}
    return {"rows": rows, "bits": likelihood.draw(rows, noise)}


def estimates(
    model: nn.Module, x: shapes.Flat, labels: int, draws: int, noise: Noise
) -> Iterator[Estimate]:
    """Yield the estimate after every draw.

    Args:
        model: The model, a `method.Weighs`.
        x: Observations [n, features], on the model's device.
        labels: How many different labels there are, used to keep memory within `NUMBERS`.
        draws: The number of draws.
        noise: The source of the draws.
    """
    slim = model.slim() if isinstance(model, method.Slims) else model
    size = max(1, min(passes.ROWS, NUMBERS // (labels * x.shape[1])))
    log_sum, single = torch.tensor(-math.inf), torch.zeros(len(x), dtype=torch.float64)
    for count in range(1, draws + 1):
        log_weights = _draw(slim, torch.split(x, size), noise)
        log_sum = torch.logaddexp(log_sum, log_weights)
        single = single + log_weights.logsumexp(-1)
        yield Estimate(count, single / count, log_sum - math.log(count))


def _draw(model: nn.Module, parts: Sequence[Tensor], noise: Noise) -> Tensor:
    """The log-weights of one draw for every row, [n, K], on the CPU."""
    assert isinstance(model, method.Weighs)
    with passes.evaluating(model), torch.no_grad():
        return torch.cat([model.log_weights(part, noise).cpu().double() for part in parts])

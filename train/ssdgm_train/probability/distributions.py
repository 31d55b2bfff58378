r"""Log-densities, divergences and entropies as functions, in nats, one number per example.

Every function sums over the last axis, because a density is a product over the coordinates of one
example and never a mean; leading axes broadcast, so that tensors [batch, class, feature] and
[batch, 1, feature] are combined without copies.

References:
    Auto-Encoding Variational Bayes (Kingma and Welling, 2014), appendix B for the divergence.
"""

import math
from typing import NamedTuple

import torch
from torch.nn import functional as F

from ssdgm_train.probability import shapes
from ssdgm_train.probability.noise import Noise

LOG_TWO_PI = math.log(2 * math.pi)
SHIFT = 8
"""How far from zero Stirling's series is used."""


class Normal(NamedTuple):
    """A diagonal Gaussian: mean and scale (a standard deviation), each [..., latent]."""

    mean: torch.Tensor
    scale: torch.Tensor

    def sample(self, noise: Noise) -> torch.Tensor:
        """One reparameterised draw: mean + scale * eps, eps from the standard normal."""
        return torch.addcmul(self.mean, self.scale, noise.normal(self.mean))


def normal_log_prob(
    x: shapes.Features, mean: shapes.Features, scale: shapes.Features
) -> shapes.Nats:
    r"""\(\sum_d \log N(x_d; \mu_d, \sigma_d^2)\)."""
    return -0.5 * _squares(x, mean, scale).sum(-1)


def normal_log_density(
    x: shapes.Features, mean: shapes.Features, scale: shapes.Features
) -> torch.Tensor:
    r"""\(\log N(x_d; \mu_d, \sigma_d^2)\) of every feature, so that some can be left out."""
    return -0.5 * _squares(x, mean, scale)


def _squares(x: shapes.Features, mean: shapes.Features, scale: shapes.Features) -> torch.Tensor:
    """Minus twice the log-density of every feature."""
    return ((x - mean) / scale).square() + 2 * scale.log() + LOG_TWO_PI


def normal_kl(mean: shapes.Features, scale: shapes.Features) -> shapes.Nats:
    r"""\(KL(N(\mu, \sigma^2) \| N(0, I)) = \frac12 \sum_d (\mu_d^2 + \sigma_d^2 - 1 - \log \sigma_d^2)\)."""  # noqa: E501
    return (0.5 * (mean.square() + scale.square() - 1) - scale.log()).sum(-1)


def normal_divergence(q: Normal, p: Normal) -> shapes.Nats:
    r"""\(KL(N(\mu_q, \sigma_q^2) \| N(\mu_p, \sigma_p^2))\) of two diagonal Gaussians."""
    return normal_kl((q.mean - p.mean) / p.scale, q.scale / p.scale)


def bernoulli_log_prob(x: shapes.Features, logits: shapes.Features) -> shapes.Nats:
    r"""\(\sum_d x_d l_d - \log(1 + e^{l_d})\), the Bernoulli log-likelihood in logits \(l\).

    x may be grey, in [0, 1]: then this is the negative cross-entropy.
    """
    return (x * logits).sum(-1) - F.softplus(logits).sum(-1)


def binomial_log_prob(x: shapes.Features, logits: shapes.Features, total: int) -> shapes.Nats:
    r"""The log-likelihood of counts \(c_d = n x_d\) out of \(n\) = `total` draws each.

    \(\sum_d \log \binom{n}{c_d} + n (x_d l_d - \log(1 + e^{l_d}))\), x the fraction in [0, 1].
    """
    count = total * x
    ways = math.lgamma(total + 1) - log_factorial(count) - log_factorial(total - count)
    return ways.sum(-1) + total * bernoulli_log_prob(x, logits)


def log_factorial(n: torch.Tensor) -> torch.Tensor:
    r"""\(\log n!\) of numbers from 0, within 1e-11 in double precision.

    Stirling's series at n + 8, of operations that a graph may have, which lgamma is not.
    """
    z = n + SHIFT
    inverse = 1 / z
    square = inverse.square()
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    below = sum(torch.log(n + k) for k in range(1, SHIFT))
    return (z - 0.5) * z.log() - z + 0.5 * LOG_TWO_PI + series - below


def categorical_entropy(logits: shapes.Logits) -> shapes.Nats:
    r"""\(-\sum_k q_k \log q_k\) of \(q = softmax(logits)\)."""
    log_q = F.log_softmax(logits, -1)
    return -(log_q.exp() * log_q).sum(-1)

r"""One posterior from the views that a row has, of experts that see one view each.

The product of experts and the prior, all Gaussian, is Gaussian (Wu and Goodman, 2018):

.. math::
    q(z \mid x) \propto p(z) \prod_{v \, there} N(z; \mu_v, \sigma_v^2), \quad
    \frac1{\sigma^2} = 1 + \sum_{v \, there} \frac1{\sigma_v^2}, \quad
    \mu = \sigma^2 \sum_{v \, there} \frac{\mu_v}{\sigma_v^2}

Their mixture has weights that are learned for all views and shared out among those that a row has
(Du et al., 2018, section 3):

.. math::
    q(z \mid x) = \sum_{v \, there} \lambda_v N(z; \mu_v, \sigma_v^2), \quad
    \lambda_v = \frac{e^{w_v}}{\sum_{u \, there} e^{w_u}}

Either way a view that is missing has no part in it: it is integrated out.

References:
    Semi-supervised Deep Generative Modelling of Incomplete Multi-Modality Emotional Data (Du et
    al., 2018).
    Multimodal Generative Models for Scalable Weakly-Supervised Learning (Wu and Goodman, 2018),
    section 2.2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ssdgm_train import likelihoods
from ssdgm_train.likelihoods import several
from ssdgm_train.networks.perceptrons import ACTIVATIONS, MLP, GaussianMLP
from ssdgm_train.probability import distributions, shapes
from ssdgm_train.probability.distributions import Normal
from ssdgm_train.problems import Problem

NEVER = -1e9
"""The logarithm of the weight of an expert whose view is missing."""


class Views:
    """Takes observations apart; rows of one array are one view that is always there.

    Args:
        problem: The problem.
        width: How many features an observation has.
    """

    def __init__(self, problem: Problem, width: int) -> None:
        self.flags = bool(problem.views)
        self.widths = [part.width for part in problem.parts.values()] or [width]

    def __call__(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """[..., features] to the views [..., width] each, and which are there, [..., views]."""
        if not self.flags:
            return [x], torch.ones_like(x[..., :1])
        *seen, present = torch.split(x, [*self.widths, len(self.widths)], -1)
        return seen, present


class Encoder(nn.Module):
    """The experts q(z | x_v, y), and where they make up a mixture its weights."""

    def __init__(self, views: Views, networks: Sequence[GaussianMLP], mixture: bool) -> None:
        super().__init__()
        self.views, self.networks = views, nn.ModuleList(networks)
        if mixture and len(networks) > 1:
            self.weights = nn.Parameter(torch.zeros(len(networks)))
        else:
            self.register_buffer("weights", torch.zeros(len(networks)))

    def forward(self, x: Tensor, *y: Tensor) -> tuple[list[Normal], Tensor]:
        """The experts, [..., latent] each, and which of them have a view, [..., views]."""
        seen, present = self.views(x)
        return [net(own, *y) for net, own in zip(self.networks, seen, strict=True)], present

    def log_shares(self, present: Tensor) -> Tensor:
        """The logarithms of the weights of a mixture, [..., views]."""
        return torch.log_softmax(torch.where(present > 0, self.weights, NEVER), -1)


def product(experts: Sequence[Normal], present: Tensor) -> Normal:
    """The product of the prior and those experts that have a view, [..., latent]."""
    first = experts[0].scale
    precision, weighed = torch.ones_like(first), torch.zeros_like(first)
    for expert, there in zip(experts, present.unbind(-1), strict=True):
        own = there[..., None] / expert.scale.square()
        precision, weighed = precision + own, weighed + own * expert.mean
    return Normal(weighed / precision, precision.rsqrt())


def matched(experts: Sequence[Normal], log_shares: Tensor) -> Normal:
    """The Gaussian with mean and variance of the mixture, [..., latent]."""
    shares = log_shares.exp().unbind(-1)
    mean = torch.stack([s[..., None] * e.mean for s, e in zip(shares, experts, strict=True)])
    total = mean.sum(0)
    spread = torch.stack(
        [
            s[..., None] * (e.scale.square() + (e.mean - total).square())
            for s, e in zip(shares, experts, strict=True)
        ]
    )
    return Normal(total, spread.sum(0).sqrt())


def mixture_log_prob(z: Tensor, experts: Sequence[Normal], log_shares: Tensor) -> shapes.Nats:
    """The density of a mixture at z [..., latent], in nats."""
    each = [distributions.normal_log_prob(z, *expert) for expert in experts]
    return torch.logsumexp(log_shares + torch.stack(each, -1), -1)


class Decoder(nn.Module):
    """A network for each view, whose raw outputs are put in the order of their likelihood."""

    def __init__(self, networks: Sequence[MLP], problem: Problem) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.parts = [likelihoods.likelihood_for(part) for part in problem.parts.values()]

    def forward(self, z: Tensor, *y: Tensor) -> Tensor:
        """[..., latent] and labels to [..., outputs]."""
        raws = [net(z, *y) for net in self.networks]
        return several.gathered(raws, self.parts) if self.parts else raws[0]


class Judge(nn.Module):
    """q(y | x): a network for each view, summed over those that are there, and a last layer.

    Args:
        views: What takes observations apart.
        networks: From each view to `features`.
        features: How many.
        raw: The raw numbers of a label.
        activation: Between the sum and the last layer.
    """

    def __init__(
        self, views: Views, networks: Sequence[MLP], features: int, raw: int, activation: str
    ) -> None:
        super().__init__()
        self.views, self.networks = views, nn.ModuleList(networks)
        self.lacking = nn.Linear(len(networks), features, bias=False) if views.flags else None
        self.rest = nn.Sequential(ACTIVATIONS[activation](), nn.Linear(features, raw))

    def forward(self, x: Tensor) -> Tensor:
        """[..., features of an observation] to [..., raw]."""
        seen, present = self.views(x)
        parts = [
            there[..., None] * net(own)
            for net, own, there in zip(self.networks, seen, present.unbind(-1), strict=True)
        ]
        lacking = [self.lacking(1 - present)] if self.lacking is not None else []
        raw: Tensor = self.rest(torch.stack([*parts, *lacking]).sum(0))
        return raw

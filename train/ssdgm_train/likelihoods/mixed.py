r"""Rows of a table: Gaussian numbers and categories, either of which may be missing.

.. math::
    \log p(x) = \sum_{d \, there} \log N(x_d; \mu_d, \sigma_d^2) + \sum_{c \, known} \log \pi_{c, x_c}

Missing values are assumed to be missing at random and are summed out: their terms are left out,
which is exact here because the features are independent given the latents.

References:
    Handling Incomplete Heterogeneous Data using VAEs (Nazabal, Olmos, Ghahramani, Valera, 2020),
    sections 2.1 and 2.3.
"""  # noqa: E501

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.likelihoods import family, gaussian
from ssdgm_train.likelihoods.family import Likelihood, Parameters
from ssdgm_train.probability import distributions, shapes
from ssdgm_train.problems import Problem


def mixed(problem: Problem) -> Likelihood:
    """The likelihood of numbers and categories, some of which may be missing."""
    count, blocks, gaps = problem.numbers, problem.blocks, list(problem.gaps)
    codes = sum(blocks)

    def log_prob(x: shapes.Features, raw: Tensor) -> shapes.Nats:
        mean, logits, spread = torch.split(raw, [count, codes, count], -1)
        scale = gaussian.scale_of(spread)
        numbers = distributions.normal_log_density(x[..., :count], mean, scale)
        present = torch.ones_like(x[..., :count])
        present[..., gaps] = x[..., count + codes :]
        log_probs = x[..., count : count + codes] * _by_block(F.log_softmax, logits)
        return (present * numbers).sum(-1) + log_probs.sum(-1)

    def parameters(raw: Tensor) -> Parameters:
        mean, logits, spread = torch.split(raw, [count, codes, count], -1)
        probs = _by_block(F.softmax, logits)
        return {"mean": mean, "scale": gaussian.scale_of(spread), "code_probs": probs}

    def _by_block(function: Callable[[Tensor, int], Tensor], logits: Tensor) -> Tensor:
        if not blocks:
            return logits
        return torch.cat([function(part, -1) for part in torch.split(logits, [*blocks], -1)], -1)

    return Likelihood(
        name="columns",
        outputs=2 * count + codes,
        spreads=count,
        log_prob=log_prob,
        parameters=parameters,
        mean=lambda natural: natural["mean"],
        draw=family.same,
    )


FAMILY = family.Family("columns", gaussian.fit, mixed, family.open_ended, family.no_levels)

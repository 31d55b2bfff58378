r"""The label space of K classes: their prior, and ways to sum over the unknown label.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 3.1.2: the
    unknown label is summed out, so every class is evaluated for every unlabelled row.
    Rao-Blackwellized Stochastic Gradients for Discrete Distributions (Liu, Regier, Tripuraneni,
    Jordan, McAuliffe, 2019): only a few of them need to be evaluated.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

SMALLEST = 1e-30
"""The smallest probability in a draw, so that none is exactly zero."""


@dataclass(frozen=True)
class Classes:
    """K classes and their prior p(y), which sums to one."""

    prior: tuple[float, ...]

    @property
    def size(self) -> int:
        """The number of classes K."""
        return len(self.prior)

    def log_prior(self, like: Tensor) -> Tensor:
        """Log p(y) of every class, in nats, [K]; kept even when uniform, so bounds are right."""
        return torch.tensor(self.prior, dtype=like.dtype, device=like.device).log()

    def one_hot(self, y: Tensor, like: Tensor) -> Tensor:
        """Class indices [...] as float one-hot rows, [..., K]."""
        return F.one_hot(y, self.size).to(like.dtype)

    def every(self, like: Tensor) -> Tensor:
        """Every class once, one-hot: the identity [K, K], to broadcast against [batch, 1, ...]."""
        return torch.eye(self.size, dtype=like.dtype, device=like.device)

    def likeliest(
        self, logits: Tensor, k: int, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        r"""Each row's k likeliest classes and one drawn from the others, with their weights.

        \(\sum_j w_j f(y_j)\) and its gradient are unbiased estimates of \(\sum_y q(y) f(y)\) and
        of its gradient, at the cost of k + 1 classes (Liu et al., 2019, equation 4).

        Args:
            logits: The logits of q(y | x), [batch, K].
            k: From 0 to K - 1.
            generator: The random source of the drawn class.

        Returns:
            The classes y, one-hot [batch, k + 1, K], and their factors w, [batch, k + 1].
        """
        q = F.softmax(logits, -1)
        top = q.topk(k, -1).indices
        rest = q.detach().clamp_min(SMALLEST).scatter(-1, top, 0.0)
        drawn = torch.multinomial(rest, 1, generator=generator)
        share = rest.gather(-1, drawn) / rest.sum(-1, keepdim=True)
        factors = torch.cat([q.gather(-1, top), q.gather(-1, drawn) / share], -1)
        return self.one_hot(torch.cat([top, drawn], -1), like=logits), factors


def uniform(size: int) -> Classes:
    """K equally likely classes.

    Example:
        >>> uniform(4).prior
        (0.25, 0.25, 0.25, 0.25)
    """
    return Classes((1 / size,) * size)

r"""The label space: how many classes, how likely each, and all of them at once.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 3.1.2: the
    unknown label is summed out, so every class is tried for every unlabelled row.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train import shapes


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

    def one_hot(self, y: shapes.Labels, like: Tensor) -> shapes.Logits:
        """Labels as float one-hot rows, [batch, K]."""
        return F.one_hot(y, self.size).to(like.dtype)

    def every(self, like: Tensor) -> Tensor:
        """Every class once, one-hot: the identity [K, K], to broadcast against [batch, 1, ...]."""
        return torch.eye(self.size, dtype=like.dtype, device=like.device)


def uniform(size: int) -> Classes:
    """K equally likely classes.

    Example:
        >>> uniform(4).prior
        (0.25, 0.25, 0.25, 0.25)
    """
    return Classes((1 / size,) * size)

"""The randomness of losses: every draw of a method comes from one `Noise`.

Losses are given a `Noise` and know no other source, so a run can be repeated to the bit, and a
test can replace the draws.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Noise:
    """Draws of the shape, type and device of a tensor.

    Attributes:
        generator: The random source; None is torch's own.
    """

    generator: torch.Generator | None = None

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers."""
        return torch.empty_like(like).normal_(generator=self.generator)

    def uniform(self, like: Tensor) -> Tensor:
        """Numbers from 0 to below 1."""
        return torch.empty_like(like).uniform_(generator=self.generator)

    def bits(self, probs: Tensor) -> Tensor:
        """Zeros and ones, which are one with these probabilities."""
        return torch.bernoulli(probs, generator=self.generator)

    def category(self, weights: Tensor) -> Tensor:
        """An index of each row of weights [n, K], drawn in proportion to them, [n, 1]."""
        return torch.multinomial(weights, 1, generator=self.generator)

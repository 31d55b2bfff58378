"""Rows of several views: every view changed as suits it, and one of them left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ssdgm_train.probability.noise import Noise

Augment = Callable[[Tensor, float, Noise], Tensor]

LACKING = 0.5
"""The share of rows that lose one of the views that they have."""


@dataclass(frozen=True)
class Several:
    """The augmentation of rows with views.

    Attributes:
        parts: The augmentation of each view, and how many features it has.
    """

    parts: Sequence[tuple[Augment, int]]

    def __call__(self, x: Tensor, strength: float, noise: Noise) -> Tensor:
        """[n, features] to [n, features]; a strength of 1 uses the whole ranges."""
        *seen, present = torch.split(x, [*(width for _, width in self.parts), len(self.parts)], 1)
        left = kept(present, strength * LACKING, noise)
        changed = [
            augment(own, strength, noise) * there[:, None]
            for (augment, _), own, there in zip(self.parts, seen, left.unbind(1), strict=True)
        ]
        return torch.cat([*changed, left], 1)


def kept(present: Tensor, share: float, noise: Noise) -> Tensor:
    """The views that are left of those that rows have, ones and zeros [n, views].

    A share of the rows lose one of theirs, but never the last.
    """
    drawn = noise.uniform(present) * present
    chosen = (drawn == drawn.amax(1, keepdim=True)) & (present.sum(1, keepdim=True) > 1)
    loses = noise.uniform(present[:, :1]) < share
    return present * (1 - (chosen & loses).to(present.dtype))

"""Tables and rows without order: noise on numbers, and columns taken from other rows.

References:
    SCARF: Self-Supervised Contrastive Learning using Random Feature Corruption (Bahri et al.,
    2022), for columns that are replaced by those of other rows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem

JITTER = 0.1
"""The standard deviation of noise, in standard deviations of a number."""

SWAPPED = 0.1
"""The share of the columns that are another row's."""


def columns_of(problem: Problem) -> tuple[int, ...]:
    """The column of every feature of an observation; a category's block is one column."""
    numbers = [*range(problem.numbers)]
    blocks = [problem.numbers + i for i, size in enumerate(problem.blocks) for _ in range(size)]
    return (*numbers, *blocks, *problem.gaps)


@dataclass(frozen=True)
class Values:
    """The augmentation of rows whose features have no neighbours.

    Attributes:
        columns: The column of every feature of an observation, from 0.
        numbers: How many of the first features are numbers, which alone are noisy.
    """

    columns: tuple[int, ...]
    numbers: int

    def __call__(self, x: Tensor, strength: float, noise: Noise) -> Tensor:
        """[n, features] to [n, features]; a strength of 1 uses the whole ranges."""
        columns = torch.tensor(self.columns, device=x.device)
        others = noise.uniform(x.new_empty(len(x), max(self.columns) + 1))
        swapped = (others < strength * SWAPPED)[:, columns]
        mixed = torch.where(swapped, x[noise.uniform(x[:, 0]).argsort()], x)
        noise_of = noise.normal(x) * (torch.arange(x.shape[1], device=x.device) < self.numbers)
        return mixed + strength * JITTER * noise_of

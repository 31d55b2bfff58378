r"""Periodic features of numbers, with which a perceptron learns what changes fast in one of them.

Each number \(x_j\) has frequencies \(c_{jk}\) and a layer of its own,

.. math:: f(x_j) = ReLU(W_j [\sin(2 \pi c_j x_j), \cos(2 \pi c_j x_j)] + b_j)

all of which are trained.

References:
    On Embeddings for Numerical Features in Tabular Deep Learning (Gorishniy, Rubachev and Babenko,
    2022), section 3.3. Other than there, the numbers themselves stay beside their features.
"""

import math

import torch
from torch import Tensor, nn

FEATURES = 8
"""How many features a number has."""

DEVIATION = 0.1
"""The standard deviation of frequencies at first, in periods a standard deviation of a number."""


class Periodic(nn.Module):
    """Observations to themselves and to the features of their numbers.

    Args:
        width: Of observations.
        numbers: How many of them are numbers, which come first; codes have no features.
        count: How many frequencies a number has.

    Example:
        >>> Periodic(5, numbers=3, count=4)(torch.zeros(7, 1, 5)).shape
        torch.Size([7, 1, 29])
    """

    def __init__(self, width: int, numbers: int, count: int) -> None:
        super().__init__()
        self.numbers, self.width = numbers, width + numbers * FEATURES
        bound = (2 * count) ** -0.5
        self.frequencies = nn.Parameter(DEVIATION * torch.randn(numbers, count))
        self.weight = nn.Parameter(torch.empty(numbers, 2 * count, FEATURES))
        self.bias = nn.Parameter(torch.empty(numbers * FEATURES))
        for part in (self.weight, self.bias):
            nn.init.uniform_(part, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """[..., width inside] to [..., width]."""
        phases = 2 * math.pi * x[..., : self.numbers, None] * self.frequencies
        waves = torch.cat([torch.sin(phases), torch.cos(phases)], -1).flatten(0, -3)
        layers = waves.transpose(0, 1) @ self.weight  # one product for each number
        features = torch.relu(layers.transpose(0, 1).flatten(1) + self.bias)
        return torch.cat([x, features.reshape(*x.shape[:-1], len(self.bias))], -1)

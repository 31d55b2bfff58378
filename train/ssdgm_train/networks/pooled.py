r"""A deeper convolutional network that ends in the mean over its map: for classifiers of images.

Where a `Reader` halves the sides with every layer, here only every second layer does, so more of
an image's detail reaches the later layers: the first, third and so on where a side is long, else
the second, fourth and so on, and the last. The mean over the map then makes the features the same
wherever in the image they are found. The first layer of a long series takes strides that leave
about `STEPS` of it, with a kernel that covers two of them.

References:
    Max-Margin Deep Generative Models for (Semi-)Supervised Learning (Li, Zhu and Zhang, 2018),
    whose classifier has as many layers and the same mean.
    Batch Normalization (Ioffe and Szegedy, 2015).
"""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from ssdgm_train.networks.convolutions import DOWN, Grid
from ssdgm_train.networks.perceptrons import ACTIVATIONS, BatchNorm

SIZES = {1: 5, 2: 3}
"""The width of a kernel over time (1 side) and over pixels (2 sides)."""

LONG = 16
"""A map with a longer side is halved by the first layer, at less than half the cost."""

STEPS = 256
"""About so many steps of a series that is longer are left by the first layer."""


class Pooled(nn.Module):
    """Observations to features: convolutions with batch normalisation, and the mean of the map.

    Args:
        grid: The arrangement of observations.
        channels: The channels of each layer; every second one halves the sides.
        activation: A key of `ACTIVATIONS`.

    Example:
        >>> import torch
        >>> Pooled(Grid(3, (5, 4), last=True), (8, 16), "relu")(torch.zeros(7, 1, 60)).shape
        torch.Size([7, 1, 16])
    """

    def __init__(self, grid: Grid, channels: Sequence[int], activation: str) -> None:
        super().__init__()
        self.grid, self.channels, self.width = grid, tuple(channels), channels[-1]
        rank, layers = len(grid.sides), list[nn.Module]()
        pairs = itertools.pairwise((grid.channels, *channels))
        for (before, after), stride in zip(pairs, _strides(grid, len(channels)), strict=True):
            size = max(SIZES[rank], 2 * stride + 1 if stride > 2 else 0)
            layers += [
                DOWN[rank](before, after, size, stride=stride, padding=size // 2),
                BatchNorm(after),
                ACTIVATIONS[activation](),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[..., grid.width] to [..., width]."""
        maps: Tensor = self.layers(self.grid.unfold(x))
        return maps.flatten(2).mean(-1).reshape(*x.shape[:-1], self.width)


def _strides(grid: Grid, layers: int) -> list[int]:
    """By how much each layer shortens the sides."""
    early = max(grid.sides) > LONG
    strides = [2 if i % 2 == (not early) or i == layers - 1 else 1 for i in range(layers)]
    if len(grid.sides) == 1:
        strides[0] = max(strides[0], grid.sides[0] // STEPS)
    return strides

r"""Convolutions between flat observations and a perceptron: over pixels, or over time.

In a `Reader` every layer halves each side, \(n \mapsto \lceil n / 2 \rceil\); in a `Writer`
transposed convolutions undo this exactly, so any height, width or length is possible. Observations
and raw outputs are flat, in the order of the likelihoods; only this module knows other orders.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssdgm_train.networks.perceptrons import ACTIVATIONS, BatchNorm

KERNELS = {1: 5, 2: 3}
"""The width of a kernel over time (1 side) and over pixels (2 sides)."""

DOWN = {1: nn.Conv1d, 2: nn.Conv2d}
UP: dict[int, Callable[..., nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}

FEWEST, MOST = 16, 64
"""The channels of the first layer, which double with every layer, and the most of any layer."""

SMALL = 8
"""Layers are added until no side of the map is longer than this."""


@dataclass(frozen=True)
class Grid:
    """The arrangement of a flat observation in space or time.

    Attributes:
        channels: The number of channels.
        sides: (height, width), or (length,).
        last: Whether the channels are a row's last axis, as in images, or its first.
    """

    channels: int
    sides: tuple[int, ...]
    last: bool

    @property
    def width(self) -> int:
        """The number of features of an observation."""
        return self.channels * math.prod(self.sides)

    def unfold(self, x: Tensor) -> Tensor:
        """[n, width] to [n, channels, *sides]."""
        if self.last and self.channels > 1:
            return x.reshape(-1, *self.sides, self.channels).movedim(-1, 1)
        return x.reshape(-1, self.channels, *self.sides)

    def fold(self, maps: Tensor, parts: int) -> Tensor:
        """[n, parts * channels, *sides] to [n, parts * width]."""
        if self.last and self.channels > 1:
            maps = maps.reshape(-1, parts, self.channels, *self.sides).movedim(2, -1)
        return maps.reshape(-1, parts * self.width)

    def halved(self, times: int) -> tuple[int, ...]:
        """The sides after `times` layers."""
        return tuple(-(-side // 2**times) for side in self.sides)

    def fitting(self) -> tuple[int, ...]:
        """The channels of as many layers as leave a small map; at least one layer."""
        depth = max(math.ceil(math.log2(max(self.sides) / SMALL)), 1)
        return tuple(min(FEWEST * 2**i, MOST) for i in range(depth))


class Reader(nn.Module):
    """Observations to features: convolutions that halve every side.

    Args:
        grid: The arrangement of observations.
        channels: The channels of each layer.
        activation: A key of `ACTIVATIONS`.
        batch_norm: Normalise every layer over the batch.

    Example:
        >>> Reader(Grid(3, (5, 4), last=True), (8,), "relu")(torch.zeros(7, 1, 60)).shape
        torch.Size([7, 1, 48])
    """

    def __init__(
        self, grid: Grid, channels: Sequence[int], activation: str, batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.grid, self.channels = grid, tuple(channels)
        rank, layers = len(grid.sides), list[nn.Module]()
        size = KERNELS[rank]
        for before, after in itertools.pairwise((grid.channels, *channels)):
            layers.append(DOWN[rank](before, after, size, stride=2, padding=size // 2))
            layers += [BatchNorm(after)] if batch_norm else []
            layers.append(ACTIVATIONS[activation]())
        self.layers = nn.Sequential(*layers)
        self.width = channels[-1] * math.prod(grid.halved(len(channels)))

    def forward(self, x: Tensor) -> Tensor:
        """[..., grid.width] to [..., width]."""
        maps: Tensor = self.layers(self.grid.unfold(x))
        return maps.reshape(*x.shape[:-1], self.width)


class Writer(nn.Module):
    """Features to raw outputs: transposed convolutions from a small map to the full size.

    Args:
        grid: The arrangement of observations.
        outputs: The number of raw outputs, a multiple of `grid.width`: means and log-spreads.
        channels: The channels of a `Reader`, which are used in reverse.
        activation: A key of `ACTIVATIONS`.

    Example:
        >>> Writer(Grid(3, (5, 4), last=True), 120, (8,), "relu")(torch.zeros(7, 10, 48)).shape
        torch.Size([7, 10, 120])
    """

    def __init__(self, grid: Grid, outputs: int, channels: Sequence[int], activation: str) -> None:
        super().__init__()
        self.grid, self.outputs = grid, outputs
        self.map = (channels[-1], *grid.halved(len(channels)))
        self.width, rank = math.prod(self.map), len(grid.sides)
        size, layers = KERNELS[rank], list[nn.Module]()
        widths = (*channels[::-1], outputs // grid.width * grid.channels)
        for i, (before, after) in enumerate(itertools.pairwise(widths), 1):
            even = tuple(1 - side % 2 for side in grid.halved(len(channels) - i))
            layers += [
                ACTIVATIONS[activation](),
                UP[rank](before, after, size, 2, padding=size // 2, output_padding=even),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] to [..., outputs]."""
        small = x.reshape(-1, *self.map)
        if small.dim() == 4:  # a step of M2 takes a tenth less time
            small = small.contiguous(memory_format=torch.channels_last)
        outputs = self.grid.fold(self.layers(small), self.outputs // self.grid.width)
        return outputs.reshape(*x.shape[:-1], self.outputs)

    def ends(self, count: int) -> tuple[Tensor, Tensor]:
        """The weights and biases of the last `count` outputs, detached."""
        channels = count // (self.grid.width // self.grid.channels)
        weight, bias = [*self.layers[-1].parameters()]
        return weight.detach()[:, -channels:], bias.detach()[-channels:]

r"""Networks over the places of pictures: every map keeps its picture's size, whatever that is.

A `UNet` halves the sides with every level but the first and doubles them again, with what each
level knew before beside it, so an answer at a place has seen its surroundings too. Nothing in it
depends on the size of a picture but that the sides are multiples of \(2^{levels - 1}\).

References:
    U-Net: Convolutional Networks for Biomedical Image Segmentation (Ronneberger, Fischer, Brox,
    2015), here with batch normalisation, and borders that are padded.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssdgm_train.networks.perceptrons import ACTIVATIONS, BatchNorm, GaussianMLP
from ssdgm_train.probability import distributions

CHANNELS = (16, 32, 64, 64)
"""Those of the levels of q(y | x), where a recipe names none."""

LEVELS = 4
"""The most levels, so that the smallest picture still leaves a map of more than one place."""


class Block(nn.Sequential):
    """Two convolutions that keep the sides, each normalised over the batch."""

    def __init__(self, inputs: int, out: int, activation: str) -> None:
        layers: list[nn.Module] = []
        for before in (inputs, out):
            layers += [
                nn.Conv2d(before, out, 3, padding=1, bias=False),
                BatchNorm(out),
                ACTIVATIONS[activation](),
            ]
        super().__init__(*layers)


class UNet(nn.Module):
    """Maps to maps of the same sides.

    Args:
        inputs: The channels of the input.
        channels: Those of each level.
        out: Those of the output.
        activation: A key of `ACTIVATIONS`.
        codes: The width of a vector of each row that is added, projected, to the input's features
            at every place; 0 for none.

    Example:
        >>> UNet(3, (4, 8), 2, "relu")(torch.zeros(5, 3, 6, 8)).shape
        torch.Size([5, 2, 6, 8])
    """

    def __init__(
        self, inputs: int, channels: Sequence[int], out: int, activation: str, codes: int = 0
    ) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(channels))
        self.first = Block(inputs, channels[0], activation)
        self.codes = nn.ModuleList(nn.Linear(codes, width) for width in channels if codes)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.deep = nn.ModuleList(Block(b, b, activation) for _, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.joined = nn.ModuleList(Block(2 * a, a, activation) for a, _ in pairs)
        self.last = nn.Conv2d(channels[0], out, 1)

    def forward(self, x: Tensor, codes: Tensor | None = None) -> Tensor:
        """[n, inputs, h, w], and codes [n, codes] where it has them, to [n, out, h, w]."""
        levels = [self._coded(self.first(x), codes, 0)]
        for i, (down, deep) in enumerate(zip(self.down, self.deep, strict=True)):
            levels.append(self._coded(deep(down(levels[-1])), codes, i + 1))
        maps = levels.pop()
        for i in reversed(range(len(self.up))):
            maps = self.joined[i](torch.cat([levels[i], self.up[i](maps)], 1))
        answer, precision = self.last(maps), self.last.weight.dtype
        exact: Tensor = answer if answer.dtype == precision else answer.to(precision)
        return exact

    def _coded(self, maps: Tensor, codes: Tensor | None, level: int) -> Tensor:
        if codes is None:
            return maps
        coded: Tensor = maps + self.codes[level](codes)[:, :, None, None]
        return coded


class Summary(nn.Module):
    """Maps to a normal distribution of one vector a row: convolutions, the mean, a perceptron.

    Args:
        inputs: The channels of the input.
        channels: Those of each layer, all but the first of which halve the sides.
        latent: The width of the vector.
        activation: A key of `ACTIVATIONS`.
    """

    def __init__(self, inputs: int, channels: Sequence[int], latent: int, activation: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(itertools.pairwise((inputs, *channels))):
            layers += [
                nn.Conv2d(before, after, 3, stride=2 if i else 1, padding=1),
                BatchNorm(after),
                ACTIVATIONS[activation](),
            ]
        self.layers = nn.Sequential(*layers)
        self.head = GaussianMLP([channels[-1]], (channels[-1],), latent, activation)

    def forward(self, x: Tensor) -> distributions.Normal:
        """[n, inputs, h, w] to a Normal [n, latent]."""
        normal: distributions.Normal = self.head(self.layers(x).mean((2, 3)))
        return normal


@dataclass(frozen=True)
class Places:
    """Makes a classifier of every place, in the place of `builder.Builder`.

    Attributes:
        inputs: The channels of a picture.
        channels: Those of its levels.
    """

    inputs: int
    channels: tuple[int, ...]

    def classifier(
        self, hidden: Sequence[int], raw: int, activation: str, batch_norm: bool = False
    ) -> UNet:
        """A `UNet` from pictures to raw numbers; it has no perceptron, so `hidden` has no part."""
        return UNet(self.inputs, self.channels, raw, activation)

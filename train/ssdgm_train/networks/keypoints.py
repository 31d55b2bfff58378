r"""Networks from pictures to points in them: a map of each point, and the mean place on it.

With \(h_k\) the k-th map of a `UNet` and \(p_k = softmax(h_k)\) over places, a point is

.. math:: \mu_k = \sum_s p_k(s) s, \quad \sigma_k^2 = e^{2 b_k} \sum_s p_k(s) (s - \mu_k)^2

so a network learns what a point looks like once, wherever in the picture it is.

References:
    Integral Human Pose Regression (Sun et al., 2018), equation 2.
    Numerical Coordinate Regression with Convolutional Neural Networks (Nibali et al., 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssdgm_train.labels.points import Points
from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.networks.places import LEVELS, UNet


class Heatmaps(nn.Module):
    """Observations to the raw numbers of points.

    Args:
        grid: The arrangement of observations, pixels.
        channels: Those of the levels of the `UNet`, see `levels`.
        space: The points.
        activation: A key of `perceptrons.ACTIVATIONS`.
    """

    centres: Tensor

    def __init__(
        self, grid: Grid, channels: Sequence[int], space: Points, activation: str
    ) -> None:
        super().__init__()
        self.grid, self.space = grid, space
        count = space.size // 2
        self.maps = UNet(grid.channels, levels(grid, channels), count, activation)
        self.spread = nn.Parameter(torch.zeros(space.size))
        high, wide = (torch.arange(side) + 0.5 for side in grid.sides)
        down, right = torch.meshgrid(high, wide, indexing="ij")
        self.register_buffer("centres", torch.stack([right, down], -1).reshape(-1, 2), False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., grid.width] to [..., raw]."""
        share = self.maps(self.grid.unfold(x)).flatten(2).softmax(-1)
        mean = share @ self.centres
        moment = share @ self.centres.square()
        spread = (moment - mean.square()).clamp(min=1e-4).sqrt()
        raw = self.space.stood(mean.flatten(1), spread.flatten(1), self.spread)
        return raw.reshape(*x.shape[:-1], self.space.raw)


def levels(grid: Grid, channels: Sequence[int]) -> tuple[int, ...]:
    """As many of the channels as there are levels that halve the sides without a rest."""
    count = 1
    while count < min(LEVELS, len(channels)) and not any(s % 2**count for s in grid.sides):
        count += 1
    return tuple(channels[:count])


@dataclass(frozen=True)
class Keypoints:
    """Makes a classifier of points, in the place of `builder.Builder`.

    Attributes:
        grid: The arrangement of observations.
        channels: Those of the levels.
        space: The points.
    """

    grid: Grid
    channels: tuple[int, ...]
    space: Points

    def classifier(
        self, hidden: Sequence[int], raw: int, activation: str, batch_norm: bool = False
    ) -> Heatmaps:
        """`Heatmaps`; they have no perceptron, so `hidden` has no part."""
        return Heatmaps(self.grid, self.channels, self.space, activation)

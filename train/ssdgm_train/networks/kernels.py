"""Random convolution kernels over series, which are not trained: what they answer is a feature.

A linear classifier of such features needs few labels, as nothing else is learnt. Here they are the
first module of a classifier.

References:
    ROCKET: Exceptionally Fast and Accurate Time Series Classification Using Random Convolutional
    Kernels (Dempster, Petitjean and Webb, 2020), section 3. Other than there, lengths and
    dilations are much as in MINIROCKET (the same authors, 2021): nine moments, and powers of two,
    so that few convolutions have all kernels; there are fewer kernels; and long series are looked
    at in about `STEPS` places. As in the authors' code for several channels, a kernel has a random
    part of them.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssdgm_train.networks.convolutions import Grid

MOMENTS = 9
"""The length of a kernel; shorter where a series is."""

STEPS = 256
"""About so many places of a series that is longer are looked at by each kernel."""


class Kernels(nn.Module):
    """Series to the share of each kernel's answers that are above zero, and its largest answer.

    Args:
        grid: The arrangement of observations, over time.
        count: How many kernels.

    Example:
        >>> import torch
        >>> Kernels(Grid(3, (20,), last=False), 50)(torch.zeros(7, 1, 60)).shape
        torch.Size([7, 1, 100])
    """

    def __init__(self, grid: Grid, count: int) -> None:
        super().__init__()
        self.grid, self.width, self.shapes = grid, 2 * count, _shapes(grid)
        self.stride = max(1, grid.sides[0] // STEPS)
        for number in range(len(self.shapes)):
            own = len(range(number, count, len(self.shapes)))
            self.register_buffer(f"weight{number}", _weights(own, grid))
            self.register_buffer(f"bias{number}", 2 * torch.rand(own) - 1)

    def forward(self, x: Tensor) -> Tensor:
        """[..., grid.width] to [..., width]."""
        series, shares, largest = self.grid.unfold(x), [], []
        for number, (dilation, padding) in enumerate(self.shapes):
            weight, bias = (self.get_buffer(f"{name}{number}") for name in ("weight", "bias"))
            if len(bias):
                answers = F.conv1d(series, weight, bias, self.stride, padding, dilation)
                shares.append((answers > 0).to(answers.dtype).mean(-1))
                largest.append(answers.amax(-1))
        return torch.cat([*shares, *largest], -1).reshape(*x.shape[:-1], self.width)


def _shapes(grid: Grid) -> tuple[tuple[int, int], ...]:
    """The dilations and paddings of kernels that fit into a series."""
    moments = grid.sides[0]
    reach = min(MOMENTS, moments) - 1
    times = int(math.log2((moments - 1) / reach)) + 1 if reach else 1
    return tuple((2**k, padded * reach * 2**k // 2) for k in range(times) for padded in (0, 1))


def _weights(count: int, grid: Grid) -> Tensor:
    """Kernels [count, channels, moments] with mean zero, each of a random part of the channels."""
    length = min(MOMENTS, grid.sides[0])
    weight = torch.randn(count, grid.channels, length)
    weight -= weight.mean(-1, keepdim=True)
    most = math.log2(min(grid.channels, length) + 1)
    kept = torch.exp2(most * torch.rand(count)).int()
    place = torch.rand(count, grid.channels).argsort(1).argsort(1)
    return weight * (place < kept[:, None])[..., None]

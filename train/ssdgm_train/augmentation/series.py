"""Windows: of another size, noisy, faster or slower, partly silent.

References:
    Data Augmentation of Wearable Sensor Data (Um et al., 2017): jitter, scaling and time warping.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.probability.noise import Noise

JITTER, SIZE = 0.1, 0.2
"""The standard deviation of noise, and the largest change of a channel's size."""

STRETCH, MOVE = 0.15, 0.1
"""The largest change of speed, and the largest move as a share of the window."""

BEND, KNOTS = 0.06, 5
"""How far a knot of the map of time moves, as a share of half the window, and its knots."""

SILENT = 0.2
"""The longest silence, as a share of the window."""


@dataclass(frozen=True)
class Windows:
    """The augmentation of windows.

    Attributes:
        grid: The arrangement of observations.
        padded: Whether the last channel says where a series goes on, see `observations.Masked`.
    """

    grid: Grid
    padded: bool = False

    def __call__(self, x: Tensor, strength: float, noise: Noise) -> Tensor:
        """[n, features] to [n, features]; a strength of 1 uses the whole ranges."""
        maps = self.grid.unfold(x)
        warped = _warped(maps, strength, noise)
        sizes = 1 + strength * SIZE * (2 * noise.uniform(maps[:, :, :1]) - 1)
        noisy = warped * sizes + strength * JITTER * noise.normal(maps)
        sounding = noisy * _sounding(maps, strength, noise)
        return self.grid.fold(_ended(sounding, warped) if self.padded else sounding, 1)


def _ended(maps: Tensor, warped: Tensor) -> Tensor:
    """Series that end where the warped ones do, which have a moment at least."""
    there = (warped[:, -1:] >= 0.5).to(maps.dtype)
    there[:, :, 0] = 1.0
    return torch.cat([maps[:, :-1] * there, there], 1)


def _warped(maps: Tensor, strength: float, noise: Noise) -> Tensor:
    """Every window along a time of its own; what lies outside is the nearest value."""
    rows, _, length = maps.shape
    draws = 2 * noise.uniform(maps.new_empty(2, rows, 1)) - 1
    knots = noise.normal(maps.new_empty(rows, 1, KNOTS))
    bends = F.interpolate(knots, length, mode="linear", align_corners=False)[:, 0]
    time = (2 * torch.arange(length, device=maps.device, dtype=maps.dtype) + 1) / length - 1
    speed = torch.exp(strength * STRETCH * draws[0])
    places = time * speed + 2 * strength * MOVE * draws[1] + strength * BEND * bends
    grid = torch.stack([places, torch.zeros_like(places)], -1)[:, None]
    flat: Tensor = F.grid_sample(
        maps[:, :, None], grid, padding_mode="border", align_corners=False
    )
    return flat.squeeze(2)


def _sounding(maps: Tensor, strength: float, noise: Noise) -> Tensor:
    """Zeros in one stretch of every window, ones elsewhere, [n, 1, time]."""
    length = maps.shape[-1]
    centre, share = noise.uniform(maps.new_empty(2, len(maps), 1, 1))
    places = (torch.arange(length, device=maps.device) + 0.5) / length
    silent: Tensor = (places - centre).abs() < 0.5 * strength * SILENT * share
    return (~silent).to(maps.dtype)

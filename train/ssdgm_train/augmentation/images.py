r"""Images: turned, scaled, sheared, moved, bent, partly erased, of another contrast.

All moves are one map of coordinates, so an image is interpolated once. What is moved in from
outside is zero, which in observations is black, or the mean.

References:
    Best Practices for Convolutional Neural Networks (Simard, Steinkraus and Platt, 2003), for
    elastic maps.
    Random Erasing Data Augmentation (Zhong et al., 2020).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.probability.noise import Noise

TURN = 0.35
"""Radians."""

SCALE, SHEAR, MOVE = 0.2, 0.25, 0.15
"""The largest change of size and of angle, and the largest move as a share of a side."""

BEND, KNOTS = 0.12, 7
"""How far a knot of the elastic map moves, as a share of half a side, and knots on a side."""

ERASED = 0.4
"""The longest side of what is erased, as a share of the image's."""

CONTRAST, COLOUR = 0.4, 0.2
"""The largest change of all values, and of a channel's."""


@dataclass(frozen=True)
class Images:
    """The augmentation of images.

    Attributes:
        grid: The arrangement of observations.
        mirror: Whether half of the images are mirrored.
    """

    grid: Grid
    mirror: bool = False

    def __call__(self, x: Tensor, strength: float, noise: Noise) -> Tensor:
        """[n, features] to [n, features]; a strength of 1 uses the whole ranges."""
        maps = self.grid.unfold(x)
        affine = self._affine(maps, strength, noise)
        places = F.affine_grid(affine, list(maps.shape), align_corners=False)
        return self._taken(maps, places + self._bends(maps, strength, noise), strength, noise)

    def following(
        self, x: Tensor, points: Tensor, strength: float, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """The same without bends, and where points [n, K, 2] in pixels are then.

        A point that is moved out of its image is NaN.
        """
        maps = self.grid.unfold(x)
        affine = self._affine(maps, strength, noise)
        places = F.affine_grid(affine, list(maps.shape), align_corners=False)
        moved = followed(points, affine, self.grid.sides)
        return self._taken(maps, places, strength, noise), moved

    def _taken(self, maps: Tensor, places: Tensor, strength: float, noise: Noise) -> Tensor:
        """Pixels from some places, shaded and partly erased, [n, features]."""
        moved = F.grid_sample(maps, places, align_corners=False)
        shaded = moved * self._shades(maps, strength, noise)
        return self.grid.fold(shaded * _window(maps, strength, noise), 1)

    def _affine(self, maps: Tensor, strength: float, noise: Noise) -> Tensor:
        """The maps from where a pixel is to where it is taken from, [n, 2, 3], from -1 to 1."""
        draws = 2 * noise.uniform(maps.new_empty(6, len(maps))) - 1
        turn, shear = strength * TURN * draws[0], strength * SHEAR * draws[1]
        wide, high = (torch.exp(strength * SCALE * draws[i]) for i in (2, 3))
        if self.mirror:
            wide = wide * torch.where(noise.uniform(wide) < 0.5, -1.0, 1.0)
        cos, sin = turn.cos(), turn.sin()
        right, down = 2 * strength * MOVE * draws[4:]
        first = torch.stack([cos * wide, (shear * cos - sin) * high, right])
        second = torch.stack([sin * wide, (shear * sin + cos) * high, down])
        return torch.stack([first, second]).movedim(-1, 0)

    def _bends(self, maps: Tensor, strength: float, noise: Noise) -> Tensor:
        """A smooth field of small moves, [n, height, width, 2]."""
        knots = noise.normal(maps.new_empty(len(maps), 2, KNOTS, KNOTS))
        field = F.interpolate(knots, maps.shape[2:], mode="bicubic", align_corners=False)
        return 0.5 * strength * BEND * field.movedim(1, -1)

    def _shades(self, maps: Tensor, strength: float, noise: Noise) -> Tensor:
        """The factor of every channel, [n, channels, 1, 1]."""
        whole = 2 * noise.uniform(maps.new_empty(len(maps), 1, 1, 1)) - 1
        shades = 1 + strength * CONTRAST * whole
        if maps.shape[1] == 1:
            return shades
        return shades + strength * COLOUR * (2 * noise.uniform(maps[:, :, :1, :1]) - 1)


def followed(points: Tensor, affine: Tensor, sides: tuple[int, ...]) -> Tensor:
    """Where points [n, K, 2] are, in pixels, once pixels are taken through affine maps [n, 2, 3].

    A point that is then outside is NaN.
    """
    side = points.new_tensor(sides[::-1])
    centred = 2 * points / side - 1 - affine[:, None, :, 2].to(points.dtype)
    back = torch.linalg.inv(affine[:, :, :2].to(points.dtype))
    moved = (centred @ back.mT + 1) * side / 2
    outside = ((moved < 0) | (moved > side)).any(-1, keepdim=True)
    inside: Tensor = moved.masked_fill(outside, torch.nan)
    return inside


def _window(maps: Tensor, strength: float, noise: Noise) -> Tensor:
    """Zeros in a rectangle of every image, ones elsewhere, [n, 1, height, width]."""
    draws = noise.uniform(maps.new_empty(4, len(maps), 1))
    inside = []
    for side, centre, length in zip(maps.shape[2:], draws[:2], draws[2:], strict=True):
        places = (torch.arange(side, device=maps.device) + 0.5) / side
        inside.append((places - centre).abs() < 0.5 * strength * ERASED * length)
    rows, columns = inside
    both: Tensor = rows[:, None, :, None] & columns[:, None, None, :]
    return (~both).to(maps.dtype)

"""Windows of series as small pictures: a line a channel, time from left to right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WHITE, _DARK, _PALE = 255, 0, 170
_NARROW, _WIDE = 2, 6
"""How many times as wide as high a picture is, at least and at most."""


def images(x: NDArray[Any], low: float, high: float, side: int) -> NDArray[np.uint8]:
    """Draw windows.

    Args:
        x: [n, channels, time].
        low: The value at the lower edge; what lies below is drawn there.
        high: The value at the upper edge.
        side: The height in pixels.

    Returns:
        uint8 [n, side, width], the first channel black, the others ever paler, on white.
    """
    count, channels, time = x.shape
    width = min(max(time, _NARROW * side), _WIDE * side)
    pixels = np.full((count, side, width), _WHITE, np.uint8)
    for k in reversed(range(channels)):
        shade = _DARK + (_PALE - _DARK) * k // max(channels - 1, 1)
        pixels[_line(x[:, k].astype(np.float64), low, high, side, width)] = shade
    return pixels


def _line(
    x: NDArray[np.float64], low: float, high: float, side: int, width: int
) -> NDArray[np.bool_]:
    """Which pixels lie on the lines of series [n, time], [n, side, width]."""
    time = x.shape[1]
    at = np.linspace(0, time - 1, width)
    left, share = np.floor(at).astype(int), at % 1
    values = (1 - share) * x[:, left] + share * x[:, np.minimum(left + 1, time - 1)]
    span = high - low if high > low else 1.0
    y = np.clip(np.rint((1 - (values - low) / span) * (side - 1)), 0, side - 1)
    ahead = np.concatenate([y[:, 1:], y[:, -1:]], axis=1)
    rows = np.arange(side)[:, None]
    above, below = np.minimum(y, ahead)[:, None], np.maximum(y, ahead)[:, None]
    pixels: NDArray[np.bool_] = (above <= rows) & (rows <= below)
    return pixels

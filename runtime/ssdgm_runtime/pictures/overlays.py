"""Masks drawn over pictures: tinted, and outlined where a class ends."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.pictures import png

NAMES = ("nothing", "red", "blue", "green", "yellow", "magenta", "cyan")
"""The colours of classes in their order; further ones begin again with red."""

_COLOURS = np.array(
    [
        *[(0, 0, 0), (230, 50, 40), (50, 110, 240), (40, 180, 70)],
        *[(240, 200, 30), (220, 60, 220), (40, 200, 210)],
    ],
    np.float32,
)
UNKNOWN, TINT, DARK = 255, 0.25, 0.35


def coloured(images: png.Bytes) -> png.Bytes:
    """Greys [n, h, w], or colours, in red, green and blue, [n, h, w, 3]."""
    return images if images.ndim > 3 else images[..., None].repeat(3, axis=3)


def over(images: png.Bytes, masks: NDArray[Any]) -> png.Bytes:
    """Pictures uint8 [n, h, w, 3] with the classes [n, h, w] of their places drawn over them.

    The first class is left as it is, and places of class 255 are darkened.
    """
    kinds = np.where(masks == 0, 0, 1 + (masks.astype(int) - 1) % (len(_COLOURS) - 1))
    colours = _COLOURS[np.where(masks == UNKNOWN, 0, kinds)]
    share = np.where(_edges(masks), 1.0, TINT) * (kinds > 0)
    share = np.where(masks == UNKNOWN, DARK, share)[..., None]
    drawn: png.Bytes = (images * (1 - share) + colours * share).round().astype(np.uint8)
    return drawn


def _edges(masks: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a place has another class than one beside it."""
    edge = np.zeros(masks.shape, np.bool_)
    edge[:, 1:] |= masks[:, 1:] != masks[:, :-1]
    edge[:, :-1] |= masks[:, 1:] != masks[:, :-1]
    edge[:, :, 1:] |= masks[:, :, 1:] != masks[:, :, :-1]
    edge[:, :, :-1] |= masks[:, :, 1:] != masks[:, :, :-1]
    return edge

"""Plates: pictures with a title and a caption, drawn by matplotlib without any global state.

A plate's bytes depend on what it shows alone: fixed sizes, no dates, no names of programs.
"""

import io
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ssdgm_runtime.pictures import png, traces

DPI = 100
SIZE = 8
"""Of letters, in points."""

LETTER = 7
"""Pixels that a letter of `SIZE` needs."""

CELL = 48
MARGIN = 6
GAP = 4.0
LONGEST = 14


@dataclass(frozen=True)
class Plate:
    """A picture of a report.

    Attributes:
        name: The file's, without its suffix.
        title: A few words.
        caption: What is seen, and where it comes from.
        alt: What is seen, for those who do not see it.
        png: The file.
    """

    name: str
    title: str
    caption: str
    alt: str
    png: bytes


@dataclass(frozen=True)
class Text:
    """A text at a pixel of a sheet, and how it lies to it."""

    x: int | float
    y: int | float
    text: str
    across: str = "center"
    down: str = "bottom"


def figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def encode(drawn: Figure) -> bytes:
    """A figure as a PNG file, without anything about who made it and when."""
    stream = io.BytesIO()
    with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", message="Glyph")
        drawn.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def short(text: str) -> str:
    """A text on one line, cut where it is too long for a picture."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def sized(x: NDArray[Any], low: float, high: float, least: int = CELL) -> png.Bytes:
    """Rows as images of which a side has `least` pixels, but less than twice as many.

    Pixels of small ones are repeated; of large ones some are left out.
    """
    images = png.to_images(x, low, high)
    side = max(images.shape[1:3])
    zoom, skip = max(1, math.ceil(least / side)), max(1, side // least)
    return images[:, ::skip, ::skip].repeat(zoom, axis=1).repeat(zoom, axis=2)


def curved(x: NDArray[Any], low: float, high: float, least: int = CELL) -> png.Bytes:
    """Windows of series as lines, in images `least` pixels high."""
    return traces.images(x, low, high, least)


def grid(
    images: png.Bytes, columns: int, above: Sequence[str] = (), left: Sequence[str] = ()
) -> bytes:
    """Images in lines and columns, with names of columns above and of lines at the left.

    Args:
        images: uint8 [n, height, width] or [n, height, width, 3].
        columns: How many stand beside one another.
        above: The columns' names.
        left: The lines' names.
    """
    pad = 2
    high, wide = images.shape[1] + pad, images.shape[2] + pad
    upright = any(len(name) * LETTER > wide for name in above)
    sheet = png.grid(images, columns, pad)
    texts = [
        *(Text(pad + (j + 0.5) * wide, -GAP, name) for j, name in enumerate(above)),
        *(Text(-GAP, pad + (i + 0.5) * high, t, "right", "center") for i, t in enumerate(left)),
    ]
    top = LETTER * max(map(len, above)) if upright else 2 * LETTER * bool(above)
    return sheeted(sheet, texts, LETTER * max(map(len, left), default=0), top, upright)


def sheeted(
    sheet: png.Bytes, texts: Iterable[Text], left: int = 0, top: int = 0, upright: bool = False
) -> bytes:
    """A sheet of images, pixel for pixel, with texts on it.

    Args:
        sheet: uint8 [height, width] or [height, width, 3].
        texts: What to write where.
        left: Pixels for texts at its left.
        top: Pixels for texts above it.
        upright: Turn the texts above it.
    """
    high, wide = sheet.shape[:2]
    width, height = wide + left + 2 * MARGIN, high + top + 2 * MARGIN
    drawn = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    box = ((left + MARGIN) / width, MARGIN / height, wide / width, high / height)
    axes = drawn.add_axes(box)
    axes.set_axis_off()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=np.iinfo(np.uint8).max)
    for text in texts:
        axes.text(
            text.x,
            text.y,
            text.text,
            ha=text.across,
            va=text.down,
            fontsize=SIZE,
            rotation=90 if upright and text.y < 0 else 0,
            parse_math=False,
        )
    return encode(drawn)

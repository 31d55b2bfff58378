"""A sheet of images: some of every class, pixel for pixel."""

import numpy as np

from ssdgm_export import plates
from ssdgm_export.sheet import lines
from ssdgm_runtime.pictures import png
from ssdgm_train import inspection

ACROSS = 16
PAD = 2
APART = 3 * plates.LETTER
"""Pixels between blocks."""

TOP = 3 * plates.LETTER
WHITE = 255


def draw(report: inspection.Report) -> bytes:
    """Draw it; values from the smallest to the largest are black to white."""
    layout = lines.layout(report.data, ACROSS)
    low, high = _range(report)
    images = [_images(report, line, low, high) for line in layout.lines]
    shape = images[0].shape[1:]
    tall, wide = shape[0] + PAD, shape[1] + PAD
    width = layout.left + layout.across * wide + APART
    sheet = np.full((TOP + layout.high * tall, layout.blocks * width, *shape[2:]), WHITE, np.uint8)
    texts = [plates.Text(0, TOP - plates.GAP, layout.caption, "left")]
    for i, line in enumerate(layout.lines):
        block, place = layout.place(i)
        x, y = block * width + layout.left, TOP + place * tall
        texts.append(plates.Text(x - plates.GAP, y + tall / 2, line.name, "right", "center"))
        for image in images[i]:
            sheet[y : y + shape[0], x : x + shape[1]] = image
            x += wide
    least = plates.LETTER * len(layout.caption)
    more = max(0, least - sheet.shape[1])
    room = [(0, 0), (0, more), *[(0, 0)] * (sheet.ndim - 2)]
    return plates.sheeted(np.pad(sheet, room, constant_values=WHITE), texts)


def _images(report: inspection.Report, line: lines.Line, low: float, high: float) -> png.Bytes:
    """The images of a line: grey, or in red, green and blue."""
    x = report.data.x[line.rows]
    if not png.is_image(x.shape[1:]):
        x = x.reshape(*x.shape[:3], -1)[..., 0] if x.ndim > 2 else x[:, None]
    return plates.sized(x, low, high)


def _range(report: inspection.Report) -> tuple[float, float]:
    """Black and white: bytes of grey or colour as they are, others by their extremes."""
    positions = report.seen.positions
    low, high = float(np.fmin.reduce(positions.low)), float(np.fmax.reduce(positions.high))
    grey = report.data.x.dtype == np.uint8 and high >= WHITE / 2
    return (0.0, float(WHITE)) if grey else (low, high)

"""A sheet of windows: some series of every class, each channel in its own grey."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.sheet import lines
from ssdgm_train import inspection

ACROSS = 6
WIDE, TALL = 1.25, 0.62
"""Inches of a window."""

FILLED = 0.9
"""The share of its cell that a window takes."""

CHANNELS = 6
POINTS = 200
GREYS = ("0.1", "0.45", "0.65", "0.3", "0.55", "0.75")
NAME = 0.095
"""Inches that a letter needs."""


_TEXT: dict[str, Any] = {"fontsize": plates.SIZE, "parse_math": False}


def draw(report: inspection.Report) -> bytes:
    """Draw them; every channel has one scale over the whole sheet."""
    layout = lines.layout(report.data, ACROSS)
    margin = NAME * max(len(line.name) for line in layout.lines) / WIDE + 0.15
    across = layout.across + margin
    drawn = plates.figure(max(layout.blocks * across * WIDE, 6), layout.high * TALL + 0.5)
    axes = drawn.add_subplot()
    for i, line in enumerate(layout.lines):
        block, place = layout.place(i)
        left = block * across + margin
        axes.text(left - 0.1, -place - 0.5, line.name, ha="right", va="center", **_TEXT)
        windows = report.data.x[line.rows].reshape(len(line.rows), *_shape(report))
        for j, window in enumerate(windows):
            _window(axes, report, window, left + j, -place - 1)
    axes.set(xlim=(0, layout.blocks * across), ylim=(-layout.high, 0))
    axes.set_axis_off()
    axes.set_title(_caption(report, layout), loc="left", **_TEXT)
    return plates.encode(drawn)


def _shape(report: inspection.Report) -> tuple[int, int]:
    """[channels, time]; rows without two axes are one channel."""
    shape = report.data.shape
    return (1, shape[0]) if len(shape) == 1 else (shape[0], int(np.prod(shape[1:])))


def _caption(report: inspection.Report, layout: lines.Layout) -> str:
    channels = _shape(report)[0]
    cut = f"; {CHANNELS} of {channels} channels, dark to pale" if channels > CHANNELS else ""
    return f"{layout.caption}{cut}"


def _window(
    axes: Axes, report: inspection.Report, window: NDArray[np.generic], left: float, low: int
) -> None:
    """One series in the cell whose lower left corner is given."""
    step = max(1, window.shape[1] // POINTS)
    time = left + np.linspace(0, FILLED, len(window[0, ::step]))
    curves = []
    for channel, feature in zip(window[:CHANNELS, ::step], report.seen.features, strict=False):
        least, span = feature.low or 0.0, (feature.high or 0.0) - (feature.low or 0.0)
        height = low + 0.05 + FILLED * (channel - least) / (span or 1.0)
        curves.append(np.column_stack([time, height]))
    axes.add_collection(LineCollection(curves, colors=GREYS[: len(curves)], linewidths=0.8))

"""Pixels: bytes stored as float, bytes that are counts, images that are nearly constant."""

from collections.abc import Iterator

import numpy as np

from ssdgm_train import problems
from ssdgm_train.data import statement
from ssdgm_train.inspection import features
from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted, listed

BYTE = 255


def floats(seen: Seen) -> Iterator[Finding]:
    """Whole numbers from 0 to 255 that are stored as float."""
    data, positions = seen.data, seen.positions
    low, high = float(np.fmin.reduce(positions.low)), float(np.fmax.reduce(positions.high))
    whole = data.x.dtype != np.uint8 and positions.whole and low >= 0 and 1 < high <= BYTE
    if whole and data.kind in (problems.IMAGE, problems.WINDOWS):
        yield Finding(
            WARNING,
            "bytes stored as float",
            f"all values are whole numbers from {low:g} to {high:g}, stored as {data.x.dtype}",
            "If they are pixels, store x.astype(np.uint8): then they are read as grey levels or "
            "colours, in a quarter of the space.",
        )


def flat(seen: Seen) -> Iterator[Finding]:
    """Images and windows that are nearly constant."""
    rows = seen.rows[features.flat(seen.positions)]
    if len(rows):
        one, many = (
            ("image", "images") if seen.data.kind == problems.IMAGE else ("window", "windows")
        )
        yield Finding(
            WARNING,
            f"nearly constant {many}",
            f"{counted(len(rows), f'training {one} spans', f'training {many} span')} less than "
            f"{features.FLAT:.0%} of the range of all: {listed(rows.tolist())}",
            "Look at them, and remove those that show nothing.",
            rows=tuple(rows[: features.COMMON].tolist()),
        )


def counts(seen: Seen) -> Iterator[Finding]:
    """Bytes that are not grey levels out of 255."""
    levels = seen.positions.levels
    if seen.data.kind == problems.IMAGE and levels and levels[-1] < statement.COUNT_LEVELS:
        most = levels[-1]
        described = (
            "only 0 and 1" if levels == (0, 1) else f"whole numbers from {levels[0]} to {most}"
        )
        yield Finding(
            NOTE,
            "bytes below 255",
            f"pixels are {described}",
            f"They are read as counts out of {max(most, 1)}. If a pixel could be larger, set "
            "data.total; if they are dark grey levels, set data.likelihood=bernoulli.",
        )

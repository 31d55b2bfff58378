"""Which rows a sheet shows: a line a class and one for unlabelled rows, in blocks side by side."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_train.data import dataset, store, targets
from ssdgm_train.labels.measures import overlaps

MOST = 100
"""Classes that are shown."""

HIGH = 25
"""Lines of a block."""

TENTHS = 10

UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class Line:
    """A line of a sheet: its name, and the numbers of the training rows on it."""

    name: str
    rows: store.Indices


@dataclass(frozen=True)
class Layout:
    """Lines in blocks side by side.

    Attributes:
        lines: The lines, block after block.
        high: Lines of a block.
        across: Rows that a line has room for.
        caption: What is shown.
    """

    lines: tuple[Line, ...]
    high: int
    across: int
    caption: str

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return -(-len(self.lines) // self.high)

    def place(self, line: int) -> tuple[int, int]:
        """The block of a line and its place in it."""
        return divmod(line, self.high)

    @property
    def left(self) -> int:
        """Pixels that the longest name needs."""
        return plates.LETTER * max(len(line.name) for line in self.lines) + int(plates.GAP)


def short(name: str, most: int = plates.LONGEST) -> str:
    """A name on one line; of a long one the beginning and the end, as names differ in either."""
    line = " ".join(name.split())
    if len(line) <= most:
        return line
    return f"{line[: (most - 1) // 2]}…{line[-(most // 2) :]}"


def layout(data: dataset.Dataset, across: int) -> Layout:
    """Some rows of every class, spread evenly over it; fewer a class where there are many."""
    names, groups = _groups(data)
    blank = np.flatnonzero(~targets.labelled(data.y))
    if len(blank):
        names, groups = [*names, UNLABELLED], [*groups, blank]
    blocks = -(-len(names) // HIGH)
    across = max(2, across // blocks)
    lines = (Line(n, store.spaced(g, across)) for n, g in zip(names, groups, strict=True))
    cut = (
        f", the first {MOST} of {len(data.classes)} {data.space}"
        if len(data.classes) > MOST
        else ""
    )
    one = _ONE[data.space]
    caption = f"{data.name}: training rows by {one}{cut}"
    return Layout(tuple(lines), math.ceil(len(names) / blocks), across, caption)


_ONE = {
    targets.CLASSES: "class",
    targets.TAGS: "tag",
    targets.NUMBERS: "label, from low to high",
    targets.ONE_CLASS: "what is known of them",
    targets.MASKS: "class that they show",
}
"""What a line has."""


def _groups(data: dataset.Dataset) -> tuple[list[str], list[store.Indices]]:
    """The name and the rows of every line: a class, a tag, or a tenth of the first number."""
    if data.space == targets.NUMBERS:
        return _tenths(data.y[:, 0])
    names = [short(str(label)) for label in data.classes[:MOST]]
    if data.space == targets.MASKS:
        shown = overlaps.counted(data.y, len(data.classes)).T > 0
        return names, [np.flatnonzero(rows) for rows, _ in zip(shown, names, strict=False)]
    has = data.y.T == 1 if data.y.ndim > 1 else (data.y == index for index in range(len(names)))
    return names, [np.flatnonzero(rows) for rows, _ in zip(has, names, strict=False)]


def _tenths(y: NDArray[Any]) -> tuple[list[str], list[store.Indices]]:
    """Equal parts of the known numbers in their order, each named by its least and largest."""
    order = np.argsort(y, kind="stable")[: int((~np.isnan(y)).sum())]
    parts: list[store.Indices] = [p for p in np.array_split(order, TENTHS) if len(p)]
    return [f"{y[part[0]]:.4g} to {y[part[-1]]:.4g}" for part in parts], parts

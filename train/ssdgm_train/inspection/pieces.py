"""Some rows at a time, and of very many rows a part that is spread evenly."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.data import store

Rows = NDArray[np.generic]
Spans = Sequence[slice]

LIMIT = 1_000_000
"""Rows that are looked at; of more, as many in blocks."""

BLOCKS = 100
VALUES = 1 << 21
"""Values a piece."""

SAMPLE = 20_000
"""Rows that are held at once, to tell how values are distributed."""

SAMPLE_VALUES = 1 << 23


def spans(count: int, limit: int = LIMIT) -> list[slice]:
    """Which of `count` rows to look at.

    Example:
        >>> spans(3)
        [slice(0, 3, None)]
    """
    if count <= limit:
        return [slice(0, count)]
    blocks = min(BLOCKS, limit)
    size = limit // blocks
    starts = np.linspace(0, count - size, blocks).astype(int).tolist()
    return [slice(start, start + size) for start in starts]


def numbers(chosen: Spans) -> NDArray[np.int64]:
    """The rows' own numbers, in order."""
    return np.concatenate([np.arange(s.start, s.stop) for s in chosen])


def pieces(x: Rows, chosen: Spans) -> Iterator[Rows]:
    """The rows, a few megabytes at a time."""
    step = max(1, VALUES // max(x[:1].size, 1))
    for span in chosen:
        for start in range(span.start, span.stop, step):
            yield x[start : min(start + step, span.stop)]
            store.give_back(x)


def sample(x: Rows, rows: store.Indices, most: int = SAMPLE) -> store.Indices:
    """As many of the rows as may be held at once."""
    return store.spaced(rows, min(most, max(1, SAMPLE_VALUES // max(x[:1].size, 1))))

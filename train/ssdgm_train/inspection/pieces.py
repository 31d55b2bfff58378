"""Read rows in pieces, and only an evenly spaced part of very many rows."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.data import store

Rows = NDArray[np.generic]
Spans = Sequence[slice]

LIMIT = 1_000_000
"""The most rows that are inspected; of more, as many in evenly spaced blocks."""

BLOCKS = 100
VALUES = 1 << 21
"""Values per piece."""

SAMPLE = 20_000
"""The most rows of the sample from which distributions are estimated."""

SAMPLE_VALUES = 1 << 23


def spans(count: int, limit: int = LIMIT) -> list[slice]:
    """Which of `count` rows to inspect.

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
    """The numbers of the rows, in order."""
    return np.concatenate([np.arange(s.start, s.stop) for s in chosen])


def pieces(x: Rows, chosen: Spans) -> Iterator[Rows]:
    """Yield the rows, a few megabytes at a time."""
    step = max(1, VALUES // max(x[:1].size, 1))
    for span in chosen:
        for start in range(span.start, span.stop, step):
            yield x[start : min(start + step, span.stop)]
            store.give_back(x)


def sample(x: Rows, rows: store.Indices, most: int = SAMPLE) -> store.Indices:
    """At most `most` of the rows, evenly spaced, and fewer if rows are large."""
    return store.spaced(rows, min(most, max(1, SAMPLE_VALUES // max(x[:1].size, 1))))

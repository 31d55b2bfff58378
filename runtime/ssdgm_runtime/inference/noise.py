"""Seeded draws: the noise a graph takes as input, and the likelihoods p(x | y, z).

No graph holds randomness. Each noise input has its own stream, a Philox generator seeded with
[seed, crc32(name)], that deals rows in order: the same seed gives the same rows however they are
chunked, and adding an input moves no other. Draws from a likelihood follow the same rule: one
uniform (or normal) number a value, so that a last-bit difference in a parameter moves at most
the value it belongs to, never the ones after it.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Stream:
    """One input's numbers, dealt row by row.

    Args:
        seed: Any whole number from 0.
        name: The input's name, which sets this stream apart from the others of the same seed.
        width: The number of values in a row.
    """

    def __init__(self, seed: int, name: str, width: int) -> None:
        import zlib

        sequence = np.random.SeedSequence([seed, zlib.crc32(name.encode())])
        self._generator = np.random.Generator(np.random.Philox(sequence))
        self._width = width

    def take(self, rows: int) -> Floats:
        """The next rows of standard normal numbers, float32 [rows, width]."""
        return self._generator.standard_normal((rows, self._width), dtype=np.float32)

    def uniform(self, rows: int) -> NDArray[np.float64]:
        """The next rows of uniform numbers in [0, 1), float64 [rows, width]."""
        return self._generator.random((rows, self._width))


def draw(seed: int, name: str, rows: int, width: int) -> Floats:
    """The first rows of a stream of standard normal numbers, float32 [rows, width]."""
    return Stream(seed, name, width).take(rows)


class Streams:
    """The streams of one seed, each opened when it is first asked for."""

    def __init__(self, seed: int, part: str = "") -> None:
        self._seed, self._part, self._open = seed, part, dict[str, Stream]()
        self._views = dict[str, "Streams"]()

    def __call__(self, name: str, width: int) -> Stream:
        """The stream of a name."""
        if name not in self._open:
            self._open[name] = Stream(self._seed, f"{name}{self._part}", width)
        return self._open[name]

    def of(self, view: str) -> "Streams":
        """The same seed's streams for one view of rows that have several, apart from others'."""
        if view not in self._views:
            self._views[view] = Streams(self._seed, f".{view}")
        return self._views[view]

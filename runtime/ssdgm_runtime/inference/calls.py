"""Calls of one graph for some of its outputs: what they have in common is settled once.

A `Call` is the whole way from checked rows to answers: which engine, in how many pieces, what an
input that is not given is, and how outputs are looked at.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle.interface import Graph
from ssdgm_runtime.engine import session
from ssdgm_runtime.rows import intake, proper

Array = NDArray[Any]
Feeds = Mapping[str, Array]
OfRows = Callable[..., Sequence[Array]]
"""x, and where needed the size and an array for the output, to outputs; see `Call.run`."""


class Call:
    """Some outputs of one graph, in the order of their names.

    Args:
        opened: The graph's session.
        graph: What the manifest says of it.
        names: The outputs to give.
        size: The most rows that are computed at once, where a call does not say.
        kinds: Outputs that are more than finite, and what, as `proper` has it.
    """

    def __init__(
        self,
        opened: session.Session,
        graph: Graph,
        names: tuple[str, ...],
        size: int,
        kinds: Mapping[str, str | proper.Look] = MappingProxyType({}),
    ) -> None:
        outputs = {t.name: t for t in graph.outputs}
        self.names = names
        self._compute, self._size = opened.call(names), size
        self._outputs = [outputs[name] for name in names]
        self._noise = [t for t in graph.inputs if t.name in graph.noise]
        self._kinds = [
            kinds.get(t.name.partition(".")[0], proper.FINITE)
            if t.dtype.startswith("float")
            else ""
            for t in self._outputs
        ]
        self._looks = proper.looks(self._kinds)

    def __call__(
        self, feeds: Feeds, size: int | None = None, out: Array | None = None
    ) -> Sequence[Array]:
        """Compute as `run` does, and give only proper outputs, see `check`."""
        arrays = self.run(feeds, size, out)
        self.check(arrays, feeds)
        return arrays

    def check(self, arrays: Sequence[Array], feeds: Feeds, start: int = 0) -> None:
        """Refuse outputs that are not proper, see `proper`.

        Args:
            arrays: All outputs, [n, ...].
            feeds: What they were computed from.
            start: The number of the first row.

        Raises:
            InputError: An output is not finite; it says in which row.
            FormatError: One is finite, and not what it should be.
        """
        for i, look in self._looks:
            if not look(arrays[i]):
                raise self._improper(i, arrays[i], feeds, start)

    def _improper(
        self, output: int, array: Array, feeds: Iterable[str], start: int = 0
    ) -> errors.SsdgmError:
        from ssdgm_runtime.engine import failures

        return failures.improper(self.names[output], self._kinds[output], array, feeds, start)

    def of_rows(self, rows: intake.Intake) -> OfRows:
        """The same call as a function of nothing but x, as a caller has it."""
        take, compute, most, looks = rows.take, self._compute, self._size, self._looks

        def answer(
            x: ArrayLike, size: int | None = None, out: Array | None = None
        ) -> Sequence[Array]:
            taken = take(x)
            n = len(taken)
            if size is not None or out is not None or not 0 < n <= most:
                return self({"x": taken}, size, out)
            arrays = compute({"x": taken}, n, n <= session.SMALL)
            for i, look in looks:
                if not look(arrays[i]):
                    raise self._improper(i, arrays[i], "x")
            return arrays

        if self._noise:
            return lambda x, size=None, out=None: self({"x": take(x)}, size, out)
        return answer

    def run(
        self, feeds: Feeds, size: int | None = None, out: Array | None = None
    ) -> Sequence[Array]:
        """Compute the outputs for all rows.

        Args:
            feeds: Inputs by name, [n, ...]; noise that is not given is zero, the mean path.
            size: The most rows that are computed at once.
            out: An array to write the one output into.

        Returns:
            The outputs, [n, ...].

        Raises:
            InputError: The size is no whole number from 1, or the array cannot take the output.
        """
        n = len(next(iter(feeds.values())))
        most = self._size if size is None else arguments.count(size, "batch_size", 1)
        if 0 < n <= most and out is None:  # one piece: nothing to slice, nothing to join
            inputs = self._with_noise(feeds, n) if self._noise else feeds
            return self._compute(inputs, n, n <= session.SMALL)
        wholes = [] if out is None else [buffer(out, (n, *self._outputs[0].row))]
        for start, piece in zip(range(0, n, most), self.pieces(feeds, most), strict=True):
            wholes = wholes or [np.empty((n, *rows.shape[1:]), rows.dtype) for rows in piece]
            for whole, rows in zip(wholes, piece, strict=True):
                whole[start : start + most] = rows
        return wholes or [np.empty((0, *t.row), dtype=t.dtype) for t in self._outputs]

    def pieces(self, feeds: Feeds, size: int) -> Iterator[Sequence[Array]]:
        """Compute the outputs `size` rows at once and give them piece by piece; see `run`."""
        n = len(next(iter(feeds.values())))
        small = n <= session.SMALL  # by the whole call: how it is cut must not change the pool
        for start in range(0, n, size):
            rows = min(size, n - start)
            piece = {name: array[start : start + rows] for name, array in feeds.items()}
            yield self._compute(self._with_noise(piece, rows), rows, small)

    def _with_noise(self, feeds: Feeds, n: int) -> Feeds:
        missing = [t for t in self._noise if t.name not in feeds]
        return {**feeds, **{t.name: np.zeros((n, *t.row), dtype=t.dtype) for t in missing}}


def buffer(array: Array, shape: tuple[int, ...]) -> Array:
    """An array of this shape to write an output into; InputError if it is another."""
    from ssdgm_runtime.rows import checks

    return checks.buffer(array, shape)

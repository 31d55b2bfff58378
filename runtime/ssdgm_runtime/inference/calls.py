"""Calls of one graph for some of its outputs: what they have in common is settled once.

A `Call` is the whole way from checked rows to answers: which engine, in how many pieces, what an
input that is not given is, and which outputs have to be looked at.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle.interface import Graph
from ssdgm_runtime.engine import session
from ssdgm_runtime.rows import intake

Array = NDArray[Any]
Feeds = Mapping[str, Array]
OfRows = Callable[..., Sequence[Array]]
"""x, and where needed the size and an array for the output, to outputs; see `Call.run`."""

_isfinite = np.isfinite


class Call:
    """Some outputs of one graph, in the order of their names.

    Args:
        opened: The graph's session.
        graph: What the manifest says of it.
        names: The outputs to give.
        size: The most rows that are computed at once, where a call does not say.
        checked: The one output that is looked at for NaN and infinity, where it is among the
            names, because the others are made of it; one look costs less than two.
    """

    def __init__(
        self,
        opened: session.Session,
        graph: Graph,
        names: tuple[str, ...],
        size: int,
        checked: str = "",
    ) -> None:
        outputs = {t.name: t for t in graph.outputs}
        self.names = names
        self._compute, self._size = opened.call(names), size
        self._outputs = [outputs[name] for name in names]
        self._noise = [t for t in graph.inputs if t.name in graph.noise]
        floats = [i for i, t in enumerate(self._outputs) if t.dtype.startswith("float")]
        self._looked = [names.index(checked)] if checked in names else floats

    def __call__(
        self, feeds: Feeds, size: int | None = None, out: Array | None = None
    ) -> Sequence[Array]:
        """Compute as `run` does, and give only finite outputs.

        Raises:
            InputError: An output is not finite; it says in which row.
        """
        arrays = self.run(feeds, size, out)
        for i in self._looked:
            if 0 in _isfinite(arrays[i]).tobytes():
                raise _not_finite(self.names[i], arrays[i], feeds)
        return arrays

    def of_rows(self, rows: intake.Intake) -> OfRows:
        """The same call as a function of nothing but x, as a caller has it."""
        take, compute, most, looked = rows.take, self._compute, self._size, self._looked

        def answer(
            x: ArrayLike, size: int | None = None, out: Array | None = None
        ) -> Sequence[Array]:
            taken = take(x)
            n = len(taken)
            if size is not None or out is not None or not 0 < n <= most:
                return self({"x": taken}, size, out)
            arrays = compute({"x": taken}, n, n <= session.SMALL)
            for i in looked:
                if 0 in _isfinite(arrays[i]).tobytes():
                    raise _not_finite(self.names[i], arrays[i], "x")
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
        wholes = [np.empty((n, *t.row), dtype=t.dtype) for t in self._outputs]
        if out is not None:
            wholes = [buffer(out, wholes[0].shape)]
        for start, piece in zip(range(0, n, most), self.pieces(feeds, most), strict=True):
            for whole, rows in zip(wholes, piece, strict=True):
                whole[start : start + most] = rows
        return wholes

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


def check(outputs: Feeds, feeds: Iterable[str], start: int = 0) -> None:
    """Refuse outputs that are not finite: what went in was too large, or the weights are bad.

    Args:
        outputs: By name, [n, ...].
        feeds: The inputs' names, for the message.
        start: The number of the first row.

    Raises:
        InputError: There are some; it names the first row.
    """
    for name, array in outputs.items():
        if array.dtype.kind == "f" and 0 in _isfinite(array).tobytes():
            raise _not_finite(name, array, feeds, start)


def _not_finite(
    name: str, array: Array, feeds: Iterable[str], start: int = 0
) -> errors.InputError:
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    return errors.InputError(
        f"The output {name}",
        f"not finite in {int(bad.sum())} rows (first: row {start + int(bad.argmax())})",
        "",
        f"Check that row of {' and '.join(feeds)} for values far beyond the training data's"
        " (generating: a smaller temperature); if they are usual, run verify on the bundle.",
    )

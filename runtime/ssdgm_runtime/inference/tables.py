"""Calls of graphs that take a row as several tensors: rows of a table, or of several views."""

from collections.abc import Sequence

from ssdgm_runtime.bundle.interface import Graph
from ssdgm_runtime.inference import calls
from ssdgm_runtime.rows import intake
from ssdgm_runtime.rows.views import layout as laid


def means(graph: Graph, layout: laid.Layout) -> tuple[str, ...]:
    """The outputs of a decoder that hold the mean of whole rows."""
    return tuple(t.name for t in graph.outputs if t.name in laid.fixed(layout))


class TableCall:
    """A call whose x is whole rows, [n, width], wherever it goes in or comes out.

    Args:
        call: The call of the graph's own tensors.
        layout: The columns or the views.
        joined: Whether it gives x, and nothing else.
    """

    def __init__(self, call: calls.Call, layout: laid.Layout, *, joined: bool) -> None:
        self._call, self._layout, self._joined = call, layout, joined

    def __call__(
        self, feeds: calls.Feeds, size: int | None = None, out: calls.Array | None = None
    ) -> Sequence[calls.Array]:
        """Compute; arguments and errors are those of `calls.Call`."""
        inputs = dict(feeds)
        if "x" in inputs:
            inputs |= laid.split(inputs.pop("x"), self._layout)
        if not self._joined:
            return self._call(inputs, size, out)
        outputs = dict(zip(self._call.names, self._call(inputs, size), strict=True))
        x = laid.joined(outputs, self._layout)
        if out is not None:
            calls.buffer(out, x.shape)[...] = x
        return [x if out is None else out]

    def of_rows(self, rows: intake.Intake) -> calls.OfRows:
        """The same call as a function of nothing but x, as a caller has it."""
        return lambda x, size=None, out=None: self({"x": rows.take(x)}, size, out)

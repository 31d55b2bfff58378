"""Calls of graphs whose rows are those of a table."""

from collections.abc import Sequence

from ssdgm_runtime.inference import calls
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import intake


class TableCall:
    """A call whose x is whole rows of a table, [n, columns], wherever it goes in or comes out.

    Args:
        call: The call of the graph's own tensors.
        columns: The columns.
        joined: Whether it gives x, and nothing else.
    """

    def __init__(self, call: calls.Call, columns: table.Columns, *, joined: bool) -> None:
        self._call, self._columns, self._joined = call, columns, joined

    def __call__(
        self, feeds: calls.Feeds, size: int | None = None, out: calls.Array | None = None
    ) -> Sequence[calls.Array]:
        """Compute; arguments and errors are those of `calls.Call`."""
        inputs = dict(feeds)
        if "x" in inputs:
            inputs |= table.split(inputs.pop("x"), self._columns)
        if not self._joined:
            return self._call(inputs, size, out)
        outputs = dict(zip(self._call.names, self._call(inputs, size), strict=True))
        x = table.joined(outputs, self._columns)
        if out is not None:
            calls.buffer(out, x.shape)[...] = x
        return [x if out is None else out]

    def of_rows(self, rows: intake.Intake) -> calls.OfRows:
        """The same call as a function of nothing but x, as a caller has it."""
        return lambda x, size=None, out=None: self({"x": rows.take(x)}, size, out)

"""Rows of a table on their way into graphs, as typed tensors, and out of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, manifest
from ssdgm_runtime import columns as table

Array = NDArray[Any]
Arrays = dict[str, Array]
Floats = NDArray[np.float32]
Given = Mapping[str, Array] | None
Run = Callable[..., Arrays]


def given(x: Any, known: table.Columns, tensor: manifest.Tensor) -> Floats:  # noqa: ANN401
    """Rows of a table as a caller has them, float32 [n, columns].

    Args:
        x: An array [n, columns], or named values: a mapping, a DataFrame, an Arrow table.
        known: The columns.
        tensor: What an array is declared as.

    Raises:
        InputError: It is none of these, or lacks a column.
    """
    if hasattr(x, "to_pydict"):
        x = x.to_pydict()
    if isinstance(x, Mapping) or (hasattr(x, "keys") and hasattr(x, "__getitem__")):
        return table.rows_of(x, known)
    names = getattr(getattr(x, "dtype", None), "names", None)
    if names:
        return table.rows_of({name: x[name] for name in names}, known)
    found: Floats = arguments.rows(x, tensor, gaps=True)
    return found


@dataclass(frozen=True)
class Table:
    """The columns of a table, and a graph that takes or gives its rows."""

    columns: table.Columns
    graph: manifest.Graph

    def answer(
        self, run: Run, feeds: Mapping[str, Array], names: tuple[str, ...], out: Given = None
    ) -> Arrays:
        """What the graph answers, where x is whole rows [n, columns] wherever it goes in or out.

        Args:
            run: The graph's own inputs, and the names of the outputs to give, to these.
            feeds: Inputs by name.
            names: The outputs to give; all, if none is named.
            out: Arrays to write outputs into, by name.
        """
        given = dict(feeds)
        if "x" in given:
            given |= table.split(given.pop("x"), self.columns)
        if "x" not in names:
            return run(given, *names, out=out)
        there = {tensor.name for tensor in self.graph.outputs}
        found = run(given, *(name for name in ("x", "code_probs") if name in there))
        x = table.joined(found, self.columns)
        if out is not None:
            out["x"][...] = x
        return {"x": x if out is None else out["x"]}

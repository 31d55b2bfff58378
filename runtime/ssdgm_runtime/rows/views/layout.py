"""Whole rows that are no tensor of numbers alone.

Those of a table and of several views are several tensors to a graph; series of unequal length have
an end, after which there is NaN.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows import columns, named
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_runtime.rows.views import given as several
from ssdgm_runtime.rows.views import lengths, view

Array = NDArray[Any]
Floats = NDArray[np.float32]
Layout = columns.Columns | view.Views | tuple[lengths.Lengths, ...]
"""The columns of a table, the views of a row, or the one `Lengths` of series.

It is empty where a row is one tensor of numbers.
"""


def views_of(layout: Layout) -> view.Views:
    """The views, where rows have some; else none."""
    return tuple(part for part in layout if isinstance(part, view.View))


def columns_of(layout: Layout) -> columns.Columns:
    """The columns, where rows are those of a table; else none."""
    return tuple(part for part in layout if isinstance(part, columns.Column))


def lengths_of(layout: Layout) -> lengths.Lengths | None:
    """The lengths, where rows are series of unequal length."""
    return next((part for part in layout if isinstance(part, lengths.Lengths)), None)


def row(layout: Layout) -> tuple[int, ...]:
    """The shape of a whole row."""
    if known := lengths_of(layout):
        return known.tensor.row
    return (view.width(views_of(layout)) or len(layout),)


def given(x: Any, layout: Layout, tensor: Tensor) -> Floats:  # noqa: ANN401
    """Rows as a caller has them, whole; see `named.given` and `views.given`."""
    if views := views_of(layout):
        return several.given(x, views)
    if known := lengths_of(layout):
        return lengths.given(x, known)
    return named.given(x, columns_of(layout), tensor)


def split(rows: Array, layout: Layout) -> dict[str, Array]:
    """Whole rows as the tensors that graphs take."""
    if views := views_of(layout):
        return view.split(rows, views)
    if lengths_of(layout):
        return {"x": rows}
    return columns.split(rows, columns_of(layout))


def whole(tensors: Mapping[str, Array], layout: Layout) -> Floats:
    """The tensors that graphs take as whole rows: what `split` takes apart."""
    if views := views_of(layout):
        return view.joined(tensors, views)
    if lengths_of(layout):
        return tensors["x"]
    return columns.whole(tensors, columns_of(layout))


def joined(outputs: Mapping[str, Array], layout: Layout) -> Floats:
    """A decoder's means as whole rows."""
    if views := views_of(layout):
        return view.joined(outputs, views)
    if lengths_of(layout):
        return outputs["x"]
    return columns.joined(outputs, columns_of(layout))


def fixed(layout: Layout) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The dtypes and shapes of the tensors that hold rows, and of a decoder's code_probs."""
    if views := views_of(layout):
        return {v.tensor.name: (v.tensor.dtype, v.shape) for v in views}
    if known := lengths_of(layout):
        return {"x": (known.tensor.dtype, known.tensor.row)}
    table = columns_of(layout)
    count, kinds = columns.numbers(table), dict[str, tuple[str, tuple[int, ...]]]()
    if count:
        kinds["x"] = ("float32", (count,))
    if count < len(table):
        kinds["codes"] = ("int64", (len(table) - count,))
        kinds["code_probs"] = ("float32", (sum(len(c.categories) for c in table),))
    return kinds

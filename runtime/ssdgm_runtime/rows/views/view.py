"""Views: the arrays that one row is made of, any of which may be missing in any row.

A whole row is float32 [width]: the values of every view, one view after the other, each
flattened; NaN in all places of a view that is missing. Graphs take each view as a tensor of its
own, `x.NAME`, float32 [batch, *shape], and see by the NaN which rows lack it.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.rows import tensor
from ssdgm_runtime.rows.tensor import Tensor

Array = NDArray[Any]
Floats = NDArray[np.float32]

PREFIX = "x."
"""What comes before a view's name in the name of its tensor."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a view may be called: its name is that of tensors and files."""


class View(NamedTuple):
    """One of the arrays that a row is made of.

    Attributes:
        name: Its name.
        shape: Of one row's part of it.
        dtype: In which callers have it: uint8 or float32.
        kind: What it is, such as "image".
        range: The smallest and the largest value; empty where not known.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    kind: str = ""
    range: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """How many values it has in one row."""
        return math.prod(self.shape)

    @property
    def tensor(self) -> Tensor:
        """The tensor in which graphs take and give it."""
        return Tensor(f"{PREFIX}{self.name}", "float32", ("batch", *self.shape))

    def to_json(self) -> dict[str, Any]:
        """As a manifest has it."""
        kind = {"kind": self.kind} if self.kind else {}
        spread = {"range": [*self.range]} if self.range else {}
        return {
            "name": self.name,
            "shape": [*self.shape],
            "dtype": self.dtype,
            **kind,
            **spread,
        }


Views = tuple[View, ...]


def width(views: Sequence[View]) -> int:
    """How many values a whole row has."""
    return sum(view.width for view in views)


def spans(views: Sequence[View]) -> Iterator[tuple[View, slice]]:
    """Every view with the places of its values in a whole row."""
    start = 0
    for view in views:
        yield view, slice(start, start + view.width)
        start += view.width


def cut(rows: Array, views: Sequence[View]) -> dict[str, Array]:
    """Whole rows [n, width] as the views they are made of by their names, [n, *shape]."""
    return {v.name: rows[:, places].reshape(len(rows), *v.shape) for v, places in spans(views)}


def split(rows: Array, views: Sequence[View]) -> dict[str, Array]:
    """Whole rows as the tensors that graphs take."""
    parts = cut(rows, views).items()
    return {f"{PREFIX}{name}": np.ascontiguousarray(part, np.float32) for name, part in parts}


def joined(tensors: Mapping[str, Array], views: Sequence[View]) -> Floats:
    """The tensors of views as whole rows: what `split` takes apart."""
    parts = [tensors[v.tensor.name].reshape(-1, v.width) for v in views]
    rows: Floats = np.concatenate(parts, axis=1)
    return rows.astype(np.float32, copy=False)


def present(rows: Array, views: Sequence[View]) -> NDArray[np.bool_]:
    """Which views each whole row has, bool [n, views]."""
    there: NDArray[np.bool_] = np.stack(
        [~np.isnan(rows[:, places.start]) for _, places in spans(views)], axis=1
    )
    return there


def parse(value: object) -> Views:
    """The field `views` of a manifest; none where rows are one array.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    tables = [] if value is None else jsonfile.typed(value, list, "views")
    views = tuple(_view(jsonfile.typed(table, dict, "views")) for table in tables)
    jsonfile.distinct([view.name for view in views], "the view")
    return views


def _view(table: dict[str, Any]) -> View:
    name = jsonfile.get(table, "name", str)
    if not NAME.fullmatch(name):
        raise errors.FormatError(
            f"The manifest has a view called {name[:80]!r}",
            "letters, digits, dashes and underscores, 64 at most",
            jsonfile.MEND,
        )
    shape = ["batch", *jsonfile.typed(jsonfile.get(table, "shape", list), list, "views.shape")]
    dtype = jsonfile.get(table, "dtype", str)
    known = tensor.parse({"name": name, "dtype": dtype, "shape": shape}, f"the view {name}")
    limits = jsonfile.optional(table, "range", list, [])
    spread = tuple(jsonfile.number(limit, "views.range") for limit in limits[:2])
    return View(name, known.row, dtype, jsonfile.optional(table, "kind", str, ""), spread)

"""The columns of a table: their names and kinds, and the way between named values and rows.

A table's row is float32 [columns]: first every number, NaN where it is missing, then the code of
every category, -1 where it is missing or unknown. Graphs take the two parts as the typed tensors
`x`, float32 [batch, numbers], and `codes`, int64 [batch, categories].
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.rows import dates

Array = NDArray[Any]
Floats = NDArray[np.float32]

NUMBER, CATEGORY, BOOLEAN = "number", "category", "boolean"
KINDS = (NUMBER, CATEGORY, BOOLEAN)
TRUTH = ("false", "true")
"""The categories of a boolean column."""


UNKNOWN = -1
"""The code of a category that is missing or was not seen in training."""


_SHOWN = 4


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: As in the table's header.
        kind: One of `KINDS`.
        categories: Those of a category or boolean, in the order of their codes.
        unit: Of a number; `dates.UNIT` for dates, which are read as such.
        missing: Words that stand for a missing value besides the usual ones.
        range: The least and the largest number of the training rows; empty where not known.
    """

    name: str
    kind: str = NUMBER
    categories: tuple[str, ...] = ()
    unit: str = field(default="", repr=False)  # digests of data are made of the others
    missing: tuple[str, ...] = field(default=(), repr=False)
    range: tuple[float, ...] = field(default=(), repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """As a manifest has it."""
        known = {"categories": [*self.categories]} if self.categories else {}
        unit = {"unit": self.unit} if self.unit else {}
        missing = {"missing": [*self.missing]} if self.missing else {}
        span = {"range": [*self.range]} if self.range else {}
        return {"name": self.name, "kind": self.kind, **known, **unit, **missing, **span}


Columns = tuple[Column, ...]


def parse(value: object) -> Columns:
    """The field `columns` of a manifest: an empty list where rows are not of a table.

    Raises:
        FormatError: A field is missing or of another type, or numbers do not come first.
    """
    columns = tuple(_column(entry) for entry in jsonfile.typed(value, list, "columns"))
    jsonfile.distinct([c.name for c in columns], "the column")
    if any(c.kind == NUMBER for c in columns[numbers(columns) :]):
        raise errors.FormatError(
            "A number comes after a category in columns", "numbers first", jsonfile.MEND
        )
    return columns


def _column(value: object) -> Column:
    table = jsonfile.typed(value, dict, "columns")
    kind, categories = jsonfile.get(table, "kind", str), ()
    if kind not in KINDS:
        wanted = f"one of {', '.join(KINDS)}"
        raise errors.FormatError(f"A column has the kind {kind!r}", wanted, jsonfile.MEND)
    if kind != NUMBER:
        categories = jsonfile.each(table, "categories", str)
        jsonfile.distinct(categories, "the category")
        if not categories or (kind == BOOLEAN and categories != TRUTH):
            raise errors.FormatError(
                f"A {kind} column has the categories {list(categories)[:_SHOWN]}",
                "at least one, or false and true for a boolean",
                jsonfile.MEND,
            )
    unit = jsonfile.optional(table, "unit", str, "")
    missing = jsonfile.each(table, "missing", str) if "missing" in table else ()
    span = [
        jsonfile.number(v, "columns.range") for v in jsonfile.optional(table, "range", list, [])
    ]
    return Column(jsonfile.get(table, "name", str), kind, categories, unit, missing, (*span[:2],))


def numbers(columns: Columns) -> int:
    """How many columns are numbers; they come first."""
    return sum(column.kind == NUMBER for column in columns)


def split(rows: Array, columns: Columns) -> dict[str, Array]:
    """Rows [n, columns] as the typed tensors that graphs take."""
    count = numbers(columns)
    tensors: dict[str, Array] = {}
    if count:
        tensors["x"] = np.ascontiguousarray(rows[:, :count])
    if count < len(columns):
        codes = rows[:, count:]
        tensors["codes"] = np.where(np.isnan(codes), UNKNOWN, codes).astype(np.int64)
    return tensors


def whole(tensors: Mapping[str, Array], columns: Columns) -> Floats:
    """The typed tensors as rows [n, columns]: what `split` takes apart."""
    parts = [tensors[name].astype(np.float32) for name in ("x", "codes") if name in tensors]
    rows: Floats = np.concatenate(parts, axis=1)
    return rows


def joined(outputs: Mapping[str, Array], columns: Columns) -> Floats:
    """A decoder's `x` and `code_probs` as rows [n, columns]: expected values, likeliest codes."""
    parts = [outputs["x"]] if "x" in outputs else []
    start = 0
    for column in columns[numbers(columns) :]:
        block = outputs["code_probs"][:, start : start + len(column.categories)]
        start += len(column.categories)
        parts.append(block.argmax(1).astype(np.float32)[:, None])
    rows: Floats = np.concatenate(parts, axis=1)
    return rows


def exact(rows: Floats, dtype: str) -> Array:
    """Rows in another dtype, where that holds every number as it is; else as they are."""
    with np.errstate(invalid="ignore", over="ignore"):
        converted: Array = rows.astype(dtype)
        return converted if (converted.astype(np.float32) == rows).all() else rows


def named(rows: Array, columns: Columns) -> dict[str, list[Any]]:
    """Rows as a list of values a column; None where one is missing or unknown."""
    return {c.name: [_value(v, c) for v in rows[:, i].tolist()] for i, c in enumerate(columns)}


def _value(value: float, column: Column) -> Any:  # noqa: ANN401
    if math.isnan(value) or (column.kind != NUMBER and value < 0):
        return None
    if column.kind == NUMBER:
        return dates.written(value) if column.unit == dates.UNIT else value
    category = column.categories[int(value)]
    return category == TRUTH[1] if column.kind == BOOLEAN else category


def some(names: Sequence[Any]) -> str:
    """The first few names, as a message has them."""
    shown = ", ".join(repr(str(name)) for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def check_header(names: Sequence[str], place: str) -> None:
    """Refuse a header without names, or with one twice.

    Raises:
        DataError: It is such a header.
    """
    if not any(names):
        raise errors.DataError(f"{place} is empty", "the names of the columns")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice == [""]:
        raise errors.DataError(
            f"{place} has {list(names).count('')} columns without a name",
            "a name for each",
            "Name them, or remove those that only number the rows.",
        )
    if twice:
        raise errors.DataError(f"{place} has two columns {twice[0]!r}", mend="Rename one.")


def index_in(head: list[str], name: str, place: str) -> int:
    """Where a column stands in a line.

    Raises:
        DataError: It is not there.
    """
    if name not in head:
        raise errors.DataError(
            f"{place} has no column {name!r}, only {some(head)}",
            "every column that the model was trained on",
            "Add it, with empty cells where the value is unknown.",
        )
    return head.index(name)

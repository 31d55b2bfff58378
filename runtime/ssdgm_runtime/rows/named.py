"""Rows of a table on their way into graphs, as typed tensors, and out of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import cells, checks
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.tensor import Tensor

Array = NDArray[Any]
Arrays = dict[str, Array]
Floats = NDArray[np.float32]


def given(x: Any, columns: table.Columns, tensor: Tensor) -> Floats:  # noqa: ANN401
    """Rows of a table as a caller has them, float32 [n, columns].

    Args:
        x: An array [n, columns], or each column's values by its name: a mapping, a DataFrame, an
            Arrow table, a structured array; or rows as mappings, one or a list of them. Values are
            numbers, dates, booleans and words; None, NaN or a word of `cells.MISSING` stands for
            one that is missing.
        columns: The columns.
        tensor: What an array is declared as.

    Raises:
        InputError: It is none of these, or a column is not there, has another length, or holds a
            value of another kind.
    """
    named = _named(x, columns)
    if named is not None:
        return _rows_of(named, columns)
    rows: Floats = checks.rows(x, tensor, gaps=True)
    _check_codes(rows, columns)
    if any(column.missing for column in columns):
        rows = rows.copy()
        for i, column in enumerate(columns[: table.numbers(columns)]):
            rows[cells.gaps(rows[:, i].astype(float), column.missing), i] = np.nan
    return rows


def placed(x: Any, columns: table.Columns, tensor: Tensor) -> Any:  # noqa: ANN401
    """Rows given by the names of their values as an array [n, *tensor.row]; others as they are.

    Args:
        x: Whatever a caller has; what has names is what `given` reads by names.
        columns: The values' names in the order of a row; none, where they have none.
        tensor: What rows are declared as.

    Raises:
        InputError: x has names and the bundle has none, a name is not there, or a value is not
            a number of the declared dtype.
    """
    named = _named(x, columns)
    if named is None:
        return x
    if not columns:
        raise errors.InputError(
            "x",
            f"a table with named columns ({table.some([*named.keys()])})",
            "an array, because this bundle does not know the names of its columns and cannot "
            "check their order",
            "Pass x.to_numpy() if the order is that of training, or train on a table with names.",
        )
    return table.exact(_rows_of(named, columns).reshape(-1, *tensor.row), tensor.dtype)


def _named(x: Any, columns: table.Columns) -> Mapping[str, Any] | None:  # noqa: ANN401
    """Values by name, where x has names; each of `columns` at most once."""
    if hasattr(x, "to_pydict"):
        _check_once(getattr(x, "column_names", ()), columns)
        x = _plain(x)
    if isinstance(x, Mapping):
        one = bool(x) and all(np.ndim(value) == 0 for value in x.values())
        return {name: [value] for name, value in x.items()} if one else x
    if isinstance(x, list) and x and all(isinstance(row, Mapping) for row in x):
        every = dict.fromkeys(name for row in x for name in row)
        return {name: [row.get(name) for row in x] for name in every}
    names = getattr(x, "columns", None)
    if names is None:
        names = getattr(getattr(x, "dtype", None), "names", None)
    if names is None:
        return None
    _check_once(names, columns)
    return {name: x[name] for name in names}


def _plain(x: Any) -> dict[str, Any]:  # noqa: ANN401
    """An Arrow table's values by name; those of float32 stay such, whose 0.1 has other digits."""
    columns: dict[str, Any] = x.to_pydict()
    short = (i for i, field in enumerate(x.schema) if str(field.type) == "float")
    return columns | {x.schema.names[i]: np.asarray(x.column(i)) for i in short}


def _check_once(names: Iterable[Any], columns: table.Columns) -> None:
    """Refuse a name that two columns have, of which one would be ignored."""
    counts = Counter(names)
    if twice := [c.name for c in columns if counts[c.name] > 1]:
        raise errors.InputError(
            "x", f"a table with two columns {twice[0]!r}", "each name once", "Rename one."
        )


def _rows_of(named: Mapping[str, Any], columns: table.Columns) -> Floats:
    """Named values as rows; further columns are ignored."""
    keys = dict.fromkeys(named.keys())
    if missing := [c.name for c in columns if c.name not in keys]:
        raise errors.InputError(
            "x",
            f"a table without the column {table.some(missing)}, only with {table.some([*keys])}",
            f"the columns {table.some([c.name for c in columns])}",
        )
    parts = [_given(named[c.name], c, f"x[{c.name!r}]") for c in columns]
    lengths = {len(part): f"{c.name}: {len(part)}" for c, part in zip(columns, parts, strict=True)}
    if len(lengths) > 1:
        got = f"a table whose columns differ in length ({', '.join(lengths.values())})"
        raise errors.InputError("x", got, "columns of equal length")
    rows: Floats = np.stack(parts, axis=1)
    return rows


def _given(values: Any, column: table.Column, place: str) -> Floats:  # noqa: ANN401
    """Whatever a caller has for a column."""
    if isinstance(values, np.ma.MaskedArray):
        values = values.tolist()  # None where one is masked
    array = checks.read(values, place, "one value per row")
    if array.ndim != 1:
        raise errors.InputError(place, f"of shape {list(array.shape)}", "one value per row")
    if array.dtype.kind in "SV":
        raise errors.InputError(place, f"of dtype {array.dtype}", "numbers, booleans or text")
    where = place

    def locate(row: int) -> str:
        nonlocal where
        where = f"{place}[{row}]"
        return where

    try:
        return cells.encoded(array, column, locate)
    except errors.DataError as error:
        got = error.found.removeprefix(f"{where} is ")
        raise errors.InputError(where, got, error.expected) from None


def _check_codes(rows: Floats, columns: table.Columns) -> None:
    """Refuse a code that no category has."""
    first = table.numbers(columns)
    codes, sizes = rows[:, first:], [len(column.categories) for column in columns[first:]]
    odd = np.argwhere((codes < table.UNKNOWN) | (codes >= sizes) | (codes % 1 > 0))
    if not len(odd):
        return
    row, index = (int(i) for i in odd[0])
    raise errors.InputError(
        f"x[{row}, {first + index}], column {columns[first + index].name!r},",
        f"{codes[row, index]:g}",
        f"a code from 0 to {sizes[index] - 1}, or -1 where it is unknown",
    )

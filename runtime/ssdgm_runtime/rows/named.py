"""Rows of a table on their way into graphs, as typed tensors, and out of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import cells, checks
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.drift import warning
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
        rows = _rows_of(named, columns)
        warning.of_table(rows, columns, named)
        return rows
    rows = _listed(x, columns, tensor)
    _check_codes(rows, columns)
    if any(column.missing for column in columns):
        rows = rows.copy()
        for i, column in enumerate(columns[: table.numbers(columns)]):
            rows[cells.gaps(rows[:, i].astype(float), column.missing), i] = np.nan
    if len(rows) > 1:
        warning.of_table(rows, columns, {})
    return rows


def _listed(x: Any, columns: table.Columns, tensor: Tensor) -> Floats:  # noqa: ANN401
    """Rows without names, as they are declared."""
    array = checks.read(x, tensor.name, checks.want(tensor))
    if array.dtype.kind in "iufb" or not columns:
        return checks.rows(x, tensor, gaps=True)
    example = ", ".join(f"{c.name!r}: [...]" for c in columns[:2])
    raise errors.InputError(
        tensor.name,
        "None" if x is None else checks.described(array),
        f"the columns {table.some([c.name for c in columns])} by name, or {checks.want(tensor)}",
        f"Pass a frame, or a mapping such as {{{example}{', ...' * (len(columns) > 2)}}}.",
    )


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
        return _one_or_many(x, columns)
    if isinstance(x, list) and x and all(isinstance(row, Mapping) for row in x):
        return _by_column(x, columns)
    names = getattr(x, "columns", None)
    if names is None:
        names = getattr(getattr(x, "dtype", None), "names", None)
    if names is None:
        return None
    _check_once(names, columns)
    return {name: x[name] for name in names}


def _one_or_many(x: Mapping[str, Any], columns: table.Columns) -> Mapping[str, Any]:
    """The values of a mapping by name: one row's, or those of columns."""
    known = [c.name for c in columns if c.name in x] or [*x]
    alone = [name for name in known if _is_one(x[name])]
    if alone and len(alone) < len(known):
        several = [name for name in known if name not in alone]
        raise errors.InputError(
            "x",
            f"one value of {table.some(alone)} and several of {table.some(several)}",
            "one value of every column, for one row, or a list of each, for many",
            f"Repeat it: [x[{alone[0]!r}]] * len(x[{several[0]!r}]).",
        )
    return {name: [value] for name, value in x.items()} if alone else x


def _is_one(value: Any) -> bool:  # noqa: ANN401
    """Whether a value is one, and no list or array of them."""
    if isinstance(value, (str, bytes)) or getattr(value, "ndim", None) == 0:
        return True
    return not hasattr(value, "__len__")


def _by_column(rows: list[Mapping[str, Any]], columns: table.Columns) -> dict[str, list[Any]]:
    """Rows as mappings, by column; a key that only some of them have is an error."""
    every = dict.fromkeys(name for row in rows for name in row)
    for i, row in enumerate(rows):
        if lacking := [c.name for c in columns if c.name in every and c.name not in row]:
            raise errors.InputError(
                f"x[{i}]",
                f"a row without {table.some(lacking)}",
                "a value for every column",
                "Give None where a value is missing.",
            )
    return {name: [row.get(name) for row in rows] for name in every}


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
        there = table.some([*keys]) or "nothing"
        lacks = f"column{'s' * (len(missing) > 1)} {table.some(missing)}"
        raise errors.InputError(
            "x",
            f"a table without the {lacks}, only with {there}",
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
        raise errors.InputError(where, got, error.expected, error.mend) from None


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

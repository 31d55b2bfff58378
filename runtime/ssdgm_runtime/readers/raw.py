"""Columns of a table as they stand in its file: words of CSV, values of Parquet and JSON lines."""

import os
from collections.abc import Sequence
from pathlib import Path

from ssdgm_runtime import errors
from ssdgm_runtime.readers import inputs, jsonlines, parquet, tables
from ssdgm_runtime.rows import columns
from ssdgm_runtime.rows.drift import differences, warning
from ssdgm_runtime.rows.row import Row

Values = dict[str, list[object]]


def is_named(name: str) -> bool:
    """Whether a file has named columns, by its own name."""
    return tables.is_table(name) or jsonlines.is_lines(name)


def read(path: Path, names: Sequence[str]) -> Values:
    """Some columns by their names.

    Raises:
        DataError: The file is no table, or has no such column.
        MissingExtra: It is Parquet, and pyarrow is not installed.
    """
    if not is_named(path.name):
        raise errors.DataError(
            f"{path} has no named columns", "a table: .csv, .tsv, .parquet or .jsonl"
        )
    if jsonlines.is_lines(path.name):
        rows = jsonlines.read(path)
        _check(path, list(dict.fromkeys(name for row in rows for name in row)), names)
        return {name: [row.get(name) for row in rows] for name in names}
    if path.name.lower().endswith(parquet.SUFFIXES):
        with open(path, "rb") as stream:
            _check(path, parquet.parsed(stream, str(path)).schema_arrow.names, names)
        batches = list(parquet.batches(path, names))
        return {name: [v for b in batches for v in b.column(name).to_pylist()] for name in names}
    with tables.opened(path) as stream:
        header, lines = tables.parse(stream, str(path))
        _check(path, header, names)
        places = [header.index(name) for name in names]
        picked = [[cells[place] for place in places] for _, cells in lines]
    return {name: [row[i] for row in picked] for i, name in enumerate(names)}


def rows(path: str | os.PathLike[str], row: Row) -> inputs.Array:
    """Rows as `inputs.read_rows` reads them; warns of categories that training did not have.

    The file is read once more for its words, where a category is missing or unknown.
    """
    x = warning.silent(inputs.read_rows, path, row).x
    known, file = row.columns, Path(path)
    if not is_named(file.name):
        return x  # arrays have no words
    words = {i: c.name for i, c in enumerate(known) if c.kind == columns.CATEGORY}
    strange = [name for i, name in words.items() if (x[:, i] == columns.UNKNOWN).any()]
    if strange:
        unlike = differences.drift(x, known, read(file, strange), warning.FAR)
        if unknown := [one for one in unlike if one["column"] in strange]:
            warning.warn(differences.sentence(unknown))
    return x


def _check(path: Path, there: Sequence[str], names: Sequence[str]) -> None:
    for name in names:
        if name not in there:
            problem = f"{path} has no column {name!r}, only {columns.some(there)}"
            raise errors.DataError(problem, mend="Correct the name.")

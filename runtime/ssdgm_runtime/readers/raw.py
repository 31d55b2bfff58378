"""Columns of a table as they stand in its file: words of CSV, values of Parquet and JSON lines."""

from collections.abc import Sequence
from pathlib import Path

from ssdgm_runtime import errors
from ssdgm_runtime.readers import jsonlines, parquet, tables
from ssdgm_runtime.rows import columns

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


def _check(path: Path, there: Sequence[str], names: Sequence[str]) -> None:
    for name in names:
        if name not in there:
            problem = f"{path} has no column {name!r}, only {columns.some(there)}"
            raise errors.DataError(problem, mend="Correct the name.")

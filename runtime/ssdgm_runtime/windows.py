"""Long tables of time series, as the rows [channels, time] that a bundle of windows takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ssdgm_runtime import columns, heads, inputs, manifest, parquet, series, tables


def read_rows(path: inputs.PathLike, about: manifest.Manifest, component: str) -> inputs.Rows:
    """Rows from whatever lies at a path, as a bundle takes them; see `tables.read_rows`.

    A bundle of windows reads long tables too, columns by their names, and names each row as the
    table names its series.

    Raises:
        DataNotFound: Nothing lies there.
        DataError: It cannot be read, or a series does not make a window of the bundle's.
        MissingExtra: It needs pyarrow or Pillow.
    """
    place = Path(path)
    if about.series and tables.is_table(place.name) and place.is_file():
        return read(place, about.series, about.rows(component).row[1])
    return tables.read_rows(path, about, component)


def read(path: Path, about: series.Series, length: int | None = None) -> inputs.Rows:
    """The series of a long table as windows, float32 [n, channels, time], with their names.

    Args:
        path: The table: .csv, .tsv (plain or .gz) or .parquet.
        about: Its columns.
        length: The moments that a window must have; by default those of the first series.

    Raises:
        DataError: As `read_rows`.
        MissingExtra: It needs pyarrow.
    """
    reader = _parquet if path.name.lower().endswith(parquet.SUFFIXES) else _text
    numbers: list[int] = []

    def told(line: int, column: str) -> str:
        where = f"line {numbers[line]}" if numbers else f"row {line}"
        return f"{path}, {where}, column {column!r},"

    lines = series.Lines(about, told)
    for piece in reader(path, about, numbers):
        lines.add(*piece)
    found = lines.cut(length)
    return inputs.Rows(found.x, found.names)


Piece = tuple[list[Any], list[Any], series.Floats]


def _text(path: Path, about: series.Series, numbers: list[int]) -> Iterator[Piece]:
    """Series, times and values, some lines at a time; `numbers` takes in those of the lines."""
    channels = [columns.Column(name) for name in about.channels]
    with tables.opened(path) as stream:
        head, lines = tables.parse(stream, str(path))
        key, *times = (heads.index(head, n, str(path)) for n in about.names[: -len(channels)])
        places = [heads.index(head, name, str(path)) for name in about.channels]
        for piece in tables.pieces(lines):
            numbers += [line for line, _ in piece]
            stamps = [cells[times[0]] for _, cells in piece] if times else []
            values = tables.numbered(piece, channels, places, str(path))
            yield [cells[key] for _, cells in piece], stamps, values


def _parquet(path: Path, about: series.Series, numbers: list[int]) -> Iterator[Piece]:
    channels, start = tuple(columns.Column(name) for name in about.channels), 0
    for batch in parquet.batches(path, about.names):
        times = series.stamps(batch.column(about.time)) if about.time else []
        values = tables.coded(batch, channels, f"{path}, row", start)
        yield batch.column(about.key).to_pylist(), times, values
        start += batch.num_rows

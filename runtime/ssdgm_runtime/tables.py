"""Tables: files and values with named columns, as the rows that a bundle of a table takes.

CSV with the standard library alone; Parquet needs pyarrow, the `[tables]` extra.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import columns, errors, inputs, manifest

Array = NDArray[Any]
Floats = NDArray[np.float32]

TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
PARQUET = (".parquet", ".pq")
SUFFIXES = (*TEXT, *PARQUET)
PIECE = 1 << 14
"""Lines that are parsed at once."""

Line = tuple[int, list[str]]
"""Its number, from 1, and its cells."""

_DELIMITERS = ",;\t"
_AGAIN = "Save it as UTF-8; spreadsheets call that CSV UTF-8."


def is_table(name: str) -> bool:
    """Whether a file is a table by its name."""
    return name.lower().endswith(SUFFIXES)


def stem(name: str) -> str:
    """The name of a table without its suffix."""
    suffix = max((s for s in SUFFIXES if name.lower().endswith(s)), key=len, default="")
    return name.removesuffix(name[len(name) - len(suffix) :])


def read_rows(path: inputs.PathLike, about: manifest.Manifest, component: str) -> inputs.Rows:
    """Rows from whatever lies at a path, as a bundle takes them; see `inputs.read_rows`.

    A bundle of a table reads .csv, .tsv (plain or .gz) and .parquet too, columns by their names;
    images are resized as the bundle says that those of its training were.

    Raises:
        DataNotFound: Nothing lies there.
        DataError: It cannot be read, or a column is missing or holds a value of another kind.
        MissingExtra: It needs pyarrow or Pillow.
    """
    place = Path(path)
    if about.columns and is_table(place.name) and place.is_file():
        return inputs.Rows(read(place, about.columns))
    return inputs.read_rows(path, about.rows(component).row, about.resize)


def read(path: Path, known: columns.Columns) -> Floats:
    """A table's rows by the names of its columns, float32 [n, columns]; raises as `read_rows`."""
    if path.name.lower().endswith(PARQUET):
        return _parquet(path, known)
    with opened(path) as stream:
        names, lines = parse(stream, str(path))
        places = [index(names, column.name, str(path)) for column in known]
        parts = [np.zeros((0, len(known)), np.float32)]
        parts += [numbered(piece, known, places, str(path)) for piece in pieces(lines)]
    return np.concatenate(parts)


def opened(path: Path) -> IO[bytes]:
    """A file of text, unpacked if its name ends in .gz.

    Raises:
        DataError: It cannot be opened.
    """
    try:
        if path.name.lower().endswith(".gz"):
            import gzip

            return gzip.open(path, "rb")  # type: ignore[return-value]
        return open(path, "rb")
    except OSError as error:
        raise errors.DataError(
            f"{path} cannot be read ({error.strerror})", "a readable file"
        ) from None


def head(stream: IO[bytes], place: str) -> tuple[list[str], str]:
    """The names of a table's columns, and what parts its cells; errors as of `parse`."""
    text = _decoded(stream)
    try:
        return _head(text, place)
    finally:
        text.detach()  # or it would close the caller's stream


def parse(stream: IO[bytes], place: str) -> tuple[list[str], Iterator[Line]]:
    """The head of a table, and its lines, those without any cells left out.

    Args:
        stream: The file; commas, semicolons or tabs, whichever the first line has most of.
        place: What a message calls it.

    Raises:
        DataError: It has no head, a name twice, another encoding, or a line with more or fewer
            cells; it names the line.
    """
    text = _decoded(stream)
    names, delimiter = _head(text, place)
    return names, _lines(text, delimiter, len(names), place)


def _decoded(stream: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


def _head(text: io.TextIOWrapper, place: str) -> tuple[list[str], str]:
    try:
        first = text.readline()
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise _undecoded(error, place, 1) from None
    delimiter = max(_DELIMITERS, key=first.count)
    cells = next(csv.reader([first], delimiter=delimiter), [])
    names = [name.strip() for name in cells]
    check_head(names, place)
    return names, delimiter


def check_head(head: list[str], place: str) -> None:
    """Refuse a head without names, or with one twice.

    Raises:
        DataError: It is such a head.
    """
    twice = sorted({name for name in head if head.count(name) > 1})
    if not any(head) or twice:
        found = f"has two columns {twice[0]!r}" if twice else "is empty"
        raise errors.DataError(
            f"{place}, line 1, {found}", "the names of the columns, each once", "Rename one."
        )


def _lines(text: io.TextIOWrapper, delimiter: str, width: int, place: str) -> Iterator[Line]:
    with text:
        yield from _parsed(text, delimiter, width, place)


def _parsed(text: io.TextIOWrapper, delimiter: str, width: int, place: str) -> Iterator[Line]:
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            line = reader.line_num + 1
            raise errors.DataError(
                f"{place}, line {line}, cannot be read ({error})", "cells with commas"
            ) from None
        except (UnicodeDecodeError, OSError, EOFError) as error:
            raise _undecoded(error, place, reader.line_num + 2) from None
        line = reader.line_num + 1
        if not any(cell.strip() for cell in cells) and len(cells) != width:
            continue
        if len(cells) != width:
            raise errors.DataError(
                f"{place}, line {line}, has {len(cells)} cells", f"{width}, as in the first line"
            )
        yield line, cells


def _undecoded(error: Exception, place: str, line: int) -> errors.DataError:
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start]
        found = f"{place}, from line {line} on, is not written in UTF-8 (byte {byte:#04x})"
        return errors.DataError(found, "UTF-8", _AGAIN)
    return errors.DataError(f"{place} cannot be read ({error})", "a whole file", "Copy it again.")


def pieces(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Lines, many at a time."""
    import itertools

    while piece := list(itertools.islice(lines, PIECE)):
        yield piece


def numbered(
    piece: Sequence[Line], known: Sequence[columns.Column], places: Sequence[int], name: str
) -> Floats:
    """Some lines as numbers and codes, float32 [lines, columns].

    Args:
        piece: The lines.
        known: The columns.
        places: Where each stands in a line.
        name: What a message calls the file.

    Raises:
        DataError: A value is of another kind; it names the line and the column.
    """
    found = []
    for column, index in zip(known, places, strict=True):

        def told(row: int, column: columns.Column = column) -> str:
            return f"{name}, line {piece[row][0]}, column {column.name!r},"

        found.append(columns.text([cells[index] for _, cells in piece], column, told))
    return np.stack(found, axis=1)


def index(head: list[str], name: str, place: str) -> int:
    """Where a column stands in a line.

    Raises:
        DataError: It is not there.
    """
    if name not in head:
        raise errors.DataError(
            f"{place} has no column {name!r}; it has {columns.some(head)}",
            "every column that the model was trained on",
            "Add it; leave its cells empty where nothing is known.",
        )
    return head.index(name)


def _parquet(path: Path, known: columns.Columns) -> Floats:
    found = batches(path, [column.name for column in known])
    parts = (columns.rows_of(batch.to_pydict(), known, str(path)) for batch in found)
    return np.concatenate([np.zeros((0, len(known)), np.float32), *parts])


def batches(path: Path, names: Sequence[str]) -> Iterator[Any]:
    """Columns of a Parquet file by their names, as pyarrow's record batches.

    Raises:
        DataError: It cannot be read, or a column is missing.
        MissingExtra: It needs pyarrow.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise errors.MissingExtra(
            f"{path} needs pyarrow", "pyarrow", 'pip install "ssdgm-runtime[tables]"'
        ) from None
    try:
        source = parquet.ParquetFile(path)
        head = source.schema_arrow.names
    except Exception as error:  # Arrow lets through whatever its parsers trip over
        raise errors.DataError(f"{path} cannot be read ({error})", "a Parquet file") from None
    for name in names:
        index(head, name, str(path))
    yield from source.iter_batches(batch_size=PIECE, columns=list(names))

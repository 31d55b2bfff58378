"""Tables: files and values with named columns, as the rows that a bundle of a table takes.

CSV with the standard library alone; Parquet needs pyarrow, the `[tables]` extra.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import parquet
from ssdgm_runtime.rows import cells, columns, dates

Array = NDArray[Any]
Floats = NDArray[np.float32]

TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
SUFFIXES = (*TEXT, *parquet.SUFFIXES)
PIECE = 1 << 14
"""Lines that are parsed at once."""

LONGEST = 1 << 23
"""Characters of a line."""

Line = tuple[int, list[str]]
"""Its number, from 1, and its cells."""

CLOSED = f"closed quotes, and at most {csv.field_size_limit()} characters per cell"

_DELIMITERS = ",;\t"
_AGAIN = "Save it as UTF-8; spreadsheets call that CSV UTF-8."


def is_table(name: str) -> bool:
    """Whether a file is a table by its name."""
    return name.lower().endswith(SUFFIXES)


def stem(name: str) -> str:
    """The name of a table without its suffix."""
    suffix = max((s for s in SUFFIXES if name.lower().endswith(s)), key=len, default="")
    return name.removesuffix(name[len(name) - len(suffix) :])


def read(path: Path, wanted: columns.Columns) -> Floats:
    """A table's rows by the names of its columns, float32 [n, columns].

    Raises:
        DataError: It cannot be read, or a column is missing or holds a value of another kind.
        MissingExtra: It needs pyarrow.
    """
    if path.name.lower().endswith(parquet.SUFFIXES):
        return _parquet(path, wanted)
    with opened(path) as stream:
        names, lines = parse(stream, str(path))
        places = [columns.index_in(names, column.name, str(path)) for column in wanted]
        parts = [np.zeros((0, len(wanted)), np.float32)]
        parts += [numbered(piece, wanted, places, str(path)) for piece in pieces(lines)]
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
            f"{path} cannot be read ({error.strerror})", mend="Check its permissions."
        ) from None


@dataclass(frozen=True)
class Head:
    """The beginning of a table.

    Attributes:
        names: Those of its columns.
        delimiter: What parts its cells.
        lines: How many lines it takes.
    """

    names: list[str]
    delimiter: str
    lines: int


def head(stream: IO[bytes], place: str) -> Head:
    """The header of a table; errors as of `parse`."""
    text = _decoded(stream)
    try:
        reader = _Reader(text, place)
        return Head(reader.names(), reader.delimiter, reader.line)
    finally:
        text.detach()  # or it would close the caller's stream


def parse(stream: IO[bytes], place: str) -> tuple[list[str], Iterator[Line]]:
    """The names of a table's columns, and its lines, empty ones left out.

    Args:
        stream: The file; commas, semicolons or tabs, whichever the first line has most of.
        place: What a message calls it.

    Raises:
        DataError: It has no header, a name twice, another encoding, or a line with more or fewer
            cells; it names the line.
    """
    text = _decoded(stream)
    reader = _Reader(text, place)
    names = reader.names()
    return names, _lines(text, reader, len(names), place)


def records(stream: IO[bytes], place: str) -> Iterator[Line]:
    """The lines of a text that need not be a table, the first one too; errors as of `parse`."""
    with _decoded(stream) as text:
        yield from _Reader(text, place).records()


def check_text(first: str, place: str) -> None:
    """Refuse a text of two bytes a letter, by a first line of which a third or more is NUL.

    Raises:
        DataError: It is such a text.
    """
    if "\0" in first and 3 * first.count("\0") >= len(first):
        problem = f"{place}, line 1, is not written in UTF-8 (it looks like UTF-16)"
        raise errors.DataError(problem, mend=_AGAIN)


def _decoded(stream: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


class _Reader:
    """A parser of a text, whose quotes may end before their cell does, as pyarrow has it.

    Attributes:
        delimiter: What parts cells.
    """

    def __init__(self, text: io.TextIOWrapper, place: str) -> None:
        self._text, self._place = text, place
        lines = self._given()
        first, self._ended = next(lines, ""), False
        check_text(first, place)
        bare = re.sub('"[^"]*"', "", first)
        self.delimiter = max(_DELIMITERS, key=bare.count)
        self._cells = csv.reader(itertools.chain([first], lines), delimiter=self.delimiter)

    @property
    def line(self) -> int:
        """How many lines have been read."""
        return self._cells.line_num

    def names(self) -> list[str]:
        """The first line's, which are those of columns."""
        names = [name.strip() for name in next(self.records(), (1, []))[1]]
        columns.check_header(names, f"{self._place}, line 1,")
        return names

    def records(self) -> Iterator[Line]:
        """The cells between ends of lines that no quotes enclose, with the first line's number."""
        while True:
            line = self.line + 1
            try:
                cells = next(self._cells)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._broken(line, str(error)) from None
            if self._ended:  # the parser wanted more than there was
                raise self._broken(line, "a quote is not closed")
            yield line, cells

    def _broken(self, line: int, reason: str) -> errors.DataError:
        return errors.DataError(f"{self._place}, line {line}, cannot be read ({reason})", CLOSED)

    def _given(self) -> Iterator[str]:
        """The lines of the text as they come."""
        for line in itertools.count(1):
            try:
                text = self._text.readline(LONGEST)
            except Exception as error:  # whatever the file or its packing trips over
                raise _unreadable(error, self._place, line) from None
            if len(text) == LONGEST:
                raise errors.DataError(
                    f"{self._place}, line {line}, has more than {LONGEST} characters",
                    mend="Check that the file is a table and that its quotes are closed.",
                )
            if not text:
                break
            yield text
        self._ended = True


def _lines(text: io.TextIOWrapper, reader: _Reader, width: int, place: str) -> Iterator[Line]:
    with text:
        for line, cells in reader.records():
            if not cells:
                continue
            if len(cells) != width:
                raise errors.DataError(
                    f"{place}, line {line}, has {len(cells)} cells",
                    f"{width}, as in the first line",
                )
            yield line, cells


def _unreadable(error: Exception, place: str, line: int) -> errors.DataError:
    if isinstance(error, UnicodeDecodeError):
        line += error.object.count(b"\n", 0, error.start)  # those of the piece being decoded
        byte = error.object[error.start]
        problem = f"{place}, line {line}, is not written in UTF-8 (byte {byte:#04x})"
        return errors.DataError(problem, mend=_AGAIN)
    return errors.DataError(f"{place} cannot be read ({error})", mend="Copy it again.")


def pieces(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Lines, many at a time."""
    while piece := list(itertools.islice(lines, PIECE)):
        yield piece


def numbered(
    piece: Sequence[Line], wanted: Sequence[columns.Column], places: Sequence[int], name: str
) -> Floats:
    """Some lines as numbers and codes, float32 [lines, columns].

    Args:
        piece: The lines.
        wanted: The columns to read.
        places: Where each stands in a line.
        name: What a message calls the file.

    Raises:
        DataError: A value is of another kind; it names the line and the column.
    """
    parts = []
    for column, index in zip(wanted, places, strict=True):

        def locate(row: int, column: columns.Column = column) -> str:
            return f"{name}, line {piece[row][0]}, column {column.name!r},"

        parts.append(cells.text([cells[index] for _, cells in piece], column, locate))
    return np.stack(parts, axis=1)


def _parquet(path: Path, wanted: columns.Columns) -> Floats:
    parts, start = [np.zeros((0, len(wanted)), np.float32)], 0
    for batch in parquet.batches(path, [column.name for column in wanted]):
        parts.append(coded(batch, wanted, f"{path}, row", start))
        start += batch.num_rows
    return np.concatenate(parts)


def coded(batch: parquet.Batch, wanted: columns.Columns, place: str, start: int) -> Floats:
    """Some rows of a Parquet file as numbers and codes, float32 [rows, columns].

    Args:
        batch: The rows.
        wanted: The columns to read.
        place: What a message calls a row, but for its number.
        start: The number of the first.

    Raises:
        DataError: A value is of another kind; it names the row and the column.
    """
    parts = []
    for column in wanted:

        def locate(row: int, column: columns.Column = column) -> str:
            return f"{place} {start + row}, column {column.name!r},"

        cells_of, dated = batch.column(column.name), column.unit == dates.UNIT
        if column.kind == columns.CATEGORY and (said := parquet.words(cells_of)):
            parts.append(cells.encoded(said[0], column, locate)[said[1]])
            continue
        values = parquet.values(cells_of, locate, dated=dated)
        parts.append(cells.encoded(values, column, locate))
    return np.stack(parts, axis=1)

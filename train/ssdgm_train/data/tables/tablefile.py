"""Read the columns of a table's file by name, some rows at a time: CSV and Parquet, by pyarrow.

If pyarrow refuses a CSV file, `readers.tables` reads it again to name the line: so training and
`classify` report the same error.
"""

import abc
import contextlib
import gzip
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, cast

from ssdgm_runtime import errors
from ssdgm_runtime.readers import parquet, tables
from ssdgm_train.data.places import tree

Batch = Any
"""A pyarrow.RecordBatch."""

BLOCK = 1 << 22
"""Bytes of a CSV file read at once."""

END = "\0end\0"
"""The content of every cell of a line that is added at the end."""


class Table(abc.ABC):
    """A file of named columns, which can be read several times.

    Attributes:
        place: Its name in messages.
        names: The columns, as in the header.
    """

    place: str
    names: tuple[str, ...]

    @abc.abstractmethod
    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Columns by their names, in pieces of rows; those of a CSV file are strings.

        Raises:
            DataError: It cannot be read; for a CSV file the message names the line.
        """

    @abc.abstractmethod
    def row(self, number: int) -> str:
        """The place of a row, counted from 0, in messages."""


def open_table(files: tree.Tree, name: str) -> Table:
    """Open a file of a tree by its name.

    Raises:
        DataError: It is damaged, or its header cannot be used.
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise errors.MissingExtra(
            f"Reading the table {tree.place(files, name)} needs pyarrow",
            mend='pip install "ssdgm-train[tables]"',
        ) from None
    return (Parquet if name.lower().endswith(parquet.SUFFIXES) else Csv)(files, name)


def release() -> None:
    """Release the memory that pyarrow keeps for further reading."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


class Csv(Table):
    """Text: commas, semicolons or tabs, plain or gzip, in UTF-8."""

    def __init__(self, files: tree.Tree, name: str) -> None:
        self._found, self._name, self.place = files, name, tree.place(files, name)
        with self._opened() as stream:
            self._head = tables.head(stream, self.place)
        self.names = tuple(self._head.names)

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Columns by their names, strings as they are written."""
        import pyarrow as pa
        from pyarrow import csv

        read = csv.ReadOptions(
            block_size=BLOCK, skip_rows=self._head.lines, column_names=list(self.names)
        )
        parse = csv.ParseOptions(delimiter=self._head.delimiter, newlines_in_values=True)
        convert = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=list(names),
            strings_can_be_null=False,
        )
        with self._opened() as stream:
            ended = _Ended(stream, self._head.delimiter.join([END] * len(self.names)))
            try:
                yield from self._without_end(csv.open_csv(ended, read, parse, convert))
            except errors.DataError:
                raise
            except Exception as error:  # pyarrow and gzip raise many types for damaged files
                raise self._refused(str(error)) from None

    def row(self, number: int) -> str:
        """The file and the line."""
        with self._opened() as stream:
            _, lines = tables.parse(stream, self.place)
            line, _ = next(itertools.islice(lines, number, None), (0, []))
        return f"{self.place}, line {line},"

    @contextlib.contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        with self._found.open(self._name) as stream:
            if not self._name.lower().endswith(".gz"):
                yield stream
                return
            with gzip.open(stream) as unpacked:
                yield cast(IO[bytes], unpacked)

    def _without_end(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """All rows but the last; if that one is missing, an unclosed quote has swallowed it."""
        former = None
        for batch in filter(len, batches):
            if former is not None:
                yield former
            former = batch
        if former is None or former.column(0)[-1].as_py() != END:
            raise self._refused("a quote is not closed")
        if former.num_rows > 1:
            yield former.slice(0, former.num_rows - 1)

    def _refused(self, reason: str) -> errors.DataError:
        """The error of the reader that counts lines, else one with pyarrow's reason."""
        try:
            with self._opened() as stream:
                rows = sum(1 for _ in tables.parse(stream, self.place)[1])
        except errors.DataError as error:
            return error
        if not rows:
            return no_rows(self.place)
        return errors.DataError(
            f"{self.place} cannot be read as a CSV file ({reason})", mend="Save it as CSV again."
        )


def no_rows(place: str) -> errors.DataError:
    """The error for a table without training rows."""
    return errors.DataError(
        f"{place} has no rows to train on", mend="A table needs a header and rows below it."
    )


class _Ended(io.RawIOBase):
    """A stream with one more line at its end."""

    def __init__(self, stream: tree.Stream, line: str) -> None:
        self._stream, self._rest, self._last = stream, f"{line}\n".encode(), b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        if data := self._stream.read(size):
            self._last = data[-1:]
            return data
        data, self._rest = self._rest, b""
        return data if self._last == b"\n" or not data else b"\n" + data

    def readable(self) -> bool:
        """Whether the stream can be read: always."""
        return True


class Parquet(Table):
    """Parquet, some rows at a time."""

    def __init__(self, files: tree.Tree, name: str) -> None:
        self._found, self._name, self.place = files, name, tree.place(files, name)
        with self._found.open(name) as stream:
            self.names = tuple(parquet.parsed(stream, self.place).schema_arrow.names)

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Columns by their names, in the types that the file has."""
        with self._found.open(self._name) as stream:
            yield from parquet.pieces(parquet.parsed(stream, self.place), names, self.place)

    def row(self, number: int) -> str:
        """The file and the row."""
        return f"{self.place}, row {number},"

"""A table's file as columns by name, some rows at a time: CSV and Parquet, read by pyarrow.

What pyarrow refuses in a CSV file is read again by `ssdgm_runtime.tables`, which knows lines: so
training says of a file what `classify` says of it.
"""

import abc
import gzip
import itertools
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

from ssdgm_runtime import errors, tables
from ssdgm_train.data import tree

Batch = Any
"""A pyarrow.RecordBatch."""

BLOCK = 1 << 22
"""Bytes of a CSV file at once; no line may be longer."""


class Table(abc.ABC):
    """A file of named columns, read as often as it is asked for.

    Attributes:
        place: What messages call it.
        names: The columns, as the head has them.
    """

    place: str
    names: tuple[str, ...]

    @abc.abstractmethod
    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Columns by their names, in pieces of rows; those of a CSV file are strings.

        Raises:
            DataError: It cannot be read; a CSV file's line is named.
        """

    @abc.abstractmethod
    def row(self, number: int) -> str:
        """What messages call a row, counted from 0."""


def load(found: tree.Tree, name: str) -> Table:
    """Open a file of a tree by its name.

    Raises:
        DataError: It is damaged, or its head cannot be used.
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise errors.MissingExtra(
            f"{tree.place(found, name)} needs pyarrow",
            "pyarrow, to read tables",
            'pip install "ssdgm-train[tables]"',
        ) from None
    return (Parquet if name.lower().endswith(tables.PARQUET) else Csv)(found, name)


def release() -> None:
    """Let go of the memory that pyarrow keeps for further reading."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


class Csv(Table):
    """Text: commas, semicolons or tabs, plain or gzip, in UTF-8."""

    def __init__(self, found: tree.Tree, name: str) -> None:
        self._found, self._name, self.place = found, name, tree.place(found, name)
        with self._opened() as stream:
            names, self._delimiter = tables.head(stream, self.place)
        self.names = tuple(names)

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Columns by their names, strings as they are written."""
        import pyarrow as pa
        from pyarrow import csv

        read = csv.ReadOptions(block_size=BLOCK, skip_rows=1, column_names=list(self.names))
        parse = csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True)
        convert = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=list(names),
            strings_can_be_null=False,
        )
        with self._opened() as stream:
            try:
                yield from csv.open_csv(stream, read, parse, convert)
            except (pa.ArrowInvalid, UnicodeDecodeError, OSError, EOFError) as error:
                raise self._refused(error) from None

    def row(self, number: int) -> str:
        """The file and the line."""
        with self._opened() as stream:
            _, lines = tables.parse(stream, self.place)
            line, _ = next(itertools.islice(lines, number, None), (0, []))
        return f"{self.place}, line {line},"

    def _opened(self) -> IO[bytes]:
        stream: IO[bytes] = self._found.open(self._name)
        packed = self._name.lower().endswith(".gz")
        return cast(IO[bytes], gzip.open(stream)) if packed else stream

    def _refused(self, error: Exception) -> errors.DataError:
        """What is wrong with the file, by the reader that counts lines."""
        try:
            with self._opened() as stream:
                for _ in tables.parse(stream, self.place)[1]:
                    pass
        except errors.DataError as told:
            return told
        if "no data" in str(error).lower() or "empty csv" in str(error).lower():
            return errors.DataError(f"{self.place} has no rows", "a head and rows below it")
        return errors.DataError(f"{self.place} cannot be read ({error})", "a CSV file")


class Parquet(Table):
    """Parquet, row group by row group."""

    def __init__(self, found: tree.Tree, name: str) -> None:
        self._found, self._name, self.place = found, name, tree.place(found, name)
        with self._found.open(name) as stream:
            schema = self._parsed(stream).schema_arrow
        self.names = tuple(schema.names)
        tables.check_head(list(self.names), self.place)

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Columns by their names, in the types that the file has."""
        with self._found.open(self._name) as stream:
            source = self._parsed(stream)
            try:
                yield from source.iter_batches(tables.PIECE, columns=list(names))
            except Exception as error:  # Arrow lets through whatever its decoders trip over
                raise self._damaged(error) from None

    def row(self, number: int) -> str:
        """The file and the row."""
        return f"{self.place}, row {number},"

    def _parsed(self, stream: tree.Stream) -> Any:  # noqa: ANN401
        from pyarrow import parquet

        try:
            return parquet.ParquetFile(stream, buffer_size=BLOCK, pre_buffer=False)
        except Exception as error:  # as above
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> errors.DataError:
        detail = str(error).splitlines() or [type(error).__name__]
        found = f"{self.place} cannot be read ({detail[0]})"
        return errors.DataError(found, "a whole Parquet file", "Copy it again.")

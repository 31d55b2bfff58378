"""Parquet files by pyarrow, the `[tables]` extra: columns by their names, some rows at a time."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns

Batch = Any
"""A pyarrow.RecordBatch."""

File = Any
"""A pyarrow.parquet.ParquetFile."""

SUFFIXES = (".parquet", ".pq")
PIECE = 1 << 14
"""Rows at once."""

_BUFFER = 1 << 22


def parsed(stream: IO[bytes], place: str) -> File:
    """A file whose header is read.

    Args:
        stream: The file.
        place: What a message calls it.

    Raises:
        DataError: It is damaged, or has a column twice.
        MissingExtra: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise errors.MissingExtra(
            f"Reading {place} needs pyarrow", mend='pip install "ssdgm-runtime[tables]"'
        ) from None
    try:
        file = parquet.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False)
        names = file.schema_arrow.names
    except Exception as error:  # Arrow lets through whatever its parsers trip over
        raise _damaged(error, place) from None
    columns.check_header(names, place)
    return file


def pieces(
    file: File, names: Sequence[str], place: str, groups: Sequence[int] | None = None
) -> Iterator[Batch]:
    """Columns by their names, in the types that the file has, of all row groups or of some.

    Raises:
        DataError: It is damaged.
    """
    try:
        for batch in file.iter_batches(PIECE, groups, list(names)):
            piece = batch.select(list(names))  # a name brings along those that begin with it
            piece.validate(full=True)
            yield piece
    except Exception as error:  # as above
        raise _damaged(error, place) from None


def batches(path: Path, names: Sequence[str]) -> Iterator[Batch]:
    """Columns of the file at a path.

    Raises:
        DataError: It cannot be read, or a column is missing.
        MissingExtra: It needs pyarrow.
    """
    with _opened(path) as stream:
        file = parsed(stream, str(path))
        for name in names:
            columns.index_in(file.schema_arrow.names, name, str(path))
        yield from pieces(file, names, str(path))


def values(
    array: Any,  # noqa: ANN401  (pyarrow's)
    locate: Callable[[int], str],
    *,
    dated: bool = False,
) -> list[Any] | NDArray[Any]:
    """A column's values: numbers, truth values or words, None or NaN where one is missing.

    Args:
        array: The column.
        locate: The number of a row to what a message calls the place.
        dated: Whether they may be dates.

    Raises:
        DataError: It holds something else, such as lists.
    """
    import pyarrow as pa

    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    strange = (
        pa.types.is_nested,
        pa.types.is_temporal,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    if dated and (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        moments: NDArray[Any] = array.cast(pa.timestamp("us")).to_numpy(False)
        return moments
    if any(is_of(kind) for is_of in strange):
        raise errors.DataError(f"{locate(0)} holds {kind}", "numbers, booleans or text")
    cells: list[Any] | NDArray[Any]
    if pa.types.is_decimal(array.type):  # as training has them
        array = array.cast(pa.float64(), safe=False)
    cells = array.to_numpy(False) if pa.types.is_floating(array.type) else array.to_pylist()
    return cells


def words(array: Any) -> tuple[list[Any], NDArray[Any]] | None:  # noqa: ANN401  (pyarrow's)
    """The distinct words of a column, None the last, and each row's place among them.

    None where the column has something else than words.
    """
    import pyarrow as pa

    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    distinct = [*coded.dictionary.to_pylist(), None]
    return distinct, coded.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False)


def _opened(path: Path) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise errors.DataError(
            f"{path} cannot be read ({error.strerror})", mend="Check its permissions."
        ) from None


def _damaged(error: Exception, place: str) -> errors.DataError:
    detail = str(error).splitlines() or [type(error).__name__]
    problem = f"{place} cannot be read ({detail[0]})"
    return errors.DataError(problem, mend="Copy it again.")

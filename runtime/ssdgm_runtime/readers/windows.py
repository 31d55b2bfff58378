"""Long tables of time series, as the rows [channels, time] that a bundle of windows takes."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import parquet, tables
from ssdgm_runtime.rows import cells, columns, series

Array = NDArray[Any]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Locate = Callable[[int, str], str]
"""The number of a line, from 0, and a column to what a message calls the place."""

MOST_BYTES = 1 << 32
"""The most that windows which overlap may hold together."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATES = "a number, or a date such as 2025-03-01 or 2025-03-01T12:00:00 without an offset,"
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?", re.ASCII)


def read(path: Path, about: series.Series, length: int | None = None) -> "Windows":
    """The series of a long table as windows, float32 [n, channels, time], with their names.

    Args:
        path: The table: .csv, .tsv (plain or .gz) or .parquet.
        about: Its columns.
        length: The moments that a window has; by default those of the first series.

    Raises:
        DataError: It cannot be read, or a series makes no window of this length.
        MissingExtra: It needs pyarrow.
    """
    reader = _parquet if path.name.lower().endswith(parquet.SUFFIXES) else _text
    numbers: list[int] = []

    def locate(line: int, column: str) -> str:
        where = f"line {numbers[line]}" if numbers else f"row {line}"
        return f"{path}, {where}, column {column!r},"

    lines = Lines(about, locate)
    for piece in reader(path, about, numbers):
        lines.add(*piece)
    return lines.cut(length)


Piece = tuple[list[Any], list[Any], series.Floats]


def _text(path: Path, about: series.Series, numbers: list[int]) -> Iterator[Piece]:
    """Series, times and values, some lines at a time; `numbers` takes in those of the lines."""
    channels = [columns.Column(name) for name in about.channels]
    with tables.opened(path) as stream:
        head, lines = tables.parse(stream, str(path))
        key, *times = (columns.index_in(head, n, str(path)) for n in about.names[: -len(channels)])
        places = [columns.index_in(head, name, str(path)) for name in about.channels]
        for piece in tables.pieces(lines):
            numbers += [line for line, _ in piece]
            stamps = [cells[times[0]] for _, cells in piece] if times else []
            values = tables.numbered(piece, channels, places, str(path))
            yield [cells[key] for _, cells in piece], stamps, values


def _parquet(path: Path, about: series.Series, numbers: list[int]) -> Iterator[Piece]:
    channels, start = tuple(columns.Column(name) for name in about.channels), 0
    for batch in parquet.batches(path, about.names):
        times = stamps(batch.column(about.time)) if about.time else []
        values = tables.coded(batch, channels, f"{path}, row", start)
        yield batch.column(about.key).to_pylist(), times, values
        start += batch.num_rows


@dataclass(frozen=True, eq=False)
class Windows:
    """Series as windows.

    Attributes:
        x: float32 [n, channels, time].
        names: What the table calls each series; where they are cut, with the moment of the series
            that a window begins at, from 0: `pump 7@120`.
        lines: The number of the line that each moment lies in, int64 [n, time].
        series: The number of the series that each window is of, int64 [n].
        keys: What the table calls these series, by their numbers.
    """

    x: Floats
    names: tuple[str, ...]
    lines: Indices
    series: Indices
    keys: tuple[str, ...]


class Lines:
    """The lines of a long table, gathered piece by piece.

    Args:
        about: Its columns.
        locate: What messages call a line's place.
        mend: What to do about series of several lengths.
    """

    def __init__(
        self, about: series.Series, locate: Locate, mend: str = "Cut or fill the series."
    ) -> None:
        self._about, self._locate, self._mend = about, locate, mend
        self._known: dict[str, int] = {}
        self._codes: list[Indices] = []
        self._times: list[Array] = []
        self._values: list[Floats] = []
        self._count = 0

    def add(self, keys: Sequence[Any], times: Sequence[Any], values: Floats) -> None:
        """Take in some lines.

        Args:
            keys: The series of each, None where it is missing.
            times: The time of each: numbers, words, or None; nothing, without a column of times.
            values: float32 [lines, channels], NaN where one is missing.

        Raises:
            DataError: Something is missing, or a time is none; it names the line and the column.
        """
        words = _words(keys)
        self._present(np.array([word in cells.MISSING for word in words]), self._about.key)
        for channel, gaps in zip(self._about.channels, np.isnan(values).T, strict=True):
            self._present(gaps, channel)
        if self._about.time:
            self._times.append(self._moments(_words(times)))
        numbers = self._known
        codes = (numbers.setdefault(word, len(numbers)) for word in words)
        self._codes.append(np.fromiter(codes, np.int64, len(words)))
        self._values.append(values)
        self._count += len(words)

    def cut(self, length: int | None = None) -> Windows:
        """The windows of all lines.

        Args:
            length: The moments of a window, which every series must have, or at least where they
                are cut; by default those of the first.

        Raises:
            DataError: Series are of several lengths, or too short, or a time comes twice.
        """
        channels = len(self._about.channels)
        codes = np.concatenate([np.zeros(0, np.int64), *self._codes])
        times = np.concatenate(self._times) if self._times else np.arange(self._count)
        values = np.concatenate([np.zeros((0, channels), np.float32), *self._values])
        order = np.lexsort((times, codes))
        sizes = np.bincount(codes, minlength=len(self._known))
        self._check_distinct(codes[order], times[order], order)
        self._check_lengths(codes, sizes, length)
        time = int(sizes[0]) if length is None and len(sizes) else length or 0
        series, starts = _places(sizes, time, self._about.stride)
        self._check_size(len(series) * time * (channels * values.itemsize + order.itemsize))
        first = np.cumsum(sizes) - sizes
        lines = order[(first[series] + starts)[:, None] + np.arange(time)]
        x = np.ascontiguousarray(values[lines].transpose(0, 2, 1))
        return Windows(x, self._names(series, starts), lines, series, tuple(self._known))

    def _names(self, series: Indices, starts: Indices) -> tuple[str, ...]:
        known = [*self._known]
        if not self._about.stride:
            return tuple(known)
        return tuple(f"{known[i]}@{start}" for i, start in zip(series, starts, strict=True))

    def _present(self, missing: NDArray[np.bool_], column: str) -> None:
        if missing.any():
            raise errors.DataError(
                f"{self._locate(self._count + int(missing.argmax()), column)} is empty",
                "a value in every line, because windows have no gaps",
                "Fill it, or remove the series.",
            )

    def _moments(self, words: Sequence[str]) -> Array:
        """Times as they sort: whole numbers, numbers, or dates as text without their spaces."""
        self._present(np.array([word in cells.MISSING for word in words]), self._about.time)
        numeric = self._times[0].dtype.kind != "U" if self._times else _numeric(words)
        form, wanted = (_NUMBER, "a number") if numeric else (_DATE, _DATES)
        odd = next((i for i, word in enumerate(words) if not form.fullmatch(word)), None)
        if odd is not None:
            where = self._locate(self._count + odd, self._about.time)
            raise errors.DataError(f"{where} is {words[odd]!r}", f"{wanted} in every line")
        if not numeric:
            return np.array([_plain(word) for word in words])
        try:
            return np.array(words).astype(np.int64)
        except (ValueError, OverflowError):
            return np.array(words).astype(np.float64)

    def _check_lengths(self, codes: Indices, sizes: Indices, length: int | None) -> None:
        if not len(sizes):
            return
        wanted = sizes[0] if length is None else length
        cut = bool(self._about.stride)
        odd = np.flatnonzero(sizes < wanted if cut else sizes != wanted)
        if not len(odd):
            return
        odd_one = self._length(codes, sizes, int(odd[0]))
        if cut:
            raise errors.DataError(
                f"The series {odd_one}", f"at least the {wanted} of a window", "Leave it out."
            )
        like = f"{wanted} lines per series" if length else self._length(codes, sizes, 0)
        raise errors.DataError(f"The series {odd_one}", f"the same for all: {like}", self._mend)

    def _check_size(self, size: int) -> None:
        if self._about.stride and size > MOST_BYTES:
            raise errors.DataError(
                f"Cut every {self._about.stride} moments, the series make windows of "
                f"{size / 1e9:.1f} GB",
                f"at most {MOST_BYTES / 1e9:.1f} GB",
                "Give fewer series at once.",
            )

    def _length(self, codes: Indices, sizes: Indices, code: int) -> str:
        name, first = list(self._known)[code], int((codes == code).argmax())
        where = self._locate(first, self._about.key).removesuffix(",")
        return f"{name!r} has {sizes[code]} lines (first: {where})"

    def _check_distinct(self, codes: Indices, times: Array, order: Indices) -> None:
        same = (codes[1:] == codes[:-1]) & (times[1:] == times[:-1])
        if same.any():
            first, second = order[same.argmax()], order[same.argmax() + 1]
            raise errors.DataError(
                f"{self._locate(int(second), self._about.time)} is {times[same.argmax()]}, as is "
                f"{self._locate(int(first), self._about.time)} of the same series",
                "each time once per series",
                "Remove one of the lines.",
            )


def _places(sizes: Indices, time: int, stride: int) -> tuple[Indices, Indices]:
    """Which series each window is of, and at which of its moments it begins."""
    counts = (sizes - time) // stride + 1 if stride else np.ones_like(sizes)
    series = np.repeat(np.arange(len(sizes)), counts)
    number = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    return series, number * stride


def _plain(moment: str) -> str:
    """A date or moment in one way to write it, so that equal ones are equal."""
    date, _, time = moment.replace(" ", "T").removesuffix("Z").partition("T")
    whole, _, part = time.partition(".")
    part = part.rstrip("0")
    if whole.count(":") == 1:
        whole += ":00"
    return f"{date}T{whole}{'.' * bool(part)}{part}" if time else date


def stamps(array: Any) -> list[Any]:  # noqa: ANN401
    """A pyarrow column of times as numbers or words; moments and dates as whole numbers."""
    import pyarrow as pa

    if pa.types.is_date32(array.type) or pa.types.is_time32(array.type):
        array = array.cast(pa.int32())
    elif pa.types.is_temporal(array.type):
        array = array.cast(pa.int64())
    times: list[Any] = array.to_pylist()
    return times


def _numeric(words: Sequence[str]) -> bool:
    return not words or _NUMBER.fullmatch(words[0]) is not None


def _words(values: Sequence[Any]) -> list[str]:
    """Values as text: numbers as they are written, nothing where one is missing."""
    return [cells.as_word(value) for value in values]

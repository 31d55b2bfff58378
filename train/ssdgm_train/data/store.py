"""Arrays that may be larger than memory: in a mapped file, read and filled some rows at a time.

The pages of a mapped file count as memory of the process while it holds them, so code that has
read or filled some rows calls `give_back`; the system caches as many pages as it has room for.
"""

import errno
import math
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ssdgm_runtime import atomic, errors
from ssdgm_runtime.rows.views import lengths

Array = NDArray[Any]
Indices = NDArray[np.integer[Any]]

LARGE = 1 << 28
"""Arrays of at least this many bytes are kept in a file."""

PIECE = 1 << 24
"""Bytes read at once when a whole array is read."""

AROUND = 1 << 21
"""Bytes that the system may map around one that is read: a huge page of its cache."""

HELD = 1 << 27
"""Bytes of pages that a read holds before it gives them back."""

SAMPLE = 100_000
"""The most rows of a sample; fewer, if they have more than `LARGEST` bytes together."""

LARGEST = 1 << 28


def allocate(
    shape: tuple[int, ...], dtype: DTypeLike, title: str, beside: Array | None = None
) -> Array:
    """Allocate an array in memory or, from `LARGE` bytes on, in an anonymous temporary file.

    Args:
        shape: Its shape.
        dtype: Its dtype.
        title: The name of the data in messages.
        beside: An array that it belongs to; if that one is in a file, so is this one.

    Raises:
        DataError: The disk has not enough space.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if not size or (size < LARGE and not mapped(beside)):
        return np.empty(shape, kind)
    folder = atomic.cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file, folder, size)
            return np.memmap(file, kind, "r+", shape=shape)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise errors.DataError(
            f"{title} needs {size} bytes of disk space in {folder} ({reason})",
            mend=f"Free some space there, or set {atomic.CACHE} to a folder on a larger disk.",
        ) from None


def _reserve(file: IO[bytes], folder: Path, size: int) -> None:
    """Reserve the space now: a full disk would kill the process when a page is written."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)


def mapped(array: Array | None) -> bool:
    """Whether an array is in a mapped file."""
    return getattr(array, "_mmap", None) is not None


def give_back(array: Array) -> None:
    """Release the pages of a mapped array; they are read again when they are needed."""
    held: mmap.mmap | None = getattr(array, "_mmap", None)
    if held is not None and hasattr(mmap, "MADV_DONTNEED"):
        held.madvise(mmap.MADV_DONTNEED)


def pieces(array: Array, size: int = 0) -> Iterator[tuple[int, Array]]:
    """Yield all rows in order, some at a time, each piece with the number of its first row.

    Args:
        array: Rows [n, ...].
        size: Rows per piece; 0 for as many as have `PIECE` bytes.
    """
    step = size or max(1, PIECE // max(bytes_of(array), 1))
    for start in range(0, len(array), step):
        yield start, array[start : start + step]
        give_back(array)


def cast(array: Array, dtype: DTypeLike, title: str) -> Array:
    """A copy in another dtype, some rows at a time; infinite where a number does not fit."""
    copy = allocate(array.shape, dtype, title, beside=array)
    with np.errstate(over="ignore"):
        for start, piece in pieces(array):
            copy[start : start + len(piece)] = piece
            give_back(copy)
    return copy


def take(array: Array, rows: Indices) -> Array:
    """Rows by their indices, in memory; those of a file are read in the order of the file."""
    if not mapped(array):
        return array[rows]
    order = np.argsort(rows, kind="stable")
    taken = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for part in np.split(order, _breaks(rows[order], bytes_of(array))):
        taken[part] = np.take(array, rows[part], axis=0)  # unlike [], lets other threads run
        give_back(array)
    return taken


def _breaks(rows: Indices, size: int) -> Indices:
    """Where to give back pages when ascending rows of `size` bytes each are read."""
    first = np.diff(rows * size // AROUND, prepend=-1) != 0
    held = np.cumsum(first) // max(1, HELD // (AROUND + size))
    return np.flatnonzero(np.diff(held)) + 1


def spaced(rows: Indices, most: int) -> Indices:
    """At most `most` of the indices, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def sampled(array: Array, rows: Indices) -> Indices:
    """An evenly spaced sample of some rows' indices: at most `SAMPLE`, and `LARGEST` bytes."""
    return spaced(rows, max(1, min(SAMPLE, LARGEST // max(bytes_of(array), 1))))


def sample(array: Array, rows: Indices) -> Array:
    """The rows of `sampled`, in memory."""
    return take(array, sampled(array, rows))


def bytes_of(array: Array) -> int:
    """The bytes of one row."""
    return array.itemsize * math.prod(array.shape[1:])


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of an array, or all; they are read when a slice is taken."""

    array: Array
    chosen: Indices | None = None

    def __len__(self) -> int:
        return len(self.array if self.chosen is None else self.chosen)

    def __getitem__(self, part: slice) -> Array:
        if self.chosen is not None:
            return take(self.array, self.chosen[part])
        rows = np.array(self.array[part])
        give_back(self.array)
        return rows


def _shortest(x: Array | None) -> int:
    """The least length of series [n, channels, time]; 0 where x is none, or NaN is elsewhere."""
    if x is None or x.ndim != 3 or x.dtype.kind != "f" or not len(x):
        return 0
    return min(int(lengths.ends(piece).min()) for _, piece in pieces(x)) if x.size else 0


def alike(x: Array, x_test: Array | None) -> tuple[Array, Array | None, int]:
    """Training and test series padded to one length, and the least length of any.

    Returns:
        Both, and 0 where all series have one length, or rows are no series with ends.
    """
    parts = [x] if x_test is None else [x, x_test]
    least = min(_shortest(part) for part in parts)
    times = {part.shape[2:] for part in parts}
    equal = len(times) == 1 and (least,) in times
    if least < 1 or equal or len({part.shape[1] for part in parts}) > 1:
        return x, x_test, 0
    longest = max(part.shape[2] for part in parts)
    padded = [_padded(part, longest) for part in parts]
    return padded[0], padded[1] if x_test is not None else None, least


def _padded(x: Array, longest: int) -> Array:
    pad = ((0, 0), (0, 0), (0, longest - x.shape[2]))
    return x if x.shape[2] == longest else np.pad(x, pad, constant_values=np.nan)

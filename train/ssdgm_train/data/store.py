"""Arrays that may be larger than memory: in a mapped file, read and filled some rows at a time.

The pages of a mapped file count as a process's own memory while it holds them, so whoever has read
or filled some rows gives them back; the system keeps what it has room for.
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

from ssdgm_runtime import errors
from ssdgm_train.data.places import named

Array = NDArray[Any]
Indices = NDArray[np.integer[Any]]

LARGE = 1 << 28
"""Bytes from which an array lies in a file."""

PIECE = 1 << 24
"""Bytes at once, where a whole array is read."""

AROUND = 1 << 21
"""Bytes that a system may map around one that is read: a huge page of its cache."""

HELD = 1 << 27
"""Bytes of pages that are held before they are given back."""

SAMPLE = 100_000
"""Rows that stand for all, where all are not needed; fewer, if they have `LARGEST` bytes."""

LARGEST = 1 << 28


def room(
    shape: tuple[int, ...], dtype: DTypeLike, title: str, beside: Array | None = None
) -> Array:
    """An array to be filled: in memory, or in a file without a name that ends with the process.

    Args:
        shape: Its shape.
        dtype: Its dtype.
        title: What messages call the data.
        beside: An array that it goes with; where that is in a file, so is this.

    Raises:
        DataError: There is no room.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if not size or (size < LARGE and not mapped(beside)):
        return np.empty(shape, kind)
    folder = named.cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file, folder, size)
            return np.memmap(file, kind, "r+", shape=shape)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise errors.DataError(
            f"{title} needs {size} bytes in {folder} ({reason})",
            "a folder with as much room",
            f"Make room there, or set {named.CACHE} to a folder on a larger disk.",
        ) from None


def _reserve(file: IO[bytes], folder: Path, size: int) -> None:
    """Take the room now: a full disk would end the process once a page is written."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)


def mapped(array: Array | None) -> bool:
    """Whether an array lies in a file."""
    return getattr(array, "_mmap", None) is not None


def give_back(array: Array) -> None:
    """Let go of an array's pages, which are read again when they are asked for."""
    held: mmap.mmap | None = getattr(array, "_mmap", None)
    if held is not None and hasattr(mmap, "MADV_DONTNEED"):
        held.madvise(mmap.MADV_DONTNEED)


def pieces(array: Array, size: int = 0) -> Iterator[tuple[int, Array]]:
    """All rows in their order, some at a time, each piece with the number of its first row.

    Args:
        array: Rows [n, ...].
        size: Rows at once; 0 for as many as have `PIECE` bytes.
    """
    step = size or max(1, PIECE // max(bytes_of(array), 1))
    for start in range(0, len(array), step):
        yield start, array[start : start + step]
        give_back(array)


def take(array: Array, rows: Indices) -> Array:
    """Rows by their indices, in memory; those of a file are read in the order they lie in."""
    if not mapped(array):
        return array[rows]
    order = np.argsort(rows, kind="stable")
    found = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for part in np.split(order, _breaks(rows[order], bytes_of(array))):
        found[part] = np.take(array, rows[part], axis=0)  # other threads go on, as [] lets few
        give_back(array)
    return found


def _breaks(rows: Indices, size: int) -> Indices:
    """Where to give back pages among ascending rows of so many bytes each."""
    first = np.diff(rows * size // AROUND, prepend=-1) != 0
    held = np.cumsum(first) // max(1, HELD // (AROUND + size))
    return np.flatnonzero(np.diff(held)) + 1


def spaced(rows: Indices, most: int) -> Indices:
    """At most so many of some indices, evenly far apart."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def few(array: Array, rows: Indices) -> Indices:
    """Those of some rows that stand for all: `SAMPLE` and `LARGEST` bytes at most, far apart."""
    return spaced(rows, max(1, min(SAMPLE, LARGEST // max(bytes_of(array), 1))))


def sample(array: Array, rows: Indices) -> Array:
    """The rows that stand for all of some, in memory."""
    return take(array, few(array, rows))


def bytes_of(array: Array) -> int:
    """Of one row."""
    return array.itemsize * math.prod(array.shape[1:])


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of an array, or all, which are read when a slice of them is asked for."""

    array: Array
    chosen: Indices | None = None

    def __len__(self) -> int:
        return len(self.array if self.chosen is None else self.chosen)

    def __getitem__(self, part: slice) -> Array:
        if self.chosen is not None:
            return take(self.array, self.chosen[part])
        found = np.array(self.array[part])
        give_back(self.array)
        return found

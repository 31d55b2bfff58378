"""Rows without end: read, computed and given back piece by piece, in order, in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import checks, intake
from ssdgm_runtime.rows.drift import warning

Array = NDArray[Any]
T = TypeVar("T")
AHEAD = 2
"""Pieces in hand for each worker."""


@dataclass(frozen=True)
class Taken:
    """What takes rows: a batch of them, one alone, those at a path; and how many axes one has."""

    take: Callable[[Any], Array]
    single: Callable[[Any], Array]
    opened: Callable[[Any], Any]
    axes: int


def answers(
    call: Callable[[Array], T], source: object, rows: intake.Intake, size: int, workers: int
) -> Iterator[T]:
    """What a call gives for the pieces of a source; all of it warns of unusual rows once.

    Args:
        call: Computes a piece.
        source: As of `pieces`.
        rows: What takes them.
        size: Rows a piece.
        workers: As of `ordered`.
    """
    call, take, single = warning.once(call, rows.take, rows.single)
    taken = Taken(take, single, rows.opened, len(rows.tensor.row))
    return ordered(call, pieces(source, taken, size), workers)


def pieces(source: object, taken: Taken, size: int) -> Iterator[Array]:
    """Cut rows into pieces of `size`; the last may be shorter.

    Args:
        source: An array or memory map [n, *row], the path of a .npy file, which is mapped
            and not read, another path, a mapping of arrays by name, or an iterable of rows, which
            may be such mappings, and batches of rows.
        taken: What takes a batch, and reads the rows at another path, all at once.
        size: Rows a piece.

    Raises:
        DataError: The path has no such rows.
        InputError: The source is none of these.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        source = _mapped(path) if path.suffix == ".npy" else taken.opened(source)
    if isinstance(source, Mapping):  # columns or views by their names, all of them at hand
        source = taken.take(source)
    if isinstance(source, np.ndarray) and source.ndim:
        for start in range(0, len(source), size):
            yield source[start : start + size]
    elif isinstance(source, Iterable) and not isinstance(source, np.ndarray):
        yield from _gathered(source, taken, size)
    else:
        raise errors.InputError(
            "source",
            type(source).__name__,
            "an array, the path of a .npy file, or an iterable of rows",
        )


def _mapped(path: Path) -> Array:
    if not path.is_file():
        raise errors.DataNotFound(f"There is no file {path}", "a .npy file")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise errors.DataError(f"{path} cannot be read ({error})", "a .npy file") from None
    if isinstance(array, np.ndarray):
        return array
    raise errors.DataError(f"{path} is an npz archive", "a .npy file", "Save one array: np.save.")


def _gathered(source: Iterable[object], taken: Taken, size: int) -> Iterator[Array]:
    """Rows and batches of rows, in pieces of one size."""
    kept: list[Array] = []
    trouble: list[Exception] = []
    count = 0
    for rows in _until(trouble, _batches(source, taken, size)):
        if count and (rows.shape[1:], rows.dtype) != (kept[0].shape[1:], kept[0].dtype):
            yield np.concatenate(
                kept
            )  # whoever computes the next piece says what is wrong with it
            kept, count = [], 0
        for start in range(0, len(rows), size):  # a batch may be larger than all that is kept
            kept.append(rows[start : start + size].copy())  # its owner may fill it anew
            count += len(kept[-1])
            while count >= size:
                whole = np.concatenate(kept)
                yield whole[:size]
                count -= size
                kept = [whole[size:]] if count else []
    if count:
        yield np.concatenate(kept)
    _raise(trouble)


def _batches(source: Iterable[object], taken: Taken, size: int) -> Iterator[Array]:
    """Entries as batches; rows by name are taken together, up to `size` of them."""
    trouble: list[Exception] = []
    waiting: list[Mapping[str, Any]] = []
    for item in _until(trouble, source):
        if isinstance(item, Mapping):
            waiting.append(item)
            if len(waiting) < size:
                continue
        yield from _named(waiting, taken)
        waiting = []
        if not isinstance(item, Mapping):
            yield _rows(item, taken)
    yield from _named(waiting, taken)
    _raise(trouble)


def _named(rows: list[Mapping[str, Any]], taken: Taken) -> Iterator[Array]:
    """Rows by name as a batch, or one by one up to the first that is wrong."""
    try:
        batches = [taken.take(rows)] if rows else []
    except errors.SsdgmError:
        yield from map(taken.single, rows)
    else:
        yield from batches


def _rows(item: object, taken: Taken) -> Array:
    """An entry, a row or a batch of them, as a batch."""
    axes = taken.axes
    rows = checks.read(item, "source", "rows")
    if rows.ndim not in (axes, axes + 1):
        got = f"an entry of shape {list(rows.shape)}"
        raise errors.InputError("source", got, f"rows of {axes} axes, or batches of them")
    return rows[None] if rows.ndim == axes else rows


def _until(trouble: list[Exception], parts: Iterable[T]) -> Iterator[T]:
    """What comes before an error, which is kept to be raised after all that came before."""
    try:
        yield from parts
    except Exception as error:
        trouble.append(error)


def _raise(trouble: list[Exception]) -> None:
    for error in trouble:
        raise error


def ordered(call: Callable[[Array], T], parts: Iterator[Array], workers: int) -> Iterator[T]:
    """Call for each part, on `workers` threads, and give the outcomes in the order of the parts.

    At most `AHEAD` parts a worker are in hand. When the iterator is closed or a call fails, parts
    that wait are dropped; when the parts end with an error, it comes after their outcomes.
    """
    if workers == 1:
        yield from map(call, parts)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    waiting: deque[Future[T]] = deque()
    trouble: list[Exception] = []
    with ThreadPoolExecutor(workers, "ssdgm-classify") as pool:
        try:
            for part in _until(trouble, parts):
                waiting.append(pool.submit(call, part))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
            _raise(trouble)
        finally:
            for one in waiting:
                one.cancel()

"""Labels that are numbers: read from arrays and words, with NaN where one is not known."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import cells
from ssdgm_train.data import store

Numbers = NDArray[np.float64]
"""[n, D], NaN where a number is not known."""

SAY = "Give measurements as floats, NaN where one is not known, or leave --labels-as out."


def training(
    y: NDArray[np.generic], names: Sequence[str | int], x: store.Array
) -> tuple[Numbers, tuple[str | int, ...]]:
    """The labels of training rows x, and their names: those given, or "number", "number 1", ...

    Raises:
        DataError: They are no numbers, or there is another number of names.
    """
    values = read("y", y, x)
    size = values.shape[1]
    usual = ("number",) if size == 1 else tuple(f"number {k}" for k in range(size))
    chosen = tuple(names) or usual
    if len(chosen) != size or len({*chosen}) != size or "" in chosen:
        raise errors.DataError(
            f"There are {len(chosen)} names of numbers, {len({*chosen})} of them different, and y "
            f"has {size} columns",
            "one name for each column, none empty and none twice",
            "Correct the names, or leave them out.",
        )
    for name, column in zip(chosen, values.T, strict=True):
        check_varied(name, column)
    return values, chosen


def testing(y: NDArray[np.generic], size: int, x: store.Array) -> Numbers:
    """The labels of test rows x, of `size` numbers each.

    Raises:
        DataError: They are no numbers, or others.
    """
    values = read("y_test", y, x)
    if values.shape[1] != size:
        raise errors.DataError(
            f"y_test has {values.shape[1]} numbers a row and y has {size}",
            "labels of one kind",
            "Prepare both in the same way.",
        )
    return values


def read(name: str, y: NDArray[np.generic], x: store.Array) -> Numbers:
    """Labels [n] or [n, D] as numbers, of the rows x.

    Raises:
        DataError: One is no number, or -1 may stand for one that is not known.
    """
    columns = y if y.ndim == 2 else y[:, None]
    if y.dtype.kind not in "iufUTO" or not columns.shape[1]:
        raise errors.DataError(
            f"{name} has dtype {y.dtype} and shape {list(y.shape)}, and data.labels_as is numbers",
            "numbers [n] or [n, numbers]",
            SAY,
        )
    result = store.allocate(columns.shape, np.float64, name, beside=x)
    for start, piece in store.pieces(columns):
        values = piece if y.dtype.kind in "iuf" else parsed(name, piece, start)
        result[start : start + len(piece)] = values
        if np.isinf(result[start : start + len(piece)]).any():
            raise errors.DataError(f"{name} holds infinity", "finite numbers, or NaN", SAY)
        store.give_back(result)
    whole = y.dtype.kind == "i" or (y.dtype.kind in "UTO" and _says_minus_one(columns))
    if whole and result.size and np.nanmin(result) == -1:
        raise ambiguous(name, f"{name}.astype(float)")
    return result


def ambiguous(place: str, otherwise: str) -> errors.DataError:
    """The error of a -1 that may be a number, or stand for one that is not known."""
    return errors.DataError(
        f"{place} holds -1 and no other negative number, and data.labels_as is numbers: "
        "-1 may be a measurement, or stand for one that is not known",
        mend="Write NaN, or leave the cell empty, where a number is not known; if -1 was "
        f"measured, write {otherwise}.",
    )


def check_varied(name: str | int, column: NDArray[np.float64]) -> None:
    """Refuse a number that is the same wherever it is known, or known nowhere.

    Raises:
        DataError: It is.
    """
    known = column[~np.isnan(column)]
    if len(known) and known.min() < known.max():
        return
    what = f"all {len(known)} known labels are {known[0]:g}" if len(known) else "no row has it"
    raise errors.DataError(
        f"The number {str(name)!r} cannot be learnt: {what}",
        mend="Label rows with at least two different values of it, or leave it out.",
    )


def parsed(name: str, words: NDArray[np.generic], start: int) -> Numbers:
    """Words as numbers; those that stand for a missing value are NaN."""
    values = np.full(words.shape, np.nan)
    for (row, column), word in np.ndenumerate(words):
        text = str(word).strip()
        if text in cells.MISSING or word is None:
            continue
        try:
            values[row, column] = float(text)
        except ValueError:
            raise errors.DataError(
                f"{name} holds {text[:40]!r}, first in row {start + row}, and data.labels_as is "
                "numbers",
                "a number, or nothing where it is not known",
                "Leave --labels-as out if these name classes.",
            ) from None
    return values


def _says_minus_one(words: NDArray[np.generic]) -> bool:
    return any(str(word).strip() == "-1" for word in words.ravel())

"""Labels as they are given, as classes and their indices."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train.data import store

UNLABELLED = -1
UNKNOWN = (UNLABELLED, "", "-1")
"""What stands for a label that is not known; numpy turns -1 among strings into "-1"."""


def classes(y: NDArray[np.generic]) -> tuple[int | str, ...]:
    """The values of known labels in their order.

    Raises:
        DataError: There are fewer than two, or one cannot be used.
    """
    values = [v for v in _distinct("y", y) if v not in UNKNOWN]
    if len(values) < 2:
        raise errors.DataError(
            f"y has {len(values)} known classes {values}",
            "at least two classes",
            "Label some rows of every class; -1 stands for an unknown label.",
        )
    if isinstance(values[0], int) and values[0] < 0:
        raise errors.DataError(
            f"y has the label {values[0]}", "labels from 0, or -1 where one is not known", ""
        )
    for value in values:
        if str(value).encode(errors="replace").decode() != str(value):
            raise errors.DataError(f"y has the label {value!r}", "labels that UTF-8 can write")
    return tuple(values)


def known(
    name: str, y: NDArray[np.generic], classes: tuple[int | str, ...], x: store.Array
) -> NDArray[np.int64]:
    """The indices of labels all of which are known, of the rows x.

    Raises:
        DataError: A label is none of the classes.
    """
    usual = set(classes)
    strange = [v for v in _distinct(name, y) if v not in usual]
    if strange:
        raise errors.DataError(
            f"{name} has labels {strange} outside the classes",
            f"labels among {list(classes)}",
            "Every test row needs a label that training also has.",
        )
    return indices(name, y, classes, x)


def _distinct(name: str, y: NDArray[np.generic]) -> list[int | str]:
    """The values of labels in their order."""
    parts = [np.unique(_label_values(name, piece)) for _, piece in store.pieces(y)]
    return sorted({value for part in parts for value in part.tolist()})


def _label_values(name: str, y: NDArray[np.generic]) -> NDArray[np.generic]:
    """Labels as int64, or as words without spaces around them."""
    if y.dtype.kind == "f" and np.array_equal(y, np.trunc(y)) and (np.abs(y) < 2**53).all():
        y = y.astype(np.int64)
    if y.dtype.kind == "u" and bool((y.astype(np.uint64) > np.iinfo(np.int64).max).any()):
        raise errors.DataError(f"{name} has the label {y.max()}", "labels below 2**63")
    if y.dtype.kind == "f":
        raise _odd(name, y)
    if y.dtype.kind not in "iuU":
        raise errors.DataError(
            f"{name} has dtype {y.dtype}",
            "integers or strings",
            f"Write {name}.astype(np.int64), with -1 where a label is not known.",
        )
    return y.astype(np.int64) if y.dtype.kind in "iu" else np.char.strip(y.astype(np.str_))


def _odd(name: str, y: NDArray[np.generic]) -> errors.DataError:
    """The error of numbers some of which are not whole, or too large to be told apart."""
    odd = float(y[(y != np.trunc(y)) | (np.abs(y) >= 2**53)][0])
    if np.isnan(odd):
        return errors.DataError(
            f"{name} holds NaN",
            "-1 where a label is not known",
            f"Write np.where(np.isnan({name}), -1, {name}).",
        )
    return errors.DataError(
        f"{name} holds {odd:g}, a measurement rather than the number of a class",
        "whole numbers or strings that name classes, -1 where a label is not known",
        f"Cut measurements into a few ranges; if these do name classes, write {name}.astype(str).",
    )


def indices(
    name: str, y: NDArray[np.generic], classes: Sequence[int | str], x: store.Array
) -> NDArray[np.int64]:
    """The indices of labels, -1 where one is unknown, in a file where their rows x are in one."""
    result, known = store.allocate(y.shape, np.int64, name, beside=x), np.array(classes)
    for start, piece in store.pieces(y):
        values, part = _label_values(name, piece), result[start : start + len(piece)]
        places = np.minimum(np.searchsorted(known, values), len(known) - 1)
        part[:] = np.where(known[places] == values, places, UNLABELLED)
        store.give_back(result)
    return result

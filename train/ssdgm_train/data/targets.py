"""Labels as they are given, as classes and their indices, or as tags; numbers: `quantities`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train.data import store
from ssdgm_train.labels import dense

UNLABELLED = -1
UNKNOWN = (UNLABELLED, "", "-1")
"""What stands for a label that is not known; numpy turns -1 among strings into "-1"."""

MEASURED = '--labels-as numbers (data.labels_as="numbers")'
"""How to say that labels are measurements."""

Names = tuple[int | str, ...]
"""The labels' own values, or the names of tags or numbers."""

Labels = NDArray[Any]
"""Class indices [n] int64 or tags [n, K] int8, -1 where one is not known; numbers [n, D], NaN.

Masks are [n, height, width] uint8, 255 where a place is not known. Of one-class 0 of a normal row,
1 of an outlier, [n] int8, -1 where it is not known."""


CLASSES, TAGS, NUMBERS, ONE_CLASS, MASKS = "classes", "tags", "numbers", "one-class", "masks"
"""The label spaces by their names."""


def labelled(y: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which rows have a label, or any entry of one, [n]."""
    if y.ndim == 3:
        return np.array([bool((mask != dense.UNKNOWN).any()) for mask in y], np.bool_)
    known: NDArray[np.bool_] = ~np.isnan(y) if y.dtype.kind == "f" else y != UNLABELLED
    return known if y.ndim == 1 else np.any(known, axis=1)


def training(
    y: NDArray[np.generic], given: Names, x: store.Array, *, finds: bool = False
) -> tuple[Labels, Names]:
    """Labels of training rows x: class indices, or tags if there are several columns.

    Args:
        y: Labels as they came, [n] or [n, K].
        given: The classes' own values, where y are their indices already, or the names of tags.
        x: The rows.
        finds: Whether classes without any label are to be found, so that there may be none with.

    Returns:
        The labels, and the classes or the names of tags.

    Raises:
        DataError: They cannot be trained on.
    """
    if y.ndim > 1:
        entries = tags("y", y, x)
        return entries, tag_names(given, entries)
    if given:
        return y.astype(np.int64, copy=False), given
    values = classes(y, 0 if finds else 2)
    return indices("y", y, values, x), values


def testing(
    y: NDArray[np.generic], trained: Labels, names: Names, x: store.Array, *, given: bool
) -> Labels:
    """Labels of test rows x like those of training rows, `trained`; `given` if y are indices.

    Raises:
        DataError: They are others.
    """
    if y.shape[1:] != trained.shape[1:]:
        columns = [part.shape[1] if part.ndim > 1 else 1 for part in (y, trained)]
        raise errors.DataError(
            f"y_test has {columns[0]} labels a row and y has {columns[1]}",
            "labels of one kind",
            "Prepare both in the same way.",
        )
    if y.ndim > 1:
        return tags("y_test", y, x)
    return y.astype(np.int64, copy=False) if given else known("y_test", y, names, x)


def tags(name: str, y: NDArray[np.generic], x: store.Array) -> NDArray[np.int8]:
    """Tags [n, K] as int8: 1, 0, or -1 where an entry is not known, of the rows x.

    Raises:
        DataError: There is but one column, or another value.
    """
    if y.ndim != 2 or y.shape[1] < 2:
        many = "one column" if y.ndim == 2 else f"{y.ndim} axes"
        raise errors.DataError(
            f"{name} has {many}, its shape is {list(y.shape)}",
            "one label a row [n], or several yes/no tags [n, tags]",
            f"Write {name}.ravel() if these are classes." if y.ndim == 2 else "",
        )
    if y.dtype.kind not in "biuf":
        raise errors.DataError(
            f"{name} has {y.shape[1]} columns of dtype {y.dtype}",
            "tags, which are 1, 0, or -1 where one is not known",
            f"Write {name}.astype(np.int8), or give one label a row.",
        )
    result = store.allocate(y.shape, np.int8, name, beside=x)
    for start, piece in store.pieces(y):
        strange = ~np.isin(piece, (0, 1, UNLABELLED))
        if strange.any():
            row, column = np.argwhere(strange)[0].tolist()
            raise _no_tag(name, piece[row, column], start + row, column)
        result[start : start + len(piece)] = piece
        store.give_back(result)
    return result


def check_no_masks(name: str, y: NDArray[np.generic], x: store.Array) -> None:
    """Refuse labels of the rows x that look like masks, which nobody said that they are."""
    if y.ndim != 3 or y.shape != x.shape[:3]:
        return
    raise errors.DataError(
        f"{name} has shape {list(y.shape)}, a number for every place of the rows",
        "one label a row",
        'If these are masks, say --labels-as masks (data.labels_as="masks").',
    )


def _no_tag(name: str, value: np.generic, row: int, column: int) -> errors.DataError:
    """The error of a value that says neither yes nor no."""
    blank = (
        f"Write np.where(np.isnan({name}), -1, {name}) where an entry is not known; or, if these "
        f"are measurements, predict them with {MEASURED}."
    )
    return errors.DataError(
        f"{name} holds {value:g}, first in row {row}, column {column}",
        "tags, which are 1, 0, or -1 where one is not known",
        blank
        if np.isnan(value)
        else f"If these are measurements, predict them with {MEASURED}; if classes, give one "
        "label a row.",
    )


def tag_names(names: Sequence[int | str], y: NDArray[np.int8]) -> tuple[int | str, ...]:
    """The names of tags: those given, or "tag 0", "tag 1" and so on.

    Raises:
        DataError: There is another number of them, or a tag has no row with a 1, or none with a 0.
    """
    size = y.shape[1]
    names = tuple(names) or tuple(f"tag {k}" for k in range(size))
    if len(names) != size or len({*names}) != size or "" in names:
        raise errors.DataError(
            f"There are {len(names)} names of tags, {len({*names})} of them different, and y has "
            f"{size} columns",
            "one name for each column, none empty and none twice",
            "Correct the names, or leave them out.",
        )
    for value, answer in ((1, "no row has it"), (0, "every row of which it is known has it")):
        counts = sum(((piece == value).sum(0) for _, piece in store.pieces(y)), np.zeros(size))
        if not counts.all():
            raise errors.DataError(
                f"The tag {names[int(counts.argmin())]!r} cannot be learnt: {answer}",
                mend="Label some rows with it and some without it, or leave the tag out.",
            )
    return names


def classes(y: NDArray[np.generic], least: int = 2) -> tuple[int | str, ...]:
    """The values of known labels in their order.

    Raises:
        DataError: There are fewer than `least`, or one cannot be used.
    """
    values = [v for v in _distinct("y", y) if v not in UNKNOWN]
    if len(values) < least:
        raise errors.DataError(
            f"y has {len(values)} known classes {values}",
            "at least two classes",
            "Label some rows of every class; -1 stands for an unknown label.",
        )
    if values and isinstance(values[0], int) and values[0] < 0:
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


def others(y: NDArray[np.generic], classes: Names) -> Names:
    """The values of labels in their order that are none of the classes, without unknown ones."""
    usual = {*classes, *UNKNOWN}
    return tuple(value for value in _distinct("y_test", y) if value not in usual)


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
    odds = y[(y != np.trunc(y)) | (np.abs(y) >= 2**53)]
    odd = float(next((value for value in odds if not np.isnan(value)), odds[0]))
    if np.isnan(odd):
        return errors.DataError(
            f"{name} holds NaN",
            "-1 where a label is not known",
            f"Write np.where(np.isnan({name}), -1, {name}); or, if these are measurements, "
            f"predict them with {MEASURED}.",
        )
    return errors.DataError(
        f"{name} holds {odd:g}, a measurement rather than the number of a class",
        "whole numbers or strings that name classes, -1 where a label is not known",
        f"Predict measurements with {MEASURED}; if these do name classes, write "
        f"{name}.astype(str).",
    )


def indices(
    name: str, y: NDArray[np.generic], classes: Sequence[int | str], x: store.Array
) -> NDArray[np.int64]:
    """The indices of labels, -1 where one is unknown, in a file where their rows x are in one."""
    result, known = store.allocate(y.shape, np.int64, name, beside=x), np.array(classes)
    order = np.argsort(known, kind="stable")
    for start, piece in store.pieces(y):
        values, part = _label_values(name, piece), result[start : start + len(piece)]
        part[:] = UNLABELLED
        if len(known):
            places = np.searchsorted(known, values, sorter=order)
            places = order[np.minimum(places, len(known) - 1)]
            part[:] = np.where(known[places] == values, places, UNLABELLED)
        store.give_back(result)
    return result

"""Arrays to a data set; some values may stand for a missing number, or for no label."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import cells, columns
from ssdgm_train.data import dataset, store, targets
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.tables import table

Array = NDArray[np.generic]


def made(
    name: str,
    arrays: tuple[Array | None, ...],
    plan: DataPlan,
    names: tuple[str, ...] = (),
    features: tuple[str, ...] = (),
) -> dataset.Dataset:
    """A data set of arrays.

    Args:
        name: What reports call it.
        arrays: x, y, x_test and y_test, as of `dataset.make`; the last two may be None.
        plan: How they are read.
        names: Those of tags or numbers.
        features: The names of a row's values.

    Raises:
        DataError: As of `dataset.make`; or numbers may be missing, and rows are no table.
    """
    x, y, x_test, y_test = arrays
    assert x is not None
    assert y is not None
    y = unlabelled(y, plan)
    y_test = y_test if y_test is None else unlabelled(y_test, plan)
    named: dict[str, Any] = {
        "classes": names,
        "finds": plan.finds,
        "labels_as": plan.read_as,
    }
    if not plan.missing:
        return dataset.make(name, x, y, x_test, y_test, plan.kind, features=features, **named)
    known = _columns(x, features, plan, name)
    x = _without("x", x, known)
    x_test = x_test if x_test is None else _without("x_test", x_test, known)
    known = tuple(table.ranged(column, x[:, i]) for i, column in enumerate(known))
    return dataset.make(name, x, y, x_test, y_test, plan.kind, known, **named)


def _columns(x: Array, names: Sequence[str], plan: DataPlan, place: str) -> columns.Columns:
    """The columns of rows of numbers that may be missing, which makes a table of them.

    Args:
        x: Rows [n, features].
        names: Those of the features; without them they are numbered from 0.
        plan: What stands for a missing number.
        place: The file's name in messages.

    Raises:
        DataError: The rows have other axes, or a setting is about columns of a table.
    """
    others = ("label", "ignore", "categorical", "weight")
    if odd := next((name for name in others if getattr(plan, name)), ""):
        raise errors.DataError(
            f"data.{odd} is set, but {place} has no named columns",
            mend=f"Leave data.{odd} out, or give a table.",
        )
    if x.ndim != 2:
        raise errors.DataError(
            f"data.missing is set, but rows of {place} have the shape {list(x.shape[1:])}",
            "[rows, features], whose values may be missing one by one",
            "Leave data.missing out, and fill the gaps or drop these rows.",
        )
    named = tuple(names) or tuple(map(str, range(x.shape[1])))
    return tuple(columns.Column(name, missing=plan.missing) for name in named)


def _without(name: str, x: Array, known: columns.Columns) -> Array:
    """Rows [n, features] as float32, NaN where a number is missing.

    Raises:
        DataError: A value is infinite, or a column is empty.
    """
    filled = store.allocate(x.shape, np.float32, name, beside=x)
    there = np.zeros(x.shape[1], np.bool_)
    for start, piece in store.pieces(x):
        part = filled[start : start + len(piece)]
        for i, column in enumerate(known):
            gaps = cells.gaps(piece[:, i].astype(np.float64), column.missing)
            part[:, i] = np.where(gaps, np.nan, piece[:, i])
        if np.isinf(part).any():
            raise errors.DataError(f"{name} holds infinity", "finite numbers, or missing ones")
        there |= ~np.isnan(part).all(0)
        store.give_back(filled)
    if not there.all():
        empty = known[int(there.argmin())].name
        raise errors.DataError(
            f"All values of {name}, column {empty!r}, are missing", mend="Leave it out."
        )
    return filled


def unlabelled(y: Array, plan: DataPlan) -> Array:
    """Labels with -1, "" or NaN where they are a word or number of `data.unlabelled`."""
    words = plan.unlabelled
    if not words:
        return y
    if y.dtype.kind not in "biuf":
        stripped = np.char.strip(y.astype(np.str_))
        return np.where(np.isin(stripped, words), "", stripped)
    mask = cells.gaps(y.astype(np.float64), words)
    if plan.measured:
        return np.where(mask, np.nan, y)
    whole = y.astype(np.int64) if y.dtype.kind in "bu" else y
    return np.where(mask, targets.UNLABELLED, whole)

"""Rows of several arrays: the views of every row, any of which may be missing in any row."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows.views import view
from ssdgm_train import problems
from ssdgm_train.data import dataset, store
from ssdgm_train.data.formats import gaps
from ssdgm_train.data.settings import AUTO, MASKS, DataPlan

Array = NDArray[Any]
Arrays = Mapping[str, Array]

_STARTS = {
    f"{start}{mark}": part
    for start, part in (("x_train", "x"), ("x_test", "x_test"), ("x", "x"))
    for mark in "._"
}
"""What comes before a view's name in an array's, longest first, and the part that it says."""

_WHOLE = ("x", "x_train", "x_test")
"""The arrays of rows that have no views."""


def parts_of(contents: Arrays) -> dict[str, dict[str, Array]]:
    """The arrays of a file that are views, by their names: of the parts "x" and "x_test".

    `x.NAME`, `x_NAME`, `x_train.NAME` and `x_train_NAME` are views of training rows,
    `x_test.NAME` and `x_test_NAME` of test rows. None where there is a single array of rows.
    """
    parts: dict[str, dict[str, Array]] = {"x": {}, "x_test": {}}
    for key in () if {"x", "x_train"} & contents.keys() else contents:
        start = next((s for s in _STARTS if key.startswith(s) and key not in (s, *_WHOLE)), "")
        if start:
            parts[_STARTS[start]][key.removeprefix(start)] = contents[key]
    return parts


def present_of(contents: Arrays, part: str) -> dict[str, Array]:
    """The arrays `present.NAME`, or `present_test.NAME`, which say what rows have a view."""
    start = f"present{part.removeprefix('x')}."
    starts = (start, "present_train.") if part == "x" else (start,)
    return {
        key.removeprefix(s): array
        for key, array in contents.items()
        for s in starts
        if key.startswith(s)
    }


def has_views(contents: Arrays) -> bool:
    """Whether a file's arrays are views of rows."""
    return bool(parts_of(contents)["x"])


def of_arrays(
    contents: Arrays, place: str, name: str, plan: DataPlan, classes: tuple[str, ...]
) -> dataset.Dataset:
    """The data set of a file's arrays, see `parts_of` and `present_of`; labels as in `npz`.

    Raises:
        DataError: As of `make`, or there are no labels.
    """
    y, y_test = contents.get("y", contents.get("y_train")), contents.get("y_test")
    parts = parts_of(contents)
    if y is None or bool(parts["x_test"]) != (y_test is not None):
        raise errors.DataError(
            f"{place} has the views {', '.join(parts['x'])} and lacks y or y_test",
            mend="Save y with them, and y_test where there are views of test rows.",
        )
    if {plan.likelihood, plan.kind} - {AUTO, problems.VIEWS} or plan.missing:
        raise errors.DataError(
            "data.likelihood, data.kind or data.missing is set, and the rows of "
            f"{place} have several views",
            mend="Leave them out: each view has its own, and is missing where it is NaN.",
        )
    if plan.labels_as == MASKS:
        raise errors.DataError(
            f"Labels are to be masks, and the rows of {place} have several views",
            "pictures, one array of them",
            "Save the pictures as x and their masks as y, or leave --labels-as out.",
        )
    y = gaps.unlabelled(y, plan)
    y_test = y_test if y_test is None else gaps.unlabelled(y_test, plan)
    return make(
        name,
        parts["x"],
        y,
        parts["x_test"] or None,
        y_test,
        present=present_of(contents, "x"),
        present_test=present_of(contents, "x_test"),
        classes=classes if y.ndim > 1 else (),
        finds=bool(plan.extra_classes),
        labels_as=plan.read_as,
    )


def make(
    name: str,
    x: Arrays,
    y: Array,
    x_test: Arrays | None = None,
    y_test: Array | None = None,
    *,
    present: Arrays | None = None,
    present_test: Arrays | None = None,
    kinds: Mapping[str, str] | None = None,
    **more: Any,  # noqa: ANN401  (those of `dataset.make`)
) -> dataset.Dataset:
    """Make a data set of rows with several views.

    Args:
        name: What reports call it.
        x: The views of the training rows by name, each [n, *shape], uint8 or float; a row that is
            NaN throughout lacks the view.
        y: Their labels, as `dataset.make` takes them.
        x_test: Those of the test rows; a view that is not there is missing in all of them.
        y_test: Their labels.
        present: Which training rows have a view, bool [n], where NaN does not say it.
        present_test: The same of test rows.
        kinds: What some of the views are, one of `problems.KINDS`; others are told by shape and
            values.
        more: Further arguments of `dataset.make`.

    Raises:
        DataError: A view has another number of rows, no row at all or a part of one; a row has no
            view; or an array cannot be trained on.
    """
    there = {key: _there(key, rows, present or {}) for key, rows in x.items()}
    views = tuple(_view(k, rows, there[k], (kinds or {}).get(k, "auto")) for k, rows in x.items())
    tests = None
    if x_test is not None:
        _check_known(x_test, views)
        seen = {key: _there(key, rows, present_test or {}) for key, rows in x_test.items()}
        tests = _joined("x_test", x_test, seen, views)
    whole = _joined("x", x, there, views)
    made = dataset.make(name, whole, y, tests, y_test, kind=problems.ROWS, gaps=True, **more)
    return dataclasses.replace(made, kind=problems.VIEWS, views=views)


def _there(name: str, rows: Array, present: Arrays) -> NDArray[np.bool_]:
    """Which rows have a view, bool [n]."""
    said = present.get(name)
    if said is not None and (said.shape != rows.shape[:1] or said.dtype.kind not in "bu"):
        raise errors.DataError(
            f"present.{name} is {said.dtype} {list(said.shape)} and the view has {len(rows)} rows",
            f"bool [{len(rows)}]",
        )
    there = np.ones(len(rows), bool) if said is None else said.astype(bool)
    if rows.dtype.kind == "f":
        nan = np.isnan(rows.reshape(len(rows), math.prod(rows.shape[1:])))
        there &= ~nan.all(1)
        if len(odd := np.flatnonzero(nan.any(1) & there)):
            raise errors.DataError(
                f"The view {name} is NaN in a part of row {odd[0]}",
                "numbers, or a view that is NaN throughout where it is missing",
            )
    return there


def _view(name: str, rows: Array, there: NDArray[np.bool_], kind: str) -> view.View:
    """A view as the training rows that have it show it."""
    if not view.NAME.fullmatch(name):
        raise errors.DataError(
            f"A view is called {name!r}", "letters, digits, dashes and underscores, 64 at most"
        )
    if not there.any():
        raise errors.DataError(
            f"No training row has the view {name}",
            mend="Leave the view out, or give rows that have it.",
        )
    some = dataset.checked(f"x.{name}", _deep(rows)[there])
    return view.View(name, some.shape[1:], some.dtype.name, dataset.kind_of(some, kind))


def _deep(rows: Array) -> Array:
    """Rows of one number each as [n, 1]."""
    return rows[:, None] if rows.ndim == 1 else rows


def _check_known(x_test: Arrays, views: view.Views) -> None:
    names = [known.name for known in views]
    for name in x_test:
        if name not in names:
            raise errors.DataError(
                f"The test rows have the view {name}, which no training row has",
                f"some of {', '.join(names)}",
            )


def _joined(
    part: str, x: Arrays, there: Mapping[str, NDArray[np.bool_]], views: view.Views
) -> Array:
    """Whole rows, float32 [n, width], NaN where a row lacks a view."""
    lengths = {name: len(rows) for name, rows in x.items()}
    if len({*lengths.values()}) != 1:
        counts = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise errors.DataError(
            f"The views of {part} have different numbers of rows ({counts})",
            "the same rows in every view",
            "Where a row lacks a view, give a row of NaN.",
        )
    (rows,) = {*lengths.values()}
    whole = store.allocate((rows, view.width(views)), np.float32, part)
    has = np.zeros(rows, bool)
    for known, places in view.spans(views):
        whole[:, places] = np.nan
        if known.name in x:
            seen = there[known.name]
            _check_like(part, known, x[known.name])
            whole[seen, places] = _deep(x[known.name])[seen].reshape(-1, known.width)
            has |= seen
    if not has.all():
        raise errors.DataError(
            f"Row {int(has.argmin())} of {part} has no view, as have {int((~has).sum()) - 1} more",
            "one view at least in every row",
            "Leave those rows out.",
        )
    return whole


def _check_like(part: str, known: view.View, rows: Array) -> None:
    """Refuse test rows of another shape, or bytes that come as other numbers."""
    shape, bytes_wanted = _deep(rows).shape[1:], known.dtype == "uint8"
    whole = rows.dtype == np.uint8 or (rows.dtype.kind == "f" and _counts(rows))
    if shape != known.shape or (bytes_wanted and not whole):
        raise errors.DataError(
            f"{part}.{known.name} has rows {list(shape)} {rows.dtype}",
            f"rows like those of x.{known.name}: {list(known.shape)} {known.dtype}",
            "Prepare both in the same way.",
        )


def _counts(rows: Array) -> bool:
    """Whether numbers that are there are bytes."""
    there = rows[~np.isnan(rows)]
    return bool(((there >= 0) & (there <= 255) & (there % 1 == 0)).all())

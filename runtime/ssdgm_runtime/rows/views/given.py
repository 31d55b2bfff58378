"""Rows of several views as a caller has them, on their way into graphs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import checks
from ssdgm_runtime.rows.columns import some
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_runtime.rows.views import view

Array = NDArray[Any]
Floats = NDArray[np.float32]


def given(x: Any, views: view.Views) -> Floats:  # noqa: ANN401  (whatever a caller has)
    """Rows as float32 [n, width], NaN where a row lacks a view.

    Args:
        x: The views by their names, each [n, *shape] in its own dtype, or a list of n rows. A view
            is missing in all rows where it is left out or None, and in those rows that are None,
            or NaN throughout. Or a list of rows, each such a mapping of its own; or whole rows
            [n, width], see `view`.
        views: The views.

    Raises:
        InputError: It is none of these, a view has another shape, dtype or number of rows, a row
            has no view, or only a part of one.
    """
    if isinstance(x, list | tuple) and x and all(isinstance(row, Mapping) for row in x):
        x = _by_view(x, views)
    if not isinstance(x, Mapping):
        rows = _unnamed(x, views)
    else:
        _check_names(x, views)
        parts = {v.name: _part(x[v.name], v) for v in views if x.get(v.name) is not None}
        rows = _joined(parts, views)
    _check_present(rows, views)
    return rows


def _unnamed(x: Any, views: view.Views) -> Floats:  # noqa: ANN401  (whatever a caller has)
    """Whole rows, [n, width]."""
    tensor = Tensor("x", "float32", ("batch", view.width(views)))
    if x is None or not checks.fits(tensor, np.shape(array := checks.read(x, "x", "views"))):
        example = ", ".join(f"{v.name!r}: x_{v.name}" for v in views[:2])
        raise errors.InputError(
            "x",
            "None" if x is None else checks.described(array),
            f"the views {some([v.name for v in views])} by name",
            f"Pass a mapping: {{{example}{', ...' * (len(views) > 2)}}}.",
        )
    rows: Floats = checks.rows(array, tensor, gaps=True)
    return rows


def _by_view(rows: Sequence[Mapping[str, Any]], views: view.Views) -> dict[str, list[Any]]:
    """Rows that have their views by name, as views that have their rows in order."""
    for row in rows:
        _check_names(row, views)
    return {v.name: [row.get(v.name) for row in rows] for v in views}


def _check_names(x: Mapping[str, Any], views: view.Views) -> None:
    names = [v.name for v in views]
    if unknown := [name for name in x if name not in names]:
        filed = any(str(name).removeprefix(view.PREFIX) in names for name in unknown)
        raise errors.InputError(
            "x",
            f"given with the view {some(unknown)}",
            f"some of the views {some(names)}",
            f"Leave {view.PREFIX!r} out, which names have in files alone." if filed else "",
        )


def _part(value: Any, known: view.View) -> Floats:  # noqa: ANN401
    """One view of all rows, float32 [n, width]."""
    name = f"x[{known.name!r}]"
    tensor = Tensor(name, known.dtype, ("batch", *known.shape))
    if isinstance(value, list | tuple) and any(row is None for row in value):
        return _rows(value, known, tensor)
    array = checks.read(value, name, f"{known.dtype} {['n', *known.shape]}")
    if known.dtype == "uint8" and array.dtype.kind == "f" and _counts(array):
        tensor = tensor._replace(dtype=array.dtype.name)
    high = known.range[1] if known.range else None
    rows = checks.rows(array, tensor, high, gaps=True)
    return rows.reshape(len(rows), known.width).astype(np.float32, copy=False)


def _counts(array: Array) -> bool:
    """Whether numbers are bytes, as far as they are there at all."""
    there = array[~np.isnan(array)]
    return bool(((there >= 0) & (there <= 255) & (there % 1 == 0)).all())


def _rows(value: Sequence[Any], known: view.View, tensor: Tensor) -> Floats:
    """One view of rows some of which are None."""
    rows = np.full((len(value), known.width), np.nan, np.float32)
    there = [i for i, row in enumerate(value) if row is not None]
    if there:
        rows[there] = _part([np.asarray(value[i]) for i in there], known)
    return rows


def _joined(parts: Mapping[str, Floats], views: view.Views) -> Floats:
    """Whole rows of the views that there are."""
    counts = {name: len(part) for name, part in parts.items()}
    if len({*counts.values()}) != 1:
        lengths = ", ".join(f"{name}: {count}" for name, count in counts.items())
        got = f"views of different numbers of rows ({lengths})" if counts else "without any view"
        raise errors.InputError("x", got, "the same rows in every view; None where one is missing")
    rows = np.full((next(iter(counts.values())), view.width(views)), np.nan, np.float32)
    for known, places in view.spans(views):
        if known.name in parts:
            rows[:, places] = parts[known.name]
    return rows


def _check_present(rows: Floats, views: view.Views) -> None:
    """Refuse rows without any view, and views that are there in part."""
    absent = np.isnan(rows)
    if not absent.any():
        return
    for known, places in view.spans(views):
        missing = absent[:, places]
        odd = np.flatnonzero(missing.any(1) & ~missing.all(1))
        if len(odd):
            raise errors.InputError(
                f"x[{known.name!r}]",
                f"NaN in a part of row {odd[0]}",
                "numbers, or a view that is NaN throughout where it is missing",
            )
    if len(empty := np.flatnonzero(absent.all(1))):
        raise errors.InputError(
            "x", f"without any view in row {empty[0]}", "one view at least in every row"
        )

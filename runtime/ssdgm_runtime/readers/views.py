"""Files of rows that have several views."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import arrays, images
from ssdgm_runtime.rows.views import given, view

Array = NDArray[Any]
Floats = NDArray[np.float32]

PARTS = ("", "x.", "x_", "x_test.", "x_test_")
"""What may come before a view's name in the name of an array."""

PRESENT = "present."
"""What comes before a view's name in the name of an array that says which rows have it."""


def read(place: Path, views: view.Views) -> tuple[Floats, tuple[str, ...]]:
    """Whole rows [n, width], NaN where one lacks a view, and their names where these are files.

    Args:
        place: An .npz file with an array of each view, `NAME`, `x.NAME` or `x_test.NAME`; rows
            that are NaN throughout, and those for which `present.NAME` is false, lack it. Or an
            .npy file of whole rows. Or a folder that has for each view a folder of images `NAME/`:
            files of one name are one row, and where a folder has none, its view is missing.
        views: The views.

    Raises:
        DataNotFound: There is no such file.
        DataError: It cannot be read, or does not hold such rows.
        MissingExtra: It has images and Pillow is not installed.
    """
    rows: Any
    names: tuple[str, ...] = ()
    if place.is_dir():
        rows, names = _folder(place, views)
    elif place.suffix.lower() == ".npy":
        with open(place, "rb") as stream:
            rows = arrays.npy(stream, str(place))
    else:
        with open(place, "rb") as stream:
            rows = _arrays(arrays.npz(stream, str(place), ()), views, str(place))
    try:
        return given.given(rows, views), names
    except errors.InputError as error:
        raise errors.DataError(
            f"In {place}, {error.found}", error.expected, "Correct the file."
        ) from None


def _arrays(held: dict[str, Array], views: view.Views, place: str) -> dict[str, Any]:
    """Arrays of a file by the names of views."""
    rows: dict[str, Any] = {}
    for known in views:
        name = next((f"{part}{known.name}" for part in PARTS if f"{part}{known.name}" in held), "")
        if name:
            rows[known.name] = masked(held[name], held.get(f"{PRESENT}{known.name}"), name)
    if not rows:
        raise errors.DataError(
            f"{place} has the arrays {sorted(held)}",
            f"an array for one of the views {', '.join(v.name for v in views)} at least",
            "Name the arrays as the views are.",
        )
    return rows


def masked(rows: Array, there: Array | None, name: str) -> Array:
    """A view's rows, NaN where it is not there.

    Raises:
        DataError: What says so is not one truth value a row.
    """
    if there is None:
        return rows
    if there.shape != rows.shape[:1] or there.dtype.kind not in "bu":
        raise errors.DataError(
            f"What says which rows of {name} are present is {there.dtype} {list(there.shape)}",
            f"bool [{len(rows)}]",
        )
    if there.all():
        return rows
    each = there.astype(bool).reshape(-1, *(1,) * (rows.ndim - 1))
    return np.where(each, rows, np.nan).astype(np.float32)


def _folder(place: Path, views: view.Views) -> tuple[dict[str, list[Any]], tuple[str, ...]]:
    """The images of each view's folder, and the names of the rows."""
    files = {
        v.name: {p.relative_to(place / v.name).as_posix(): p for p in images.find(place / v.name)}
        for v in views
        if (place / v.name).is_dir()
    }
    names = sorted({name for of in files.values() for name in of}, key=lambda n: n.split("/"))
    if not names:
        raise errors.DataNotFound(
            f"The folder {place} has no images of a view",
            f"folders of images called {', '.join(v.name for v in views)}",
        )
    rows = {
        v.name: [_image(files.get(v.name, {}).get(name), v.shape) for name in names] for v in views
    }
    return rows, tuple(names)


def _image(place: Path | None, shape: tuple[int, ...]) -> Array | None:
    return None if place is None else images.load(place, shape)

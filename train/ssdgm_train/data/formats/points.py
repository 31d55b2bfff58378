"""Points of pictures: x and y of each in pixels, which move with a picture that is resized.

In a `labels.csv` a point is the columns NAME_x and NAME_y, and perhaps NAME_visible, which says 0
where its place means nothing. In arrays it is two numbers of y, [n, points, 2]. A point that is
not known, or lies outside of its picture, is NaN.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images
from ssdgm_runtime.rows import resizing
from ssdgm_train.data import quantities
from ssdgm_train.data.formats.pictures import Picture
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DataPlan

X, Y, SEEN = "_x", "_y", "_visible"
OUTSIDE = 0.05
"""The largest share of known points that may lie outside of their pictures."""

Array = NDArray[np.generic]
Arrays = tuple[Array, Array, Array | None, Array | None]
Numbers = NDArray[np.float64]
_WANTED = "two columns for each point, NAME_x and NAME_y"


def of_files(
    files: tree.Tree, pictures: Sequence[Picture], plan: DataPlan
) -> tuple[Numbers, tuple[str, ...]]:
    """Points [n, 2K] of image files in the pixels of the pictures as they are trained on.

    Args:
        files: The folder of the images.
        pictures: The images with their labels.
        plan: How they are resized.

    Raises:
        DataError: The columns are no points, or many points lie outside of their pictures.
    """
    points = _named(tuple(pictures[0].labels), files.title)
    words = np.array([[*picture.labels.values()] for picture in pictures], dtype=str)
    column = dict(zip(pictures[0].labels, words.T, strict=True))
    axes = (_numbers(np.stack([column[point + end] for point in points], 1)) for end in (X, Y))
    places = np.stack([*axes], -1)
    for number, point in enumerate(points):
        if point + SEEN in column:
            places[_numbers(column[point + SEEN][:, None])[:, 0] == 0, number] = np.nan
    sizes = np.array([_size(files, picture.name) for picture in pictures], np.float64)
    places = _inside(places, sizes, partial(_file, files, pictures))
    if plan.resize:
        policy = resizing.parse(plan.resize)
        places = moved(places, sizes, policy)
        places[_outside(places, np.array([policy.shape], np.float64))] = np.nan
    return places.reshape(len(pictures), -1), _interleaved(points)


def of_arrays(rows: Arrays, names: tuple[str, ...]) -> tuple[Arrays, tuple[str, ...]]:
    """Points [n, 2K] in the place of y and y_test, [n, K, 2] or [n, 2K]; names of the numbers.

    Args:
        rows: x, y, x_test and y_test.
        names: Of the points, or of the numbers.

    Raises:
        DataError: y are no points, or many points lie outside of their pictures.
    """
    x, y, x_test, y_test = rows
    known = _flat("y", x, y)
    tested = None if x_test is None or y_test is None else _flat("y_test", x_test, y_test)
    count = known.shape[1] // 2
    points = names or tuple(f"point {number}" for number in range(count))
    numbers = _interleaved(points) if len(points) == count else points
    return (x, known, x_test, tested), numbers


def moved(places: Numbers, sizes: Numbers, policy: resizing.Resize) -> Numbers:
    """Where points [n, K, 2] of pictures of `sizes` [n, (height, width)] are when resized."""
    have, want = sizes[:, ::-1], np.array(policy.shape[::-1], np.float64)
    if policy.way == "stretch":
        scale, first = want / have, np.zeros_like(have)
    elif policy.way == "crop":
        scale = np.max(want / have, axis=1, keepdims=True).repeat(2, 1)
        first = (want - have * scale) / 2
    else:
        whole = np.maximum(1, np.round(have * np.min(want / have, axis=1, keepdims=True)))
        scale, first = whole / have, (want - whole) // 2
    moved_places: Numbers = places * scale[:, None] + first[:, None]
    return moved_places


def _named(columns: tuple[str, ...], place: str) -> tuple[str, ...]:
    """The names of points whose x and y are among some columns."""
    ends = [name.removesuffix(X) for name in columns if name.endswith(X)]
    needed = {point + end for point in ends for end in (X, Y)}
    odd = sorted((needed ^ set(columns)) - {point + SEEN for point in ends})
    if not ends or odd:
        said = f"the columns {', '.join(columns[:4])}" if not ends else f"no pair for {odd[0]}"
        raise errors.DataError(
            f"data.labels_as is points, and the labels of {place} have {said}",
            _WANTED,
            "Name the columns with --label, for example --label '*_x,*_y'.",
        )
    return tuple(ends)


def _interleaved(points: Sequence[str]) -> tuple[str, ...]:
    return tuple(point + end for point in points for end in (X, Y))


def _numbers(words: Array) -> Numbers:
    return quantities.parsed("labels.csv", words, 0)


def _size(files: tree.Tree, name: str) -> tuple[int, int]:
    with files.open(name) as stream:
        return images.size(stream, tree.place(files, name))


def _file(files: tree.Tree, pictures: Sequence[Picture], row: int) -> str:
    return tree.place(files, pictures[row].name)


def _flat(name: str, x: Array, y: Array) -> Numbers:
    """Points of an array, [n, 2K]."""
    whole = y.reshape(len(y), -1) if y.ndim > 1 else y[:, None]
    if y.ndim > 3 or (y.ndim == 3 and y.shape[2] != 2) or whole.shape[1] % 2 or x.ndim < 3:
        raise errors.DataError(
            f"{name} has shape {list(y.shape)} and x {list(x.shape)}; data.labels_as is points",
            "points [n, points, 2], x and y of each in pixels, of pictures [n, height, width]",
        )
    read = quantities.read(name, whole, x).reshape(len(y), -1, 2)
    sizes = np.array([x.shape[1:3]], np.float64)
    return _inside(read, sizes, lambda row: f"{name}, row {row},").reshape(len(y), -1)


def _outside(places: Numbers, sizes: Numbers) -> NDArray[np.bool_]:
    """Which points are not in pictures of some sizes, [n, K]."""
    beyond = (places < 0) | (places > sizes[:, None, ::-1])
    return beyond[..., 0] | beyond[..., 1]


def _inside(places: Numbers, sizes: Numbers, where: Callable[[int], str]) -> Numbers:
    """Points, NaN where one is outside of its picture; a point needs both x and y.

    Raises:
        DataError: Many are outside.
    """
    places = np.where(np.isnan(places).any(-1, keepdims=True), np.nan, places)
    off, known = _outside(places, sizes), (~np.isnan(places[..., 0])).sum()
    if off.sum() > OUTSIDE * known:
        row, number = np.argwhere(off)[0].tolist()
        high, wide = np.broadcast_to(sizes, (len(places), 2))[row].astype(int)
        x, y = places[row, number]
        raise errors.DataError(
            f"{off.sum()} of {known} points lie outside of their pictures, first in {where(row)} "
            f"x {x:g}, y {y:g} of a picture of {high} x {wide}",
            "pixels from the top left of each picture as its file has it",
            "Correct them, or leave points empty that a picture does not show.",
        )
    places[off] = np.nan
    return places

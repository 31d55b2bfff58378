"""Rows with labels, to count errors on."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, model
from ssdgm_runtime.readers import inputs

Array = NDArray[Any]
PathLike = str | os.PathLike[str]
UNKNOWN = -1
_PAIRS = (("x", "y"), ("x_test", "y_test"))


def read(path: PathLike, unknown: float = UNKNOWN) -> tuple[Array, Array]:
    """Read rows and their labels, those of unknown label left out.

    Args:
        path: An .npz file with x and y (or x_test and y_test), or an IDX file of images named as
            MNIST's are, whose labels are next to it: t10k-images-idx3-ubyte[.gz].
        unknown: What stands for a label that is not known, as of `Space.unknown`.

    Returns:
        x [n, *shape] and y [n], the training labels' own values; of tags and numbers [n, K].

    Raises:
        DataNotFound: The file is missing, or its labels are.
        DataError: It cannot be read, or rows and labels are not as many.
    """
    place = Path(path)
    x, y = _npz(place) if place.suffix == ".npz" else _idx(place)
    if x.ndim < 1 or y.ndim < 1 or len(x) != len(y):
        raise errors.DataError(
            f"{place} has rows {list(x.shape)} and labels {list(y.shape)}",
            "one label per row",
        )
    if y.dtype.kind in "iuf":
        known = ~np.isnan(y) if math.isnan(unknown) else y != unknown
    else:
        known = np.ones(y.shape, dtype=np.bool_)
    labelled = known.reshape(len(y), -1).any(axis=1)
    if not labelled.any():
        raise errors.DataError(f"{place} has no row with a known label", mend="Add labelled rows.")
    return x[labelled], y[labelled]


def error(opened: model.Model, x: Array, y: Array) -> float:
    """The share of rows that are classified wrongly; of tags the share of the known ones.

    Of numbers it is the root mean squared error, in deviations of the training labels.

    Raises:
        InputError: x is not what the model takes.
        DataError: y has labels that the model does not know.
    """
    y = opened.space.targets(y)
    answer = opened.classify(x)
    outputs = [getattr(answer, name) for name in opened.space.outputs]
    return opened.space.traits.error(float(opened.space.wrong(outputs, y).mean()))


def _npz(place: Path) -> tuple[Array, Array]:
    arrays = inputs.read_npz(place)
    for x, y in _PAIRS:
        if x in arrays and y in arrays:
            return arrays[x], arrays[y]
    raise errors.DataError(
        f"{place} has arrays {list(arrays)}",
        "x and y",
        "Save the rows together with their labels.",
    )


def _idx(place: Path) -> tuple[Array, Array]:
    beside = place.parent / (place.name.replace("images", "labels").replace("idx3", "idx1"))
    if beside == place:
        raise errors.DataError(
            f"{place} has no labels",
            "an .npz file with x and y, or IDX images next to their labels",
            "Name IDX files as t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte.",
        )
    return inputs.read_idx(place), inputs.read_idx(beside)

"""A data set: raw rows, labels where they are known, a test set where there is one."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import series as long
from ssdgm_runtime.rows.views import view as several
from ssdgm_train import problems
from ssdgm_train.data import quantities, store, targets

UNLABELLED = targets.UNLABELLED
DTYPES = ("uint8", "float32")

COLOUR = "colour"  # images of several channels, among what recipes are chosen by
FOLDERS, LIST = "folders", "list"  # what labels images: a folder a class, or a labels.csv

CHANNELS = (1, 3, 4)
"""How many channels images have; a first axis so long is theirs where the last one is longer."""


@dataclass(frozen=True)
class Dataset:
    """Rows and labels as they came, in memory or, see `store`, in mapped files.

    Attributes:
        name: What reports call it.
        x: Training rows [n, *shape], uint8 or float32.
        y: Their labels, as `targets.Labels` says of each space.
        x_test: Test rows, or None.
        y_test: Their labels, or None.
        classes: The labels' own values, in index order; the names of tags or numbers.
        kind: One of `problems.KINDS`, what a row is.
        columns: The columns of a table, in the order of `ssdgm_runtime.rows.columns`; then x is
            float32, NaN where a number is missing and -1 where a category is.
        series: The columns of the long table that windows were cut of.
        recordings: The series that each training row was cut of, int64 [n]; None: one each.
        features: The names of a row's values, in its order, where these have some; no table's.
        shortest: The least length of series of unequal length; 0 where all have one.
        named_by: What labels images: `FOLDERS`, which says that these are classes, or a `LIST`.
        left: Columns of a table that were left out as they only tell rows apart.
        views: Those of rows that have several; x is then whole rows, see `rows.views.view`.
        label: The name of the column of labels, where a table has one.
        weights: How much each training row counts, float64 [n]; None where all count alike.
        others: The values of test labels that no training row has; their indices follow classes'.
    """

    name: str
    x: NDArray[np.generic]
    y: targets.Labels
    x_test: NDArray[np.generic] | None
    y_test: targets.Labels | None
    classes: targets.Names
    kind: str = problems.ROWS
    columns: table.Columns = ()
    series: long.Series | None = None
    features: tuple[str, ...] = ()
    shortest: int = 0
    named_by: str = ""
    others: tuple[int | str, ...] = ()
    left: tuple[str, ...] = ()
    label: str = ""
    weights: NDArray[np.float64] | None = None
    recordings: NDArray[np.int64] | None = None
    views: several.Views = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return self.x.shape[1:]

    @property
    def space(self) -> str:
        """The name of the labels' space, which follows from their dtype and shape."""
        if self.y.dtype.kind == "f":
            return targets.NUMBERS
        if self.y.ndim == 1 and self.y.dtype == np.int8:
            return targets.ONE_CLASS
        return (targets.CLASSES, targets.TAGS, targets.MASKS)[self.y.ndim - 1]

    @property
    def sort(self) -> str:
        """What recipes are chosen by: the kind of a row, or "colour" for images in colour."""
        colours = self.shape[2] if self.kind == problems.IMAGE and len(self.shape) == 3 else 1
        return COLOUR if colours > 1 else self.kind

    @cached_property
    def labelled(self) -> int:
        """How many training rows have a label, or any entry of one."""
        return sum(int(np.count_nonzero(targets.labelled(y))) for _, y in store.pieces(self.y))

    @property
    def fully_labelled(self) -> bool:
        """Whether every training row has a label, as in a benchmark."""
        return self.labelled == len(self.y)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over dtypes, shapes and bytes of all arrays, class values, columns, series."""
        hasher = hashlib.sha256(repr(self.classes).encode())
        for more in (self.columns, self.series, self.features, self.others, self.views):
            hasher.update(repr(more).encode() if more else b"")
        for array in (self.x, self.y, self.x_test, self.y_test, self.weights):
            if array is not None:
                hasher.update(f"{array.dtype}{array.shape}".encode())
                for _, piece in store.pieces(array):
                    hasher.update(np.ascontiguousarray(piece).data)
        return hasher.hexdigest()


def make(
    name: str,
    x: NDArray[np.generic],
    y: NDArray[np.generic],
    x_test: NDArray[np.generic] | None = None,
    y_test: NDArray[np.generic] | None = None,
    kind: str = "auto",
    columns: table.Columns = (),
    classes: tuple[int | str, ...] = (),
    series: long.Series | None = None,
    features: tuple[str, ...] = (),
    finds: bool = False,
    labels_as: str = targets.CLASSES,
    gaps: bool = False,
) -> Dataset:
    """Check arrays and turn labels into indices; -1 (or a blank string) is an unknown label.

    Labels of several columns, [n, K], are tags: 1, 0, or -1 where an entry is not known.

    Args:
        name: What reports call it.
        x: Training rows.
        y: Their labels.
        x_test: Test rows.
        y_test: Their labels.
        kind: What a row is; "auto" tells it by its shape and values.
        columns: The columns of a table.
        classes: The labels' own values, where labels are their indices; names of tags or numbers.
        series: The columns of the long table that windows were cut of.
        features: The names of a row's values.
        finds: Whether classes without any label are to be found: test labels may then be others.
        labels_as: "numbers" where labels are numbers; anything else leaves it to their columns.
        gaps: Whether NaN stands for what is missing, as in a table it does.

    Raises:
        DataError: A shape, dtype, value or label that cannot be trained on.
    """
    name = " ".join(name.encode(errors="replace").decode().split())
    x, x_test, shortest = store.alike(x, x_test)
    gaps = gaps or bool(columns) or shortest > 0
    x = checked("x", x, gaps=gaps)
    usual = problems.WINDOWS if shortest and kind == "auto" else kind
    kind = kind_of(x, problems.TABLE if columns else usual, named=bool(columns))
    _same_length("x", x, "y", y)
    measured = labels_as == targets.NUMBERS
    labels, names = (
        quantities.training(y, classes, x)
        if measured
        else targets.training(y, classes, x, finds=finds)
    )
    _check_features(features, x)
    more = names, kind, columns, series, features, shortest
    if x_test is None or y_test is None:
        return Dataset(name, x, labels, None, None, *more)
    x_test = checked("x_test", x_test, gaps=gaps)
    _same_length("x_test", x_test, "y_test", y_test)
    if x_test.shape[1:] != x.shape[1:] or x_test.dtype != x.dtype:
        raise errors.DataError(
            f"x_test has rows {x_test.shape[1:]} {x_test.dtype}",
            f"rows like those of x: {x.shape[1:]} {x.dtype}",
            "Prepare both in the same way.",
        )
    if measured:
        return Dataset(name, x, labels, x_test, quantities.testing(y_test, len(names), x), *more)
    if finds and labels.ndim == y_test.ndim == 1 and not classes:
        others = targets.others(y_test, names)
        known = targets.indices("y_test", y_test, (*names, *others), x_test)
        return Dataset(name, x, labels, x_test, known, *more, others=others)
    known = targets.testing(y_test, labels, names, x_test, given=bool(classes))
    return Dataset(name, x, labels, x_test, known, *more)


def _check_features(features: tuple[str, ...], x: NDArray[np.generic]) -> None:
    """Refuse names that are not one for every value of a row, each once."""
    width = math.prod(x.shape[1:])
    if features and (len(features) != width or len({*features}) != width or "" in features):
        raise errors.DataError(
            f"features has {len(features)} names, {len({*features})} of them different, and a row "
            f"has {width} values",
            "one name for each value, none empty and none twice",
            "Correct the names, or leave them out.",
        )


def kind_of(x: NDArray[np.generic], kind: str = "auto", *, named: bool = False) -> str:
    """What rows are, told by their axes and values unless it is said; DataError if they cannot."""
    kind = _by_axes(x) if kind == "auto" else kind
    _check_kind(kind, x, named=named)
    _check_channels(kind, x)
    return kind


def _by_axes(x: NDArray[np.generic]) -> str:
    """What a row is by its axes: bytes and shares of one are pixels, other numbers a series."""
    if x.ndim == 2:
        return problems.ROWS
    shares = x.dtype == np.uint8 or all(
        ((piece >= 0) & (piece <= 1)).all() for _, piece in store.pieces(x)
    )
    return problems.IMAGE if shares or x.ndim > 3 else problems.WINDOWS


def _check_kind(kind: str, x: NDArray[np.generic], *, named: bool) -> None:
    """Refuse a kind that the recipe states and that rows of these axes cannot be."""
    axes = {problems.WINDOWS: (3,), problems.IMAGE: (3, 4)}.get(kind, (x.ndim,))
    if x.ndim in axes and (named or kind != problems.TABLE) and kind != problems.VIEWS:
        return
    wanted = {
        problems.WINDOWS: "[rows, channels, time]",
        problems.IMAGE: "[rows, height, width], perhaps with colours [rows, height, width, 3]",
        problems.TABLE: "a .csv or .parquet file, whose columns have names",
        problems.VIEWS: "an array x.NAME for each view in place of x",
    }
    raise errors.DataError(
        f"data.kind is {kind} and x has shape {list(x.shape)}", wanted[kind], "Correct data.kind."
    )


def _check_channels(kind: str, x: NDArray[np.generic]) -> None:
    """Refuse images whose channels come first, which would be a few pixels high."""
    first = x.shape[1] in CHANNELS and x.shape[-1] > max(CHANNELS)
    if kind != problems.IMAGE or x.ndim != 4 or not first:
        return
    raise errors.DataError(
        f"x has shape {list(x.shape)}, images of height {x.shape[1]} in {x.shape[3]} channels",
        "[rows, height, width, channels], where channels come last",
        "Write x.transpose(0, 2, 3, 1); if they are no images, set data.kind=rows.",
    )


def checked(name: str, x: NDArray[np.generic], *, gaps: bool = False) -> NDArray[np.generic]:
    """Rows as uint8 or float32; DataError if they are neither, or none, or not finite."""
    if x.ndim and not len(x):
        raise errors.DataError(
            f"{name} has no rows, its shape is {list(x.shape)}", "one row at least", ""
        )
    if x.ndim < 2 or x.size == 0:
        raise errors.DataError(
            f"{name} has shape {list(x.shape)}", "[rows, features] or [rows, height, width]", ""
        )
    dtype = x.dtype.newbyteorder("=")
    dtype = np.dtype(np.float32) if dtype == np.float64 else dtype
    if dtype.name not in DTYPES:
        raise errors.DataError(
            f"{name} has dtype {dtype}",
            "uint8 or float32",
            f"Write {name}.astype(np.float32), or np.uint8 for whole numbers 0..255.",
        )
    cast = x if x.dtype == dtype else store.cast(x, dtype, name)
    for start, piece in () if gaps or dtype == np.uint8 else store.pieces(cast):
        if not np.isfinite(piece).all():
            row, *position = np.argwhere(~np.isfinite(piece))[0].tolist()
            raise _infinite(name, x[start + row], start + row, position)
    return cast


def _infinite(
    name: str, given: NDArray[np.generic], row: int, position: list[int]
) -> errors.DataError:
    """The error of a number that float32 has not, in a row as it was given."""
    value = float(given[tuple(position)])
    where = f"column {position[0]}" if len(position) == 1 else f"at {position}"
    if np.isfinite(value):
        return errors.DataError(
            f"{name} holds {value:g}, first in row {row}, {where}",
            "numbers that fit float32",
            "Give them in other units, or drop these rows.",
        )
    return errors.DataError(
        f"{name} holds NaN or infinity, first in row {row}, {where}",
        "finite numbers",
        "Fill or drop these rows first.",
    )


def _same_length(name: str, x: NDArray[np.generic], other: str, y: NDArray[np.generic]) -> None:
    targets.check_no_masks(other, y, x)
    if y.shape[:1] != x.shape[:1] or y.ndim > 2:
        raise errors.DataError(
            f"{other} has shape {list(y.shape)} and {name} has {len(x)} rows",
            f"{other} of shape [{len(x)}], one label a row",
            f"Write -1 into {other} where a label is not known.",
        )

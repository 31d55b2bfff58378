"""Masks as they are given, as classes of every place of pictures of one size.

Pictures are continued by their mirror images to the largest height and width, up to a multiple of
`dense.STRIDE`; what is added has no label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train import problems
from ssdgm_train.data import dataset, store, targets
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.labels import dense

Array = NDArray[Any]
Mask = Array | None
"""The mask of a picture, [height, width]; None where it has none."""

MOST = 20
"""The most different values that count as classes; more of them look like numbers of objects."""

OBJECTS = ("background", "object")
UNKNOWN = -1
BINARY = {0, 255}
"""Where masks hold no other values, 255 is a class; elsewhere it stands for none."""

SAY = (
    "If they number objects and 0 is the background, say so: --set data.objects=true; otherwise "
    "write the number of a class at every place, 255 where none is known."
)


@dataclass(frozen=True)
class Part:
    """Pictures and their masks.

    Attributes:
        pictures: [height, width] or [height, width, channels] each.
        masks: Of each.
        places: What messages call each mask.
    """

    pictures: Sequence[Array]
    masks: Sequence[Mask]
    places: Sequence[str]


def made(
    name: str, train: Part, test: Part | None, plan: DataPlan, names: Sequence[str] = ()
) -> dataset.Dataset:
    """A data set of pictures with masks.

    Args:
        name: What reports call it.
        train: Training pictures.
        test: Test pictures, each with a mask; None where there are none.
        plan: How it is read.
        names: Those of the classes 0, 1 and so on; empty where nobody says.

    Raises:
        DataError: A mask has another size than its picture or an unknown value, or there is
            nothing to learn.
    """
    parts = [train, *([test] if test else [])]
    for part in parts:
        _check_sizes(part)
    known = _classes(train, plan, names)
    size = _size([picture.shape for part in parts for picture in part.pictures])
    made = [_stacked(name, part, size, known) for part in parts]
    if test:
        _check_labelled(test)
    (x, y), (x_test, y_test) = made[0], made[1] if test else (None, None)
    return dataset.Dataset(name, x, y, x_test, y_test, known.names, kind=problems.IMAGE)


def parts(
    x: Array, y: Array, x_test: Array | None, y_test: Array | None
) -> tuple[Part, Part | None]:
    """Training and test pictures with their masks; DataError as `of_arrays`."""
    train = of_arrays("y", x, y)
    if x_test is None or y_test is None:
        return train, None
    return train, of_arrays("y_test", x_test, y_test)


def of_arrays(name: str, x: Array, y: Array) -> Part:
    """Pictures [n, height, width] or [n, height, width, channels] with masks [n, height, width].

    Raises:
        DataError: They are none.
    """
    x = dataset.checked(name.replace("y", "x"), x)
    if x.ndim not in (3, 4) or y.dtype.kind not in "biu" or y.shape != x.shape[:3]:
        raise errors.DataError(
            f"{name} is {y.dtype} {list(y.shape)} for pictures {list(x.shape)}, and "
            "data.labels_as is masks",
            "whole numbers [rows, height, width] for pictures [rows, height, width] or [rows, "
            "height, width, channels]",
            "Give a mask of each picture's own size; 255 or -1 where no class is known.",
        )
    return Part([*x], [*y], [f"row {row} of {name}" for row in range(len(y))])


@dataclass(frozen=True)
class Classes:
    """The classes of masks.

    Attributes:
        names: Their names, or their values where nobody names them.
        values: The value of each in masks.
        objects: Whether any value above 0 is of the second class.
        blank: The values that stand for a place without label.
    """

    names: targets.Names
    values: tuple[int, ...]
    objects: bool
    blank: frozenset[int]

    def coded(self, mask: Array, place: str) -> NDArray[np.uint8]:
        """A mask as numbers of classes, `dense.UNKNOWN` where none is known.

        Raises:
            DataError: It has another value.
        """
        whole = mask.astype(np.int64)
        if self.objects:
            return np.where(whole < 0, dense.UNKNOWN, whole > 0).astype(np.uint8)
        known = np.array(self.values)
        codes = np.searchsorted(known, whole).clip(max=len(known) - 1)
        strange = (known[codes] != whole) & ~np.isin(whole, [*self.blank])
        if strange.any():
            row, column = np.argwhere(strange)[0].tolist()
            raise errors.DataError(
                f"{place} holds {whole[row, column]} at row {row}, column {column}",
                f"one of {', '.join(map(str, self.values))}"
                + (f", or {', '.join(map(str, sorted(self.blank)))} for none" * bool(self.blank)),
                SAY,
            )
        return np.where(np.isin(whole, [*self.blank]), dense.UNKNOWN, codes).astype(np.uint8)


def _classes(train: Part, plan: DataPlan, names: Sequence[str]) -> Classes:
    """The classes of training masks."""
    values = {int(v) for mask in train.masks if mask is not None for v in np.unique(mask)}
    if plan.objects:
        _check_two({min(v, 1) for v in values if v >= 0})
        return Classes(tuple(names) or OBJECTS, (0, 1), True, frozenset({UNKNOWN}))
    binary = values == BINARY and not names
    blank = frozenset({UNKNOWN} | (set() if binary else {dense.UNKNOWN}))
    values -= blank
    if names:
        return Classes(tuple(names), tuple(range(len(names))), False, blank)
    if len(values) > MOST or max(values, default=0) > dense.UNKNOWN or min(values, default=0) < 0:
        shown = ", ".join(map(str, sorted(values)[:4]))
        raise errors.DataError(
            f"The masks hold {len(values)} different values ({shown}, ...)",
            f"at most {MOST}, from 0 to {dense.UNKNOWN}",
            SAY,
        )
    _check_two(values)
    ordered = tuple(sorted(values))
    return Classes(ordered, ordered, False, blank)


def _check_two(values: set[int]) -> None:
    if len(values) < 2:
        raise errors.DataError(
            f"The training masks hold the classes {sorted(values)}",
            "at least two",
            "Label places of every class; 255 stands for a place without label.",
        )


def _check_sizes(part: Part) -> None:
    """Refuse masks of another size than their pictures, and pictures of different channels."""
    for picture, mask, place in zip(part.pictures, part.masks, part.places, strict=True):
        if mask is not None and mask.shape != picture.shape[:2]:
            high, wide = picture.shape[:2]
            raise errors.DataError(
                f"{place} is {' x '.join(map(str, mask.shape))} and its picture {high} x {wide}",
                "a mask of its picture's size, height x width",
                "Make masks of the pictures as they are, and resize both together if at all.",
            )


def _check_labelled(test: Part) -> None:
    bare = [place for place, mask in zip(test.places, test.masks, strict=True) if mask is None]
    if bare:
        raise errors.DataError(
            f"{len(bare)} of {len(test.masks)} test pictures have no mask, first {bare[0]}",
            mend="Label them, or move them among the training pictures.",
        )


def _size(shapes: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """The height and width that hold every picture."""
    high, wide = (-(-max(s[axis] for s in shapes) // dense.STRIDE) for axis in (0, 1))
    return high * dense.STRIDE, wide * dense.STRIDE


def _stacked(
    name: str, part: Part, size: tuple[int, int], known: Classes
) -> tuple[Array, NDArray[np.uint8]]:
    """Pictures and masks of one size."""
    count, colours = len(part.pictures), any(p.ndim > 2 for p in part.pictures)
    channels = tuple(p.shape[2:] for p in part.pictures if p.ndim > 2)[:1]
    row = (*size, *(channels[0] if colours else ()))
    x = store.allocate((count, *row), part.pictures[0].dtype, name)
    y = store.allocate((count, *size), np.uint8, name, beside=x)
    for i, (picture, mask, place) in enumerate(_rows(part)):
        grown = picture[..., None] if colours and picture.ndim == 2 else picture
        high, wide = (n - m for n, m in zip(size, picture.shape[:2], strict=True))
        x[i] = np.pad(grown, [(0, high), (0, wide), (0, 0)][: grown.ndim], mode="symmetric")
        y[i] = dense.UNKNOWN
        if mask is not None:
            y[i, : mask.shape[0], : mask.shape[1]] = known.coded(mask, place)
    store.give_back(x)
    return x, y


def _rows(part: Part) -> Iterator[tuple[Array, Mask, str]]:
    return zip(part.pictures, part.masks, part.places, strict=True)

"""What a data set accepts, and what it says of everything else."""

from typing import Any

import cases
import numpy as np
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_train.data import dataset

X = np.arange(24, dtype=np.float32).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])
LETTERS = np.array(["a", "b", "c"])[Y]


def with_value(value: float) -> np.ndarray:
    x = X.copy()
    x[4, 1] = value
    return x


def test_rows_and_labels_are_kept_as_they_came() -> None:
    found = dataset.make("name", X, Y, X[:2], Y[:2])
    assert found.name == "name"
    assert found.shape == (4,)
    assert found.classes == (0, 1, 2)
    assert found.fully_labelled
    assert np.array_equal(found.x, X)
    assert np.array_equal(found.y, Y)
    assert found.y_test is not None
    assert found.y_test.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "classes", "indices"),
    [
        (np.array([3, 7, 7, 3, -1, 9]), (3, 7, 9), [0, 1, 1, 0, -1, 2]),
        (np.array([3.0, 7, 7, 3, -1, 9]), (3, 7, 9), [0, 1, 1, 0, -1, 2]),
        (np.array([3, 7, 7, 3, 9, 9], np.uint8), (3, 7, 9), [0, 1, 1, 0, 2, 2]),
        (np.array(["b", "", "a", "b", "a", "b"]), ("a", "b"), [1, -1, 0, 1, 0, 1]),
        (np.array(["b", -1, "a", "b", "a", "b"]), ("a", "b"), [1, -1, 0, 1, 0, 1]),
        (np.array(["b ", "  ", "a", " b", "a\t", "-1 "]), ("a", "b"), [1, -1, 0, 1, 0, -1]),
    ],
    ids=["integers", "whole floats", "bytes", "strings", "strings and -1", "spaces"],
)
def test_labels_become_indices_in_the_order_of_their_values(
    y: np.ndarray, classes: tuple[int | str, ...], indices: list[int]
) -> None:
    found = dataset.make("name", X, y)
    assert found.classes == classes
    assert found.y.tolist() == indices
    assert found.fully_labelled == (-1 not in indices)


@pytest.mark.parametrize("dtype", [np.float64, ">f4", ">f8"])
def test_floats_of_other_widths_and_byte_orders_become_float32(dtype: Any) -> None:  # noqa: ANN401
    found = dataset.make("name", X.astype(dtype), Y)
    assert found.x.dtype == np.float32
    assert found.x.dtype.isnative
    assert np.array_equal(found.x, X)


def test_uint8_rows_stay_uint8() -> None:
    assert dataset.make("name", X.astype(np.uint8), Y).x.dtype == np.uint8


@pytest.mark.parametrize(
    "change",
    [
        lambda: dataset.make("name", with_value(99), Y),
        lambda: dataset.make("name", X, Y[::-1]),
        lambda: dataset.make("name", X, LETTERS),
        lambda: dataset.make("name", X.reshape(6, 2, 2), Y),
        lambda: dataset.make("name", X.astype(np.uint8), Y),
        lambda: dataset.make("name", X, Y, X[:2], Y[:2]),
    ],
)
def test_the_digest_sees_every_change(change: Any) -> None:  # noqa: ANN401
    plain = dataset.make("name", X, Y)
    assert plain.digest == dataset.make("other name", X.copy(), Y.copy()).digest
    assert change().digest != plain.digest


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        *(((3, 8, channels), "auto") for channels in (1, 2, 3, 4)),
        *(((height, 8, 10), "auto") for height in (2, 5, 8)),
        ((3, 8, 9), "rows"),
        ((3, 8), "auto"),
    ],
)
def test_images_whose_channels_come_last_are_taken(shape: tuple[int, ...], kind: str) -> None:
    assert dataset.make("name", np.zeros((6, *shape), np.uint8), Y, kind=kind).shape == shape


BAD = {
    "no axis of features": (
        {"x": X[:, 0]},
        "x has shape [6]; expected [rows, features] or [rows, height, width]",
    ),
    "channels first": (
        {"x": np.zeros((6, 3, 8, 9), np.uint8)},
        "x has shape [6, 3, 8, 9], images of height 3 in 9 channels; expected [rows, "
        "height, width, channels], where channels come last. Write x.transpose(0, 2, 3, 1)",
    ),
    "one channel first, in floats": ({"x": np.zeros((6, 1, 8, 8))}, "images of height 1 in 8"),
    "no rows": (
        {"x": X[:0], "y": Y[:0]},
        "x has no rows, its shape is [0, 4]; expected one row at least",
    ),
    "no test rows": (
        {"x_test": X[:0], "y_test": Y[:0]},
        "x_test has no rows, its shape is [0, 4]",
    ),
    "no features": ({"x": X[:, :0]}, "x has shape [6, 0]; expected [rows, features]"),
    "wrong dtype": (
        {"x": X.astype(np.int64)},
        "x has dtype int64; expected uint8 or float32. Write x.astype(np.float32)",
    ),
    "objects": ({"x": X.astype(object)}, "x has dtype object; expected uint8 or float32"),
    "NaN": (
        {"x": with_value(np.nan)},
        "x holds NaN or infinity, first in row 4, column 1; expected finite numbers. Fill or drop",
    ),
    "infinity": ({"x": with_value(-np.inf)}, "x holds NaN or infinity, first in row 4"),
    "NaN in another byte order": (
        {"x": with_value(np.nan).astype(">f4")},
        "x holds NaN or infinity, first in row 4",
    ),
    "too large for float32": (
        {"x": X.astype(np.float64) * 1e300},
        "x holds 1e+300, first in row 0, column 1; expected numbers that fit float32. Give",
    ),
    "one pixel too large for float32": (
        {"x": np.where(np.arange(24).reshape(6, 2, 2) == 14, -1e39, 0)},
        "x holds -1e+39, first in row 3, at [1, 0]; expected numbers that fit float32",
    ),
    "too few labels": (
        {"y": Y[:5]},
        "y has shape [5] and x has 6 rows; expected y of shape [6], one label a row. Write -1",
    ),
    "labels in three axes": (
        {"y": np.eye(6, dtype=int)[:, None]},
        "y has shape [6, 1, 6] and x has 6 rows",
    ),
    "fractions": (
        {"y": Y + 0.5},
        "y holds 0.5, a measurement rather than the number of a class; expected whole numbers or",
    ),
    "unknown as NaN": ({"y": np.where(Y == 0, np.nan, Y)}, "y holds NaN; expected -1 where"),
    "infinite label": ({"y": np.where(Y == 0, np.inf, Y)}, "y holds inf, a measurement"),
    "truth values": ({"y": Y > 0}, "y has dtype bool; expected integers or strings"),
    "one class": (
        {"y": np.zeros(6, int)},
        "y has 1 known classes [0]; expected at least two classes. Label some rows of every",
    ),
    "no label": ({"y": np.full(6, -1)}, "y has 0 known classes []; expected at least two"),
    "negative label": (
        {"y": Y - 3},
        "y has the label -3; expected labels from 0, or -1 where one is not known",
    ),
    "test rows of another shape": (
        {"x_test": X[:, :3], "y_test": Y},
        "x_test has rows (3,) float32; expected rows like those of x: (4,) float32. Prepare",
    ),
    "test rows of another dtype": (
        {"x_test": X.astype(np.uint8), "y_test": Y},
        "x_test has rows (4,) uint8; expected rows like those of x: (4,) float32",
    ),
    "test rows without labels": ({"x_test": X, "y_test": Y[:2]}, "y_test has shape [2] and"),
    "NaN in the test rows": (
        {"x_test": with_value(np.nan), "y_test": Y},
        "x_test holds NaN or infinity, first in row 4",
    ),
    "test labels outside the classes": (
        {"x_test": X, "y_test": Y + 2},
        "y_test has labels [3, 4] outside the classes; expected labels among [0, 1, 2]. Every",
    ),
    "unknown test labels": (
        {"x_test": X, "y_test": np.full(6, -1)},
        "y_test has labels [-1] outside the classes",
    ),
    "test labels of another type": (
        {"x_test": X, "y_test": LETTERS},
        "y_test has labels ['a', 'b', 'c'] outside the classes",
    ),
}


@pytest.mark.parametrize(("changes", "text"), BAD.values(), ids=list(BAD))
def test_bad_arrays_are_errors_that_say_found_expected_and_mend(
    changes: dict[str, Any], text: str
) -> None:
    arrays = {"x": X, "y": Y, **changes}
    assert text in cases.message(DataError, lambda: dataset.make("name", **arrays))

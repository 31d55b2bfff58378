"""Rows that are ready pass untouched; all others become what the graph takes, or are refused."""

from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.rows.columns import Column
from ssdgm_runtime.rows.drift import DriftWarning
from ssdgm_runtime.rows.intake import Intake
from ssdgm_runtime.rows.tensor import Tensor

BYTES = Tensor("x", "uint8", ("batch", 2, 3))
FLOATS = Tensor("x", "float32", ("batch", 3))
SINGLE = Tensor("x", "float32", ("batch",))


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("tensor", [BYTES, FLOATS, SINGLE])
def test_what_is_ready_passes_untouched(tensor: Tensor, n: int) -> None:
    x = np.ones((n, *tensor.row), tensor.dtype)
    assert Intake(tensor).take(x) is x


@pytest.mark.parametrize(
    "x",
    [
        np.ones((3, 2), np.float32).T,
        np.ones((4, 3), np.float32)[::2],
        np.ones((2, 3)),
        np.ones((2, 3), ">f4"),
        [[1.0, 1.0, 1.0]] * 2,
        np.ma.masked_array(np.ones((2, 3), np.float32)),
    ],
)
def test_what_holds_the_same_numbers_is_copied(x: object) -> None:
    taken = Intake(FLOATS).take(x)
    assert type(taken) is np.ndarray
    assert taken.flags.c_contiguous
    assert taken.dtype.isnative
    np.testing.assert_array_equal(taken, np.ones((2, 3), np.float32), strict=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    x = np.zeros((4, 3), np.float32)
    x[2, 1] = bad
    with pytest.raises(errors.InputError, match=r"not finite in 1 of 4 rows \(first: row 2\)"):
        Intake(FLOATS).take(x)


@pytest.mark.parametrize(
    ("tensor", "x"),
    [
        (SINGLE, np.float32(1)),
        (SINGLE, np.array(1, np.float32)),
        (FLOATS, np.ones(3, np.float32)),
        (FLOATS, np.ones((2, 4), np.float32)),
        (FLOATS, np.ones((2, 3), np.uint8)),
        (BYTES, np.ones((2, 6), np.uint8)),
        (BYTES, np.ones((2, 2, 3), np.int8)),
    ],
)
def test_another_dtype_or_shape_is_refused(tensor: Tensor, x: object) -> None:
    with pytest.raises(errors.InputError, match="expected"):
        Intake(tensor).take(x)


def test_codes_of_a_table_are_looked_at_however_ready_the_array_is() -> None:
    columns = (Column("size"), Column("kind", "category", ("a", "b")))
    rows = Intake(Tensor("x", "float32", ("batch", 2)), layout=columns)
    x = np.array([[np.nan, 1], [2, -1]], np.float32)
    np.testing.assert_array_equal(rows.take(x), x)
    with pytest.raises(errors.InputError, match="a code from 0 to 1"):
        rows.take(np.array([[0, 2]], np.float32))
    np.testing.assert_array_equal(rows.single({"size": 3, "kind": "b"}), [[3, 1]])


def test_one_row() -> None:
    rows = Intake(FLOATS, features=tuple(Column(name) for name in "abc"))
    np.testing.assert_array_equal(rows.single([1, 2, 3.5]), [[1, 2, 3.5]])
    np.testing.assert_array_equal(rows.single({"c": 3, "b": 2, "a": 1}), [[1, 2, 3]])
    with pytest.raises(errors.InputError, match=r"x is 1 rows.*Try: row\[0\]"):
        rows.single(np.ones((1, 3), np.float32))
    for many in (np.ones((2, 3), np.float32), {"a": [1, 2], "b": [1, 2], "c": [1, 2]}):
        with pytest.raises(errors.InputError, match=r"x is 2 rows; expected one row\. Hand"):
            rows.single(many)
    with pytest.raises(errors.InputError, match="x is None; expected one row, float32"):
        rows.single(None)
    with pytest.raises(errors.InputError, match=r"x is the text 'a\.png'; expected one row"):
        rows.single("a.png")
    with pytest.raises(errors.InputError, match=r"x is float64 \[1, 4\]"):
        rows.single([1.0, 2, 3, 4])


def test_limits_are_looked_at_for_several_rows_and_cost_one_row_nothing() -> None:
    rows = Intake(BYTES, span=(0, 16))
    white = np.full((2, 2, 3), 255, np.uint8)
    assert rows.take(white[:1]) is not None
    with pytest.warns(DriftWarning, match="'x' has values that are not within 0 and 16 in 100%"):
        assert rows.take(white) is white
    assert Intake(BYTES, span=(0, 255)).take(white) is white


def test_a_path_is_read_where_there_is_a_reader(tmp_path: Path) -> None:
    def read(path: object) -> np.ndarray:  # type: ignore[type-arg]
        assert path in ("rows.csv", tmp_path)
        return np.ones((2, 3), np.float32)

    for path in ("rows.csv", tmp_path):
        np.testing.assert_array_equal(Intake(FLOATS, read=read).take(path), np.ones((2, 3)))
    with pytest.raises(errors.InputError, match="x is <U8"):
        Intake(FLOATS).take("rows.csv")

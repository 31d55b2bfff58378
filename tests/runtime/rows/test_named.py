"""Rows of a table as callers have them: named values of any library, or arrays."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns, named
from ssdgm_runtime.rows.drift import DriftWarning
from ssdgm_runtime.rows.tensor import Tensor

KNOWN = (
    columns.Column("a"),
    columns.Column("c", columns.CATEGORY, ("1", "x")),
    columns.Column("flag", columns.BOOLEAN, columns.TRUTH),
)
TENSOR = Tensor("x", "float32", ("batch", 3))
NAN = float("nan")
GOOD: dict[str, Any] = {"flag": [True, None], "c": ["x", None], "a": [1.5, None], "more": [[], 1]}
ROWS = [[1.5, 1, 1], [NAN, -1, -1]]


class Frame:
    """What pandas, polars and their like have in common."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._table, self.columns = table, list(table)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        return np.array(self._table[name], dtype=object)


class Mapped(dict[str, Any]):
    """A mapping of one's own."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))


def given(x: Any) -> Any:  # noqa: ANN401
    found = named.given(x, KNOWN, TENSOR)
    assert (found.dtype, found.ndim) == (np.float32, 2)
    return found


STRUCTURED = np.array(
    [(True, "x", 1.5), (False, "NA", NAN)], [("flag", "?"), ("c", "U3"), ("a", "f8")]
)
FORMS: dict[str, Any] = {
    "a mapping": GOOD,
    "another mapping": Mapped(GOOD),
    "a frame": Frame(GOOD),
    "arrays": {name: np.array(GOOD[name], object) for name in ("a", "c", "flag")},
    "masked arrays": {**GOOD, "a": np.ma.array([1.5, 9], mask=[False, True])},
    "words": {"a": ["1.5", "NA"], "c": ["x", ""], "flag": ["TRUE", "nan"]},
    "an array": np.array(ROWS, np.float32),
    "an array of float64": np.array(ROWS),
    "lists": ROWS,
}


@pytest.mark.parametrize("name", list(FORMS))
def test_rows_in_any_form(name: str) -> None:
    np.testing.assert_array_equal(given(FORMS[name]), np.array(ROWS, np.float32))


def test_structured_arrays() -> None:
    np.testing.assert_array_equal(given(STRUCTURED), [[1.5, 1, 1], [NAN, -1, 0]])


def test_arrow_tables_and_batches() -> None:
    pa = pytest.importorskip("pyarrow")
    table = {name: GOOD[name] for name in ("a", "c", "flag")}
    np.testing.assert_array_equal(given(pa.table(table)), np.array(ROWS, np.float32))
    np.testing.assert_array_equal(given(pa.record_batch(table)), np.array(ROWS, np.float32))


def test_a_name_that_two_columns_have_is_refused() -> None:
    pa = pytest.importorskip("pyarrow")
    words, frame = ["x", None], Frame(GOOD)
    frame.columns.append("flag")
    names = ["a", "c", "flag", "c"]
    arrays = [[1.5, None], words, [True, None], words[::-1]]
    twice = pa.Table.from_arrays([pa.array(values) for values in arrays], names)
    for x, name in ((twice, "c"), (twice.to_batches()[0], "c"), (frame, "flag")):
        with pytest.raises(errors.InputError, match=rf"with two columns '{name}'; expected each"):
            given(x)
    further = twice.rename_columns(["a", "c", "more", "more"]).append_column("flag", twice["flag"])
    np.testing.assert_array_equal(given(further), np.array(ROWS, np.float32))


def test_no_rows() -> None:
    assert given({"a": [], "c": [], "flag": []}).shape == (0, 3)
    assert given(np.zeros((0, 3))).shape == (0, 3)


BAD: dict[str, tuple[Any, str]] = {
    "a column lacks": ({"a": [1], "b": [2]}, "x is a table without the columns 'c', 'flag', "
                       "only with 'a', "
                       "'b'; expected the columns 'a', 'c', 'flag'"),
    "names that are no words": ({1: [1]}, "only with '1'"),
    "other lengths": ({**GOOD, "a": [1]}, "columns differ in length (a: 1, flag: 2)"),
    "a word": ({**GOOD, "a": [1.5, "red"]}, "x['a'][1] is 'red'; expected a finite number"),
    "no truth value": ({**GOOD, "flag": ["yes", None]}, "x['flag'][0] is 'yes'; expected true"),
    "infinity": ({**GOOD, "a": [1.5, np.inf]}, "x['a'][1] is inf; expected a number that fits"),
    "too large": ({**GOOD, "a": [1e39, 0]}, "x['a'][0] is 1e+39"),
    "two values a row": ({**GOOD, "a": [[1], [2]]}, "x['a'] is of shape [2, 1]; expected one"),
    "some values a row": ({**GOOD, "a": [[1], [2, 3]]}, "x['a'] is ragged; expected one value"),
    "one value": ({**GOOD, "a": 1}, "x is one value of 'a' and several of 'c', 'flag'; expected "
                  "one value of every column, for one row, or a list of each, for many. Repeat "
                  "it: [x['a']] * len(x['c'])."),
    "no column": ({}, "x is a table without the columns 'a', 'c', 'flag', only with nothing"),
    "bytes": ({**GOOD, "c": np.array([b"x", b"y"])}, "x['c'] is of dtype |S1"),
    "a frame with a name twice": (Frame({**GOOD, "a": [[1, 2], [3, 4]]}), "x['a'] is of shape"),
    "another width": (np.zeros((2, 4)), "x is float64 [2, 4]; expected float32 [n, 3]"),
    "one row": (np.zeros(3, np.float32), "x is float32 [3]"),
    "whole numbers": (np.zeros((2, 3), int), "x is int64 [2, 3]"),
    "an infinite array": (np.array([[np.inf, 0, 0]]), "x is not finite in 1 of 1 rows"),
    "an unknown code": (np.array([[0, 2.0, 0]]), "x[0, 1], column 'c', is 2; expected a code from "
                        "0 to 1, or -1 where it is unknown"),
    "half a code": (np.array([[0, 0, 0], [0, 0, 0.5]]), "x[1, 2], column 'flag', is 0.5"),
    "a code below": (np.array([[0, -2.0, 0]]), "x[0, 1], column 'c', is -2"),
    "nothing": (None, "x is None; expected the columns 'a', 'c', 'flag' by name, or float32 "
                      "[n, 3]. Pass a frame, or a mapping such as {'a': [...], 'c': [...], ...}."),
    "a word alone": ("rows.csv", "x is <U8 []"),
    "a key in one row alone": ([{"a": 1, "c": "x", "flag": True}, {"a": 1, "flag": None}],
                               "x[1] is a row without 'c'; expected a value for every column. "
                               "Give None where a value is missing."),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_what_are_no_rows_is_told(name: str) -> None:
    x, text = BAD[name]
    with pytest.raises(errors.InputError) as caught:
        given(x)
    assert text in str(caught.value)
    assert (caught.value.name, caught.value.got) != ("", "")


def test_rows_may_be_mappings_one_or_several() -> None:
    rows = [
        {"a": 1.5, "c": "x", "flag": True},
        {"c": "", "more": [1, 2], "a": None, "flag": None},
    ]
    np.testing.assert_array_equal(named.given(rows, KNOWN, TENSOR), ROWS)
    one = {"a": 1.5, "c": "x", "flag": True, "more": None}
    np.testing.assert_array_equal(named.given(one, KNOWN, TENSOR), ROWS[:1])
    with pytest.raises(errors.InputError, match="without the column 'flag'"):
        named.given([{"a": 1.5, "c": "x"}], KNOWN, TENSOR)


def test_rows_without_names_of_their_own_are_no_mappings() -> None:
    with pytest.raises(errors.InputError, match="does not know the names of its columns"):
        named.placed([{"a": 1.5}], (), TENSOR)


def test_rows_unlike_the_training_s_are_told_once_a_call() -> None:
    known = (columns.Column("a", range=(0.0, 10.0)), *KNOWN[1:])
    usual = {"a": [1.5, 19], "c": ["x", None], "flag": [True, None]}
    named.given(usual, known, TENSOR)
    with pytest.warns(DriftWarning) as caught:
        named.given({**usual, "a": [1.5, 20.5], "c": ["new", "x"]}, known, TENSOR)
    assert len(caught) == 1
    assert caught[0].filename == __file__, "the caller's line"
    text = str(caught[0].message)
    assert "'a' has numbers beyond the training's in 50% of the rows (such as 20.5)" in text
    assert "'c' has unknown categories in 50% of the rows (such as 'new')" in text
    with pytest.warns(DriftWarning, match="'c' has unknown categories in 100%"):
        named.given({"a": 1, "c": "new", "flag": True}, known, TENSOR)
    many = np.array([[99, 0, 0], [1, -1, 0]], np.float32)
    with pytest.warns(DriftWarning, match="'a' has numbers beyond"):
        named.given(many, known, TENSOR)
    assert named.given(many[:1], known, TENSOR) is not None, "one row of an array costs nothing"

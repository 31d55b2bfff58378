"""The columns of a table: as a manifest has them, and between named values and rows."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.rows import cells, columns

COLOURS = ("blue", "red", "7")
KNOWN = (
    columns.Column("a"),
    columns.Column("b"),
    columns.Column("colour", columns.CATEGORY, COLOURS),
    columns.Column("flag", columns.BOOLEAN, columns.TRUTH),
)
NAN = float("nan")


def told(row: int) -> str:
    return f"row {row}"


def test_columns_come_back_from_a_manifest() -> None:
    text = json.dumps([column.to_json() for column in KNOWN])
    assert columns.parse(json.loads(text)) == KNOWN
    assert columns.parse([]) == ()
    assert columns.numbers(KNOWN) == 2


Change = Callable[[list[dict[str, Any]]], object]
BROKEN: dict[str, tuple[Change, str]] = {
    "no object": (lambda t: t.append("a"), "columns"),  # type: ignore[arg-type]
    "no name": (lambda t: t[0].pop("name"), "'name'"),
    "another name": (lambda t: t[0].update(name=3), "name"),
    "no kind": (lambda t: t[0].pop("kind"), "'kind'"),
    "an unknown kind": (lambda t: t[0].update(kind="date"), "A column has the kind 'date'"),
    "a name twice": (lambda t: t[0].update(name="b"), "the column 'b' twice"),
    "numbers last": (lambda t: t.reverse(), "A number comes after a category"),
    "no categories": (lambda t: t[2].pop("categories"), "'categories'"),
    "not one category": (lambda t: t[2].update(categories=[]), "has the categories []"),
    "a category twice": (lambda t: t[2].update(categories=["u", "u"]), "the category 'u' twice"),
    "a category that is no word": (lambda t: t[2].update(categories=[1]), "categories"),
    "other truth values": (lambda t: t[3].update(categories=["no", "yes"]), "['no', 'yes']"),
    "truth values turned round": (lambda t: t[3]["categories"].reverse(), "A boolean column has"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_columns_that_no_manifest_may_have(name: str) -> None:
    change, text = BROKEN[name]
    table = [column.to_json() for column in KNOWN]
    change(table)
    with pytest.raises(errors.FormatError) as caught:
        columns.parse(table)
    assert text in str(caught.value)


def test_columns_are_a_list() -> None:
    with pytest.raises(errors.FormatError, match="columns"):
        columns.parse({})


def test_rows_part_into_typed_tensors_and_come_together() -> None:
    rows = np.array([[1, NAN, 2, 0], [3, 4, -1, NAN]], np.float32)
    parts = columns.split(rows, KNOWN)
    assert {k: v.dtype.name for k, v in parts.items()} == {"x": "float32", "codes": "int64"}
    np.testing.assert_array_equal(parts["x"], rows[:, :2])
    np.testing.assert_array_equal(parts["codes"], [[2, 0], [-1, -1]])
    whole = np.where(np.isnan(rows) & (np.arange(4) > 1), -1, rows)
    np.testing.assert_array_equal(columns.whole(parts, KNOWN), whole)


@pytest.mark.parametrize(("known", "names"), [(KNOWN[:2], {"x"}), (KNOWN[2:], {"codes"})])
def test_a_table_of_one_sort_has_one_tensor(known: columns.Columns, names: set[str]) -> None:
    rows = np.ones((3, 2), np.float32)
    parts = columns.split(rows, known)
    assert parts.keys() == names
    np.testing.assert_array_equal(columns.whole(parts, known), rows)


def test_a_decoder_s_outputs_as_rows() -> None:
    probs = np.array([[0.2, 0.5, 0.3, 0.9, 0.1], [0.6, 0.3, 0.1, 0.4, 0.6]], np.float32)
    x = np.array([[1, 2], [3, 4]], np.float32)
    found = columns.joined({"x": x, "code_probs": probs}, KNOWN)
    assert found.tolist() == [[1, 2, 1, 0], [3, 4, 0, 1]]
    assert columns.joined({"code_probs": probs}, KNOWN[2:]).tolist() == [[1, 0], [0, 1]]


def test_rows_as_named_values() -> None:
    rows = np.array([[1.5, NAN, 1, 1], [2, 3, -1, -1], [0, 0, NAN, 0]], np.float32)
    assert columns.named(rows, KNOWN) == {
        "a": [1.5, 2, 0],
        "b": [None, 3, 0],
        "colour": ["red", None, None],
        "flag": [True, None, False],
    }


VALUES: dict[str, tuple[int, Any, list[float]]] = {
    "numbers": (0, [1, 2.5], [1, 2.5]),
    "numbers in words": (0, ["1", " 2.5 ", "-1e2", "NA", ""], [1, 2.5, -100, NAN, NAN]),
    "numbers with gaps": (0, [1, None, NAN], [1, NAN, NAN]),
    "truth values as numbers": (0, [True, False], [1, 0]),
    "categories": (2, ["blue", " red", "green", "NaN", "", None, NAN], [0, 1, -1, -1, -1, -1, -1]),
    "categories that are numbers": (2, [7, 7.0, "7", "7.0", "7.", 7.5], [2, 2, 2, 2, 2, -1]),
    "numpy's numbers": (2, np.array([np.float32(7), np.int8(7), None, np.nan], object),
                        [2, 2, -1, -1]),
    "truth values": (3, [True, False, None], [1, 0, -1]),
    "numpy's truth values": (3, np.array([np.True_, np.False_, None], object), [1, 0, -1]),
    "truth values in words": (3, ["true", "FALSE", "1", "0", "NA"], [1, 0, 1, 0, -1]),
    "truth values as bits": (3, [1, 0, 1.0], [1, 0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(VALUES))
def test_values_of_any_type_as_rows_have_them(name: str) -> None:
    index, values, wanted = VALUES[name]
    found = cells.encoded(values, KNOWN[index], told)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(wanted, np.float32))


@pytest.mark.parametrize(("index", "values", "text"), [
    (0, ["1", "red"], "row 1 is 'red'; expected a finite number or a missing value"),
    (0, ["1_0"], "row 0 is '1_0'"),
    (0, ["١"], "row 0 is '١'"),
    (0, ["inf"], "row 0 is 'inf'"),
    (0, [None, "-Infinity"], "row 1 is '-Infinity'"),
    (0, [0.0, np.inf], "row 1 is inf; expected a number that fits float32"),
    (0, ["1e39"], "row 0 is 1e+39"),
    (3, ["true", "yes"], "row 1 is 'yes'; expected true, false or a missing value"),
    (3, [1, 2], "row 1 is '2'"),
])  # fmt: skip
def test_values_of_another_kind_are_told_with_their_row(
    index: int, values: list[Any], text: str
) -> None:
    with pytest.raises(errors.DataError) as caught:
        cells.encoded(values, KNOWN[index], told)
    assert text in str(caught.value)


def test_no_values_are_no_rows() -> None:
    assert all(cells.encoded([], column, told).shape == (0,) for column in KNOWN)


def test_messages_show_a_few_names() -> None:
    assert columns.some(["a", "b"]) == "'a', 'b'"
    assert columns.some("abcdefg") == "'a', 'b', 'c', 'd' and 3 more"

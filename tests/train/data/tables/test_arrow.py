"""Values of columns as files have them: cleaned, told apart, turned into numbers and codes."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import cases
import numpy as np
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_runtime.readers import tables
from ssdgm_runtime.rows import cells, columns
from ssdgm_train.data.tables import arrow

pa = pytest.importorskip("pyarrow")

NAN = float("nan")


def told(row: int) -> str:
    return f"row {row}"


def cleaned(values: object, kind: Any = None) -> list[Any]:  # noqa: ANN401
    found: list[Any] = arrow.clean(pa.array(values, kind), told).to_pylist()
    return found


CLEAN: dict[str, tuple[object, Any, list[Any]]] = {
    "words": (["a", " b\t", "\u00a0c", "dé", "x y"], None, ["a", "b", "c", "dé", "x y"]),
    "missing words": (["", " ", *cells.MISSING], None, [None] * (2 + len(cells.MISSING))),
    "words that only look missing": (["na", "none", "-"], None, ["na", "none", "-"]),
    "large words": ([" a", None], pa.large_string(), ["a", None]),
    "views of words": ([" a", None], pa.string_view(), ["a", None]),
    "a dictionary of words": ([" a", "a ", None], pa.dictionary(pa.int8(), pa.string()),
                              ["a", "a", None]),
    "a dictionary of numbers": ([5, None, 6], pa.dictionary(pa.int8(), pa.int64()), [5, None, 6]),
    "whole numbers": ([1, None, -3], pa.int16(), [1, None, -3]),
    "numbers": ([1.5, NAN, None], None, [1.5, None, None]),
    "halves": (np.array([1.5, 2], np.float16), None, [1.5, 2.0]),
    "decimals": ([Decimal("1.25"), None], pa.decimal128(10, 2), [1.25, None]),
    "long decimals": ([Decimal("1.25")], pa.decimal256(60, 2), [1.25]),
    "truth values": ([True, None], None, [True, None]),
    "nothing": ([None, None], pa.null(), [None, None]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CLEAN))
def test_values_are_cleaned(name: str) -> None:
    values, kind, wanted = CLEAN[name]
    assert cleaned(values, kind) == wanted


STRANGE: dict[str, tuple[object, Any]] = {
    "moments": ([1], pa.timestamp("s")),
    "dates": ([1], pa.date32()),
    "times": ([1], pa.duration("s")),
    "lists": ([[1]], None),
    "tables": ([{"a": 1}], None),
    "bytes": ([b"a"], None),
    "maps": ([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("name", list(STRANGE))
def test_what_is_no_value_is_refused(name: str) -> None:
    text = cases.message(DataError, lambda: cleaned(*STRANGE[name]))
    assert text.startswith("row 0 has the type ")
    assert "numbers, booleans or words" in text
    assert "data.ignore" in text


NUMBERS = ["1", "-1", "+1", "1.", ".5", "1.5", "1e5", "1E-5", "-.5e+3", "007", "1e400"]
NO_NUMBERS = ["", "-", ".", "e5", "1_000", "1,5", "0x1f", "١", "²", "inf", "1e", "1 2", "1\x00"]


@pytest.mark.parametrize("word", NUMBERS + NO_NUMBERS)
def test_training_and_the_device_tell_numbers_alike(word: str) -> None:
    """But for infinity, which is a number that does not fit."""
    assert arrow.like_numbers(pa.array([word]))[0] == (word in NUMBERS)
    name, known = "x.csv", (columns.Column("a"),)

    def read() -> object:
        return tables.numbered([(2, [word])], known, [0], name)

    if word in NUMBERS[:-1] or not word:
        assert read() == pytest.approx(np.array([[float(word or "nan")]]), nan_ok=True)
    else:
        assert "x.csv, line 2, column 'a', is" in cases.message(DataError, read)


WORDS: dict[str, tuple[object, Any, list[Any]]] = {
    "words": (["a", "1.0", "-2.00", "3.", "1.5", "v1.0", None], None,
              ["a", "1", "-2", "3", "1.5", "v1.0", None]),
    "numbers": ([1.0, 2.5, 1e300, None, -1.0], None, ["1", "2.5", "1e+300", None, "-1"]),
    "whole numbers": ([1, None, 2**63 - 1], None, ["1", None, str(2**63 - 1)]),
    "truth values": ([True, False, None], None, ["true", "false", None]),
    "nothing": ([None], pa.string(), [None]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(WORDS))
def test_categories_are_named_alike_whatever_their_type(name: str) -> None:
    values, kind, wanted = WORDS[name]
    array = pa.array(values, kind)
    assert arrow.words(array).to_pylist() == wanted
    given = [cells.as_word(v) for v in array.to_pylist() if v is not None]
    assert given == [word for word in wanted if word is not None]


def test_distinct_words_are_gathered_up_to_a_number() -> None:
    first = arrow.distinct(pa.array(["a", "b", None, "a"]), None, 3)
    assert first.to_pylist() == ["a", "b"]
    assert arrow.distinct(pa.array(["b", "c", "d"]), first, 3).to_pylist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1.5", None, "-2e3"], None),
        ([1.5, None, -2000], None),
        ([Decimal("1.5"), None, Decimal(-2000)], pa.decimal128(9, 1)),
    ],
)
def test_numbers_are_float32_and_nan_where_they_are_missing(values: object, kind: object) -> None:
    found = arrow.numbers(arrow.clean(pa.array(values, kind), told), told)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array([1.5, np.nan, -2000], np.float32))


@pytest.mark.parametrize(
    ("values", "kind", "wanted"),
    [
        ([2**53 + 1, -(2**62)], pa.int64(), [2.0**53, -(2.0**62)]),
        ([2**64 - 1, 0], pa.uint64(), [2.0**64, 0]),
        ([True, False], None, [1, 0]),
    ],
)
def test_numbers_of_any_size_are_taken(values: object, kind: object, wanted: list[float]) -> None:
    assert arrow.numbers(pa.array(values, kind), told).tolist() == wanted


BAD: dict[str, tuple[object, str]] = {
    "a word": (["1", None, "red"], "row 2 is 'red'; expected a finite number or a missing value"),
    "too large a word": (["1", "1e39"], "row 1 is 1e+39; expected a number that fits float32"),
    "beyond every float": (["1e400"], "row 0 is inf"),
    "too large": ([1.0, -1e39], "row 1 is -1e+39"),
    "infinity": ([np.inf], "row 0 is inf"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_what_is_no_number_is_told_with_its_place(name: str) -> None:
    values, text = BAD[name]
    assert text in cases.message(DataError, lambda: arrow.numbers(pa.array(values), told))


def test_codes_are_those_of_the_categories_and_nothing_else() -> None:
    words = pa.array(["b", "a", None, "z", "b"])
    assert arrow.codes(words, ("a", "b")).tolist() == [1, 0, -1, -1, 1]
    assert arrow.codes(pa.array([2.0, None, 3.0]), ("1", "2")).tolist() == [1, -1, -1]


@pytest.mark.parametrize(
    "values", [["true", "FALSE", None], ["1", "0", None], ["1.0", "False", None],
               [True, False, None], [1, 0, None], [1.0, 0.0, None]],
)  # fmt: skip
def test_truth_values_by_any_of_their_names(values: object) -> None:
    assert arrow.truths(pa.array(values), told).tolist() == [1, 0, -1]


@pytest.mark.parametrize("values", [["true", "yes"], [1, 2], [True, None, "maybe"][1:]])
def test_what_is_neither_true_nor_false_is_told(values: object) -> None:
    text = cases.message(DataError, lambda: arrow.truths(pa.array(values), told))
    assert text.startswith("row 1 is '")
    assert "true, false or a missing value" in text


@pytest.mark.parametrize("make", [arrow.like_numbers, arrow.like_truths, arrow.present])
def test_a_missing_word_is_like_nothing(make: Callable[[object], Any]) -> None:
    assert make(pa.array([None, None], pa.string())).tolist() == [False, False]

"""Cells of a table: what a word, a number or a missing value in a column means.

Files give words, callers give values; both become float32, a number or the code of a category.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns, dates

Array = NDArray[Any]
Floats = NDArray[np.float32]

BITS = ("0", "1")
"""Other words for false and true."""

NUMBERS, TRUTHS = "a finite number or a missing value", "true, false or a missing value"
"""What messages expect."""

MISSING = ("", "#N/A", "N/A", "n/a", "NA", "<NA>", "NULL", "null", "NaN", "nan", "None")
"""How files write a value that is missing, as pandas and Arrow do."""

EPOCH = np.datetime64("1970-01-01", "us")
NAMELESS = columns.Column("")
WHOLE = r"^([+-]?[0-9]+)\.0*$"
"""A whole number that is written as others are, such as 1.0."""
_ENDS = frozenset(".0")


def text(values: Sequence[Any], column: columns.Column, locate: Callable[[int], str]) -> Floats:
    """A column of words, such as a file has them, float32 [n].

    Args:
        values: Numbers, booleans or categories, as text or as what they are.
        column: What they are.
        locate: The number of a row to what a message calls the place.

    Raises:
        DataError: A word is not a number, or not true or false.
    """
    if column.kind == columns.NUMBER:
        words = [str(value).strip() for value in values]
        parsed = [_number(word, column) for word in words]
        bad = next((i for i, value in enumerate(parsed) if value is None), None)
        if bad is None:
            return fitting(np.array(parsed, np.float64), locate)
        dated = (dates.WANTED, dates.UNITS) if column.unit == dates.UNIT else (NUMBERS,)
        raise errors.DataError(f"{locate(bad)} is {words[bad]!r}", *dated)
    words = [as_word(value) for value in values]
    if column.kind == columns.BOOLEAN:
        words = [_truth(word) for word in words]
        passed = (*columns.TRUTH, *MISSING, *column.missing)
        strange = (i for i, word in enumerate(words) if word not in passed)
        if (bad := next(strange, None)) is not None:
            raise errors.DataError(f"{locate(bad)} is {words[bad]!r}", TRUTHS)
    codes = {word: float(code) for code, word in enumerate(column.categories)}
    return np.array([codes.get(word, float(columns.UNKNOWN)) for word in words], np.float32)


def encoded(
    values: Sequence[Any] | Array, column: columns.Column, locate: Callable[[int], str]
) -> Floats:
    """A column of numbers, booleans or words, None or NaN where one is missing, float32 [n].

    Raises:
        DataError: A value is not a number, or not true or false.
    """
    array = np.asarray(values)
    if column.kind == columns.NUMBER and array.dtype.kind in "biuf":
        exact = array.astype(np.float64)
        exact = np.where(gaps(exact, column.missing), np.nan, exact)
        if column.unit == dates.UNIT and (late := np.abs(exact) > dates.LAST).any():
            row = int(late.argmax())
            raise errors.DataError(f"{locate(row)} is {exact[row]:.0f}", dates.WANTED, dates.UNITS)
        return fitting(exact, locate)
    if array.dtype.kind in "mM" and (array.dtype.kind, column.unit) != ("M", dates.UNIT):
        raise errors.DataError(f"{locate(0)} holds {array.dtype}", "numbers, booleans or text")
    if array.dtype.kind == "M":
        return fitting((array - EPOCH) / np.timedelta64(1, "D"), locate)
    short = array.dtype in (np.float16, np.float32)  # as Python's floats they have other digits
    return text(list(array) if short else array.tolist(), column, locate)


def gaps(values: NDArray[np.float64], missing: Sequence[str]) -> NDArray[np.bool_]:
    """Which numbers stand for a missing value, [n], such as -999 among the words."""
    numbers = [number for word in missing if (number := _number(word)) is not None]
    return np.isin(values, numbers)


def fitting(values: NDArray[np.float64], locate: Callable[[int], str]) -> Floats:
    """Numbers as float32; raises DataError for one that float32 cannot hold."""
    with np.errstate(over="ignore"):
        floats: Floats = values.astype(np.float32)
    if np.isinf(floats).any():
        row = int(np.isinf(floats).argmax())
        raise errors.DataError(f"{locate(row)} is {values[row]:g}", "a number that fits float32")
    return floats


def _number(word: str, column: columns.Column = NAMELESS) -> float | None:
    if word in MISSING or word in column.missing:
        return math.nan
    if column.unit == dates.UNIT:
        return dates.days(word)
    try:
        number = float(word) if word.isascii() and "_" not in word else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _truth(word: str) -> str:
    lower = word.lower()
    return (
        columns.TRUTH[BITS.index(word)]
        if word in BITS
        else lower
        if lower in columns.TRUTH
        else word
    )


def as_word(value: object) -> str:
    """A value as the word that names a category: 1.0 is 1, as in columns that have gaps."""
    if isinstance(value, (bool, np.bool_)):
        return columns.TRUTH[int(value)]
    if isinstance(value, np.floating):
        value = float(str(value))  # 0.1 of any size
    word = str(value).strip()
    return re.sub(WHOLE, r"\1", word) if word[-1:] in _ENDS else word

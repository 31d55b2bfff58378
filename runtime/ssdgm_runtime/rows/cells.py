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
from ssdgm_runtime.rows import columns

Array = NDArray[Any]
Floats = NDArray[np.float32]

BITS = ("0", "1")
"""Other words for false and true."""

NUMBERS, TRUTHS = "a finite number or a missing value", "true, false or a missing value"
"""What messages expect."""

MISSING = ("", "#N/A", "N/A", "n/a", "NA", "<NA>", "NULL", "null", "NaN", "nan", "None")
"""How files write a value that is missing, as pandas and Arrow do."""

WHOLE = r"^([+-]?[0-9]+)\.0*$"
"""A whole number that is written as others are, such as 1.0."""


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
        parsed = [_number(word) for word in words]
        bad = next((i for i, value in enumerate(parsed) if value is None), None)
        if bad is None:
            return fitting(np.array(parsed, np.float64), locate)
        raise errors.DataError(f"{locate(bad)} is {words[bad]!r}", NUMBERS)
    words = [as_word(value) for value in values]
    if column.kind == columns.BOOLEAN:
        words = [_truth(word) for word in words]
        strange = (i for i, w in enumerate(words) if w not in columns.TRUTH and w not in MISSING)
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
        return fitting(array.astype(np.float64), locate)
    short = array.dtype in (np.float16, np.float32)  # as Python's floats they have other digits
    return text(list(array) if short else array.tolist(), column, locate)


def fitting(values: NDArray[np.float64], locate: Callable[[int], str]) -> Floats:
    """Numbers as float32; raises DataError for one that float32 cannot hold."""
    with np.errstate(over="ignore"):
        floats: Floats = values.astype(np.float32)
    if np.isinf(floats).any():
        row = int(np.isinf(floats).argmax())
        raise errors.DataError(f"{locate(row)} is {values[row]:g}", "a number that fits float32")
    return floats


def _number(word: str) -> float | None:
    if word in MISSING:
        return math.nan
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
    return re.sub(WHOLE, r"\1", str(value).strip())

"""Values of a column as pyarrow arrays: cleaned, classified, and turned into numbers and codes.

`ssdgm_runtime.rows.columns` defines what counts as missing, as a number and as a boolean.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import cells, columns, dates

Array = Any
"""A pyarrow.Array."""

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Where = Callable[[int], str]
"""From a row's number within its piece to the place of its value in messages."""

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"

_DATE = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$"

TAGS = (("0", "no", "false"), ("1", "yes", "true"))
"""How tables write that a row has not, or has, a tag."""


def clean(array: Array, where: Where, gaps: Sequence[str] = (), *, dated: bool = False) -> Array:
    """Words without surrounding spaces, numbers or booleans; null where one is missing.

    Args:
        array: The values.
        where: Their places.
        gaps: Words and numbers that stand for a missing value besides the usual ones.
        dated: Whether they may be dates.

    Raises:
        DataError: The column has another type, such as lists.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        return clean(array.dictionary_decode(), where, gaps, dated=dated)
    if pa.types.is_null(kind):
        return array.cast(pa.string())
    if is_text(array) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        words = pc.utf8_trim_whitespace(array.cast(pa.string()))
        missing = pc.is_in(words, value_set=pa.array((*cells.MISSING, *gaps)))
        return pc.if_else(missing, pa.scalar(None, pa.string()), words)
    if dated and (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        return array.cast(pa.timestamp("us"))
    if pa.types.is_integer(kind) and gaps:
        return _without(array, gaps)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return array
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        kind = kind if pa.types.is_float32(kind) else pa.float64()
        floats = array.cast(kind, safe=False)
        return _without(pc.if_else(pc.is_nan(floats), pa.scalar(None, kind), floats), gaps)
    raise errors.DataError(
        f"{where(0)} has the type {kind}",
        "numbers, booleans or words",
        "Leave the column out with data.ignore, or turn it into numbers.",
    )


def _without(array: Array, gaps: Sequence[str]) -> Array:
    """Numbers without those that stand for a missing value."""
    import pyarrow as pa
    from pyarrow import compute as pc

    values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    mask = pa.array(cells.gaps(values, gaps))
    return pc.if_else(mask, pa.scalar(None, array.type), array)


def is_text(array: Array) -> bool:
    """Whether the values are words."""
    import pyarrow as pa

    return bool(pa.types.is_string(array.type))


def is_truth(array: Array) -> bool:
    """Whether the values are booleans by their type."""
    import pyarrow as pa

    return bool(pa.types.is_boolean(array.type))


def is_date(array: Array) -> bool:
    """Whether the values are dates by their type."""
    import pyarrow as pa

    return bool(pa.types.is_timestamp(array.type))


def present(array: Array) -> Mask:
    """Which values are not missing, [n]."""
    return _mask(array.is_valid())


def like_numbers(words: Array) -> Mask:
    """Which words can be read as finite numbers, [n]; missing ones cannot."""
    from pyarrow import compute as pc

    return _mask(pc.match_substring_regex(words, _NUMBER))


def like_dates(words: Array) -> Mask:
    """Which words can be read as dates, as ISO 8601 writes them, [n]; missing ones cannot."""
    from pyarrow import compute as pc

    return _mask(pc.match_substring_regex(words, _DATE))


def like_whole(words: Array) -> Mask:
    """Which words are whole numbers, [n]; missing ones are not."""
    from pyarrow import compute as pc

    return _mask(pc.match_substring_regex(words, r"^[+-]?\d+$"))


def is_number(word: str) -> bool:
    """Whether one word can be read as a finite number."""
    return re.fullmatch(_NUMBER, word, re.ASCII) is not None


def like_truths(words: Array) -> Mask:
    """Which words can be read as true or false, [n]; missing ones cannot."""
    import pyarrow as pa
    from pyarrow import compute as pc

    return _mask(pc.is_in(pc.utf8_lower(words), value_set=pa.array(columns.TRUTH)))


def words(array: Array) -> Array:
    """Values as the words that name categories; null where a value is missing."""
    import pyarrow as pa
    from pyarrow import compute as pc

    if is_text(array):
        return pc.replace_substring_regex(array, cells.WHOLE, r"\1")
    encoded = array.dictionary_encode()
    different = encoded.dictionary
    short = pa.types.is_float32(different.type)
    values = different.to_numpy() if short else different.to_pylist()
    named = [cells.as_word(value) for value in values]
    return pa.array(named, pa.string()).take(encoded.indices)


def different(array: Array) -> int:
    """How many distinct values there are, missing ones left out."""
    from pyarrow import compute as pc

    return int(pc.count_distinct(array, mode="only_valid").as_py())


def is_whole(array: Array) -> bool:
    """Whether the values are whole numbers by their type."""
    import pyarrow as pa

    return bool(pa.types.is_integer(array.type))


def distinct(array: Array, known: Array, most: int) -> Array:
    """At most `most` distinct words of the values and of those known before."""
    import pyarrow as pa

    different = words(array).drop_null().unique()
    if known is not None:
        different = pa.concat_arrays([known, different]).unique()
    return different.slice(0, most)


def numbers(array: Array, where: Where) -> Floats:
    """Values as float32 [n]; NaN where a value is missing.

    Raises:
        DataError: A value is not a finite number.
    """
    import pyarrow as pa

    if is_text(array):
        bad = np.flatnonzero(~like_numbers(array) & present(array))
        if len(bad):
            row = int(bad[0])
            word = array[row].as_py()
            raise errors.DataError(f"{where(row)} is {word!r}", cells.NUMBERS)
    floats = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return cells.fitting(floats, where)


def days(array: Array, where: Where) -> Floats:
    """Dates as days since 1970-01-01, float32 [n]; NaN where one is missing.

    Raises:
        DataError: A value is no date.
    """
    if not is_text(array):
        moments = array.to_numpy(zero_copy_only=False)
        return cells.encoded(moments, columns.Column("", unit=dates.UNIT), where)
    parsed = [math.nan if word is None else dates.days(word) for word in array.to_pylist()]
    bad = next((i for i, value in enumerate(parsed) if value is None), None)
    if bad is not None:
        raise errors.DataError(f"{where(bad)} is {array[bad].as_py()!r}", dates.WANTED)
    return cells.fitting(np.array(parsed, np.float64), where)


def codes(array: Array, categories: Sequence[str]) -> Floats:
    """Values as the codes of categories, float32 [n]; -1 where a value is missing or unknown."""
    import pyarrow as pa
    from pyarrow import compute as pc

    indices = pc.index_in(words(array), value_set=pa.array(categories, pa.string()))
    coded: Floats = pc.fill_null(indices, columns.UNKNOWN).to_numpy(zero_copy_only=False)
    return coded.astype(np.float32)


def truths(array: Array, where: Where) -> Floats:
    """Values as the codes of false and true, float32 [n]; -1 where a value is missing.

    Raises:
        DataError: A value is neither.
    """
    from pyarrow import compute as pc

    named = words(array)
    lower = codes(pc.utf8_lower(named), columns.TRUTH)
    coded: Floats = np.maximum(lower, codes(named, cells.BITS))
    bad = np.flatnonzero((coded == columns.UNKNOWN) & present(array))
    if len(bad):
        row = int(bad[0])
        raise errors.DataError(f"{where(row)} is {named[row].as_py()!r}", cells.TRUTHS)
    return coded


def tags(array: Array, where: Where) -> NDArray[np.int8]:
    """Values as tags, int8 [n]: yes is 1, no is 0, -1 where one is missing or -1.

    Raises:
        DataError: A value is neither.
    """
    from pyarrow import compute as pc

    lower = pc.utf8_lower(words(array))
    coded = np.full(len(array), columns.UNKNOWN, np.int8)
    for value, meaning in enumerate(TAGS):
        coded[np.isin(lower.to_numpy(zero_copy_only=False).astype(object), meaning)] = value
    bad = np.flatnonzero((coded == columns.UNKNOWN) & present(array))
    strange = (row for row in bad.tolist() if lower[row].as_py() != str(columns.UNKNOWN))
    if (row := next(strange, None)) is not None:
        raise errors.DataError(
            f"{where(row)} is {array[row].as_py()!r}",
            "a tag: 1 or 0, yes or no, true or false, or an empty cell where it is not known",
            "Name the columns of tags with --label, and no others.",
        )
    return coded


def says_minus_one(array: Array) -> bool:
    """Whether a value is -1 and written as a whole number."""
    import pyarrow as pa
    from pyarrow import compute as pc

    if pa.types.is_floating(array.type) or pa.types.is_boolean(array.type):
        return False
    value = str(columns.UNKNOWN) if is_text(array) else columns.UNKNOWN
    return bool(pc.any(pc.equal(array, pa.scalar(value, array.type))).as_py())


def _mask(array: Array) -> Mask:
    from pyarrow import compute as pc

    mask: Mask = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return mask

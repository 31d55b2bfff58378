"""Values of a column, as pyarrow has them: cleaned, told apart, and turned into numbers and codes.

What counts as missing, as a number and as a truth value is what `ssdgm_runtime.rows.columns` says.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns

Array = Any
"""A pyarrow.Array."""

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Told = Callable[[int], str]
"""The number of a row within its piece to what a message calls the value's place."""

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def clean(array: Array, told: Told) -> Array:
    """Words without spaces around them, numbers or truth values; null where a value is missing.

    Raises:
        DataError: The column holds something else, such as dates or lists.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        return clean(array.dictionary_decode(), told)
    if pa.types.is_null(kind):
        return array.cast(pa.string())
    if is_text(array) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        words = pc.utf8_trim_whitespace(array.cast(pa.string()))
        missing = pc.is_in(words, value_set=pa.array(columns.MISSING))
        return pc.if_else(missing, pa.scalar(None, pa.string()), words)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return array
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        kind = kind if pa.types.is_float32(kind) else pa.float64()
        found = array.cast(kind, safe=False)
        return pc.if_else(pc.is_nan(found), pa.scalar(None, kind), found)
    raise errors.DataError(
        f"{told(0)} holds {kind}",
        "numbers, truth values or words",
        "Leave the column out with data.ignore, or turn it into numbers.",
    )


def is_text(array: Array) -> bool:
    """Whether the values are words."""
    import pyarrow as pa

    return bool(pa.types.is_string(array.type))


def is_truth(array: Array) -> bool:
    """Whether the values are truth values by their type."""
    import pyarrow as pa

    return bool(pa.types.is_boolean(array.type))


def there(array: Array) -> Mask:
    """Which values are not missing."""
    return _mask(array.is_valid())


def like_numbers(words: Array) -> Mask:
    """Which words read as finite numbers; a missing one does not."""
    from pyarrow import compute as pc

    return _mask(pc.match_substring_regex(words, _NUMBER))


def is_number(word: str) -> bool:
    """Whether one word does."""
    return re.fullmatch(_NUMBER, word, re.ASCII) is not None


def like_truths(words: Array) -> Mask:
    """Which words read as true or false; a missing one does not."""
    import pyarrow as pa
    from pyarrow import compute as pc

    return _mask(pc.is_in(pc.utf8_lower(words), value_set=pa.array(columns.TRUTH)))


def words(array: Array) -> Array:
    """Values as the words that name categories; null where one is missing."""
    import pyarrow as pa
    from pyarrow import compute as pc

    if is_text(array):
        return pc.replace_substring_regex(array, columns.WHOLE, r"\1")
    found = array.dictionary_encode()
    different = found.dictionary
    short = pa.types.is_float32(different.type)
    values = different.to_numpy() if short else different.to_pylist()
    named = [columns.as_word(value) for value in values]
    return pa.array(named, pa.string()).take(found.indices)


def distinct(array: Array, known: Array, most: int) -> Array:
    """The distinct words of values and those known before, at most so many; no missing ones."""
    import pyarrow as pa

    found = words(array).drop_null().unique()
    if known is not None:
        found = pa.concat_arrays([known, found]).unique()
    return found.slice(0, most)


def numbers(array: Array, told: Told) -> Floats:
    """Values as float32 [n], NaN where one is missing.

    Raises:
        DataError: A value is no finite number.
    """
    import pyarrow as pa

    if is_text(array):
        bad = np.flatnonzero(~like_numbers(array) & there(array))
        if len(bad):
            row = int(bad[0])
            word = array[row].as_py()
            raise errors.DataError(f"{told(row)} is {word!r}", columns.NUMBERS)
    found = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return columns.fitting(found, told)


def codes(array: Array, categories: Sequence[str]) -> Floats:
    """Values as the codes of categories, float32 [n]; -1 where one is missing or unknown."""
    import pyarrow as pa
    from pyarrow import compute as pc

    found = pc.index_in(words(array), value_set=pa.array(categories, pa.string()))
    coded: Floats = pc.fill_null(found, columns.UNKNOWN).to_numpy(zero_copy_only=False)
    return coded.astype(np.float32)


def truths(array: Array, told: Told) -> Floats:
    """Values as the codes of false and true, float32 [n]; -1 where one is missing.

    Raises:
        DataError: A value is neither.
    """
    from pyarrow import compute as pc

    given = words(array)
    lower = codes(pc.utf8_lower(given), columns.TRUTH)
    found: Floats = np.maximum(lower, codes(given, columns.BITS))
    bad = np.flatnonzero((found == columns.UNKNOWN) & there(array))
    if len(bad):
        row = int(bad[0])
        raise errors.DataError(f"{told(row)} is {given[row].as_py()!r}", columns.TRUTHS)
    return found


def _mask(array: Array) -> Mask:
    from pyarrow import compute as pc

    found: Mask = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return found

"""Arguments as callers give them, checked before a graph sees them.

A graph gets exactly the dtype and shape that the manifest declares. One cast is made, float64 to
float32; everything else is an error that shows the line to write.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors

Array = NDArray[Any]
Floats = NDArray[np.float32]
_MOST = 2**31 - 1
_LONG, _DIGITS = 80, 18


def count(value: int, name: str, least: int, most: int = _MOST) -> int:
    """Check a whole number.

    Raises:
        InputError: It is not one, smaller than `least` or larger than `most`.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        limit = f" to {most}" if whole and value > most else ""
        raise errors.InputError(name, shown(value), f"a whole number from {least}{limit}")
    return int(value)


def shown(value: object) -> str:
    """A value as a message has it, however long it is."""
    try:
        text = repr(value)
    except Exception:  # a number of too many digits, or anyone's __repr__
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= _LONG else f"{text[:_LONG]}... ({len(text)} characters)"


def positive(value: float, name: str) -> float:
    """Check a positive finite number.

    Raises:
        InputError: It is not one.
    """
    numeric = isinstance(value, (int, float, np.integer, np.floating))
    try:
        number = float(value) if numeric and not isinstance(value, bool) else math.nan
    except OverflowError:  # a whole number beyond every float
        number = math.inf
    if not 0 < number < math.inf:
        raise errors.InputError(name, shown(value), "a positive finite number")
    return number


def sizes(text: str, name: str = "--batch") -> tuple[int, ...]:
    """Read sizes as a command line has them, such as "1,8,64"; `name` is the option's.

    Raises:
        InputError: They are not whole numbers with commas.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and len(word) <= _DIGITS for word in words):
        want = "whole numbers separated by commas, such as 1,8,64"
        raise errors.InputError(name, shown(text), want)
    return tuple(dict.fromkeys(int(word) for word in words))

"""Scalar arguments as callers give them, checked before anything is computed."""

import math

import numpy as np

from ssdgm_runtime import errors

_MOST = 2**31 - 1
_LONG = 80


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


def instance(value: object, kind: str, name: str) -> None:
    """Raise InputError for a value of no class of that name of ours, which is not imported."""
    if kind not in (own.__name__ for own in type(value).__mro__):
        hint = f"ssdgm_runtime.{kind}(**{name})" if isinstance(value, dict) else ""
        got = f"a {type(value).__name__}"
        raise errors.InputError(name, got, f"ssdgm_runtime.{kind}", hint)

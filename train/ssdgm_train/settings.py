"""Fields of recipes that say which values they take, so that every reader checks them alike."""

import dataclasses
import math
from collections.abc import Callable, Collection
from typing import Any

from ssdgm_runtime import errors

Table = dict[str, Any]
"""A recipe as a TOML document."""

Check = Callable[[Any], str]
"""A value to what was expected instead, or to an empty string."""


class RecipeError(errors.SsdgmError, ValueError):
    """A recipe or setting that cannot be used."""


def above(bound: int | float) -> Check:
    """Finite numbers above a bound."""
    return lambda value: "" if bound < value < math.inf else f"a number above {bound:g}"


def between(low: int | float, high: int | float) -> Check:
    """Numbers from low to high, high not included."""
    return lambda v: "" if low <= v < high else f"a number from {low:,} to below {high:,}"


def within(low: int | float, high: int | float) -> Check:
    """Numbers from low to high, both included."""
    return lambda v: "" if low <= v <= high else f"a number from {low:,} to {high:,}"


def among(allowed: Collection[str]) -> Check:
    """One of some words, often the keys of a table of functions."""
    return lambda value: "" if value in allowed else f"one of {', '.join(allowed)}"


def setting(default: Any, check: Check) -> Any:  # noqa: ANN401
    """A dataclass field with a default and a check; a tuple is checked item by item."""
    return dataclasses.field(default=default, metadata={"check": check})


def complaint(field: dataclasses.Field[Any], value: object) -> str:
    """What was expected of the field instead of the value, or an empty string."""
    check: Check | None = field.metadata.get("check")
    if value == () and field.default != ():
        return "at least one value"
    items = value if isinstance(value, tuple) else (value,)
    return next((wrong for item in items if check and (wrong := check(item))), "")

"""Tables of a TOML or JSON document into dataclasses, with errors that name the setting."""

import dataclasses
import difflib
import types
import typing
from typing import Any, TypeVar

from ssdgm_train import settings
from ssdgm_train.settings import RecipeError

T = TypeVar("T")


def build(cls: type[T], table: object, prefix: str) -> T:
    """A dataclass from a table; what the table leaves out has its default.

    Args:
        cls: The dataclass; fields may be dataclasses, tuples and plain values.
        table: The table.
        prefix: What stands before a setting's name in messages, such as "train.".

    Raises:
        RecipeError: A key is unknown, or a value of the wrong type or out of bounds.
    """
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if not isinstance(table, dict):
        raise RecipeError(f"{prefix.rstrip('.')} is {table!r}", "a table")
    for key in table:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, 1)
            hint = f"Did you mean {prefix}{near[0]}?" if near else ""
            raise RecipeError(
                f"{prefix}{key} is not a setting", f"one of {', '.join(hints)}", hint
            )
    values = {key: _cast(value, hints[key], prefix + key) for key, value in table.items()}
    for key, value in values.items():
        if expected := settings.complaint(fields[key], value):
            raise RecipeError(f"{prefix}{key} is {value!r}", expected)
    return cls(**values)


def _cast(value: Any, hint: Any, where: str) -> Any:  # noqa: ANN401
    """The value as the field's type, or an error that names the field."""
    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, f"{where}.")
    if typing.get_origin(hint) is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_cast(item, typing.get_args(hint)[0], where) for item in items)
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not hint:
        wanted = hint.__name__ if isinstance(hint, type | types.GenericAlias) else str(hint)
        raise RecipeError(f"{where} is {value!r}", f"a value of type {wanted}")
    return value

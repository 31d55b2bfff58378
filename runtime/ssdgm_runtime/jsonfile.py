"""JSON that may come from anyone: read within bounds, and field by field with its type.

Whatever does not fit is a FormatError that names the field.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, TypeVar

from ssdgm_runtime import errors

MAX_BYTES = 4 << 20
MAX_DEPTH = 64
MEND = "Convert the run again."

Json = dict[str, Any]
T = TypeVar("T")


def loads(text: str | bytes, name: str) -> object:
    """Read a document that can be written again as strict JSON in UTF-8.

    Args:
        text: The file's content.
        name: What to call it in a message.

    Raises:
        FormatError: It is too large or too deep, is not UTF-8 or JSON, has a key twice in one
            object, or holds NaN or infinity.
    """
    if len(text) > MAX_BYTES:
        raise errors.FormatError(f"{name} has {len(text)} bytes", f"at most {MAX_BYTES}", MEND)
    try:
        plain = text.decode("utf-8") if isinstance(text, bytes) else text
        document = json.loads(plain, object_pairs_hook=_table)
        _check_depth(document, name, MAX_DEPTH)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except errors.FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise errors.FormatError(f"{name} is not JSON ({error})", mend=MEND) from None
    return document


def dumps(document: object) -> str:
    """JSON as every file of a bundle has it: strict, two-space indent, a final newline."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def laid(known: object, document: object) -> object:
    """What is known, over the document that it was read from: in its order, with all it has more.

    Example:
        >>> laid({"b": [{"x": 1}]}, {"a": 0, "b": [{"x": 0, "y": 2}]})
        {'a': 0, 'b': [{'x': 1, 'y': 2}]}
    """
    if isinstance(known, dict) and isinstance(document, dict):
        return document | {key: laid(value, document.get(key)) for key, value in known.items()}
    lists = isinstance(known, list) and isinstance(document, list)
    if lists and len(known) == len(document):  # type: ignore[arg-type]
        return [laid(*pair) for pair in zip(known, document, strict=True)]  # type: ignore[call-overload]
    return known


def typed(value: object, kind: type[T] | tuple[type, ...], where: str) -> T:
    """A value that must be of a kind; a boolean is not a number."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise errors.FormatError(f"{where} of the manifest is {type(value).__name__}", names, MEND)
    return value  # type: ignore[return-value]


def get(table: Json, key: str, kind: type[T]) -> T:
    """A field that must be there."""
    return typed(_field(table, key), kind, key)


def optional(table: Json, key: str, kind: type[T], default: T) -> T:
    """A field that may be missing, or null, which is the same."""
    return default if table.get(key) is None else typed(table[key], kind, key)


def each(table: Json, key: str, kind: type | tuple[type, ...]) -> tuple[Any, ...]:
    """A list's entries, all of a kind."""
    return tuple(typed(v, kind, f"an entry of {key}") for v in get(table, key, list))


def number(value: object, where: str, least: float = -math.inf) -> float:
    """A finite number, at least `least`."""
    try:
        finite = float(typed(value, (int, float), where))
    except OverflowError:
        finite = math.inf
    if not (math.isfinite(finite) and finite >= least):
        wanted = "a finite number" if least == -math.inf else f"a finite number from {least:g}"
        raise errors.FormatError(f"{where} of the manifest is {finite}", wanted, MEND)
    return finite


def get_number(table: Json, key: str, least: float = -math.inf) -> float:
    """A field that must be a finite number, at least `least`."""
    return number(_field(table, key), key, least)


def whole(value: object, where: str, least: int, most: int) -> int:
    """A whole number between bounds."""
    integer: int = typed(value, int, where)
    if not least <= integer <= most:
        shown = integer if abs(integer) < 1 << 64 else "far larger"
        raise errors.FormatError(
            f"{where} of the manifest is {shown}", f"a whole number from {least} to {most}", MEND
        )
    return integer


def distinct(values: Sequence[object], what: str) -> None:
    """Refuse a value that is there twice."""
    seen = set()
    for value in values:
        if value in seen:
            raise errors.FormatError(f"The manifest has {what} {value!r} twice", mend=MEND)
        seen.add(value)


def _field(table: Json, key: str) -> object:
    if key not in table:
        raise errors.FormatError(f"The manifest has no field {key!r}", mend=MEND)
    return table[key]


def _table(pairs: list[tuple[str, object]]) -> Json:
    table = dict(pairs)
    if len(table) < len(pairs):  # readers differ in which of two they take
        seen: set[str] = set()
        twin = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise errors.FormatError(f"A JSON object has the key {twin[:80]!r} twice", mend=MEND)
    return table


def _check_depth(value: object, name: str, left: int) -> None:
    if not isinstance(value, (dict, list)):
        return
    if not left:
        raise errors.FormatError(f"{name} has more than {MAX_DEPTH} nested levels", mend=MEND)
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, name, left - 1)

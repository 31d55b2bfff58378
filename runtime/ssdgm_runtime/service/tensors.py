"""Tensors of the protocol: numpy arrays from JSON or bytes, and back.

The datatypes and the two forms of data are those of the Open Inference Protocol, version 2, and of
its extension for binary data (https://github.com/kserve/open-inference-protocol).
"""

import math
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors

Array = NDArray[Any]
Json = dict[str, Any]

BYTES = "BYTES"
NUMPY = {
    "BOOL": "bool",
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
}
"""The numpy dtype of each datatype but `BYTES`."""

_DATATYPES = {dtype: name for name, dtype in NUMPY.items()}
_MOST_AXES, _MOST_VALUES = 8, 2**40
_LENGTH = struct.Struct("<I")
_PLAIN: dict[str, frozenset[type]] = {
    "b": frozenset({bool}),
    "iu": frozenset({int}),
    "f": frozenset({int, float, type(None)}),
}


class Spec(NamedTuple):
    """What a model says of one of its tensors; -1 is a side of any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def to_json(self) -> Json:
        """As a model's metadata have it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


def datatype(dtype: str | np.dtype[Any]) -> str:
    """The protocol's word for a numpy dtype; text is `BYTES`."""
    return _DATATYPES.get(str(np.dtype(dtype)), BYTES)


def shaped(value: object, place: str) -> tuple[int, ...]:
    """The shape that a request states.

    Raises:
        InputError: It is no list of a few whole numbers.
    """
    sides = value if isinstance(value, list) and 0 < len(value) <= _MOST_AXES else [-1]
    whole = all(type(side) is int and side >= 0 for side in sides)
    if not whole or math.prod(max(1, side) for side in sides) > _MOST_VALUES:
        wanted = "a list of whole numbers such as [1, 28, 28]"
        raise errors.InputError(f"{place}.shape", arguments.shown(value), wanted)
    return tuple(sides)


def from_json(data: object, kind: str, shape: tuple[int, ...], place: str) -> Array:
    """The values that a request lists, flat in row-major order or nested.

    Args:
        data: The list; null stands for a missing number of a float datatype, or a missing text.
        kind: The datatype.
        shape: The shape.
        place: What a message calls the tensor.

    Raises:
        InputError: It has another number of values, or values of another kind.
    """
    if not isinstance(data, list):
        raise errors.InputError(f"{place}.data", f"a {type(data).__name__}", "a list of values")
    array = np.array(data, dtype=object)  # pointers alone: no text makes it large
    if array.ndim > 1 and array.shape != shape:
        got = f"of shape {list(array.shape)}"
        raise errors.InputError(f"{place}.data", got, f"shape {list(shape)}, as stated, or flat")
    flat = array.ravel()
    _check_count(flat.size, shape, f"{place}.data")
    if kind == BYTES:
        return _texts(flat, shape, place)
    return _numbers(flat, np.dtype(NUMPY[kind]), place).reshape(shape)


def _texts(flat: Array, shape: tuple[int, ...], place: str) -> Array:
    odd = {type(value) for value in flat.tolist()} - {str, type(None)}
    if odd:
        got = f"a list with a {odd.pop().__name__}"
        raise errors.InputError(f"{place}.data", got, "texts, null where one is missing")
    return flat.reshape(shape)


def _numbers(flat: Array, dtype: np.dtype[Any], place: str) -> Array:
    values = flat.tolist()
    known = next(types for kinds, types in _PLAIN.items() if dtype.kind in kinds)
    if odd := set(map(type, values)) - known:
        names = " or ".join(sorted(t.__name__ for t in known if t is not type(None)))
        got = f"a list with a {odd.pop().__name__}"
        raise errors.InputError(f"{place}.data", got, f"{names} for {datatype(dtype)}")
    try:
        if dtype.kind in "iu":
            _check_span(values, np.iinfo(dtype))
        with np.errstate(over="ignore"):  # infinity, which rows are refused for
            return np.array(values, dtype)
    except OverflowError:
        got = "a list with a number that is too large"
        raise errors.InputError(f"{place}.data", got, f"numbers of {datatype(dtype)}") from None


def _check_span(values: Sequence[int], limits: "np.iinfo[Any]") -> None:
    """Raise OverflowError as numpy does from its version 2."""
    if values and not (limits.min <= min(values) and max(values) <= limits.max):
        raise OverflowError


def from_bytes(raw: bytes, kind: str, shape: tuple[int, ...], place: str) -> Array:
    """The values that a request has in binary, little-endian in row-major order.

    Raises:
        InputError: They are more or fewer than the shape has.
    """
    if kind == BYTES:
        return _lengths_and_texts(raw, shape, place)
    dtype = np.dtype(NUMPY[kind])
    wanted = math.prod(shape) * dtype.itemsize
    if len(raw) != wanted:
        stated = f"{wanted}, for {kind} {list(shape)}"
        raise errors.InputError(f"{place}.parameters.binary_data_size", f"{len(raw)}", stated)
    if kind == "BOOL":
        raw, dtype = np.frombuffer(raw, np.uint8).astype(np.bool_).tobytes(), np.dtype(np.bool_)
    array: Array = np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype, copy=False)
    return array.reshape(shape)


def _lengths_and_texts(raw: bytes, shape: tuple[int, ...], place: str) -> Array:
    """Texts in UTF-8, each after its length in four bytes."""
    texts: list[str] = []
    start = 0
    try:
        while start < len(raw):
            (length,) = _LENGTH.unpack_from(raw, start)
            start += _LENGTH.size + length
            if start > len(raw):
                raise struct.error
            texts.append(raw[start - length : start].decode())
    except (struct.error, UnicodeDecodeError):
        got = "not made of texts in UTF-8, each after its length in four bytes"
        raise errors.InputError(f"{place}, in binary,", got, BYTES) from None
    _check_count(len(texts), shape, place)
    return np.array(texts, dtype=object).reshape(shape)


def _check_count(count: int, shape: tuple[int, ...], place: str) -> None:
    if count != math.prod(shape):
        wanted = f"{math.prod(shape)}, for the shape {list(shape)}"
        raise errors.InputError(place, f"a list of {count} values", wanted)


def to_bytes(array: Array) -> bytes:
    """An array's values in binary."""
    if array.dtype.kind not in "biuf":
        raw = [str(text).encode(errors="replace") for text in array.ravel().tolist()]
        return b"".join(_LENGTH.pack(len(text)) + text for text in raw)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def listed(values: Sequence[str]) -> Array:
    """Texts as an array, [n]."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array

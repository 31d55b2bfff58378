"""A tensor as a manifest declares it."""

import math
from typing import Any, NamedTuple

from ssdgm_runtime import errors, jsonfile

_MOST = 2**31 - 1
_INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "int64")
DTYPES = ("bool", *_INTEGERS, "float16", "float32", "float64")


class Tensor(NamedTuple):
    """One input or output of a graph: name, numpy dtype and shape, whose first axis is "batch".

    A side of a picture of any size is such as "16*height": a multiple of 16.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @property
    def row(self) -> tuple[int, ...]:
        """The shape of one row: every axis but the batch, the smallest where it is free."""
        return tuple(int(str(n).partition("*")[0]) for n in self.shape[1:])

    @property
    def width(self) -> int:
        """The number of values in one row."""
        return math.prod(self.row)

    def to_json(self) -> dict[str, Any]:
        """As a manifest has it."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}


def parse(value: object, where: str) -> Tensor:
    """A tensor of a manifest.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    table = jsonfile.typed(value, dict, where)
    shape = jsonfile.each(table, "shape", (int, str))
    if shape[:1] != ("batch",) or not all(map(_sized, shape[1:])):
        wanted = 'a shape ["batch", positive whole numbers]'
        shown = f"{list(shape)}"[:80]
        raise errors.FormatError(f"{where} has shape {shown}", wanted, jsonfile.MEND)
    dtype = jsonfile.get(table, "dtype", str)
    if dtype not in DTYPES:
        wanted = f"one of {', '.join(DTYPES)}"
        raise errors.FormatError(f"{where} has dtype {dtype!r}", wanted, jsonfile.MEND)
    return Tensor(jsonfile.get(table, "name", str), dtype, shape)


def _sized(axis: int | str) -> bool:
    if isinstance(axis, int):
        return 0 < axis <= _MOST
    from ssdgm_runtime.rows import resizing

    return resizing.is_free(axis)

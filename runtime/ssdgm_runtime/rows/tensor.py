"""A tensor as a manifest declares it."""

import math
from dataclasses import dataclass
from functools import cached_property

_INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "int64")


DTYPES = ("bool", *_INTEGERS, "float16", "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """One input or output of a graph: name, numpy dtype and shape, whose first axis is "batch"."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @cached_property
    def row(self) -> tuple[int, ...]:
        """The shape of one row: every axis but the batch."""
        return tuple(int(n) for n in self.shape[1:])

    @property
    def width(self) -> int:
        """The number of values in one row."""
        return math.prod(self.row)

"""What two processes that share a graph say to one another: a header in JSON, then arrays.

The one that runs a stranger's graph may be in the stranger's hands, so nothing is unpickled and no
size is believed: a header is short, a dtype one of ours, and arrays have at most as many bytes as
the reader allows.
"""

import json
import math
import struct
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows.tensor import DTYPES

Array = NDArray[Any]
Json = dict[str, Any]

_HEADER = 1 << 20
_AXES = 32


def send(stream: IO[bytes], header: Json, arrays: Sequence[Array] = ()) -> None:
    """Write a header and arrays; OSError where the other process is no more."""
    shapes = [[str(array.dtype), list(array.shape)] for array in arrays]
    data = json.dumps({**header, "arrays": shapes}).encode()
    stream.write(struct.pack("<I", len(data)) + data)
    for array in arrays:
        stream.write(np.ascontiguousarray(array).tobytes())
    stream.flush()


def receive(stream: IO[bytes], most: int) -> tuple[Json, list[Array]]:
    """Read a header and its arrays, of at most `most` bytes together.

    Raises:
        EOFError: The other process is no more.
        ValueError: What it says cannot be.
    """
    (size,) = struct.unpack("<I", _exactly(stream, 4))
    if size > _HEADER:
        raise ValueError(f"a header of {size} bytes")
    header = json.loads(_exactly(stream, size))
    arrays = []
    for dtype, shape in header.pop("arrays"):
        array = _described(dtype, shape, most)
        most -= array.nbytes
        data = _exactly(stream, array.nbytes)
        arrays.append(np.frombuffer(bytearray(data), array.dtype).reshape(array.shape))
    return header, arrays


def _described(dtype: object, shape: object, most: int) -> Array:
    """An array of this dtype and shape that takes no memory."""
    lengths = shape if isinstance(shape, list) and len(shape) <= _AXES else [-1]
    if dtype not in DTYPES or not all(type(n) is int and n >= 0 for n in lengths):
        raise ValueError("an array of no known dtype or shape")
    if math.prod(max(n, 1) for n in lengths) * np.dtype(str(dtype)).itemsize > most:
        raise ValueError(f"arrays of more than {most} bytes")
    return np.broadcast_to(np.zeros((), str(dtype)), lengths)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the process ended")
    return data

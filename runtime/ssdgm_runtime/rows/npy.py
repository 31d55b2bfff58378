"""The header of an .npy file, checked before numpy believes it."""

from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def header(stream: IO[bytes], end: int) -> "tuple[tuple[int, ...], bool, np.dtype[Any]]":
    """Read the header of an .npy file, and leave the stream at the array.

    Args:
        stream: The file, at its beginning.
        end: Where its bytes end in the stream.

    Returns:
        The shape, whether columns come first, and the dtype.

    Raises:
        ValueError: The header announces more or less than there is, has an unusual version, or
            announces Python objects.
        Exception: Whatever numpy's parser trips over.
    """
    import math

    from numpy.lib import format as npy

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(stream)
    if version not in readers:
        raise ValueError(f"npy version {version[0]}.{version[1]}")
    shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ValueError("it holds pickled objects")
    there, wanted = end - stream.tell(), math.prod(shape) * dtype.itemsize
    if there != wanted or min(shape, default=0) < 0:
        raise ValueError(f"the header announces {list(shape)} of {dtype}, there are {there} bytes")
    return shape, fortran and len(shape) > 1, dtype

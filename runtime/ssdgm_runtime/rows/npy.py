"""The header of an .npy file, checked before numpy believes it."""

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    pass


def check_npy(stream: IO[bytes], size: int) -> None:
    """Refuse a .npy header that announces more or less than a file of `size` bytes holds.

    Raises:
        ValueError: It does, it has an unusual version, or it announces Python objects.
        Exception: Whatever numpy's parser trips over.
    """
    import math

    from numpy.lib import format as npy

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(stream)
    if version not in readers:
        raise ValueError(f"npy version {version[0]}.{version[1]}")
    shape, _, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
    held, wanted = size - stream.tell(), math.prod(shape) * dtype.itemsize
    if held != wanted or min(shape, default=0) < 0:
        raise ValueError(f"the header announces {list(shape)} of {dtype}, there are {held} bytes")

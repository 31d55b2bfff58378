"""Make PNG files with nothing but numpy and zlib, and lay images out in a grid."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors

Bytes = NDArray[np.uint8]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WHITE = 255


def encode_png(image: Bytes) -> bytes:
    """The bytes of a PNG file.

    Args:
        image: uint8 [height, width] in greys or [height, width, 3] in red, green and blue.

    Raises:
        InputError: The array is not an image.
    """
    import struct
    import zlib

    shape = image.shape
    if image.dtype != np.uint8 or len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
        raise errors.InputError(
            "image", f"{image.dtype} {list(shape)}", "uint8 [height, width] or [height, width, 3]"
        )
    if 0 in shape:
        raise errors.InputError("image", f"empty, {list(shape)}", "at least one pixel")
    colour = 2 if len(shape) == 3 else 0
    header = struct.pack(">IIBBBBB", shape[1], shape[0], 8, colour, 0, 0, 0)
    lines = np.ascontiguousarray(image).reshape(shape[0], -1)
    filtered = np.hstack([np.zeros((shape[0], 1), np.uint8), lines])  # filter 0 before each line
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def grid(images: Bytes, columns: int, pad: int = 1) -> Bytes:
    """Lay images out row by row on white.

    Args:
        images: uint8 [n, height, width] or [n, height, width, 3].
        columns: How many stand beside one another.
        pad: White pixels between them and around them.

    Returns:
        uint8 [rows * (height + pad) + pad, columns * (width + pad) + pad] (and 3 for colour).

    Raises:
        InputError: There is no image, or `columns` is not positive.
    """
    if images.ndim not in (3, 4) or not len(images) or columns < 1 or pad < 0:
        raise errors.InputError(
            "images",
            f"{list(images.shape)} in {columns} columns",
            "at least one image [n, height, width] and one column",
        )
    rows = -(-len(images) // columns)
    high, wide = images.shape[1] + pad, images.shape[2] + pad
    canvas = np.full(
        (rows * high + pad, columns * wide + pad, *images.shape[3:]), _WHITE, np.uint8
    )
    for i, image in enumerate(images):
        top, left = pad + (i // columns) * high, pad + (i % columns) * wide
        canvas[top : top + high - pad, left : left + wide - pad] = image
    return canvas


def to_images(x: NDArray[np.generic], low: float, high: float) -> Bytes:
    """Map values from [low, high] to [0, 255], clipped; uint8 of the same shape.

    Args:
        x: Values in the data's own units, such as a decoder's.
        low: The value that is black.
        high: The value that is white.
    """
    span = float(high) - float(low)
    scaled = (x.astype(np.float64) - low) * (_WHITE / (span if span > 0 else 1.0))
    return np.clip(np.rint(np.nan_to_num(scaled)), 0, _WHITE).astype(np.uint8)


def is_image(row: Iterable[int]) -> bool:
    """Whether a row of this shape can be drawn: [height, width] or [height, width, 3]."""
    shape = tuple(row)
    return len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)


def _chunk(kind: bytes, body: bytes) -> bytes:
    import struct
    import zlib

    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

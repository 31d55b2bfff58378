"""Masks in image files: whole numbers of one channel, of up to 16 bits; palettes keep theirs."""

from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors

MODES = ("1", "L", "P", "I;16", "I;16B", "I")
MOST_PIXELS = 1 << 28


def read(stream: IO[bytes], name: str) -> NDArray[Any]:
    """Read one mask, [height, width].

    Args:
        stream: The file.
        name: Its name, for messages.

    Raises:
        DataError: It is no image, or has colours.
        MissingExtra: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise errors.MissingExtra(
            "Reading masks needs Pillow", mend='pip install "ssdgm-runtime[images]"'
        ) from None
    try:
        with Image.open(stream, formats=("PNG", "BMP", "TIFF", "GIF")) as image:
            mode, pixels = image.mode, image.width * image.height
            if mode in MODES and pixels <= MOST_PIXELS:
                return np.asarray(image).astype(np.int32)
    except Exception as error:  # Pillow lets through whatever its parsers trip over
        raise errors.DataError(
            f"{name} cannot be read as a mask ({error})", "a PNG file", "Save it again."
        ) from None
    raise errors.DataError(
        f"{name} has pixels of mode {mode}",
        "whole numbers of one channel, the class of every place",
        "Save it as a grey PNG whose values are the numbers of classes.",
    )

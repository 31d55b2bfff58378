"""Image files, by way of Pillow (the `[images]` extra); nothing is resized or rescaled."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors

Shape = tuple[int, ...]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
_EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})


def find(folder: Path) -> list[Path]:
    """Every image below a folder, in the order of their relative names."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    return sorted(found, key=lambda p: p.relative_to(folder).parts)


def load(place: Path, shape: Shape | None) -> NDArray[np.uint8]:
    """Read one image.

    Args:
        place: The file.
        shape: [height, width] for greys, [height, width, 3] for colours, None for what it is.

    Raises:
        DataError: It is no image, has another size than `shape`, or more than 8 bits a colour.
        MissingExtra: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise errors.MissingExtra(
            "Pillow is not installed", "it, to read images", 'pip install "ssdgm-runtime[images]"'
        ) from None
    try:
        with Image.open(place) as image:
            mode = _mode(place, image.size, image.mode, shape)
            return np.asarray(image.convert(mode), dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, errors.SsdgmError):
            raise
        raise errors.DataError(
            f"{place} cannot be read ({error})", "an undamaged image", "Save it again."
        ) from None


def _mode(place: Path, size: tuple[int, int], mode: str, shape: Shape | None) -> str:
    """Pillow's word for what `shape` asks for, once the file is seen to be of that size."""
    if mode not in _EIGHT_BIT_MODES:
        raise errors.DataError(
            f"{place} has pixels of mode {mode}", "8 bits a colour", "Save it with 8 bits."
        )
    found = (size[1], size[0])
    if shape is None:
        return "L" if mode in ("1", "L", "LA") else "RGB"
    if shape[:2] != found or shape[2:] not in ((), (3,)):
        raise errors.DataError(
            f"{place} is {found[0]} pixels high and {found[1]} wide",
            f"rows of shape {list(shape)}",
            "Nothing is resized: resize it as the training data was, or give an npy file.",
        )
    return "L" if len(shape) == 2 else "RGB"

"""Folders of small images made for tests."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.pictures import png

GREY: tuple[int, ...] = (3, 4)
COLOUR: tuple[int, ...] = (3, 4, 3)


def picture(seed: int, shape: tuple[int, ...] = GREY) -> NDArray[np.uint8]:
    """Pixels that differ by their seed."""
    return np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8)


def content(seed: int, shape: tuple[int, ...] = GREY) -> bytes:
    """The same as a PNG file."""
    return png.encode_png(picture(seed, shape))


def lay(root: Path, files: Mapping[str, bytes | str | None]) -> Path:
    """Files and, where a name has no content, empty folders."""
    for name, data in files.items():
        place = root / name
        if data is None:
            place.mkdir(parents=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def sorted_in(names: str, shape: tuple[int, ...] = GREY) -> dict[str, bytes]:
    """Images by names with blanks between, each with its own pixels."""
    return {name: content(seed, shape) for seed, name in enumerate(names.split())}


def jpeg(seed: int) -> bytes:
    """A colour image as a JPEG file."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture(seed, COLOUR)).save(stream, "JPEG")
    return stream.getvalue()

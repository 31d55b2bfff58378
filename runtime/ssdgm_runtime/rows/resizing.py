"""What becomes of images of another size: a policy, stated in training and kept by the bundle.

A policy is a way and a size, height x width, such as `crop 32x32`: `stretch` gives both sides
their lengths; `crop` scales until the shorter side fits and cuts the centre out; `pad` scales
until the longer side fits and centres the image on black. Pillow scales by its Lanczos filter,
which averages over all pixels that fall into one, in whole numbers and so alike on every
processor. An image that has the size already stays as it is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ssdgm_runtime import errors

WANTED = "stretch, crop or pad with height x width, such as 'crop 32x32'"

Size = tuple[int, int]
Picture = Any
"""One of Pillow's, which the runtime does without where there are no images."""


@dataclass(frozen=True)
class Resize:
    """A policy: one of `WAYS`, and the height and width that every image gets."""

    way: str
    height: int
    width: int

    @property
    def shape(self) -> Size:
        """The height and width."""
        return self.height, self.width

    def __call__(self, image: Picture) -> Picture:
        """An image, grey or RGB, in the policy's size."""
        return WAYS[self.way](image, (self.width, self.height))

    def __str__(self) -> str:
        return f"{self.way} {self.height}x{self.width}"


def parse(text: str) -> Resize:
    """A policy as a recipe or a manifest has it.

    Example:
        >>> parse("crop 32x48").shape
        (32, 48)

    Raises:
        DataError: The text is not a policy, or a side is longer than 9999.
    """
    match = re.fullmatch(r"([a-z]+) ([1-9][0-9]{0,3})x([1-9][0-9]{0,3})", text)
    if match is None or match[1] not in WAYS:
        raise errors.DataError(f"The resize policy is {text[:40]!r}", WANTED)
    return Resize(match[1], int(match[2]), int(match[3]))


def _stretched(image: Picture, size: Size) -> Picture:
    return _scaled(image, size, (0, 0, *image.size))


def _cropped(image: Picture, size: Size) -> Picture:
    """The largest part of the size's form, its edges between pixels where the centre asks it."""
    scale = min(have / want for have, want in zip(image.size, size, strict=True))
    part = [min(want * scale, have) for have, want in zip(image.size, size, strict=True)]
    left, top = ((have - kept) / 2 for have, kept in zip(image.size, part, strict=True))
    return _scaled(image, size, (left, top, left + part[0], top + part[1]))


def _padded(image: Picture, size: Size) -> Picture:
    from PIL import Image

    scale = min(want / have for have, want in zip(image.size, size, strict=True))
    wide, high = (max(1, round(have * scale)) for have in image.size)
    canvas = Image.new(image.mode, size)
    place = (size[0] - wide) // 2, (size[1] - high) // 2
    canvas.paste(_stretched(image, (wide, high)), place)
    return canvas


def _scaled(image: Picture, size: Size, part: tuple[float, ...]) -> Picture:
    from PIL import Image

    return image.resize(size, Image.Resampling.LANCZOS, box=part)


WAYS: dict[str, Callable[[Picture, Size], Picture]] = {
    "stretch": _stretched,
    "crop": _cropped,
    "pad": _padded,
}


def is_free(axis: str) -> bool:
    """Whether an axis is a side of pictures of any size, such as "16*height"."""
    step, _, side = axis.partition("*")
    digits = step.isascii() and step.isdigit() and len(step) < 5 and not step.startswith("0")
    return digits and side in ("height", "width")

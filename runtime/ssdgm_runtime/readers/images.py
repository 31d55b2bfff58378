"""Image files, by way of Pillow (the `[images]` extra), as the eye sees them.

A picture is turned as its EXIF orientation says; where it is transparent, white shows through;
palettes become the colours that they stand for, and CMYK and YCbCr become RGB. Nothing is resized
but by a policy of `resizing`. More than 8 bits a colour and several pictures in a file are errors,
not cut down.
"""

import contextlib
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import resizing

Shape = tuple[int, ...]

_SUFFIXES = "png jpg jpeg jpe jfif bmp gif tif tiff webp ppm pgm pbm pnm"
SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split())
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""Whatever a file is called: Pillow reads others by programs that a picture should not start."""

_EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})
MOST_PIXELS = 1 << 26
COLOURS = {"auto": "", "grey": "L", "rgb": "RGB"}
"""What images can be read as, and Pillow's word for it; auto is what an image is."""

_ORIENTATION, _BYTE = 0x0112, 255


def is_image(name: str) -> bool:
    """Whether a relative name, with forward slashes, is that of an image and not a hidden one."""
    return not hidden(name) and Path(name).suffix.lower() in SUFFIXES


def hidden(name: str) -> bool:
    """Whether a relative name is what a desktop leaves behind, such as `._a.png`."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def find(folder: Path) -> list[Path]:
    """Every image below a folder, in the order of their relative names."""
    files = ((p, p.relative_to(folder).as_posix()) for p in folder.rglob("*"))
    wanted = [(p, name) for p, name in files if is_image(name) and p.is_file()]
    return [p for p, _ in sorted(wanted, key=lambda pair: pair[1].split("/"))]


def load(
    place: Path, shape: Shape | None, resize: resizing.Resize | None = None
) -> NDArray[np.uint8]:
    """Read one image from a file; see `read`."""
    try:
        with open(place, "rb") as stream:
            return read(stream, str(place), shape, resize)
    except OSError as error:
        if isinstance(error, errors.SsdgmError):
            raise
        raise _unread(str(place), error) from None


def read(
    stream: IO[bytes],
    name: str,
    shape: Shape | None,
    resize: resizing.Resize | None = None,
    colour: str = "auto",
) -> NDArray[np.uint8]:
    """Read one image.

    Args:
        stream: The file.
        name: Its name, for messages.
        shape: [height, width] for greys, [height, width, 3] for colours, None for what it is.
        resize: What to do if it has another size.
        colour: One of `COLOURS`, where there is no `shape`.

    Raises:
        DataError: It is not an image, has another size than `shape`, or more than 8 bits a colour.
        MissingExtra: Pillow is not installed.
    """
    with _opened(stream, name) as image:
        mode, upright = image.mode, _upright(image)
        size = resize.shape if resize else upright.size[::-1]
        converted = upright.convert(COLOURS[colour] or _mode(name, size, mode, shape))
        return np.asarray(resize(converted) if resize else converted, dtype=np.uint8)


def size(stream: IO[bytes], name: str) -> tuple[int, int]:
    """The height and width of one image; errors as in `read`."""
    with _opened(stream, name) as image:
        wide, high = _upright(image).size
        return high, wide


@contextlib.contextmanager
def _opened(stream: IO[bytes], name: str) -> Iterator[Any]:
    try:
        from PIL import Image, UnidentifiedImageError

        bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    except ImportError:
        raise errors.MissingExtra(
            "Reading images needs Pillow", mend='pip install "ssdgm-runtime[images]"'
        ) from None
    try:
        start = stream.tell()
        Image.open(stream, formats=_FORMATS).verify()  # decoding ignores a PNG's checksums
        stream.seek(start)
        with Image.open(stream, formats=_FORMATS) as image:
            _check(image, name)
            yield image
    except errors.SsdgmError:
        raise
    except UnidentifiedImageError:
        raise _unread(name, ValueError("its format is not supported")) from None
    except bombs as error:  # Pillow's own limit, beyond ours
        count = re.search(r"\d+ pixels", str(error))
        raise _too_many(name, count[0] if count else "too many pixels") from None
    except Exception as error:  # Pillow lets through whatever its parsers trip over
        raise _unread(name, error) from None


def _check(image: Any, name: str) -> None:  # noqa: ANN401
    if math.prod(image.size) > MOST_PIXELS:
        raise _too_many(name, f"{math.prod(image.size)} pixels")
    deep = any(map(_deep, image.tile))
    if image.mode not in _EIGHT_BIT_MODES or deep:
        mode = f"{image.mode} in 16 bits" if deep else image.mode
        raise errors.DataError(
            f"{name} has pixels of mode {mode}",
            "8 bits per colour",
            "Save it with 8 bits per colour.",
        )
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise errors.DataError(
            f"{name} contains {image.n_frames} images", "one", "Save each in its own file."
        )


def _too_many(name: str, count: str) -> errors.DataError:
    return errors.DataError(f"{name} has {count}", f"at most {MOST_PIXELS}", "Resize it.")


def _deep(tile: tuple[Any, ...]) -> bool:
    """Whether a file holds more than the 8 bits that Pillow would cut its colours down to."""
    codec, _, _, layout = tile
    mode, *rest = layout if isinstance(layout, tuple) else (layout,)
    cut = ";16" in str(mode) and not str(mode).startswith("BGR")
    return cut or (str(codec).startswith("ppm") and bool(rest) and rest[0] > _BYTE)


def _orientation(image: Any) -> int:  # noqa: ANN401
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # as above; who cannot say how a picture lies says nothing
        return 1


def _upright(image: Any) -> Any:  # noqa: ANN401
    from PIL import Image, ImageOps

    if _orientation(image) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode not in ("LA", "PA", "RGBA") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _mode(name: str, size: tuple[int, int], mode: str, shape: Shape | None) -> str:
    """Pillow's word for what `shape` asks for, once the file is seen to be of that size."""
    if shape is None:
        return "L" if mode in ("1", "L", "LA") else "RGB"
    if shape[:2] != size or shape[2:] not in ((), (3,)):
        raise errors.DataError(
            f"{name} is {size[0]} pixels high and {size[1]} wide",
            f"rows of shape {list(shape)}",
            "Resize it as the training data was, or pass an .npy file.",
        )
    return "L" if len(shape) == 2 else "RGB"


def _unread(name: str, error: Exception) -> errors.DataError:
    detail = str(error).strip().rstrip(".").splitlines() or [type(error).__name__]
    return errors.DataError(
        f"{name} cannot be read as an image ({detail[0]})", mend="Save it again."
    )

"""Pixels as the eye sees them, and what no picture should hold."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images, inputs

pillow = pytest.importorskip("PIL.Image")

COLOURS = np.random.default_rng(0).integers(0, 255, (3, 4, 3)).astype(np.uint8)
GREYS = COLOURS[..., 0]
TURNED = 6


def file(image: Any, kind: str = "PNG", **options: object) -> io.BytesIO:  # noqa: ANN401
    """An image as a file of a kind."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    stream.seek(0)
    return stream


def read(stream: io.BytesIO, shape: tuple[int, ...] | None = None) -> np.ndarray:
    return images.read(stream, "a", shape)


def png(bits: int, colour: int, samples: int, size: tuple[int, int] = (4, 3)) -> io.BytesIO:
    """A PNG by hand, of any size that its header says, whatever its data holds."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, 0)
    rows = (b"\0" + b"\x12" * (bits // 8) * samples * 4) * 3
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + body)


def test_greys_and_colours_come_as_they_are() -> None:
    np.testing.assert_array_equal(read(file(pillow.fromarray(GREYS))), GREYS)
    np.testing.assert_array_equal(read(file(pillow.fromarray(COLOURS))), COLOURS)
    bits = pillow.fromarray(GREYS > 100)
    np.testing.assert_array_equal(read(file(bits)), (GREYS > 100) * np.uint8(255))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_picture_is_turned_as_its_orientation_says(kind: str) -> None:
    tags = pillow.Exif()
    tags[0x0112] = TURNED
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    lying = file(pillow.fromarray(COLOURS), kind, exif=tags, **options.get(kind, {}))
    found = read(lying).astype(int)
    assert found.shape == (4, 3, 3)
    assert np.abs(found - np.rot90(COLOURS, -1)).mean() < 8
    lying.seek(0)
    assert images.size(lying, "a") == (4, 3)


def test_a_wrong_orientation_turns_nothing() -> None:
    stream = file(pillow.fromarray(COLOURS), exif=b"Exif\0\0garbage")
    np.testing.assert_array_equal(read(stream), COLOURS)


@pytest.mark.parametrize(
    ("mode", "clear", "solid", "row"),
    [
        ("RGBA", (0, 0, 0, 0), (9, 8, 7, 255), [[255, 255, 255], [9, 8, 7]]),
        ("LA", (0, 0), (9, 255), [255, 9]),
    ],
)
def test_white_shows_through_what_is_transparent(
    mode: str, clear: tuple[int, ...], solid: tuple[int, ...], row: list[Any]
) -> None:
    image = pillow.new(mode, (2, 1), clear)
    image.putpixel((1, 0), solid)
    np.testing.assert_array_equal(read(file(image)), [row])


def test_white_shows_through_a_grey_that_stands_for_nothing() -> None:
    marked = file(pillow.fromarray(np.array([[5, 6]], np.uint8)), transparency=5)
    np.testing.assert_array_equal(read(marked), [[255, 6]])


def test_half_transparent_is_half_white() -> None:
    image = pillow.new("RGBA", (1, 1), (0, 100, 255, 128))
    np.testing.assert_allclose(read(file(image))[0, 0], [127, 177, 255], atol=1)


def test_palettes_and_cmyk_become_the_colours_that_they_stand_for() -> None:
    palette = pillow.new("P", (2, 1), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    np.testing.assert_array_equal(read(file(palette)), np.full((1, 2, 3), [10, 20, 30]))
    ink = pillow.new("CMYK", (1, 1), (0, 255, 255, 0))
    np.testing.assert_array_equal(read(file(ink, "TIFF"))[0, 0], [255, 0, 0])
    np.testing.assert_allclose(read(file(ink, "JPEG", quality=100))[0, 0], [255, 0, 0], atol=3)


@pytest.mark.parametrize(
    "stream",
    [
        png(16, 0, 1),
        png(16, 2, 3),
        png(16, 4, 2),
        png(16, 6, 4),
        io.BytesIO(b"P5 1 1 300\n\1\2"),
        io.BytesIO(b"P6 1 1 65535\n" + b"\x12\x34" * 3),
        io.BytesIO(b"P3 1 1 300\n1 2 300\n"),
        file(pillow.new("F", (2, 2)), "TIFF"),
    ],
)
def test_more_than_eight_bits_are_not_cut_down(stream: io.BytesIO) -> None:
    with pytest.raises(errors.DataError, match="8 bits per colour"):
        read(stream)


def test_eight_bits_of_the_same_making_are_read() -> None:
    assert read(png(8, 2, 3)).shape == (3, 4, 3)
    np.testing.assert_array_equal(read(io.BytesIO(b"P5 2 1 255\n\1\2")), [[1, 2]])


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_is_no_picture(kind: str) -> None:
    frames = [pillow.new("L", (3, 3), n * 80) for n in range(3)]
    stream = file(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(errors.DataError, match="contains 3 images"):
        read(stream)


@pytest.mark.parametrize("size", [(9000, 9000), (10_000, 10_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    wanted = f"a has {size[0] * size[1]} pixels; expected at most {images.MOST_PIXELS}. Resize it"
    with pytest.raises(errors.DataError, match=wanted):
        read(png(8, 0, 1, size))


def test_a_bomb_that_is_whole_is_refused_too() -> None:
    """Nine thousand squared pixels of one bit take ten thousand bytes."""
    stream = file(pillow.new("1", (9000, 9000)))
    assert len(stream.getvalue()) < 1 << 16
    with pytest.raises(errors.DataError, match=f"a has 81000000 pixels; .* {images.MOST_PIXELS}"):
        read(stream)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_damaged_middle_is_an_error(kind: str) -> None:
    options = {"TIFF": {"compression": "tiff_adobe_deflate"}}.get(kind, {})
    noise = np.random.default_rng(1).integers(0, 255, (40, 40)).astype(np.uint8)
    content = bytearray(file(pillow.fromarray(noise), kind, **options).getvalue())
    for place in range(len(content) // 2, len(content) // 2 + 200):
        content[place] ^= 0xFF
    with pytest.raises(errors.DataError, match="a cannot be read"):
        read(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"])
def test_a_file_cut_short_is_an_error(kind: str) -> None:
    image = pillow.fromarray(np.random.default_rng(1).integers(0, 255, (40, 40)).astype(np.uint8))
    content = file(image, kind).getvalue()
    for size in range(1, len(content) * 3 // 4, max(1, len(content) // 40)):
        with pytest.raises(errors.DataError, match="a cannot be read"):
            read(io.BytesIO(content[:size]))


def test_other_programs_are_not_started() -> None:
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
    with pytest.raises(errors.DataError, match="its format is not supported"):
        read(io.BytesIO(postscript))


def test_what_a_desktop_leaves_behind_is_passed_over(tmp_path: Path) -> None:
    left = ("._a.png", ".trash/d.png", "__MACOSX/b/e.png")
    for name in ("a.png", "b/c.PNG", *left):
        content = b"resource fork" if name in left else file(pillow.fromarray(GREYS)).getvalue()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert inputs.read_images(tmp_path).names == ("a.png", "b/c.PNG")

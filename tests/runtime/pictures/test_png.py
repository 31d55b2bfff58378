import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.pictures import png


def decode(data: bytes) -> np.ndarray:
    """A reader of our own: 8-bit grey or colour, filter 0."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body = 8, b""
    while at < len(data):
        (size,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        chunk = data[at + 8 : at + 8 + size]
        (crc,) = struct.unpack(">I", data[at + 8 + size : at + 12 + size])
        assert crc == zlib.crc32(kind + chunk)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", chunk[:10])
            assert depth == 8
        if kind == b"IDAT":
            body += chunk
        at += 12 + size
    assert kind == b"IEND"
    planes = {0: 1, 2: 3}[colour]
    lines = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + width * planes)
    assert not lines[:, 0].any()
    shape = (height, width) if planes == 1 else (height, width, 3)
    return lines[:, 1:].reshape(shape)


@pytest.mark.parametrize("shape", [(3, 5), (1, 1), (3, 5, 3)])
def test_what_is_made_can_be_read(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(decode(png.encode_png(image)), image)
    np.testing.assert_array_equal(decode(png.encode_png(image[::-1])), image[::-1])


def test_pillow_reads_it_too(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    colours = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(png.encode_png(colours))
    with image.open(tmp_path / "a.png") as opened:
        np.testing.assert_array_equal(np.asarray(opened), colours)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 2)),
        np.zeros(4, np.uint8),
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((0, 2), np.uint8),
    ],
)
def test_no_image(bad: np.ndarray) -> None:
    with pytest.raises(errors.InputError, match="image is"):
        png.encode_png(bad)


def test_grid() -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((5, 2, 3), np.uint8)
    found = png.grid(images, columns=3, pad=1)
    assert found.shape == (2 * 3 + 1, 3 * 4 + 1)
    np.testing.assert_array_equal(found[1:3, 1:4], images[0])
    np.testing.assert_array_equal(found[4:6, 5:8], images[4])
    assert (found[0] == 255).all()
    assert (found[4:6, 9:] == 255).all()
    assert png.grid(np.zeros((2, 4, 4, 3), np.uint8), 2, pad=0).shape == (4, 8, 3)
    for bad in (images[:0], images[0]):
        with pytest.raises(errors.InputError):
            png.grid(bad, 3)


def test_values_to_grey() -> None:
    x = np.float32([-5, 0, 8, 16, 99, np.nan])
    assert png.to_images(x, 0, 16).tolist() == [0, 0, 128, 255, 255, 0]
    assert png.to_images(np.uint8([0, 255]), 0, 255).tolist() == [0, 255]
    assert png.to_images(x, 3, 3).dtype == np.uint8


@pytest.mark.parametrize(
    ("shape", "expected"), [((8, 8), True), ((8, 8, 3), True), ((3,), False), ((3, 8, 8), False)]
)
def test_which_rows_are_images(shape: tuple[int, ...], expected: bool) -> None:
    assert png.is_image(shape) is expected

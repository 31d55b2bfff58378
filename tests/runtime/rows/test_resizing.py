"""Images of other sizes: the same policy for training and for the device."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.console import commands
from ssdgm_runtime.readers import images
from ssdgm_runtime.rows import resizing

pillow = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)
SIZES = [(8, 8), (3, 5), (40, 7), (7, 40), (1, 100), (100, 1), (33, 33), (1, 1)]
WAYS = pytest.mark.parametrize("way", list(resizing.WAYS))


def pixels(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return RNG.integers(0, 256, shape).astype(np.uint8)


def resized(array: NDArray[np.uint8], policy: str) -> NDArray[np.uint8]:
    return np.asarray(resizing.parse(policy)(pillow.fromarray(array)))


@WAYS
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colours", [(), (3,)])
def test_every_image_gets_the_size(way: str, size: tuple[int, int], colours: Any) -> None:  # noqa: ANN401
    assert resized(pixels((*size, *colours)), f"{way} 6x9").shape == (6, 9, *colours)


@WAYS
def test_what_has_the_size_stays_bit_for_bit(way: str) -> None:
    array = pixels((5, 7, 3))
    np.testing.assert_array_equal(resized(array, f"{way} 5x7"), array)


@WAYS
def test_an_even_image_stays_even(way: str) -> None:
    found = resized(np.full((40, 20), 77, np.uint8), f"{way} 10x5")
    np.testing.assert_array_equal(found, np.full((10, 5), 77))


@WAYS
def test_a_grey_image_as_rgb_is_its_grey_three_times(way: str) -> None:
    """Training turns greys into colours after resizing them, a device before."""
    grey = pixels((23, 31))
    one, three = (resized(a, f"{way} 8x9") for a in (grey, np.stack([grey] * 3, -1)))
    np.testing.assert_array_equal(three, np.stack([one] * 3, -1))


def test_stretching_averages_over_the_pixels_that_fall_into_one() -> None:
    """A chequered image is grey from afar; picking pixels would leave black and white ones."""
    chequered = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    found = resized(chequered, "stretch 8x8").astype(int)
    assert np.abs(found - 127.5).max() < 8


def test_cropping_cuts_the_centre_of_the_longer_side() -> None:
    wide = np.zeros((10, 30), np.uint8)
    wide[:, 10:20] = 200
    np.testing.assert_array_equal(resized(wide, "crop 10x10"), np.full((10, 10), 200))
    np.testing.assert_array_equal(resized(wide.T.copy(), "crop 10x10"), np.full((10, 10), 200))


def test_padding_keeps_all_and_lays_it_on_black() -> None:
    found = resized(np.full((10, 30), 200, np.uint8), "pad 9x9")
    np.testing.assert_array_equal(found[3:6], np.full((3, 9), 200))
    assert not found[:3].any()
    assert not found[6:].any()


def test_pixels_are_the_same_wherever_they_are_scaled() -> None:
    """Pillow scales in whole numbers; another version that did otherwise would show here."""
    array = np.arange(7 * 5, dtype=np.uint8).reshape(7, 5) * 7
    want = {
        "stretch": [[25, 37, 49], [107, 119, 131], [189, 201, 213]],
        "crop": [[43, 55, 67], [107, 119, 131], [171, 183, 195]],
        "pad": [[29, 45, 0], [111, 127, 0], [193, 209, 0]],
    }
    for way, rows in want.items():
        assert resized(array, f"{way} 3x3").tolist() == rows, way


def test_a_policy_is_read_and_written() -> None:
    found = resizing.parse("crop 32x48")
    assert (found.way, found.shape, str(found)) == ("crop", (32, 48), "crop 32x48")


@pytest.mark.parametrize(
    "text",
    [
        *("", "crop", "32x32", "crop 32", "crop 0x3", "crop 3x10000", "Crop 3x3", "fit 3x3"),
        *("crop 3 x 3", "crop 3x3 ", "crop -3x3", "crop 3.5x3", "crop ٣x3"),
    ],
)
def test_anything_else_is_no_policy(text: str) -> None:
    with pytest.raises(errors.DataError, match=r"The resize policy is .* expected stretch, crop"):
        resizing.parse(text)


def test_a_picture_is_turned_and_laid_on_white_before_it_is_resized() -> None:
    image = pillow.new("RGBA", (6, 2), (0, 0, 0, 0))
    tags = pillow.Exif()
    tags[0x0112] = 6
    stream = io.BytesIO()
    image.save(stream, "PNG", exif=tags)
    stream.seek(0)
    found = images.read(stream, "a", None, resizing.parse("pad 6x6"))
    np.testing.assert_array_equal(found[:, 2:4], np.full((6, 2, 3), 255))
    assert not found[:, :2].any()


@pytest.mark.parametrize(("colour", "shape"), [("grey", (3, 4)), ("rgb", (3, 4, 3))])
@pytest.mark.parametrize("given", [(3, 4), (3, 4, 3)])
def test_colours_are_read_as_the_recipe_says(
    colour: str, shape: tuple[int, ...], given: tuple[int, ...]
) -> None:
    stream = io.BytesIO()
    pillow.fromarray(pixels(given)).save(stream, "PNG")
    stream.seek(0)
    found = images.read(stream, "a", None, None, colour)
    stream.seek(0)
    np.testing.assert_array_equal(found, images.read(stream, "a", shape))
    assert found.shape == shape


def described(data: Path, policy: object) -> str:
    """The manifest of a bundle of rows [4, 4], with a policy."""
    document = json.loads((data / "tiny.ssdgm/manifest.json").read_text())
    document["additional_metadata"]["ssdgm"]["input"]["resize"] = policy
    return json.dumps(document)


def test_a_manifest_may_have_a_policy(data: Path) -> None:
    assert manifest.loads(described(data, None)).input.resize is None
    assert manifest.loads(described(data, "pad 4x4")).input.resize == resizing.Resize("pad", 4, 4)


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (7, "input.resize of the manifest is int; expected str"),
        ("squeeze 4x4", "The resize policy is 'squeeze 4x4'; expected stretch, crop or pad"),
        ("pad 4x5", r"input.resize of the manifest is pad 4x5 and x is \['batch', 4, 4\]"),
    ],
)
def test_a_manifest_of_another_policy_is_refused(data: Path, policy: object, text: str) -> None:
    with pytest.raises(errors.FormatError, match=text):
        manifest.loads(described(data, policy))


@pytest.mark.filterwarnings("ignore::ssdgm_runtime.DriftWarning")  # pixels above 16
@pytest.mark.parametrize("policy", ["crop 4x4", "stretch 4x4", "pad 4x4"])
def test_a_bundle_classifies_images_of_any_size_as_its_policy_says(
    bundle: Path, data: Path, reseal: Callable[[Path], Path], tmp_path: Path, policy: str
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    arrays = [pixels(size) for size in ((9, 30), (4, 4), (2, 3))]
    for number, array in enumerate(arrays):
        pillow.fromarray(array).save(folder / f"{number}.png")
    with pytest.raises(errors.DataError, match=r"9 pixels high and 30 wide.*Resize it"):
        commands.classify(bundle, folder)
    (bundle / "manifest.json").write_text(described(data, policy))
    told = commands.classify(reseal(bundle), folder)["predictions"]
    with model.load(bundle) as opened:
        found = opened.classify(np.stack([resized(array, policy) for array in arrays]))
    assert [row["source"] for row in told] == ["0.png", "1.png", "2.png"]
    assert [row["probability"] for row in told] == pytest.approx(found.probs.max(1).tolist())

"""Points of pictures: read from columns and arrays, and moved with pictures that are resized."""

from pathlib import Path

import cases
import numpy as np
import pictures
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_runtime.rows import resizing
from ssdgm_train import data
from ssdgm_train.data.formats import points
from ssdgm_train.data.settings import DataPlan

PLAN = DataPlan(labels_as="points")
HEAD = "image,nose_x,nose_y,tail_x,tail_y,tail_visible\n"
TABLE = HEAD + "1.png,1,0.5,2,2,1\n2.png,3.5,2,-9,99,0\n3.png,,,0,3,1\n"
NAN = np.nan


def laid(root: Path, table: str) -> str:
    files = {f"{n}.png": pictures.content(n) for n in (1, 2, 3)}
    return str(pictures.lay(root / "set", {**files, "labels.csv": table}))


def refused(place: str, plan: DataPlan = PLAN) -> str:
    return cases.message(DataError, lambda: data.load(place, plan=plan))


def test_columns_are_points_that_may_be_out_of_sight(tmp_path: Path) -> None:
    read = data.load(laid(tmp_path, TABLE), plan=PLAN)
    assert read.classes == ("nose_x", "nose_y", "tail_x", "tail_y")
    wanted = [[1, 0.5, 2, 2], [3.5, 2, NAN, NAN], [NAN, NAN, 0, 3]]
    np.testing.assert_array_equal(read.y, wanted)


@pytest.mark.parametrize("policy", ["stretch 48x16", "crop 20x20", "pad 40x24", "crop 12x40"])
@pytest.mark.parametrize("place", [(20, 30), (33, 47)])
def test_a_point_moves_with_its_picture(policy: str, place: tuple[int, int]) -> None:
    """The brightest place of a resized picture with one bright spot is where the point is said."""
    from PIL import Image

    high, wide = 54, 90
    x = np.zeros((high, wide), np.uint8)
    down, right = place
    x[down - 3 : down + 3, right - 3 : right + 3] = 255
    resize = resizing.parse(policy)
    made = np.asarray(resize(Image.fromarray(x)), np.float64)
    grid = np.indices(made.shape) + 0.5
    centre = (grid * made).sum((1, 2)) / made.sum()
    told = points.moved(
        np.array([[[right, down]]], float), np.array([[high, wide]], float), resize
    )
    np.testing.assert_allclose(told[0, 0, ::-1], centre, atol=0.3)


def test_a_point_that_is_cropped_off_is_not_known(tmp_path: Path) -> None:
    """Pictures are 3 x 4, so a crop to 3 x 3 leaves half a pixel on either side out."""
    plan = DataPlan(labels_as="points", resize="crop 3x3")
    table = HEAD + "1.png,1,0.5,2,2,1\n2.png,3.5,2,1,1,1\n3.png,,,0,3,1\n"
    read = data.load(laid(tmp_path, table), plan=plan)
    wanted = [[0.5, 0.5, 1.5, 2], [3, 2, 0.5, 1], [NAN, NAN, NAN, NAN]]
    np.testing.assert_array_equal(read.y, wanted)


def test_arrays_have_points_as_pairs(tmp_path: Path) -> None:
    x, y = np.zeros((4, 8, 6), np.uint8), np.arange(16.0).reshape(4, 2, 2) % 5
    y[1, 0] = NAN, 3
    np.savez(tmp_path / "a.npz", x=x, y=y, names=np.array(["nose", "tail"]))
    read = data.load(str(tmp_path / "a.npz"), plan=PLAN)
    assert read.classes == ("nose_x", "nose_y", "tail_x", "tail_y")
    y[1, 0] = NAN
    np.testing.assert_array_equal(read.y, y.reshape(4, 4))


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (
            HEAD + "1.png,1,2,9,1,1\n2.png,1,1,1,1,1\n3.png,2,1,1,1,1\n",
            "1 of 6 points lie outside",
        ),
        (TABLE.replace("nose_y", "nose_z"), "have no pair for nose_y"),
        ("image,label\n1.png,1\n2.png,2\n3.png,3\n", "no column '*_x'"),
        (TABLE.replace("0.5", "high"), "holds 'high'"),
    ],
)
def test_what_are_no_points_is_refused(table: str, text: str, tmp_path: Path) -> None:
    assert text in refused(laid(tmp_path, table))


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3), (4,)])
def test_arrays_of_other_shapes_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 8, 6), np.uint8), y=np.ones(shape))
    assert "points [n, points, 2]" in refused(str(tmp_path / "a.npz"))


def test_rows_that_are_no_pictures_have_no_points(tmp_path: Path) -> None:
    text = "a,b_x,b_y\n" + "".join(f"{n},{n * n},{n % 3}\n" for n in range(9))
    (tmp_path / "t.csv").write_text(text)
    plan = DataPlan(labels_as="points", label="b_x,b_y")
    assert "are no images" in refused(str(tmp_path / "t.csv"), plan)

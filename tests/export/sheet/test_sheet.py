"""Sheets: pictures of rows or columns that depend on the data alone."""

import io
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import _pylab_helpers
from numpy.typing import NDArray
from PIL import Image

from ssdgm_export import plates, sheet
from ssdgm_export.sheet import columns, lines, pictures, series
from ssdgm_runtime.rows.columns import CATEGORY, Column
from ssdgm_train import inspection
from ssdgm_train.data import dataset
from ssdgm_train.recipes import recipe

Array = NDArray[Any]


def report(x: Array, y: Array, **more: Any) -> inspection.Report:  # noqa: ANN401
    return inspection.inspect(dataset.make("made", x, y, **more), recipe.load(None, None))


def images(n: int, classes: int, shape: tuple[int, ...] = (5, 4)) -> inspection.Report:
    x = np.random.default_rng(0).integers(0, 256, (n, *shape)).astype(np.uint8)
    return report(x, np.arange(n) % classes)


def windows(n: int, classes: int, channels: int) -> inspection.Report:
    x = np.random.default_rng(0).normal(size=(n, channels, 30)).astype(np.float32)
    return report(x, np.arange(n) % classes)


def wide(width: int) -> inspection.Report:
    x = np.random.default_rng(0).normal(size=(40, width)).astype(np.float32)
    return report(x, np.arange(40) % 2)


def table() -> inspection.Report:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=60), rng.integers(-1, 9, 60)]).astype(np.float32)
    x[::3, 0] = np.nan
    names = tuple(f"category {i}" for i in range(9))
    named = (Column("a number of a long name"), Column("place", CATEGORY, names))
    return report(x, np.arange(60) % 2, columns=named)


CASES: dict[str, inspection.Report] = {
    "grey": images(40, 2),
    "colour": images(40, 2, (5, 4, 3)),
    "large": images(8, 2, (130, 110)),
    "tiny and many classes": images(300, 100, (2, 2)),
    "more classes than are shown": images(420, 105),
    "other channels": images(40, 2, (5, 4, 2)),
    "windows": windows(40, 3, 1),
    "windows of many channels": windows(40, 2, 9),
    "windows of many classes": windows(200, 100, 2),
    "one column": wide(1),
    "many columns": wide(260),
    "a table": table(),
}


def drawn(found: inspection.Report) -> Array:
    return np.asarray(Image.open(io.BytesIO(sheet.png(found))).convert("RGB")).astype(int)


def words(found: inspection.Report, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts on a sheet of images or columns."""
    texts: list[str] = []
    write = plates.sheeted
    monkeypatch.setattr(
        plates,
        "sheeted",
        lambda canvas, given: write(canvas, [texts.append(t.text) or t for t in given]),
    )
    sheet.png(found)
    return texts


@pytest.mark.parametrize("found", CASES.values(), ids=CASES)
def test_a_sheet_is_a_picture_of_moderate_size(found: inspection.Report) -> None:
    image = drawn(found)
    assert image.min() < 100 < 250 < image.max()
    assert max(image.shape) < 4000


@pytest.mark.parametrize("name", ["grey", "windows", "a table"])
def test_the_same_data_is_the_same_sheet(name: str) -> None:
    assert sheet.png(CASES[name]) == sheet.png(CASES[name])


def test_colours_are_shown_and_greys_are_grey() -> None:
    assert np.ptp(drawn(CASES["colour"]), axis=2).max() > 100
    assert np.ptp(drawn(CASES["grey"]), axis=2).max() == 0


def test_the_images_of_a_class_stand_on_its_line() -> None:
    x = np.repeat(np.array([0, 85, 204], np.uint8), 4)[:, None, None] * np.ones((4, 4), np.uint8)
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1, -1, -1, -1, -1])
    greys = drawn(report(x, y))[..., 0]
    found = lines.layout(CASES["grey"].data, pictures.ACROSS)
    side = plates.CELL + pictures.PAD
    left = plates.MARGIN + plates.LETTER * len(lines.UNLABELLED) + int(plates.GAP)
    top = plates.MARGIN + pictures.TOP
    for i, grey in enumerate((0, 85, 204)):
        line = greys[top + i * side + 5 : top + (i + 1) * side - 5, left + 5 : left + side - 5]
        assert set(line.ravel().tolist()) == {grey}
    assert found.high == 2


def test_unlabelled_rows_are_a_line_more(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 256, (30, 4, 4)).astype(np.uint8)
    found = report(x, np.where(np.arange(30) < 20, np.arange(30) % 2, -1))
    assert words(found, monkeypatch) == ["made: training rows by class", "0", "1", "unlabelled"]


def test_what_is_left_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = words(CASES["more classes than are shown"], monkeypatch)
    assert told[0] == "made: training rows by class, the first 100 of 105 classes"
    assert len(told) == 1 + lines.MOST
    told = words(CASES["many columns"], monkeypatch)
    assert told[0] == "made: columns, the first 200 of 260; 40 training rows"
    assert "column 199" in told
    assert "column 200" not in told
    found = CASES["windows of many channels"]
    caption = series._caption(found, lines.layout(found.data, series.ACROSS))
    assert caption == "made: training rows by class; 6 of 9 channels, dark to pale"


def test_a_column_tells_its_name_gaps_ends_and_categories(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = words(CASES["a table"], monkeypatch)
    column = CASES["a table"].seen.sample[:, 0]
    assert "a nu… name, 33% missing" in told
    assert f"{np.nanmin(column):.4g}" in told
    assert f"{np.nanmax(column):.4g}" in told
    shown = [text for text in told if text.startswith("category")]
    assert len(shown) == columns.TALL // columns.BAR
    assert "+ 4" in told


@pytest.mark.parametrize(
    ("name", "told"),
    [("short", "short"), ("two\nlines", "two lines"), ("a class name 12", "a clas…name 12")],
)
def test_a_long_name_keeps_its_beginning_and_its_end(name: str, told: str) -> None:
    assert lines.short(name) == told
    assert len(told) <= plates.LONGEST


@pytest.mark.parametrize("classes", [2, 10, 25, 26, 77, 100])
def test_every_class_has_a_place_of_its_own(classes: int) -> None:
    found = lines.layout(images(3 * classes, classes).data, pictures.ACROSS)
    places = [found.place(i) for i in range(classes)]
    assert len(set(places)) == classes
    assert max(block for block, _ in places) == found.blocks - 1
    assert found.high <= lines.HIGH
    assert all(2 <= len(line.rows) <= found.across for line in found.lines)


def test_drawing_leaves_no_state_behind() -> None:
    before = dict(matplotlib.rcParams)
    for name in ("grey", "windows", "a table"):
        sheet.png(CASES[name])
    assert _pylab_helpers.Gcf.figs == {}
    assert dict(matplotlib.rcParams) == before

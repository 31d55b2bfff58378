"""Folders of images: a folder a class, or a labels.csv."""

import io
import os
import shutil
import sys
from pathlib import Path

import cases
import numpy as np
import pictures
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_runtime.readers import inputs
from ssdgm_runtime.rows import resizing
from ssdgm_runtime.rows.row import Row
from ssdgm_train import data, settings
from ssdgm_train.data import store
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.recipes import recipe

pytest.importorskip("PIL")

PLAIN = "cat/1.png cat/10.png cat/a/2.png dog/1.png dog/2.png"
PARTED = "train/b/1.png train/a/1.png test/a/1.png test/b/1.png unlabeled/x.png train/b/2.png"


def folder(root: Path, names: str = PLAIN, **more: bytes | str | None) -> Path:
    """A folder of images by names, and of other files by theirs."""
    return pictures.lay(root / "set", {**pictures.sorted_in(names), **more})


def refused(place: Path) -> str:
    return cases.message(DataError, lambda: data.load(str(place)))


def test_a_folder_a_class_is_a_data_set_in_the_order_of_names(tmp_path: Path) -> None:
    found = data.load(str(folder(tmp_path)))
    assert (found.name, found.x.shape, found.x.dtype) == ("set", (5, 3, 4), np.uint8)
    assert found.classes == ("cat", "dog")
    assert found.y.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_array_equal(found.x, [pictures.picture(n) for n in range(5)])
    assert found.x_test is None


def test_train_test_and_unlabelled_images_are_told_apart(tmp_path: Path) -> None:
    found = data.load(str(folder(tmp_path, PARTED)))
    assert found.y.tolist() == [0, 1, 1, -1]
    np.testing.assert_array_equal(found.x, [pictures.picture(n) for n in (1, 0, 5, 4)])
    assert found.y_test is not None
    assert found.y_test.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["unlabeled", "unlabelled", "Unlabeled"])
@pytest.mark.parametrize("above", ["", "train/"])
def test_either_spelling_stands_beside_the_classes(tmp_path: Path, name: str, above: str) -> None:
    names = f"{above}a/1.png {above}b/1.png {above}{name}/1.png"
    found = data.load(str(folder(tmp_path, names)))
    assert (found.y == -1).sum() == 1
    assert found.classes == ("a", "b")


def test_capitals_do_not_hide_the_parts(tmp_path: Path) -> None:
    found = data.load(str(folder(tmp_path, "Train/a/1.png Train/b/1.png TEST/a/1.png")))
    assert found.classes == ("a", "b")
    assert found.x_test is not None


@pytest.mark.parametrize(
    ("train", "test"),
    [("training", "testing"), ("Training", "Test"), ("training_set", "test_set")],
)
def test_parts_have_their_usual_names(tmp_path: Path, train: str, test: str) -> None:
    found = data.load(
        str(folder(tmp_path, f"in/{train}/0/1.png in/{train}/1/1.png in/{test}/1/1.png"))
    )
    assert (found.classes, found.y.tolist()) == ((0, 1), [0, 1])
    assert found.y_test is not None
    assert found.y_test.tolist() == [1]


def test_several_folders_of_a_part_are_read_together(tmp_path: Path) -> None:
    found = data.load(str(folder(tmp_path, "train/a/1.png training/b/1.png training/a/1.png")))
    assert (found.classes, found.y.tolist()) == (("a", "b"), [0, 0, 1])


@pytest.mark.parametrize("name", ["contest", "testimony", "trainer", "valid", "development"])
def test_names_of_classes_are_no_parts(tmp_path: Path, name: str) -> None:
    found = data.load(str(folder(tmp_path, f"{name}/1.png zoo/1.png {name}/test/1.png")))
    assert found.classes == (name, "zoo")
    assert found.x_test is None


def test_folders_named_by_numbers_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    found = data.load(str(folder(tmp_path, "10/1.png 9/1.png unlabeled/1.png")))
    assert found.classes == (9, 10)
    assert found.y.tolist() == [1, 0, -1]
    found = data.load(str(folder(tmp_path / "other", "010/1.png 9/1.png")))
    assert found.classes == ("010", "9")


@pytest.mark.parametrize("first", ["a", "b"])
def test_one_coloured_image_makes_colours_of_all(tmp_path: Path, first: str) -> None:
    names = "a/1.png a/2.png b/1.png b/2.png"
    place = folder(tmp_path, names, **{f"{first}/1.png": pictures.content(7, pictures.COLOUR)})
    found = data.load(str(place))
    assert found.x.shape == (4, 3, 4, 3)
    changed = 0 if first == "a" else 2
    np.testing.assert_array_equal(found.x[changed], pictures.picture(7, pictures.COLOUR))
    np.testing.assert_array_equal(found.x[1], np.stack([pictures.picture(1)] * 3, -1))


def test_classify_reads_the_pixels_that_were_trained_on(tmp_path: Path) -> None:
    place = folder(tmp_path, "a/1.png b/1.png", **{"b/2.jpg": pictures.jpeg(3)})
    found = data.load(str(place))
    seen = inputs.read_rows(place, Row(found.shape))
    assert seen.names == ("a/1.png", "b/1.png", "b/2.jpg")
    np.testing.assert_array_equal(seen.x, found.x)


def test_what_wraps_all_is_unwrapped_and_litter_is_passed_over(tmp_path: Path) -> None:
    place = folder(
        tmp_path,
        "deep/set/a/1.png deep/set/b/1.png",
        **{"deep/set/a/._1.png": b"?", ".DS_Store": b"?", "deep/set/a/Thumbs.db": b"?"},
        **{"deep/set/README.md": "about"},
    )
    assert data.load(str(place)).y.tolist() == [0, 1]


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_links_of_the_user_are_followed_but_not_in_rings(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (tmp_path / "linked").symlink_to(place)
    assert data.load(str(tmp_path / "linked")).digest == data.load(str(place)).digest
    (place / "cat" / "again").symlink_to(place)
    assert "is a link to one of its own parent folders" in refused(place)


def test_images_of_several_sizes_are_an_error_that_names_one_of_each(tmp_path: Path) -> None:
    place = folder(tmp_path, **{"dog/3.png": pictures.content(0, (5, 6))})
    text = refused(place)
    assert "images of 2 sizes: 3x4 (5, such as cat/1.png), 5x6 (1, such as dog/3.png)" in text
    assert "for example with --set 'data.resize=crop 3x4'" in text


def test_images_of_several_sizes_are_resized_where_the_recipe_says_how(tmp_path: Path) -> None:
    sizes = {"cat/3.png": (40, 6), "dog/3.png": (5, 6, 3), "dog/4.png": (1, 1)}
    place = folder(tmp_path, **{n: pictures.content(9, s) for n, s in sizes.items()})
    for way in resizing.WAYS:
        found = data.load(str(place), plan=DataPlan(resize=f"{way} 3x4"))
        assert found.x.shape == (8, 3, 4, 3)
        plain = data.load(str(folder(tmp_path / way)))
        np.testing.assert_array_equal(found.x[0, ..., 0], plain.x[0])
        seen = inputs.read_rows(place, Row(found.shape, resize=resizing.parse(f"{way} 3x4")))
        np.testing.assert_array_equal(seen.x, found.x)


def test_the_recipe_may_say_what_colours_are_read(tmp_path: Path) -> None:
    place = folder(tmp_path, **{"dog/3.png": pictures.content(7, pictures.COLOUR)})
    grey, rgb = (data.load(str(place), plan=DataPlan(colour=c)) for c in ("grey", "rgb"))
    assert (grey.shape, rgb.shape) == ((3, 4), (3, 4, 3))
    for found in (grey, rgb):
        np.testing.assert_array_equal(inputs.read_rows(place, Row(found.shape)).x, found.x)
    plain = data.load(str(folder(tmp_path / "plain")), plan=DataPlan(colour="rgb"))
    assert plain.shape == (3, 4, 3)


def test_a_policy_is_of_image_files(tmp_path: Path) -> None:
    rows = np.zeros((4, 3, 4), np.uint8)
    np.savez(tmp_path / "rows.npz", x=rows, y=np.arange(4) % 2)
    source, plan = str(tmp_path / "rows.npz"), DataPlan(resize="pad 3x4")
    assert data.load(source, plan=plan).shape == (3, 4)
    text = cases.message(DataError, lambda: data.load(source, plan=DataPlan(resize="pad 8x8")))
    assert (
        "data.resize is 'pad 8x8', but rows of rows have shape [3, 4]. Arrays are never resized"
        in text
    )


@pytest.mark.parametrize("value", ["crop", "crop 32", "fit 32x32", "crop 32x0", "32x32"])
def test_a_policy_that_is_none_is_an_error_of_the_recipe(value: str) -> None:
    with pytest.raises(
        settings.RecipeError, match=r"data\.resize is .* expected stretch, crop or"
    ):
        recipe.load(None, "m2", [f"data.resize={value}"])


CUT = pictures.content(0)[:40]


def made(mode: str, size: tuple[int, int], kind: str = "PNG", **options: object) -> bytes:
    """An image of one colour that only Pillow writes."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new(mode, size).save(stream, kind, **options)
    return stream.getvalue()


def animated() -> bytes:
    from PIL import Image

    return made("L", (4, 3), "GIF", save_all=True, append_images=[Image.new("L", (4, 3), 9)])


BAD: dict[str, tuple[dict[str, bytes | str | None], str]] = {
    "a cut image": ({"dog/3.png": CUT}, "dog/3.png cannot be read"),
    "no image inside": ({"dog/3.png": b"hello"}, "dog/3.png cannot be read"),
    "an empty image": ({"dog/3.png": b""}, "dog/3.png cannot be read"),
    "a bomb": ({"dog/3.png": made("1", (9000, 9000))}, "dog/3.png has 81000000 pixels"),
    "16 bits": ({"dog/3.png": made("I;16", (4, 3))}, "dog/3.png has pixels of mode I;16"),
    "real numbers": ({"dog/3.tif": made("F", (4, 3), "TIFF")}, "dog/3.tif has pixels of mode F"),
    "an animation": ({"dog/3.gif": animated()}, "dog/3.gif contains 2 images"),
    "another kind of file": (
        {"dog/3.heic": b"?"},
        "dog/3.heic is not an image file that can be read",
    ),
    "an image of no class": ({"0.png": pictures.content(9)}, "0.png is not in a class folder"),
    "an empty class": ({"emu": None}, "emu is an empty folder"),
}


def test_a_folder_without_anything_is_an_error(tmp_path: Path) -> None:
    assert f"{tmp_path} is not a data set that can be read: it has no files" in refused(tmp_path)


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_file_is_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    more, text = BAD[name]
    assert f"set/{text}" in refused(folder(tmp_path, **more))


LAYOUTS: dict[str, tuple[str, str]] = {
    "one class": ("cat/1.png cat/2.png", "have the classes ['cat']; expected at least two"),
    "only unlabelled": ("unlabeled/1.png", "have the classes []; expected at least two"),
    "no train": ("test/a/1.png test/b/1.png", "has no training images"),
    "validation apart": (f"{PARTED} val/a/1.png", "val is next to test or train"),
    "a holdout": (
        PARTED.replace("test", "holdout"),
        "holdout is next to train, where only train, test and unlabeled are allowed. Move its "
        "images among the training images",
    ),
    "validation beside training": (
        "training/a/1.png validation/a/1.png",
        "validation is next to training",
    ),
    "parts inside classes": (
        "a/train/1.png a/test/1.png b/train/1.png b/test/1.png unlabeled/1.png",
        "b/test/1.png is in a folder of test rows inside a class folder",
    ),
    "a class beside train": (f"{PARTED} c/1.png", "c is next to test or train"),
    "unlabelled tests": (
        f"{PARTED} test/unlabeled/1.png",
        "1.png is a test image without a label",
    ),
    "an unseen class": (f"{PARTED} test/c/1.png", "test/c/1.png has the label 'c'"),
    "images alone": ("1.png 2.png", "has the files 1.png, 2.png"),
    "images beside train": (f"{PARTED} 0.png", "0.png is not in a class folder"),
}


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_strange_layout_is_an_error_that_says_what_is_wrong(name: str, tmp_path: Path) -> None:
    names, text = LAYOUTS[name]
    assert text in refused(folder(tmp_path, names))


def test_a_name_that_utf8_cannot_write_is_an_error(tmp_path: Path) -> None:
    place = folder(tmp_path)
    try:
        os.rename(os.fsencode(place / "cat"), os.fsencode(place) + b"/c\xff")
    except OSError:
        pytest.skip("no such names here")
    assert r"contains a file whose name is not valid UTF-8, 'c\udcff'" in refused(place)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    place = folder(tmp_path)
    os.mkfifo(place / "dog" / "3.png")
    assert "3.png is not a regular file" in refused(place)
    (place / "dog" / "3.png").unlink()
    (place / "dog" / "3.png").symlink_to("nowhere")
    assert "3.png cannot be read" in refused(place)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
@pytest.mark.parametrize("name", ["dog/1.png", "dog"])
def test_what_may_not_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    place = folder(tmp_path)
    (place / name).chmod(0)
    try:
        assert f"{name} cannot be read (Permission denied)" in refused(place)
    finally:
        (place / name).chmod(0o700)


def test_more_pixels_than_there_is_room_for_are_an_error_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder(tmp_path)
    monkeypatch.setattr(store, "LARGE", 60)
    monkeypatch.setenv("SSDGM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(60, 1, 59))
    text = refused(place)
    assert f"{place}, 5 images, needs 60 bytes of disk space in {tmp_path / 'cache'}" in text
    assert "set SSDGM_CACHE_DIR" in text


LISTED = "1.png 2.png sub/3.png"


def listed(root: Path, table: str | bytes, names: str = LISTED) -> Path:
    return folder(root, names, **{"labels.csv": table})


TABLE = "file,label\n2.png,dog\nsub/3.png,\n1.png,cat\n"


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        "﻿" + TABLE.replace("\n", "\r\n"),
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t").replace("label", " Class "),
        'note,Image,label\n"a, ""b""",./2.png, dog\n,sub\\3.png,-1\n\n"two\nlines","1.png",cat \n',
    ],
)
def test_a_table_of_labels_is_understood_as_spreadsheets_write_it(
    tmp_path: Path, table: str
) -> None:
    found = data.load(str(listed(tmp_path, table)))
    assert found.classes == ("cat", "dog")
    assert found.y.tolist() == [0, 1, -1]
    np.testing.assert_array_equal(found.x, [pictures.picture(n) for n in range(3)])


@pytest.mark.parametrize(
    "table",
    [
        "file,label\n1.png,1\n2.png, 2.0\n3.png,1.0\n4.png,-1.0\n5.png,NA\n6.png, nan\n",
        "file,label\n1.png,a\n2.png,1.5\n3.png,a \n4.png,null\n5.png,-1\n6.png,None\n",
        "file,label\n1.png,-2\n2.png,b\n3.png,-2.0\n4.png,\n5.png,<NA>\n6.png,#N/A\n",
    ],
)
def test_labels_are_those_that_a_table_has(tmp_path: Path, table: str) -> None:
    pytest.importorskip("pyarrow")
    found = data.load(str(listed(tmp_path, table, " ".join(f"{n}.png" for n in range(1, 7)))))
    (tmp_path / "t.csv").write_text(table.replace("file,", "a,").replace(".png", ""))
    wanted = data.load(str(tmp_path / "t.csv"))
    assert (found.classes, found.y.tolist()) == (wanted.classes, wanted.y.tolist())
    assert len(found.classes) == 2


def test_a_table_of_labels_needs_no_pyarrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert data.load(str(listed(tmp_path, TABLE))).y.tolist() == [0, 1, -1]


def test_a_table_may_part_train_and_test(tmp_path: Path) -> None:
    table = "file,label,split\n1.png,0,train\n2.png,1,Train\nsub/3.png,1,test\n"
    found = data.load(str(listed(tmp_path, table)))
    assert (found.classes, found.y.tolist()) == ((0, 1), [0, 1])
    assert found.y_test is not None
    assert found.y_test.tolist() == [1]


def test_train_and_test_may_have_a_table_each(tmp_path: Path) -> None:
    names = "train/1.png train/2.png test/1.png"
    tables = {
        "train/labels.csv": "file,label\n1.png,a\n2.png,b\n",
        "test/labels.csv": "file,label\n1.png,b\n",
    }
    found = data.load(str(folder(tmp_path, names, **tables)))
    assert found.y_test is not None
    assert (found.y.tolist(), found.y_test.tolist()) == ([0, 1], [1])


HEAD = "file,label\n"
TABLES: dict[str, tuple[str | bytes, str]] = {
    "ragged": (TABLE + "x.png\n", "labels.csv, line 5, has 1 cells; expected 2"),
    "an open quote": (HEAD + '1.png,"cat\n', "labels.csv, line 2, cannot be read"),
    "Latin-1": (TABLE.encode() + b"b\xe9.png,cat\n", "line 5, is not written in UTF-8 (byte 0xe9"),
    "UTF-16": (TABLE.encode("utf-16"), "line 1, is not written in UTF-8"),
    "UTF-16 without its mark": (TABLE.encode("utf-16-le"), "UTF-8 (it looks like UTF-16)"),
    "two columns of a name": ("file,label,Label\n", "has two columns 'label'"),
    "two columns of images": ("file,path,label\n", "more than one column file"),
    "no column of labels": ("file,kind\n1.png,cat\n", "'file', 'kind': no column label"),
    "no column of files": ("name,label\n1.png,cat\n", "no column file"),
    "no header": ("1.png,cat\n2.png,dog\n", "expected one column named file,"),
    "no lines": ("", "labels.csv is empty"),
    "no rows": (HEAD, "is empty for all of 0 images"),
    "labels all blank": (HEAD + "1.png,\n2.png, \nsub/3.png,-1\n", "is empty for all of 3 images"),
    "one class": (HEAD + "1.png,a\n2.png,\nsub/3.png,a\n", "have the classes ['a']"),
    "twice": (TABLE + "./1.png,dog\n", "line 5, names '1.png', as line 4 does"),
    "missing": (
        TABLE + "4.png,dog\n5.png,dog\n",
        "lists do not exist, first '4.png' in line 5",
    ),
    "unlisted": (HEAD + "1.png,a\n2.png,b\n", "lacks 1 of the images next to it, such as 'sub/3"),
    "outside": (TABLE + "../a.png,dog\n", "line 5, column file, is '../a.png'"),
    "absolute": (TABLE + "/a.png,dog\n", "line 5, column file, is '/a.png'"),
    "no image": (TABLE + "labels.csv,dog\n", "labels.csv is not an image file that can be read"),
    "another part": ("file,label,split\n1.png,a,val\n", "line 2, column split, is 'val'"),
    "an unseen class": (
        "file,label,split\n1.png,a,train\n2.png,b,train\nsub/3.png,c,test\n",
        "sub/3.png has the label 'c', which no training image has (their labels are a, b)",
    ),
    "a test without a label": ("file,label,split\n1.png,NA,test\n", "column label, is 'NA'"),
    "a label below 0": (
        HEAD + "1.png,-2\n2.png,1\nsub/3.png,0\n",
        "labels.csv, column 'label', has the label -2; expected labels from 0, or -1 for",
    ),
    "a blank test": ("file,label,split\n1.png,,test\n", "line 2, column label, is empty"),
}


@pytest.mark.parametrize("name", list(TABLES))
def test_a_bad_table_is_an_error_that_names_line_and_column(name: str, tmp_path: Path) -> None:
    table, text = TABLES[name]
    assert text in refused(listed(tmp_path, table))


def test_ten_thousand_small_files_take_no_longer_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts what is compared: a search through all names for each would be 10**8."""
    names = {f"{n % 10}/{n}.png": pictures.content(n % 3) for n in range(2000)}
    table = HEAD + "".join(f"{name},{name[0]}\n" for name in names)
    place = pictures.lay(tmp_path / "set", {**names, "labels.csv": table})
    assert data.load(str(place)).x.shape == (2000, 3, 4)

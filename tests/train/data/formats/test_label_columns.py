"""Images whose labels.csv has labels in other columns than `label`, or in several."""

from pathlib import Path

import cases
import numpy as np
import pictures
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_train import data
from ssdgm_train.data.settings import DataPlan

TAGS = "image,sea,sun\n1.png,yes,0\n2.png,0,1\n3.png,,-1\n"
NUMBERS = "file,a_x,a_y,note\n1.png,1.5,-2,one\n2.png,,3,two\n3.png,4,5,three\n"


def laid(root: Path, table: str, below: str = "") -> str:
    files = {f"{below}{n}.png": pictures.content(n) for n in (1, 2, 3)}
    return str(pictures.lay(root / "set", {**files, "labels.csv": table}))


def test_columns_that_are_named_are_tags(tmp_path: Path) -> None:
    read = data.load(laid(tmp_path, TAGS), plan=DataPlan(label="sea, sun"))
    assert read.classes == ("sea", "sun")
    assert read.y.tolist() == [[1, 0], [0, 1], [-1, -1]]


def test_a_pattern_names_columns_of_numbers(tmp_path: Path) -> None:
    plan = DataPlan(label="*_x,*_y", labels_as="numbers")
    read = data.load(laid(tmp_path, NUMBERS), plan=plan)
    assert read.classes == ("a_x", "a_y")
    np.testing.assert_array_equal(read.y, [[1.5, -2], [np.nan, 3], [4, 5]])


def test_a_column_of_classes_has_any_name(tmp_path: Path) -> None:
    table = "file,breed\n1.png,cat\n2.png,dog\n3.png,\n"
    read = data.load(laid(tmp_path, table), plan=DataPlan(label="breed"))
    assert read.classes == ("cat", "dog")
    assert read.y.tolist() == [0, 1, -1]


def test_names_are_found_in_the_only_folder_that_has_them(tmp_path: Path) -> None:
    read = data.load(laid(tmp_path, TAGS, "photos/"), plan=DataPlan(label="sea,sun"))
    assert len(read.x) == 3


def test_the_same_name_in_two_folders_is_not_guessed(tmp_path: Path) -> None:
    place = laid(tmp_path, TAGS, "photos/")
    pictures.lay(Path(place), {"more/1.png": pictures.content(4)})
    assert "first '1.png' in line 2" in refused(place, DataPlan(label="sea,sun"))


@pytest.mark.parametrize(
    ("table", "plan", "text"),
    [
        (TAGS, DataPlan(label="sea,moon"), "no column 'moon', which data.label names"),
        (TAGS, DataPlan(label="*_x"), "no column '*_x', which data.label names"),
        (TAGS.replace("yes", "2"), DataPlan(label="sea,sun"), "line 2, column sea, is '2'"),
        (TAGS, DataPlan(), "Name the column of labels, for example with --label NAME"),
        (
            NUMBERS.replace("1.5", "left"),
            DataPlan(label="*_x,*_y", labels_as="numbers"),
            "holds 'left'",
        ),
    ],
)
def test_columns_that_cannot_be_labels_are_refused(
    table: str, plan: DataPlan, text: str, tmp_path: Path
) -> None:
    assert text in refused(laid(tmp_path, table), plan)


def test_a_table_of_another_name_beside_one_folder_is_pointed_out(tmp_path: Path) -> None:
    place = laid(tmp_path, TAGS, "photos/")
    (Path(place) / "labels.csv").rename(Path(place) / "tags.csv")
    assert "If tags.csv says the labels, name it labels.csv" in refused(place, DataPlan())


def test_patterns_name_columns_of_a_table_too(tmp_path: Path) -> None:
    place = tmp_path / "t.csv"
    place.write_text("a_x,a_y,c\n" + "".join(f"{n},{n * n},{n % 3}\n" for n in range(9)))
    read = data.load(str(place), plan=DataPlan(label="a_*", labels_as="numbers"))
    assert read.classes == ("a_x", "a_y")


def refused(place: str, plan: DataPlan) -> str:
    return cases.message(DataError, lambda: data.load(place, plan=plan))

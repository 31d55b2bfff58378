"""What the columns of a table are: the labels, the parts, numbers, truth values, categories."""

from typing import Any

import cases
import pytest

from ssdgm_runtime.errors import DataError
from ssdgm_runtime.rows import columns
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.tables import arrow, discovery, roles

pa = pytest.importorskip("pyarrow")

MANY = [f"w{n}" for n in range(discovery.MOST + 1)]


def told(row: int) -> str:
    return f"t.csv, line {row + 2}, column 'a',"


def seen(*pieces: Any, names: bool = False) -> discovery.Seen:  # noqa: ANN401
    """What a column has shown after some pieces of values."""
    found = discovery.Seen()
    for piece in pieces:
        found.add(arrow.clean(pa.array(piece), told), told, names=names)
    return found


def column(*pieces: Any, names: bool = False) -> columns.Column:  # noqa: ANN401
    return discovery.column("a", seen(*pieces, names=names), "t.csv", names=names)


NUMBER = columns.Column("a")
BOOLEAN = columns.Column("a", columns.BOOLEAN, columns.TRUTH)


def category(*words: str) -> columns.Column:
    return columns.Column("a", columns.CATEGORY, words)


TOLD: dict[str, tuple[tuple[Any, ...], bool, columns.Column]] = {
    "numbers": ((["1", "2.5", "", "-1e3"],), False, NUMBER),
    "bits": ((["0", "1"],), False, NUMBER),
    "numbers by their type": (([1, None, 2],), False, NUMBER),
    "numbers in words and by their type": ((["1", "2"], [3.5]), False, NUMBER),
    "truth values": ((["True", "false", "NA"],), False, BOOLEAN),
    "truth values by their type": (([True, None],), False, BOOLEAN),
    "truth values in both": (([True], ["FALSE"]), False, BOOLEAN),
    "one truth value": ((["true"],), False, BOOLEAN),
    "words": ((["red", " blue", "red", "NULL"],), False, category("blue", "red")),
    "words in pieces": ((["red"], [""], ["blue"]), False, category("blue", "red")),
    "unicode": ((["é", "Ω", "日本"],), False, category("é", "Ω", "日本")),
    "words beside some numbers": ((["red", "1", "blue"],), False, category("1", "blue", "red")),
    "names that are numbers": ((["10", "9", "10"],), True, category("9", "10")),
    "names by their type": (([10, None, 9],), True, category("9", "10")),
    "names with gaps": (([10.0, None, 9.0],), True, category("9", "10")),
    "names as fractions": ((["10.0", "9.0"],), True, category("9", "10")),
    "names that are truth values": ((["true", "false"],), True, category("false", "true")),
    "zeros in front": ((["02", "1"],), True, category("02", "1")),
    "as many as may be": ((MANY[1:],), False, category(*sorted(MANY[1:]))),
}


@pytest.mark.parametrize("name", list(TOLD))
def test_kinds_are_told_by_all_values(name: str) -> None:
    pieces, names, wanted = TOLD[name]
    assert column(*pieces, names=names) == wanted


CONFUSED: dict[str, tuple[tuple[Any, ...], bool, str]] = {
    "nothing": ((["", "NA"],), False, "t.csv, column 'a', is completely empty. "
                "Leave it out with --set 'data.ignore=[\"a\"]'."),
    "a word among numbers": (
        (["1", "2", "?"],),
        False,
        "t.csv, line 4, column 'a', is '?' in a column of 2 numbers. Correct it or leave the "
        "cell empty; if it stands for a missing value, say so: --set 'data.missing=[\"?\"]'; or "
        "treat the column as categories: --set 'data.categorical=[\"a\"]'",
    ),
    "a word before numbers": ((["?"], ["1", "2"]), False, "is '?' in a column of 2 numbers"),
    "infinity": ((["1", "2", "inf"],), False, "is 'inf' in a column of 2 numbers"),
    "too many words": ((MANY,), False, "has more than 1000 different categories"),
    "too many names": (([*range(1001)],), True, "has more than 1000 different categories"),
    "a text": ((["x" * 257],), False, "has a text of 257 characters"),
    "decimal commas": ((["1,5", "", "-1.000,25"],), False,
                       "line 2, column 'a', is '1,5', a number in a local format"),
    "some decimal commas": ((["0,5", "1", "1,5", "2"],), False, "is '0,5', a number in a local"),
    "thousands": ((["1'234", "1 234,5", "1,234,567.5", "12"],), False, "is \"1'234\", a number"),
    "units": ((["$1.50", "3 %", "1,5€"],), False, "is '$1.50', a number in a local format"),
    "numbers here and words there": ((["u", "v"], [1, 2]), False, "mixes words with 2 values of"),
    "bits here and truth values there": (([True], [1]), False, "mixes words with"),
}  # fmt: skip


@pytest.mark.parametrize("words", [["1.2.3", "2.0.1"], ["1,2,3", "4"], ["3 kg", "5%"], ["1-2"]])
def test_words_with_digits_are_categories(words: list[str]) -> None:
    assert column(words).kind == columns.CATEGORY


@pytest.mark.parametrize("name", list(CONFUSED))
def test_what_is_of_no_kind_is_refused(name: str) -> None:
    pieces, names, text = CONFUSED[name]
    assert text in cases.message(DataError, lambda: column(*pieces, names=names))


def test_the_column_of_labels_is_told_by_its_name_or_named() -> None:
    names = ("a", "Class", "b", "c")
    found = roles.roles(names, "t.csv", DataPlan())
    assert found == roles.Roles(("Class",), "", ("a", "b", "c"))
    assert roles.roles(names, "t.csv", DataPlan(label="b")).features == ("a", "Class", "c")
    left = roles.roles(names, "t.csv", DataPlan(ignore=("b", "c")))
    assert (left.features, left.read) == (("a",), ("a", "Class"))


def test_a_column_of_labels_that_is_to_be_left_out_holds_none() -> None:
    found = roles.roles(("label", "class", "a"), "t.csv", DataPlan(ignore=("class",)))
    assert found == roles.Roles(("label",), "", ("a",))


@pytest.mark.parametrize("name", ["split", "Split", "SPLIT"])
def test_a_column_of_parts_is_told_by_its_name(name: str) -> None:
    names = ("a", name, "label")
    assert roles.roles(names, "t.csv", DataPlan()).split == name
    assert roles.roles(names, "t.csv", DataPlan(label=name)).split == ""
    left = roles.roles(names, "t.csv", DataPlan(ignore=(name,)))
    assert (left.split, left.features) == ("", ("a",))


ROLES: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "no labels": (("a", "b"), {}, "t.csv has no column named label, class, target or y; it "
                  "has the columns 'a', 'b'. Name the column of labels, for example with --label "
                  "NAME."),
    "two of them": (("y", "Label", "b"), {}, "could be the labels: 'y', 'Label'"),
    "another label": (("a", "y"), {"label": "z"}, "t.csv has no column 'z', which "
                      "data.label names; it has the columns 'a', 'y'"),
    "another case": (("a", "y"), {"label": "Y"}, "has no column 'Y'"),
    "another left out": (("a", "y"), {"ignore": ("z",)}, "which data.ignore names"),
    "another category": (("a", "y"), {"categorical": ("z",)}, "which data.categorical names"),
    "labels alone": (("y",), {}, "has no column to learn from besides 'y'. Add"),
    "all left out": (("a", "y"), {"ignore": ("a",)}, "has no column to learn from besides 'y'"),
    "without a name": (("", "a", "y"), {}, "t.csv has a column without a name, which often "
                       "numbers the rows. Leave it out with "
                       "--set 'data.ignore=[\"\"]'."),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ROLES))
def test_heads_that_do_not_serve_are_refused(name: str) -> None:
    names, plan, text = ROLES[name]
    found = cases.message(DataError, lambda: roles.roles(names, "t.csv", DataPlan(**plan)))
    assert text in found


CLASSES: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "words": (["q", "p"], ("p", "q")),
    "whole numbers": (["10", "9", "-1"], ("9", "10")),
    "words among numbers": (["9", "x", "10"], ("10", "9", "x")),
    "as they are usually written": (["9", "010"], ("010", "9")),
    "very long ones": (["9" * 19, "2"], ("2", "9" * 19)),
}


@pytest.mark.parametrize("name", list(CLASSES))
def test_classes_are_in_order(name: str) -> None:
    words, wanted = CLASSES[name]
    assert discovery.classes("y", words, "t.csv") == wanted


NO_CLASSES: dict[str, tuple[list[str], str]] = {
    "none": ([], "t.csv, column 'y', has no labels. Label some rows"),
    "blanks": (["-1"], "has no labels"),
    "one": (["-1", "p"], "has only one class, 'p'. Label some rows"),
    "an id": (MANY, "has more than 1000 different classes. Name "
              "the column of the classes with --label."),
    "texts": (["p", "q" * 300], "has a text of 300 characters"),
    "below nought": (["-99", "0", "1"], "has the label -99; expected labels from 0, or -1"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(NO_CLASSES))
def test_what_are_no_classes_is_refused(name: str) -> None:
    words, text = NO_CLASSES[name]
    assert text in cases.message(DataError, lambda: discovery.classes("y", words, "t.csv"))

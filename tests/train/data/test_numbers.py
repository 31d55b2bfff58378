"""Numbers as labels: read from arrays, words, tables and image folders, split, and refused."""

from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ssdgm_runtime import errors
from ssdgm_train import data
from ssdgm_train.data import dataset, doubt, statement
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import split
from ssdgm_train.labels import Continuous

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
AS = DataPlan(labels_as="numbers")


def made(y: object, **settings: Any) -> dataset.Dataset:  # noqa: ANN401
    return dataset.make("set", X, np.asarray(y), labels_as="numbers", **settings)


def wave() -> NDArray[np.float64]:
    return np.where(np.arange(40) % 4 == 0, np.nan, 300 + 10 * X[:, 0].astype(np.float64))


def test_one_number_a_row_is_a_column() -> None:
    found = made(wave())
    assert (found.space, found.y.shape, found.y.dtype) == ("numbers", (40, 1), np.float64)
    assert found.classes == ("number",)
    assert found.labelled == 30


def test_several_have_names_and_each_may_be_missing() -> None:
    y = np.stack([wave(), X[:, 1]], 1)
    found = made(y, classes=("heat", "age"))
    assert found.classes == ("heat", "age")
    assert found.labelled == 40
    assert not found.fully_labelled or np.isnan(found.y).any()


@pytest.mark.parametrize("kind", [str, object, np.int64, np.float32])
def test_numbers_come_in_every_form(kind: type) -> None:
    y = np.arange(40).astype(kind)
    assert made(y).y[:, 0].tolist() == list(range(40))


def test_words_that_mean_nothing_are_unknown() -> None:
    found = made(["1.5", "", "nan", "NA"] + ["2e3"] * 36)
    assert found.labelled == 37


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (["1.5"] * 39 + ["tall"], "y holds 'tall', first in row 39"),
        ([True, False] * 20, "y has dtype bool"),
        ([np.inf, 1.0] * 20, "y holds infinity"),
        ([7.0] * 40, "The number 'number' cannot be learnt: all 40 known labels are 7"),
        ([np.nan] * 40, "The number 'number' cannot be learnt: no row has it"),
        ([-1, 3] * 20, "-1 may be a measurement, or stand for one that is not known"),
        (["-1", "3"] * 20, "-1 may be a measurement"),
    ],
)
def test_labels_that_are_no_numbers_are_refused(y: list[object], text: str) -> None:
    assert text in cases.message(errors.DataError, lambda: made(y))


def test_minus_one_is_a_number_where_that_is_clear() -> None:
    assert made(np.array([-1.0, 3.0] * 20)).labelled == 40
    assert made(np.array([-1, -2, 3, 4] * 10)).labelled == 40


@pytest.mark.parametrize("names", [("a",), ("a", "a"), ("a", "")])
def test_names_are_one_for_each_number(names: tuple[str, ...]) -> None:
    y = np.stack([wave(), X[:, 1]], 1)
    text = cases.message(errors.DataError, lambda: made(y, classes=names))
    assert "names of numbers" in text


def test_test_labels_are_as_many_numbers() -> None:
    def short() -> object:
        return made(np.stack([wave(), wave()], 1), x_test=X, y_test=wave())

    assert "y_test has 1 numbers a row and y has 2" in cases.message(errors.DataError, short)


# numbers where classes were meant, and the reverse


def saved(path: Path, y: object) -> str:
    np.savez(path, x=X, y=np.asarray(y))
    return str(path)


def test_whole_numbers_are_never_sixty_classes_without_a_word(tmp_path: Path) -> None:
    source = saved(tmp_path / "ages.npz", np.arange(40.0) + 20)
    loaded = data.load(source)
    text = cases.message(errors.DataError, lambda: doubt.check_labels(loaded, DataPlan()))
    assert "look like measurements: 40 different numbers" in text
    assert "--labels-as numbers" in text
    assert "--labels-as classes" in text


def test_measurements_are_never_classes(tmp_path: Path) -> None:
    for y in (np.arange(40) / 8, wave(), np.stack([wave(), wave()], 1), X[:, :2]):
        source = saved(tmp_path / "set.npz", y)
        text = cases.message(errors.DataError, lambda source=source: data.load(source))
        assert "--labels-as numbers" in text


def test_words_that_name_classes_are_no_numbers(tmp_path: Path) -> None:
    source = saved(tmp_path / "set.npz", ["good", "bad"] * 20)
    text = cases.message(errors.DataError, lambda: data.load(source, plan=AS))
    assert "y holds 'good'" in text
    assert "Leave --labels-as out if these name classes" in text


def test_numbers_are_not_tags(tmp_path: Path) -> None:
    loaded = data.load(saved(tmp_path / "set.npz", wave()), plan=AS)
    plan = DataPlan(labels_as="tags")
    text = cases.message(errors.DataError, lambda: doubt.check_labels(loaded, plan))
    assert "data.labels_as is tags, but the labels of set are numbers" in text
    doubt.check_labels(loaded, AS)


# tables and images


def table(path: Path, lines: list[str]) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_table_has_its_numbers_in_columns(tmp_path: Path) -> None:
    rows = [f"{i},{i % 7},{i / 3 if i % 5 else ''},{-i}" for i in range(30)]
    source = table(tmp_path / "t.csv", ["a,b,heat,depth", *rows])
    loaded = data.load(source, plan=DataPlan(label="heat,depth", labels_as="numbers"))
    assert loaded.classes == ("heat", "depth")
    assert loaded.y[1].tolist() == pytest.approx([1 / 3, -1])
    assert np.isnan(loaded.y[::5, 0]).all()
    assert loaded.labelled == 30


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["4", "-1"], "-1 may be a measurement"),
        (["4", "high"], "'high'"),
        (["4", "4"], "all 30 known labels are 4"),
    ],
)
def test_a_column_that_is_no_label_is_refused(
    tmp_path: Path, values: list[str], text: str
) -> None:
    rows = [f"{i},{values[i % 2]}" for i in range(30)]
    source = table(tmp_path / "t.csv", ["a,label", *rows])
    assert text in cases.message(errors.DataError, lambda: data.load(source, plan=AS))


def test_minus_one_with_a_point_is_measured(tmp_path: Path) -> None:
    rows = [f"{i},{('4', '-1.0')[i % 2]}" for i in range(30)]
    loaded = data.load(table(tmp_path / "t.csv", ["a,label", *rows]), plan=AS)
    assert loaded.y.min() == -1


def test_windows_of_a_table_have_one_number_each(tmp_path: Path) -> None:
    lines = [f"{s},{t},{s * t},{s * 1.5}" for s in range(12) for t in range(4)]
    source = table(tmp_path / "t.csv", ["engine,time,force,label", *lines])
    plan = DataPlan(labels_as="numbers", series="engine", time="time")
    loaded = data.load(source, plan=plan)
    assert loaded.y[:, 0].tolist() == [s * 1.5 for s in range(12)]
    assert loaded.classes == ("label",)


def test_images_have_their_numbers_in_a_file(tmp_path: Path) -> None:
    for i in range(6):
        Image.fromarray(np.full((4, 4), 40 * i, np.uint8)).save(tmp_path / f"{i}.png")
    lines = [f"{i}.png,{'' if i == 3 else i - 2.5}" for i in range(6)]
    table(tmp_path / "labels.csv", ["file,label", *lines])
    loaded = data.load(str(tmp_path), plan=AS)
    assert loaded.y[:, 0].tolist()[:3] == [-2.5, -1.5, -0.5]
    assert loaded.labelled == 5


# split and statement


def test_a_split_has_every_part_of_the_labels() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((1000, 2)).astype(np.float32), rng.exponential(size=1000)
    loaded = dataset.make("set", x, y, labels_as="numbers")
    parts = split(loaded, 100, 0.2, 3)
    assert (len(parts.labelled), len(parts.validation)) == (100, 200)
    tenths = np.quantile(y, np.linspace(0, 1, 11))
    for rows in (parts.labelled, parts.validation):
        counts = np.histogram(y[rows], tenths)[0]
        assert counts.min() >= 0.8 * len(rows) / 10


def test_the_units_are_those_of_the_labelled_rows() -> None:
    y = wave()
    loaded = made(y)
    parts = split(loaded, None, 0.2, 0)
    labels = statement.problem(loaded, parts, AS).labels
    assert isinstance(labels, Continuous)
    known = y[parts.labelled]
    assert labels.shift == pytest.approx((known.mean(),))
    assert labels.scale == pytest.approx((known.std(),))


def test_a_budget_needs_two_labels_and_no_prior() -> None:
    loaded = made(wave())
    text = cases.message(errors.DataError, lambda: split(loaded, 1, 0.0, 0))
    assert "numbers cannot be learnt from so few" in text
    parts, plan = split(loaded, None, 0.2, 0), DataPlan(labels_as="numbers", prior=(0.5, 0.5))
    text = cases.message(errors.DataError, lambda: statement.problem(loaded, parts, plan))
    assert "data.prior is set, and labels are numbers" in text

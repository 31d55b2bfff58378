"""Labels that may be no classes are asked about: many numbers, and hardly a row a label."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
from numpy.typing import NDArray

import ssdgm_train
from ssdgm_export import SemiSupervisedClassifier
from ssdgm_runtime import errors
from ssdgm_train import inspection
from ssdgm_train.data import catalog, dataset, doubt
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.recipes import recipe

Array = NDArray[Any]
N = 240
NUMBERS = np.arange(N) % 60
FEW = np.arange(N) % 20


def made(y: Array) -> dataset.Dataset:
    x = np.random.default_rng(0).normal(size=(len(y), 3)).astype(np.float32)
    return dataset.make("made", x, y)


def npz(place: Path, y: Array) -> str:
    np.savez(place / "rows.npz", x=np.random.default_rng(0).normal(size=(len(y), 3)), y=y)
    return str(place / "rows.npz")


def csv(place: Path, y: Array) -> str:
    lines = [f"{i % 7},{i % 5},{label}" for i, label in enumerate(y)]
    (place / "rows.csv").write_text("\n".join(["a,b,label", *lines]) + "\n")
    return str(place / "rows.csv")


def parquet(place: Path, y: Array) -> str:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    table = pa.table({"a": np.arange(len(y)) % 7, "label": y})
    files.write_table(table, place / "rows.parquet")
    return str(place / "rows.parquet")


def long(place: Path, y: Array) -> str:
    """A line a moment, two a series."""
    lines = [f"{i // 2},{i % 7},{y[i // 2]}" for i in range(2 * len(y))]
    (place / "long.csv").write_text("\n".join(["who,heat,label", *lines]) + "\n")
    return str(place / "long.csv")


FILES = pytest.mark.parametrize("write", [npz, csv, parquet, long])
KINDS = pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float32, np.float64, str])


def begin(source: str, out: Path, *changes: str) -> ssdgm_train.Session:
    series = ("data.series=who",) if source.endswith("long.csv") else ()
    return ssdgm_train.begin(
        source, cases.small_recipe("m2", *series, *changes), out, device="cpu"
    )


@FILES
@KINDS
def test_sixty_numbers_are_asked_about(
    write: Callable[[Path, Array], str], kind: type, tmp_path: Path
) -> None:
    source, out = write(tmp_path, NUMBERS.astype(kind)), tmp_path / "run"
    text = cases.message(errors.DataError, lambda: begin(source, out))
    assert "60 different numbers (0, 1, 2, ..., 59) in 240 rows" in text
    assert "look like measurements" in text
    assert "--labels-as classes" in text
    assert "labels_as" in text
    assert not out.exists()


@FILES
def test_sixty_numbers_that_are_said_to_be_classes_are_classes(
    write: Callable[[Path, Array], str], tmp_path: Path
) -> None:
    source = write(tmp_path, NUMBERS.astype(float))
    session = begin(source, tmp_path / "run", "data.labels_as=classes")
    assert session.data.classes == tuple(range(60))
    assert ssdgm_train.resume(tmp_path / "run").recipe.data.labels_as == "classes"


@FILES
@KINDS
def test_twenty_numbers_are_classes(
    write: Callable[[Path, Array], str], kind: type, tmp_path: Path
) -> None:
    session = begin(write(tmp_path, FEW.astype(kind)), tmp_path / "run")
    assert sorted(map(int, session.data.classes)) == list(range(20))


def test_fractions_in_a_table_are_numbers_too(tmp_path: Path) -> None:
    source = csv(tmp_path, NUMBERS / 8)
    text = cases.message(errors.DataError, lambda: begin(source, tmp_path / "run"))
    assert "60 different numbers (0, 0.125, 0.25, ..., 7.375) in 240 rows" in text


def test_many_words_are_classes(tmp_path: Path) -> None:
    words = np.char.add("w", NUMBERS.astype(str))
    assert len(begin(npz(tmp_path, words), tmp_path / "run").data.classes) == 60


IDENTIFIERS: dict[str, tuple[Array, bool]] = {
    "a word a row": (np.char.add("id", np.arange(N).astype(str)), True),
    "one row less than two a class": (np.where(np.arange(19) < 10, np.arange(19), 3) % 10, True),
    "two rows a class": (np.arange(20) % 10, False),
    "two rows a class, unevenly": (np.array([0, 1, 2, 3, 0, 0, 0, 0]), False),
    "rows without a label count for nothing": (
        np.where(np.arange(40) < 19, FEW[:40] % 10, -1),
        True,
    ),
}


@pytest.mark.parametrize(("y", "asked"), IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_fewer_than_two_rows_a_class_are_asked_about(y: Array, asked: bool) -> None:
    data = made(y)
    found = doubt.doubt_about(data)
    assert (found is not None) == asked
    if found is not None:
        assert "look like names of rows" in found.message
        assert f"in {data.labelled:,} labelled rows" in found.message
        assert "--labels-as classes" in found.mend
        with pytest.raises(errors.DataError):
            doubt.check_labels(data, DataPlan())
    doubt.check_labels(data, DataPlan(labels_as="classes"))


def test_a_long_label_is_cut() -> None:
    found = doubt.doubt_about(made(np.array(["a" * 300, "b", "c"])))
    assert found is not None
    assert f"({'a' * 40}..., b, c)" in found.message


@pytest.mark.parametrize("listed", [False, True])
def test_folders_say_that_they_are_classes(listed: bool, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for label in range(30):
        place = tmp_path / ("" if listed else f"{label:02}")
        place.mkdir(exist_ok=True)
        for i in range(2):
            image.fromarray(np.full((2, 2), 9 * i, np.uint8)).save(place / f"{label}-{i}.png")
    if listed:
        lines = [f"{label}-{i}.png,{label}" for label in range(30) for i in range(2)]
        (tmp_path / "labels.csv").write_text("\n".join(["file,label", *lines]))
    found = doubt.doubt_about(catalog.load(str(tmp_path)))
    assert (found is not None) == listed


@pytest.mark.parametrize("kind", [int, float])
def test_the_estimator_asks_too(kind: type) -> None:
    data = made(NUMBERS)
    small: dict[str, Any] = {"hidden": 4, "latent": 2, "steps": 2, "random_state": 0}
    small["method"] = "m2"
    y = data.y.astype(kind)
    text = cases.message(
        errors.DataError, lambda: SemiSupervisedClassifier(**small).fit(data.x, y)
    )
    assert "60 different numbers" in text
    assert 'say so: labels_as="classes"' in text
    fitted = SemiSupervisedClassifier(**small, labels_as="classes").fit(data.x, y)
    assert fitted.classes_.tolist() == list(range(60))


def test_inspection_finds_it_and_says_that_train_would_ask() -> None:
    found = inspection.inspect(made(NUMBERS), recipe.load(None))
    first = found.findings[0]
    assert (first.level, first.topic) == ("warning", "labels like measurements")
    assert "--labels-as classes" in first.mend
    refused = found.to_json()["refused"]
    assert "60 different numbers" in refused["found"]


def test_inspection_is_content_with_what_is_said() -> None:
    plan = recipe.load(None, None, ["data.labels_as=classes", "data.validation=0"])
    found = inspection.inspect(made(NUMBERS), plan)
    assert "labels like measurements" not in [finding.topic for finding in found.findings]
    assert found.to_json()["refused"] is None


def test_a_label_for_every_row_of_many_is_read_in_good_time(tmp_path: Path) -> None:
    """As many classes as rows: a pass a class would take minutes."""
    y = np.random.default_rng(0).permutation(100_000)
    data = made(y)
    assert data.y.tolist() == y.tolist()
    assert doubt.doubt_about(data) is not None

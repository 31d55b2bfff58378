"""`data.missing` and `data.unlabelled` for rows that are no tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns
from ssdgm_train import data
from ssdgm_train.data import dataset
from ssdgm_train.data.settings import DataPlan

X = np.array([[1, 2], [-999, 4], [5, np.nan], [7, 8]], np.float32)


def load(path: Path, plan: DataPlan, **arrays: Any) -> dataset.Dataset:  # noqa: ANN401
    np.savez(path / "t.npz", **{"x": X, **arrays})
    return data.load(str(path / "t.npz"), plan=plan)


@pytest.mark.parametrize(
    ("y", "words", "classes", "known"),
    [
        (np.array([0, 1, 255, 255], np.uint8), ("255",), (0, 1), [0, 1, -1, -1]),
        (np.array([0.0, 1.0, -9.0, -1.0]), ("-9",), (0, 1), [0, 1, -1, -1]),
        (np.array(["a", "b", " ? ", ""]), ("?", "n/a"), ("a", "b"), [0, 1, -1, -1]),
    ],
)
def test_labels_of_arrays_may_say_that_they_are_unknown(
    y: NDArray[Any],
    words: tuple[str, ...],
    classes: tuple[int | str, ...],
    known: list[int],
    tmp_path: Path,
) -> None:
    found = load(tmp_path, DataPlan(unlabelled=words), x=X[:, :1], y=y)
    assert (found.classes, found.y.tolist()) == (classes, known)


def test_tags_and_numbers_of_arrays_may_be_unknown(tmp_path: Path) -> None:
    tags = np.array([[0, 1], [1, 2], [2, 0], [0, 1]])
    found = load(tmp_path, DataPlan(unlabelled=("2",)), x=X[:, :1], y=tags)
    assert found.y.tolist() == [[0, 1], [1, -1], [-1, 0], [0, 1]]
    plan = DataPlan(unlabelled=("-999",), labels_as="numbers")
    numbers = load(tmp_path, plan, x=X[:, :1], y=np.array([0.5, -999, 2.5, 3]))
    np.testing.assert_array_equal(numbers.y, [[0.5], [np.nan], [2.5], [3]])


@pytest.mark.parametrize("features", [(), ("height", "width")])
def test_arrays_with_gaps_are_a_table(features: tuple[str, ...], tmp_path: Path) -> None:
    named = {"features": np.array(features)} if features else {}
    plan = DataPlan(missing=("-999",))
    test = {"x_test": X[:2], "y_test": np.array([0, 1])}
    found = load(tmp_path, plan, y=np.array([0, 1, 0, 1]), **named, **test)
    assert found.kind == "table"
    assert [column.name for column in found.columns] == [*(features or ("0", "1"))]
    assert {column.kind for column in found.columns} == {columns.NUMBER}
    assert found.columns[0].range == (1, 7)
    np.testing.assert_array_equal(found.x, [[1, 2], [np.nan, 4], [5, np.nan], [7, 8]])
    np.testing.assert_array_equal(found.x_test, [[1, 2], [np.nan, 4]])


def test_gaps_that_cannot_be_are_refused(tmp_path: Path) -> None:
    y, plan = np.array([0, 1, 0, 1]), DataPlan(missing=("-999",))
    with pytest.raises(errors.DataError, match="missing is set, but rows of t have the shape"):
        load(tmp_path, plan, x=np.zeros((4, 3, 3), np.float32), y=y)
    with pytest.raises(errors.DataError, match=r"All values of x, column '1', are missing"):
        load(tmp_path, plan, x=np.where(np.arange(2), -999, X), y=y)
    with pytest.raises(errors.DataError, match=r"data.ignore is set, but t has no named columns"):
        load(tmp_path, DataPlan(missing=("-999",), ignore=("a",)), y=y)
    with pytest.raises(errors.DataError, match="x holds infinity"):
        load(tmp_path, plan, x=np.where(X == 8, np.inf, X), y=y)


def test_series_have_unknown_labels_and_no_gaps(tmp_path: Path) -> None:
    lines = [
        f"{series},{t},{label},{t + k}"
        for k, (series, label) in enumerate(zip("abcdef", "xyxy??", strict=True))
        for t in range(3)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["s,t,label,v", *lines]))
    plan = {"series": "s", "time": "t", "unlabelled": ("?",)}
    found = data.load(str(tmp_path / "t.csv"), plan=DataPlan(**plan))  # type: ignore[arg-type]
    assert found.classes == ("x", "y")
    assert found.y.tolist() == [0, 1, 0, 1, -1, -1]
    with pytest.raises(errors.DataError, match="every moment of the series of t needs a value"):
        data.load(str(tmp_path / "t.csv"), plan=DataPlan(**plan, missing=("-",)))  # type: ignore[arg-type]


def test_images_have_unknown_labels(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for folder, label in (("listed", ""), ("sorted", "/")):
        for i, word in enumerate(("cat", "dog", "cat", "dog", "-9", "?")):
            place = tmp_path / folder / (word * bool(label)) / f"{i}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            image.fromarray(np.full((4, 4), 40 * i, np.uint8)).save(place)
    words = [f"{i}.png,{w}" for i, w in enumerate(("cat", "dog", "cat", "dog", "-9", "?"))]
    (tmp_path / "listed/labels.csv").write_text("\n".join(["file,label", *words]))
    for folder in ("listed", "sorted"):
        found = data.load(str(tmp_path / folder), plan=DataPlan(unlabelled=("?", "-9")))
        assert found.classes == ("cat", "dog")
        assert sorted(found.y.tolist()) == [-1, -1, 0, 0, 1, 1]


def test_tags_and_numbers_of_a_table_may_be_unknown(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("n,a,b\n1,0,1\n2,1,?\n3,?,0\n4,1,1\n")
    found = data.load(str(tmp_path / "t.csv"), plan=DataPlan(label="a,b", unlabelled=("?",)))
    assert found.y.tolist() == [[0, 1], [1, -1], [-1, 0], [1, 1]]
    plan = DataPlan(label="a,b", labels_as="numbers", unlabelled=("?",))
    (tmp_path / "t.csv").write_text("n,a,b\n1,0.5,1\n2,1,?\n3,?,0\n4,1,3\n")
    numbers = data.load(str(tmp_path / "t.csv"), plan=plan)
    np.testing.assert_array_equal(numbers.y, [[0.5, 1], [1, np.nan], [np.nan, 0], [1, 3]])

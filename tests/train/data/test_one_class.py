"""Normal rows and outliers: read from labels of any kind, split, and refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ssdgm_runtime import errors
from ssdgm_train import data
from ssdgm_train.data import dataset, statement
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import split
from ssdgm_train.labels import OneClass
from ssdgm_train.recipes import recommended
from ssdgm_train.settings import RecipeError

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
AS = DataPlan(labels_as="one-class")


def read(folder: Path, y: object, plan: DataPlan = AS, **more: NDArray[Any]) -> dataset.Dataset:
    np.savez(folder / "set.npz", x=X, y=np.asarray(y), **more)
    return data.load(str(folder / "set.npz"), plan=plan)


@pytest.mark.parametrize(
    ("words", "normal"),
    [
        ((0, 1), ()),
        (("normal", "odd"), ()),
        (("Good", "crack"), ()),
        (("a", "b"), ("a",)),
        ((3, 5), ("3",)),
    ],
)
def test_one_label_says_normal(words: Any, normal: tuple[str, ...], tmp_path: Path) -> None:  # noqa: ANN401
    codes = np.arange(40) % 2
    plan = DataPlan(labels_as="one-class", normal=normal)
    found = read(tmp_path, np.array(words)[codes], plan)
    assert (found.space, found.y.dtype, found.classes) == (
        "one-class",
        np.int8,
        ("normal", "outlier"),
    )
    assert found.y.tolist() == codes.tolist()


def test_several_may_and_all_others_say_outlier(tmp_path: Path) -> None:
    plan = DataPlan(labels_as="one-class", normal=("1", "2"))
    y = np.arange(40) % 5 - 1
    found = read(tmp_path, y, plan, x_test=X[:3], y_test=np.array([1, 7, 0]))
    assert found.y.tolist() == np.select([y < 0, np.isin(y, (1, 2))], [-1, 0], 1).tolist()
    assert found.y_test is not None
    assert found.y_test.tolist() == [0, 1, 1]


def test_where_no_row_has_a_label_all_are_normal(tmp_path: Path) -> None:
    assert read(tmp_path, np.full(40, -1)).y.tolist() == [0] * 40


def test_where_none_is_labelled_normal_those_without_a_label_are(tmp_path: Path) -> None:
    y = np.where(np.arange(40) < 5, "odd", "")
    found = read(tmp_path, y, x_test=X[:2], y_test=np.array(["normal", "odd"]))
    assert found.y.tolist() == [1] * 5 + [0] * 35


def test_what_is_not_clear_is_asked(tmp_path: Path) -> None:
    for y in (np.arange(40) % 2 + 1, np.arange(40) % 3 + 4, np.ones(40, int)):
        with pytest.raises(errors.DataError, match="not clear which says normal"):
            read(tmp_path, y)
    with pytest.raises(errors.DataError, match=r"data\.normal names '9'"):
        read(tmp_path, np.arange(40) % 2, DataPlan(labels_as="one-class", normal=("9",)))
    with pytest.raises(errors.DataError, match="are tags"):
        read(tmp_path, np.eye(2, dtype=int)[np.arange(40) % 2])
    y = np.r_[np.zeros(3, int), np.ones(37, int)]
    plan = DataPlan(labels_as="one-class", normal=("0",))
    assert read(tmp_path, y, plan).labelled == 40
    tests = {"x_test": X[:1], "y_test": np.zeros(1, int)}
    with pytest.raises(errors.DataError, match="All training rows of set are outliers"):
        read(tmp_path, np.ones(40, int), AS, **tests)


def test_a_table_may_have_other_labels_among_test_rows(tmp_path: Path) -> None:
    lines = ["a,b,label,split"]
    lines += [f"{a},{b},{'good' if i % 4 else ''},train" for i, (a, b, _) in enumerate(X)]
    lines += ["1,2,crack,test", "1,2,good,test"]
    (tmp_path / "parts.csv").write_text("\n".join(lines) + "\n")
    found = data.load(str(tmp_path / "parts.csv"), plan=AS)
    assert found.y.tolist() == [0 if i % 4 else -1 for i in range(40)]
    assert found.y_test is not None
    assert found.y_test.tolist() == [1, 0]


def test_folders_of_images_may_have_other_labels_among_test_rows(tmp_path: Path) -> None:
    for i, place in enumerate(("train/good", "train/good", "test/good", "test/crack")):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), 10 * i, np.uint8)).save(tmp_path / place / f"{i}.png")
    found = data.load(str(tmp_path), plan=AS)
    assert found.y.tolist() == [0, 0]
    assert found.y_test is not None
    assert sorted(found.y_test.tolist()) == [0, 1]


def made(normal: int, outliers: int, blank: int = 0) -> dataset.Dataset:
    y = np.repeat(np.int8([0, 1, -1]), [normal, outliers, blank])
    x = np.random.default_rng(1).standard_normal((len(y), 3)).astype(np.float32)
    return dataset.Dataset("set", x, y, None, None, ("normal", "outlier"))


def test_few_outliers_are_all_trained_on() -> None:
    few, many = made(95, 5), made(100, 100)
    parts = split(few, None, 0.2, seed=0)
    assert (few.y[parts.validation] == 0).all()
    assert len(parts.validation) == 20
    held = many.y[split(many, None, 0.2, seed=0).validation]
    assert ((held == 0).sum(), (held == 1).sum()) == (20, 20)


def test_a_budget_has_as_many_of_both_and_the_rest_is_unlabelled() -> None:
    data_set = made(100, 50)
    parts = split(data_set, 10, 0.2, seed=0)
    assert sorted(data_set.y[parts.labelled].tolist()) == [0] * 5 + [1] * 5
    assert (data_set.y[parts.unlabelled] == 1).any()


def test_a_threshold_needs_normal_rows_that_are_held_out() -> None:
    with pytest.raises(errors.DataError, match="No normal row is held out"):
        split(made(50, 5), None, 0.0, seed=0)
    assert len(split(made(2, 0), None, 1.0, seed=0).validation) == 1


def test_the_space_has_the_share_of_false_alarms() -> None:
    data_set = made(50, 5, 10)
    parts = split(data_set, None, 0.2, seed=0)
    plan = DataPlan(labels_as="one-class", false_alarms=0.01)
    assert statement.problem(data_set, parts, plan).labels == OneClass(0.01)
    with pytest.raises(errors.DataError, match=r"data\.prior is set"):
        statement.problem(data_set, parts, DataPlan(labels_as="one-class", prior=(0.5, 0.5)))


def test_it_is_learnt_by_its_own_method_and_by_no_other() -> None:
    data_set, labels = made(50, 5), 'data.labels_as="one-class"'
    chosen = recommended.settle(recommended.Asked(changes=(labels,)), data_set, None)
    assert chosen.plan.method == "oneclass"
    assert chosen.taken is not None
    assert chosen.taken.name == "default-oneclass"
    for method in ("m2", "supervised", "vat"):
        with pytest.raises(RecipeError, match=r"a method that does: oneclass\."):
            recommended.settle(recommended.Asked(None, method, (labels,)), data_set, None)
    classes = dataset.make("set", X, np.arange(40) % 2)
    with pytest.raises(RecipeError, match="--labels-as one-class"):
        recommended.settle(recommended.Asked(None, "oneclass"), classes, None)

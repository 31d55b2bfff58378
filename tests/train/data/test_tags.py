"""Data with several yes/no labels a row: arrays, tables, their splits and priors."""

from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
from numpy.typing import NDArray

from ssdgm_runtime.errors import DataError
from ssdgm_train.data import catalog, dataset, doubt, statement
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import split
from ssdgm_train.inspection import inspect
from ssdgm_train.labels import Tags
from ssdgm_train.recipes import recipe

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 5)).astype(np.float32)
Y = (RNG.random((200, 4)) < (0.5, 0.3, 0.1, 0.02)).astype(np.int8)
Y[:2, 3] = 1
"""The last tag is rare."""

HALF = np.where(RNG.random(Y.shape) < 0.5, Y, -1).astype(np.int8)
HALF[:4] = Y[:4]
NAMES = np.array(["red", "green", "blue", "rare"])


def made(y: NDArray[Any] = Y, **more: Any) -> dataset.Dataset:  # noqa: ANN401
    return dataset.make("set", X[: len(y)], y, **more)


@pytest.mark.parametrize("dtype", ["int8", "int64", "float32", "float64"])
def test_columns_of_yes_and_no_are_tags_whatever_their_type(dtype: str) -> None:
    data = made(HALF.astype(dtype))
    assert data.space == "tags"
    assert data.y.dtype == np.int8
    assert np.array_equal(data.y, HALF)
    assert data.classes == ("tag 0", "tag 1", "tag 2", "tag 3")
    assert data.digest == made(HALF).digest


def test_booleans_are_tags() -> None:
    assert np.array_equal(made(Y.astype(bool)).y, Y)


def test_a_row_is_labelled_if_any_entry_is_known() -> None:
    y = HALF.copy()
    y[10:110] = -1
    y[10, 0] = 1
    assert made(y).labelled == int((y >= 0).any(1).sum())
    assert not made(y).fully_labelled
    assert made(Y).fully_labelled


@pytest.mark.parametrize("key", ["names", "label_names"])
def test_an_npz_file_names_its_tags(tmp_path: Path, key: str) -> None:
    named: dict[str, Any] = {key: NAMES}
    path = tmp_path / "set.npz"
    np.savez(path, x_train=X, y_train=HALF, x_test=X[:9], y_test=HALF[:9], **named)
    data = catalog.load(str(path))
    assert data.classes == ("red", "green", "blue", "rare")
    assert data.y_test is not None
    assert data.y_test.shape == (9, 4)


def test_npy_files_hold_tags(tmp_path: Path) -> None:
    for name, array in (("x", X), ("y", Y), ("names", NAMES)):
        np.save(tmp_path / f"{name}.npy", array)
    assert catalog.load(str(tmp_path)).classes == ("red", "green", "blue", "rare")


def _csv(path: Path, cells: list[str], header: str = "a,sunny,wet") -> Path:
    path.write_text("\n".join([header, *cells]) + "\n")
    return path


CELLS = ["1.5,yes,0", "2,no,1", "3,TRUE,", "4,,false", "5,1,-1", "6,0,1"]


def test_a_table_has_a_tag_in_each_named_column(tmp_path: Path) -> None:
    path = _csv(tmp_path / "t.csv", CELLS)
    data = catalog.load(str(path), plan=DataPlan(label="sunny,wet"))
    assert data.classes == ("sunny", "wet")
    assert data.y.tolist() == [[1, 0], [0, 1], [1, -1], [-1, 0], [1, -1], [0, 1]]
    assert [column.name for column in data.columns] == ["a"]


def test_a_parquet_file_has_tags_of_any_type(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"a": [1.0, 2, 3, 4], "p": [True, None, False, True], "q": [0.0, 1.0, None, 1.0]}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    data = catalog.load(str(tmp_path / "t.parquet"), plan=DataPlan(label="p, q"))
    assert data.y.tolist() == [[1, 0], [-1, 1], [0, -1], [1, 1]]


def test_a_comma_may_be_part_of_a_columns_name(tmp_path: Path) -> None:
    path = _csv(tmp_path / "t.csv", ["1,x", "2,y", "3,x", "4,y"], header='a,"p,q"')
    assert catalog.load(str(path), plan=DataPlan(label="p,q")).classes == ("x", "y")


def test_a_cell_that_says_neither_yes_nor_no_is_named(tmp_path: Path) -> None:
    path = _csv(tmp_path / "t.csv", [*CELLS, "7,maybe,1"])
    text = cases.message(
        DataError, lambda: catalog.load(str(path), plan=DataPlan(label="sunny,wet"))
    )
    assert "line 8, column 'sunny', is 'maybe'" in text
    assert "1 or 0, yes or no" in text


def test_a_column_of_tags_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = _csv(tmp_path / "t.csv", CELLS)
    text = cases.message(
        DataError, lambda: catalog.load(str(path), plan=DataPlan(label="sunny,dry"))
    )
    assert "no column 'dry', which data.label names" in text


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "one column": ({"y": Y[:, :1]}, "y has one column, its shape is [200, 1]"),
    "another value": ({"y": Y + (Y == 1)}, "y holds 2, first in row"),
    "a share": ({"y": Y * 0.5}, "y holds 0.5, first in row"),
    "NaN": ({"y": np.where(HALF < 0, np.nan, HALF)}, "Write np.where(np.isnan(y), -1, y)"),
    "words": ({"y": Y.astype(str)}, "y has 4 columns of dtype <U"),
    "ragged": ({"y": np.array([[1, 0], [1]] * 100, object)}, "y has dtype object"),
    "three axes": ({"y": Y[:, :, None]}, "y has shape [200, 4, 1]"),
    "too few names": ({"y": Y, "classes": ("a", "b")}, "There are 2 names of tags"),
    "equal names": ({"y": Y, "classes": ("a", "a", "b", "c")}, "3 of them different"),
    "no positive": ({"y": Y * (1, 1, 1, 0)}, "The tag 'tag 3' cannot be learnt: no row has it"),
    "no negative": (
        {"y": Y | np.int8([0, 1, 0, 0])},
        "The tag 'tag 1' cannot be learnt: every row",
    ),
    "other columns": (
        {"y": Y, "x_test": X, "y_test": Y[:, :3]},
        "y_test has 3 labels a row and y has 4",
    ),
    "test classes": (
        {"y": Y, "x_test": X, "y_test": Y[:, 0]},
        "y_test has 1 labels a row and y has 4",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_tags_that_cannot_be_used_are_refused_in_plain_words(name: str) -> None:
    given, words = BAD[name]
    assert words in cases.message(DataError, lambda: made(**given))


def test_no_doubt_is_raised_about_tags() -> None:
    doubt.check_labels(made(Y[:9] | np.eye(9, 4, dtype=np.int8)), DataPlan())


def test_a_recipe_may_say_what_labels_are() -> None:
    classes = dataset.make("set", X, Y[:, 0].astype(np.int64))
    doubt.check_labels(made(), DataPlan(labels_as="tags"))
    for data, said in ((made(), "classes"), (classes, "tags")):
        plan = DataPlan(labels_as=said)
        text = cases.message(DataError, lambda d=data, p=plan: doubt.check_labels(d, p))
        assert f"data.labels_as is {said}, but the labels of set are {data.space}" in text


@pytest.mark.parametrize("y", [Y, HALF], ids=["known", "half missing"])
@pytest.mark.parametrize("budget", [8, 40, None])
def test_every_tag_is_on_a_labelled_row_and_parts_are_apart(
    y: NDArray[np.int8], budget: int | None
) -> None:
    data = made(y)
    for seed in range(20):
        parts = split(data, budget, 0.2, seed)
        assert (y[parts.labelled] == 1).any(0).all()
        assert (y[parts.labelled] >= 0).any(1).all()
        both = np.concatenate([parts.labelled, parts.unlabelled, parts.validation])
        assert np.array_equal(np.sort(both), np.arange(len(y)))
        if budget is not None and data.fully_labelled:
            assert len(parts.labelled) == budget


def test_a_split_keeps_the_shares_of_tags() -> None:
    y = np.tile(Y, (10, 1))
    data = dataset.make("set", np.tile(X, (10, 1)), y)
    parts = split(data, 500, 0.2, 3)
    for rows in (parts.labelled, parts.validation):
        assert y[rows].mean(0) == pytest.approx(y.mean(0), abs=0.05)


def test_rows_without_labels_are_never_labelled() -> None:
    y = HALF.copy()
    y[50:] = -1
    parts = split(made(y), 20, 0.2, 0)
    assert max(*parts.labelled, *parts.validation) < 50
    assert len(parts.labelled) + len(parts.validation) == 20


def test_too_small_a_budget_is_refused() -> None:
    lonely = np.eye(4, dtype=np.int8)[np.arange(200) % 4]
    text = cases.message(DataError, lambda: split(made(lonely), 3, 0.1, 0))
    assert "--labels is 3, but it takes 4 rows to show every tag" in text


def test_the_prior_is_the_labelled_rows_own_unless_it_is_given() -> None:
    data = made(HALF)
    parts = split(data, 60, 0.1, 0)
    stated = statement.problem(data, parts, DataPlan())
    y = HALF[parts.labelled]
    wanted = ((y == 1).sum(0) + 1) / ((y >= 0).sum(0) + 2)
    assert isinstance(stated.labels, Tags)
    assert stated.labels.prior == pytest.approx(wanted)
    given = statement.problem(data, parts, DataPlan(prior=(0.5, 0.2, 0.9, 0.1)))
    assert isinstance(given.labels, Tags)
    assert given.labels.prior == (0.5, 0.2, 0.9, 0.1)
    for prior in ((0.5, 0.5), (0.5, 0.2, 1.0, 0.1)):
        plan = DataPlan(prior=prior)
        text = cases.message(DataError, lambda p=plan: statement.problem(data, parts, p))
        assert "4 numbers between 0 and 1, one for each tag" in text


def test_an_inspection_counts_tags() -> None:
    report = inspect(made(HALF, x_test=X[:20], y_test=Y[:20]), recipe.load(None))
    shown = report.to_json()
    assert [tag["training"] for tag in shown["classes"]] == (HALF == 1).sum(0).tolist()
    assert shown["tags"]["missing"] == tuple((HALF < 0)[(HALF >= 0).any(1)].sum(0).tolist())
    assert shown["rows"] == {
        "training": 200,
        "labelled": made(HALF).labelled,
        "unlabelled": 200 - made(HALF).labelled,
        "test": 20,
    }
    assert shown["refused"] is None


def test_one_tag_on_every_row_is_worth_a_note() -> None:
    report = inspect(made(np.eye(4, dtype=np.int8)[np.arange(200) % 4]), recipe.load(None))
    assert "one tag a row" in [finding.topic for finding in report.findings]


def test_a_series_has_one_label(tmp_path: Path) -> None:
    cells_of = [f"{key},{moment},{moment}.5,1,0" for key in "ab" for moment in range(3)]
    path = _csv(tmp_path / "t.csv", cells_of, header="key,time,a,sunny,wet")
    plan = DataPlan(label="sunny,wet", series="key", time="time")
    text = cases.message(DataError, lambda: catalog.load(str(path), plan=plan))
    assert "data.label names 2 columns" in text

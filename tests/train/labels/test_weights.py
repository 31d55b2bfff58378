"""How often rows are drawn: weights of rows and of classes."""

from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_train import data
from ssdgm_train.data import dataset, split
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.labels import weights

ROWS = np.arange(10, 14)


def test_whole_multiples_are_kept_to_exactly() -> None:
    found = weights.repeated(ROWS, np.array([0.5, 1.5, 0.0, 1.0]))
    assert found.tolist() == [10, 11, 11, 11, 13, 13]
    assert weights.repeated(ROWS, np.full(4, 0.3)).tolist() == ROWS.tolist()
    assert not len(weights.repeated(ROWS, np.zeros(4)))


def test_other_weights_are_met_closely() -> None:
    rng = np.random.default_rng(0)
    rows, given = np.arange(500), rng.uniform(0.1, 3.0, 500)
    found = weights.repeated(rows, given)
    wanted = given / given.sum() * weights.FINE * len(rows)
    assert (np.abs(np.bincount(found, minlength=500) - wanted) < 1).all()
    np.testing.assert_array_equal(weights.repeated(rows, given), found)
    assert (np.diff(found) >= 0).all()


def test_rows_of_next_to_no_weight_hardly_come() -> None:
    given = np.where(np.arange(1000) < 2, 1e9, 1.0)
    found = weights.repeated(np.arange(1000), given)
    assert len(found) == pytest.approx(1000 * weights.FINE, abs=2)
    assert {*found.tolist()} == {0, 1}


def test_a_long_pool_keeps_the_shares_of_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "MOST", 1)
    found = weights.repeated(np.arange(10_000), np.where(np.arange(10_000) % 2, 0.37, 1.63))
    assert len(found) == pytest.approx(10_000, abs=200)
    assert (found % 2).mean() == pytest.approx(0.185, abs=0.01)


def test_balanced_classes_weigh_alike() -> None:
    y, own = np.array([0, 0, 0, 1]), np.array([1.0, 1.0, 2.0, 1.0])
    found = weights.of_classes(["balanced"], "ab", y, own)
    assert found[:3].sum() == pytest.approx(found[3:].sum())
    assert found.sum() == pytest.approx(own.sum())
    named = weights.of_classes(["A=3", "b = 0"], "ab", y, own)
    assert named.tolist() == [3, 3, 6, 0]


@pytest.mark.parametrize("words", [("balanced", "a=1"), ("a",), ("a=x",), ("a=-1",), ("c=1",)])
def test_what_is_no_weight_of_a_class_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(errors.DataError, match=r"data\.class_weight"):
        weights.of_classes(words, "ab", np.array([0, 1]), np.ones(2))


LINES = ("n,w,label", "1,1,a", "2,3,b", "3,1,a", "4,2,", "5,1,b", "6,5,")


def table(path: Path, lines: tuple[str, ...] = LINES, **plan: Any) -> dataset.Dataset:  # noqa: ANN401
    path.write_text("\n".join(lines) + "\n")
    return data.load(str(path), plan=DataPlan(**plan))


def test_a_column_of_a_table_says_how_much_rows_count(tmp_path: Path) -> None:
    found = table(tmp_path / "t.csv", weight="w")
    assert [column.name for column in found.columns] == ["n"]
    assert found.weights is not None
    assert found.weights.tolist() == [1, 3, 1, 2, 1, 5]
    plan = DataPlan(weight="w", class_weight=("a=2",), validation=0.0)
    labelled, unlabelled = split.pools(found, split.split(found, None, 0.0, 0), plan)
    assert labelled.tolist() == [0, 0, 1, 1, 1, 2, 2, 4]
    counts = np.bincount(unlabelled, minlength=6)
    assert (counts[3], sum(counts)) == (25, counts[3] + counts[5])
    assert counts[5] in (62, 63)
    assert found.digest != table(tmp_path / "u.csv", ignore=("w",)).digest


def test_an_array_says_it_too(tmp_path: Path) -> None:
    x, y = cases.rows("gaussian-float32", np.arange(6) % 2), np.array([0, 1, 0, 1, -1, -1])
    np.savez(tmp_path / "t.npz", x=x, y=y, sample_weight=np.arange(6))
    found = data.load(str(tmp_path / "t.npz"))
    assert found.weights is not None
    assert found.weights.tolist() == [0, 1, 2, 3, 4, 5]
    for name, array in (("x", x), ("y", y), ("sample_weight", np.ones(6))):
        np.save(tmp_path / f"{name}.npy", array)
    assert data.load(str(tmp_path / "x.npy")).weights is not None
    np.savez(tmp_path / "t.npz", x=x, y=y, sample_weight=np.ones(5))
    with pytest.raises(errors.DataError, match=r"a number for each of the 6 rows"):
        data.load(str(tmp_path / "t.npz"))


def test_weights_that_cannot_be_used_are_told_with_their_place(tmp_path: Path) -> None:
    lines = (*LINES[:2], "2,-3,b", *LINES[3:])
    with pytest.raises(errors.DataError, match=r"column 'w', holds -3, first in row 1"):
        table(tmp_path / "t.csv", lines, weight="w")
    with pytest.raises(errors.DataError, match=r"column 'w', holds nan"):
        table(tmp_path / "t.csv", (*LINES[:2], "2,,b", *LINES[3:]), weight="w")
    with pytest.raises(errors.DataError, match=r"no column 'v', which data.weight names"):
        table(tmp_path / "t.csv", weight="v")
    zeros = tuple(line.replace(",1,", ",0,").replace(",3,", ",0,") for line in LINES)
    found = table(tmp_path / "t.csv", zeros, weight="w")
    with pytest.raises(errors.DataError, match="Every labelled training row has the weight 0"):
        split.pools(found, split.split(found, None, 0.0, 0), DataPlan(weight="w"))

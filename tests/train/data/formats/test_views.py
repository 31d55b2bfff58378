"""Data sets whose rows have several views: what is read, what is stated, what is refused."""

from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

from ssdgm_runtime import errors
from ssdgm_train import data as sources
from ssdgm_train import problems
from ssdgm_train.data import dataset, statement
from ssdgm_train.data.formats import views
from ssdgm_train.data.settings import DataPlan

LEFT = np.arange(12, dtype=np.float64).reshape(4, 3)
RIGHT = (np.arange(4 * 25) % 9).astype(np.uint8).reshape(4, 5, 5)
Y = np.array([0, 1, 0, 1])


def saved(path: Path, **arrays: Any) -> str:  # noqa: ANN401
    np.savez(path, **arrays)
    return str(path)


@pytest.mark.parametrize("mark", [".", "_"])
@pytest.mark.parametrize("train", ["x", "x_train"])
def test_an_array_for_each_view_is_read(tmp_path: Path, mark: str, train: str) -> None:
    there = np.array([True, True, False, True])
    arrays: dict[str, Any] = {f"{train}{mark}left": LEFT, f"{train}{mark}right": RIGHT, "y": Y}
    arrays |= {f"x_test{mark}right": RIGHT[:2], "y_test": Y[:2], "present.right": there}
    data = sources.load(saved(tmp_path / "set.npz", **arrays))
    assert data.kind == problems.VIEWS
    assert [(v.name, v.shape, v.dtype, v.kind) for v in data.views] == [
        ("left", (3,), "float32", "rows"),
        ("right", (5, 5), "uint8", "image"),
    ]
    np.testing.assert_array_equal(data.x[:, :3], LEFT)
    np.testing.assert_array_equal(data.x[there, 3:], RIGHT[there].reshape(3, -1))
    assert np.isnan(data.x[2, 3:]).all()
    assert data.x_test is not None
    assert np.isnan(data.x_test[:, :3]).all()


def test_a_row_of_nan_lacks_a_view() -> None:
    left = LEFT.copy()
    left[1] = np.nan
    data = views.make("a", {"left": left, "right": RIGHT}, Y)
    assert np.isnan(data.x[1, :3]).all()
    assert not np.isnan(data.x[1, 3:]).any()


def test_each_view_has_the_likelihood_and_the_scaling_of_the_rows_that_have_it() -> None:
    left = LEFT.copy()
    left[0] = np.nan
    data = views.make("a", {"left": left, "right": RIGHT}, Y)
    stated = statement.problem(data, cases.everything(data), DataPlan())
    one, two = stated.views
    assert (one.likelihood, two.likelihood) == ("gaussian", "binomial")
    np.testing.assert_allclose(one.shift, LEFT[1:].mean(0))
    np.testing.assert_allclose(one.scale, LEFT[1:].std(0), rtol=1e-6)
    assert two.total == 8
    assert stated.width == 28


@pytest.mark.parametrize(
    ("x", "more", "words"),
    [
        ({"left": LEFT, "right": RIGHT[:3]}, {}, ("left 4, right 3", "the same rows")),
        ({"left": LEFT * np.nan, "right": RIGHT}, {}, ("No training row has the view left",)),
        (
            {"left": LEFT, "right": RIGHT},
            {"present": {"right": np.zeros(4, bool)}},
            ("No training row has the view right",),
        ),
        (
            {"left": LEFT, "right": RIGHT},
            {"present": {"right": np.ones(3, bool)}},
            ("present.right", "bool [4]"),
        ),
        ({"left": np.where(LEFT == 4, np.nan, LEFT)}, {}, ("left is NaN in a part of row 1",)),
        ({"left": np.where(LEFT < 3, np.nan, LEFT)}, {}, ("Row 0 of x has no view",)),
        ({"le ft": LEFT}, {}, ("'le ft'", "letters, digits")),
        ({"left": LEFT.astype(np.int16)}, {}, ("x.left has dtype int16", "astype(np.float32)")),
        (
            {"left": LEFT},
            {"x_test": {"right": RIGHT}, "y_test": Y},
            ("the view right, which no training row has",),
        ),
        (
            {"left": LEFT},
            {"x_test": {"left": LEFT[:, :2]}, "y_test": Y},
            ("x_test.left has rows [2]", "[3] float32"),
        ),
        (
            {"right": RIGHT},
            {"x_test": {"right": RIGHT / 9}, "y_test": Y},
            ("x_test.right", "uint8"),
        ),
    ],
)
def test_views_that_cannot_be_trained_on_are_refused(
    x: dict[str, Any], more: dict[str, Any], words: tuple[str, ...]
) -> None:
    text = cases.message(errors.DataError, lambda: views.make("a", x, Y, **more))
    for word in words:
        assert word in text


def test_views_without_labels_and_settings_of_one_array_are_refused(tmp_path: Path) -> None:
    bare = saved(tmp_path / "bare.npz", **{"x.left": LEFT, "x.right": RIGHT})
    assert "lacks y" in cases.message(errors.DataError, lambda: sources.load(bare))
    full = saved(tmp_path / "full.npz", **{"x.left": LEFT, "x.right": RIGHT, "y": Y})
    plan = DataPlan(likelihood="gaussian")
    assert "several views" in cases.message(
        errors.DataError, lambda: sources.load(full, plan=plan)
    )


def test_masks_are_of_pictures(tmp_path: Path) -> None:
    full = saved(tmp_path / "full.npz", **{"x.left": LEFT, "x.right": RIGHT, "y": Y})
    plan = DataPlan(labels_as="masks")
    text = cases.message(errors.DataError, lambda: sources.load(full, plan=plan))
    assert text.startswith("Labels are to be masks, and the rows of ")


def test_a_single_array_is_no_view(tmp_path: Path) -> None:
    arrays = {"x_train": LEFT, "y_train": Y, "x_test": LEFT, "y_test": Y, "x_ray": LEFT}
    assert not sources.load(saved(tmp_path / "set.npz", **arrays)).views
    text = cases.message(errors.DataError, lambda: dataset.make("a", LEFT, Y, kind=problems.VIEWS))
    assert "x.NAME" in text

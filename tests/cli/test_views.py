"""Rows with views command by command: inspected, trained, refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

from ssdgm_export import SemiSupervisedClassifier, SemiSupervisedRegressor
from ssdgm_runtime import errors

Tool = Callable[..., Any]
DATA = cases.several(60, 30, 12)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The data set as a file, NaN where a view is missing."""
    assert DATA.x_test is not None
    arrays = {f"x.{v}": DATA.x[:, part] for v, part in PARTS.items()}
    arrays |= {f"x_test.{v}": DATA.x_test[:, part] for v, part in PARTS.items()}
    np.savez(tmp_path / "pairs.npz", y=DATA.y, y_test=DATA.y_test, **arrays)
    return tmp_path / "pairs.npz"


PARTS = {"left": slice(6), "right": slice(6, None)}


def test_what_is_inspected_is_each_view(source: Path, tool: Tool, tmp_path: Path) -> None:
    found = tool("data", "inspect", source, "-o", tmp_path / "sheet.png", "--json").json
    assert [(view["name"], view["shape"], view["missing"]) for view in found["views"]] == [
        ("left", [6], int(np.isnan(DATA.x[:, 0]).sum())),
        ("right", [9], int(np.isnan(DATA.x[:, 6]).sum())),
    ]
    assert [each["name"] for each in found["features"]] == ["left", "right"]
    assert found["training"]["method"] == "views"
    assert found["training"]["likelihood"] == "views"
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    text = tool("data", "inspect", source).out
    assert "left: rows 6, float32, missing in 30 rows" in text
    assert "left gaussian, right gaussian" in text


def test_a_run_on_views_is_trained_and_reported(source: Path, tool: Tool, tmp_path: Path) -> None:
    small = [word for change in cases.small_changes("views") for word in ("--set", change)]
    out = tmp_path / "run"
    done = tool("train", source, "--method", "views", "--labels", "30", "--out", out, *small)
    assert done.code == 0, done.err
    result = json.loads((out / "result.json").read_text())
    assert result["test"]["rows"] == 12
    figures = {path.stem for path in (out / "figures").iterdir()}
    assert {f"{kind}_{view}" for kind in ("samples", "from_others") for view in PARTS} <= figures
    assert tool("evaluate", out, "--samples", "3").code == 0


def test_a_setting_for_one_array_is_refused(source: Path, refused: Callable[..., Any]) -> None:
    words = ("train", source, "--method", "m2", "--set", "data.likelihood=gaussian")
    found = refused(source.parent, *words, "--out", source.parent / "run")
    assert "several views" in found["message"]


@pytest.mark.parametrize("kind", [SemiSupervisedClassifier, SemiSupervisedRegressor])
def test_estimators_refuse_views_in_a_sentence(kind: Any) -> None:  # noqa: ANN401
    x = {"left": np.zeros((4, 2)), "right": np.zeros((4, 3))}
    text = cases.message(errors.InputError, lambda: kind().fit(x, [0, 1, 0, 1]))
    assert text.startswith(
        "X is a mapping of arrays; expected one array, a frame, or columns by name."
    )

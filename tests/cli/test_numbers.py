"""Labels that are numbers, from a table to predictions of its bundle, command by command."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_export import cli
from ssdgm_runtime import load

Tool = Callable[..., Any]
SMALL = ("--set", "model.hidden=[16]", "--set", "model.latent=2", "--set", "train.steps=20")
"""A run of a second."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of engines with two numbers for labels, some missing; a run on it; its bundle."""
    folder, rng = tmp_path_factory.mktemp("numbers"), np.random.default_rng(0)
    z = rng.standard_normal((160, 3))
    heat, age = 400 + 30 * z[:, 0], z[:, 1] - 2
    lines = ["force,speed,colour,heat,age,split"]
    for i in range(160):
        known = "" if i % 3 and i < 120 else f"{heat[i]:.3f}"
        aged = "" if i % 3 == 1 and i < 120 else f"{age[i]:.4f}"
        colour = "red" if z[i, 2] > 0 else "blue"
        part = "train" if i < 120 else "test"
        row = (z[i, 0] + 0.1 * z[i, 2], z[i, 1] - z[i, 0], colour, known, aged, part)
        lines.append(",".join(map(str, row)))
    (folder / "engines.csv").write_text("\n".join(lines) + "\n")
    labels = ("--label", "heat,age", "--labels-as", "numbers", "--method", "m2")
    out = ("--out", str(folder / "run"), "--set", "data.validation=30", "--quiet")
    out = (*out, "--set", "run.baseline=10")
    assert cli.run(["train", str(folder / "engines.csv"), *labels, *SMALL, *out]) == 0
    bundle = ("-o", str(folder / "engines.ssdgm"), "--precision", "fp32,int8", "--max-drop", "9%")
    assert (
        cli.run(["convert", str(folder / "run"), *bundle, "--max-distortion", "50%", "--score"])
        == 0
    )
    return folder


def test_training_tells_errors_in_the_labels_own_units(place: Path, tool: Tool) -> None:
    result = json.loads((place / "run/result.json").read_text())
    assert len(result["test"]["rmse"]) == 2
    assert result["baseline"]["measure"] == "rmse"
    page = (place / "run/report.html").read_text()
    for text in ("Predicted and true: heat", "Calibration of intervals", "RMSE", "R²"):
        assert text in page
    for figure in ("numbers", "numbers1", "intervals", "curves"):
        assert (place / f"run/figures/{figure}.png").stat().st_size > 5000


def test_what_is_inspected_has_each_number(place: Path, tool: Tool) -> None:
    words = ("data", "inspect", place / "engines.csv", "--label", "heat,age")
    found = tool(*words, "--labels-as", "numbers", "--json").json
    assert [each["name"] for each in found["numbers"]] == ["heat", "age"]
    assert found["numbers"][0]["known"] == 40
    assert found["training"]["prior"] == []
    text = tool(*words, "--labels-as", "numbers", "-q").out
    assert "heat" in text
    assert "--labels-as numbers" in text
    refused = tool(*words)
    assert refused.code == 2
    assert "expected a tag" in refused.err


def test_the_bundle_predicts_what_the_run_does(place: Path, tool: Tool) -> None:
    out = place / "a.csv"
    found = tool("predict", place / "engines.ssdgm", place / "engines.csv", "-o", out, "--json")
    assert (found.code, found.json["rows"], found.json["space"]) == (0, 160, "numbers")
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == ["row", "heat", "deviation_heat", "age", "deviation_age"]
    with load(place / "engines.ssdgm", variant="fp32") as model:
        assert model.verify().passed
        assert model.labels == ("heat", "age")
    gates = json.loads((place / "engines.ssdgm/reports/precision.json").read_text())["gates"]
    assert {g["measure"] for g in gates if g["component"] == "classifier"} == {"rmse"}
    assert "RMSE" in (place / "engines.ssdgm/README.md").read_text()
    shown = tool("predict", place / "engines.ssdgm", place / "engines.csv")
    assert shown.out.splitlines()[0].startswith("0  heat ")


def test_the_bundle_scores_rows_of_a_table(place: Path, tool: Tool) -> None:
    found = tool("score", place / "engines.ssdgm", place / "engines.csv", "--json")
    assert (found.code, found.json["unit"]) == (0, "nats")
    assert np.isfinite([each["log_prob"] for each in found.json["scores"]]).all()
    assert "score" in tool("inspect", place / "engines.ssdgm", "--json").json["tasks"]


def test_classify_is_for_classes(place: Path, refused: Callable[..., Any]) -> None:
    words = ("classify", place / "engines.ssdgm", place / "engines.csv")
    error = refused(place, *words)
    assert "it predicts numbers (heat, age)" in error["message"]
    assert "predict" in error["mend"]


def test_a_bench_counts_in_the_same_measure(place: Path, tool: Tool) -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.standard_normal((9, 2)), np.zeros(9)]).astype(np.float32)
    np.savez(place / "rows.npz", x=x, y=np.tile([400.0, np.nan], (9, 1)))
    words = ("--batch", "1", "--cold", "0", "--seconds", "0.02", "--component", "classifier")
    found = tool("bench", place / "engines.ssdgm", "--rows", place / "rows.npz", *words, "--json")
    assert found.code == 0, found.err
    (variant,) = found.json["variants"]
    assert variant["measure"] == "rmse"
    assert variant["measured"]["rows"] == 9


def test_whole_numbers_are_asked_about(tmp_path: Path, refused: Callable[..., Any]) -> None:
    x = np.random.default_rng(0).standard_normal((120, 3)).astype(np.float32)
    np.savez(tmp_path / "ages.npz", x=x, y=np.arange(120.0) % 60)
    error = refused(tmp_path, "train", tmp_path / "ages.npz", "--out", tmp_path / "run")
    assert "60 different numbers" in error["message"]
    assert "--labels-as numbers" in error["mend"]

"""Normal rows and outliers, from a table to verdicts of its bundle, command by command."""

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
SMALL = ("--set", "model.hidden=[16]", "--set", "train.steps=150", "--set", "model.latent=2")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good parts near a curve, and some off it, among the test rows of kinds of their own."""
    folder, rng = tmp_path_factory.mktemp("parts"), np.random.default_rng(0)
    turn = rng.uniform(0, 3, 360)
    near = np.stack([np.sin(turn), np.cos(turn), turn], 1) + 0.05 * rng.standard_normal((360, 3))
    off = near[:60] + rng.choice((-1, 1), (60, 3)) * rng.uniform(0.5, 1, (60, 3))
    lines = ["length,width,angle,state,split"]
    for x, state, part in (
        *((row, "good" if i % 2 else "", "train") for i, row in enumerate(near[:240])),
        *((row, "crack", "train") for row in off[:6]),
        *((row, "good", "test") for row in near[240:]),
        *((row, "scratch" if i % 2 else "crack", "test") for i, row in enumerate(off[6:])),
    ):
        lines.append(",".join([*map(str, x), state, part]))
    (folder / "parts.csv").write_text("\n".join(lines) + "\n")
    labels = ("--label", "state", "--labels-as", "one-class", "--set", "data.false_alarms=0.1")
    out = ("--out", str(folder / "run"), "--quiet")
    assert cli.run(["train", str(folder / "parts.csv"), *labels, *SMALL, *out]) == 0
    bundle = ("-o", str(folder / "parts.ssdgm"), "--precision", "fp32,int8", "--score")
    assert cli.run(["convert", str(folder / "run"), *bundle, "--max-distortion", "90%"]) == 0
    return folder


def test_training_tells_what_the_threshold_does(place: Path, tool: Tool) -> None:
    result = json.loads((place / "run/result.json").read_text())
    assert result["test"]["auroc"] > 0.9
    assert 0 <= result["test"]["false_alarms"] < 0.35
    assert result["test"]["detected"] > 0.5
    assert result["baseline"] is None
    assert result["labels"]["threshold"] == pytest.approx(result["labels"]["threshold"])
    assert json.loads((place / "run/run.json").read_text())["recipe"]["method"] == "oneclass"
    page = (place / "run/report.html").read_text()
    for text in ("Outliers found by false alarms", "AUROC", "average precision", "Scores"):
        assert text in page
    for figure in ("roc", "scores", "curves"):
        assert (place / f"run/figures/{figure}.png").stat().st_size > 4000


def test_what_is_inspected_has_normal_rows_and_outliers(place: Path, tool: Tool) -> None:
    words = ("data", "inspect", place / "parts.csv", "--label", "state")
    found = tool(*words, "--labels-as", "one-class", "--json").json
    assert found["labels"] == "one-class"
    counts = {each["label"]: (each["training"], each["test"]) for each in found["classes"]}
    assert counts == {"normal": (120, 120), "outlier": (6, 54)}
    assert found["training"]["method"] == "oneclass"
    text = tool(*words, "--labels-as", "one-class", "-o", place / "sheet.png").out
    assert "oneclass" in text
    assert "score of normal rows" not in text


def test_the_bundle_says_normal_or_outlier(place: Path, tool: Tool) -> None:
    manifest = json.loads((place / "parts.ssdgm/manifest.json").read_text())
    ours = manifest["additional_metadata"]["ssdgm"]
    assert ours["labels"]["space"] == "one-class"
    assert ours["labels"]["false_alarms"] == 0.1
    assert "scorer" not in ours["io"]
    card = (place / "parts.ssdgm/README.md").read_text()
    for text in ("AUROC", "false alarms", "normal or outlier"):
        assert text in card
    assert tool("verify", place / "parts.ssdgm").code == 0
    lines = csv.DictReader((place / "parts.csv").read_text().splitlines())
    rows = [row for row in lines if row["split"] == "test"]
    x = {key: [float(row[key]) for row in rows] for key in ("length", "width", "angle")}
    with load(place / "parts.ssdgm") as model:
        answer, scored = model.classify(x), model.score(x)
    said = np.array(answer.labels)
    truth = np.array([row["state"] != "good" for row in rows])
    result = json.loads((place / "run/result.json").read_text())["test"]
    assert said[truth].mean() == pytest.approx(result["detected"])
    assert said[~truth].mean() == pytest.approx(result["false_alarms"])
    assert scored.inlier is not None
    np.testing.assert_array_equal(scored.inlier, said == 0)


def test_answers_are_files(place: Path, tool: Tool) -> None:
    out = place / "out.csv"
    done = tool("classify", place / "parts.ssdgm", place / "parts.csv", "-o", out, "--force")
    assert done.code == 0
    first = next(csv.DictReader(out.read_text().splitlines()))
    assert {"label", "name", "score", "rank"} <= first.keys()
    found = tool("score", place / "parts.ssdgm", place / "parts.csv", "--json").json
    assert found["unit"] == "nats"
    assert {"score", "log_prob", "rank", "inlier"} <= found["scores"][0].keys()


def test_what_cannot_serve_it_says_so(place: Path, tool: Tool) -> None:
    both = (place / "parts.csv", "--label", "state", "--labels-as", "one-class", "--out")
    done = tool("train", *both, place / "no", "--method", "m2")
    assert "Use a method that does: oneclass." in done.err
    done = tool("train", *both, place / "no", "--method", "auto")
    assert "use --method oneclass" in done.err
    done = tool("train", *both, place / "no", "--set", "data.validation=0")
    assert "No normal row is held out" in done.err
    rows = (place / "parts.ssdgm", place / "parts.csv")
    done = tool("classify", *rows, "-o", place / "p.csv", "--probabilities")
    assert "outliers have no probabilities. Leave --probabilities out." in done.err


def test_a_run_is_evaluated_and_reported(place: Path, tool: Tool) -> None:
    found = tool("evaluate", place / "run", "--samples", "3", "--json").json
    assert found["labels"]["classifier"]["auroc"] > 0.9
    assert tool("report", place / "run").code == 0

"""The supervised baseline on the command line: `train`, `report`, and `convert --if-better`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import pytest

from ssdgm_train.runs import directory

Tool = Callable[..., Any]
SMALL = (
    *("--method", "m2"),
    *("--set", "train.steps=60", "--set", "run.evaluate_every=60", "--seed", 1, "--quiet"),
    *("--set", "model.hidden=8", "--set", "data.validation=30", "--set", "model.latent=2"),
)
GOOD = ("--set", "train.learning_rate=2e-2")
BAD = ("--set", "train.learning_rate=1e-6", "--set", "train.steps=300")
pytestmark = pytest.mark.slow


@pytest.fixture
def source(tmp_path: Path) -> str:
    """An archive with blanks and test rows."""
    return cases.saved(tmp_path / "rows.npz", cases.separable("gaussian-float32", 66, 30, 12))


def test_train_and_its_report_say_whether_unlabelled_rows_helped(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    run = tmp_path / "run"
    trained = tool("train", source, "--out", run, *SMALL, *BAD)
    assert trained.code == 0, trained
    words = r"^baseline +error \d+\.\d\d % on the labels alone by .*, 30 rows\); "
    assert re.search(words, trained.out, re.MULTILINE)
    words = r"^graph +error \d+\.\d\d % by LabelSpreading.* than the run, 30 rows\); it needs its "
    assert re.search(words, trained.out, re.MULTILINE)
    again = tool("train", "--resume", run, "--no-report", "--json").json
    assert again["baseline"]["validation"]["rows"] == 30
    page = (run / "report.html").read_text(encoding="utf-8")
    for part in ("validation", "test"):
        assert f"Beside the baseline, on {part} rows: error " in page


def test_it_can_be_left_out(
    source: str, tmp_path: Path, tool: Tool, refused: Callable[..., Any]
) -> None:
    run = tmp_path / "run"
    words = ("train", source, "--out", run, *SMALL, "--no-baseline")
    assert tool(*words, "--no-report", "--json").json["baseline"] is None
    assert not (run / "baseline").exists()
    told = tool("train", "--resume", run)
    assert not re.search("^baseline", told.out, re.MULTILINE)
    assert "the baseline" not in (run / "report.html").read_text(encoding="utf-8")
    found = refused(tmp_path, "convert", run, "-o", tmp_path / "a.ssdgm", "--if-better")
    assert "has no baseline" in found["found"]
    assert "--no-baseline" in found["mend"]
    refused(tmp_path, "train", "--resume", run, "--no-baseline")


def test_a_result_of_before_there_was_one_is_read(source: str, tmp_path: Path, tool: Tool) -> None:
    run = tmp_path / "run"
    tool("train", source, "--out", run, *SMALL, "--no-baseline", "--no-report")
    result = json.loads((run / "result.json").read_text())
    del result["baseline"]
    directory.write_json(run / "result.json", result)
    assert tool("train", "--resume", run).code == 0
    assert tool("report", run).code == 0


@pytest.mark.parametrize(("rate", "method"), [(GOOD, "m2"), (BAD, "supervised")])
def test_the_better_ships_and_the_bundle_says_what_was_found(
    source: str, tmp_path: Path, tool: Tool, rate: tuple[str, ...], method: str
) -> None:
    run, bundle = tmp_path / "run", tmp_path / "a.ssdgm"
    tool("train", source, "--out", run, *SMALL, *rate, "--no-report")
    words = ("convert", run, "-o", bundle)
    told = tool(*words, "--if-better", "--json").json
    assert told["method"] == method
    assert told["parity"]["passed"]
    result = json.loads((run / "result.json").read_text())
    found = tool("inspect", bundle, "--json").json
    assert found["training"]["baseline"] == result["baseline"]
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["additional_metadata"]["ssdgm"]["model"]["family"] == method
    learnt = {"m2": "36 labelled and 30 unlabelled rows", "supervised": "36 labelled rows alone"}
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert f"trained with {learnt[method]} of" in card
    assert f"- The {'run' if method == 'm2' else 'network'} ships: the run's error is " in card
    assert tool("verify", bundle).code == 0


def test_a_baseline_that_no_bundle_can_hold_is_named(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    run, bundle = tmp_path / "run", tmp_path / "a.ssdgm"
    tool("train", source, "--out", run, *SMALL, *GOOD, "--no-report")
    result = json.loads((run / "result.json").read_text())
    beside = result["baseline"]
    worse = {**beside["validation"], "error": 0.5, "baseline": 0.75, "difference": 0.25}
    network = {"name": "supervised", "validation": worse, "test": None}
    beside["chosen"]["others"] = [{**network, "error": None, "spread": None}]
    beside |= {"method": "SVC(C=1)", "validation": {**worse, "baseline": 0.25}}
    directory.write_json(run / "result.json", result)
    told = tool("convert", run, "-o", bundle, "--if-better")
    assert re.search("^method +m2$", told.out, re.MULTILINE)
    says = "scikit-learn's SVC(C=1) erred less on the validation rows"
    assert re.search(f"^note +The run ships: .*; {re.escape(says)}", told.out, re.MULTILINE)
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert re.search(f"^- The run ships: .*{re.escape(says)}", card, re.MULTILINE)
    assert "- Beside the baseline, on validation rows: error 25.00 % on the labels alone" in card


def test_without_asking_the_run_ships(source: str, tmp_path: Path, tool: Tool) -> None:
    run, bundle = tmp_path / "run", tmp_path / "a.ssdgm"
    tool("train", source, "--out", run, *SMALL, *BAD, "--no-report")
    told = tool("convert", run, "-o", bundle)
    assert re.search("^method +m2$", told.out, re.MULTILINE)
    assert "baseline" not in tool("inspect", bundle, "--json").json["training"]

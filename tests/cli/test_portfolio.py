"""`train --method auto`: what was tried is in the summary, the report and the model card."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import pytest

from ssdgm_train.portfolio import budget

Tool = Callable[..., Any]
SETTINGS = (
    *("train.steps=12", "run.evaluate_every=6", "run.baseline=4", "model.hidden=8"),
    *("model.classifier=8", "model.latent=2", "data.validation=0"),
)
SMALL = ("--seed", 1, *(word for setting in SETTINGS for word in ("--set", setting)))
NAMES = ["m2", "m2-consistent", "m2-taught", "m2-taught-consistent"]
HEADING = "candidate +cross-validated error +minutes"


@pytest.fixture
def source(tmp_path: Path) -> str:
    """An archive with blanks and test rows."""
    return cases.saved(tmp_path / "rows.npz", cases.separable("gaussian-float32", 24, 30, 12))


def test_what_was_tried_is_said_everywhere(source: str, tmp_path: Path, tool: Tool) -> None:
    run, bundle = tmp_path / "run", tmp_path / "a.ssdgm"
    trained = tool("train", source, "--method", "auto", "--budget", 5, "--out", run, *SMALL)
    assert trained.code == 0, trained
    first, *lines = trained.err.splitlines()
    assert first.endswith("; others are tried, in 5 minutes")
    assert lines[0].startswith("step 12/156  m2, fold 1 of 3: validation error ")
    assert lines[-1].startswith("step 156/156  ")
    assert re.search(f"^{HEADING}$", trained.out, re.MULTILINE)
    assert "chosen by 3-fold cross-validation on 24 labelled training rows" in trained.out

    found = tool("train", "--resume", run, "--no-report", "--json").json
    told = found["portfolio"]
    assert [one["name"] for one in told["candidates"]] == NAMES
    assert (told["budget"], told["folds"], told["rows"]) == (5, 3, 24)
    assert found["method"] == "m2"
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<h2>Recipes that were tried</h2>" in page
    assert f"<td>{told['chosen']} (chosen)</td>" in page

    assert tool("convert", run, "-o", bundle).code == 0
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert "| candidate | cross-validated error | minutes |" in card
    assert f"| {told['chosen']} (chosen) | " in card
    reports = json.loads((bundle / "reports/training.json").read_text())
    assert reports["portfolio"] == told


def test_an_interrupted_search_is_resumed(
    source: str, tmp_path: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = tmp_path / "run", iter(range(1000))

    def clock() -> float:
        if next(calls) == 35:
            raise KeyboardInterrupt
        return 0.0

    monkeypatch.setattr(budget, "clock", clock)
    stopped = tool("train", source, "--method", "auto", "--out", run, *SMALL)
    assert stopped.code == 130
    assert f"train --resume {run}" in stopped.err
    assert not (run / "result.json").exists()
    early = tool("convert", run, "-o", tmp_path / "a.ssdgm", "--json")
    assert early.json["error"]["type"] == "RunError"
    again = tool("train", "--resume", run, "--no-report", "--json")
    assert again.code == 0, again
    assert again.json["portfolio"]["budget"] == 10
    assert again.json["portfolio"]["chosen"] in NAMES


def test_a_run_without_a_search_has_none(source: str, tmp_path: Path, tool: Tool) -> None:
    words = ("train", source, "--out", tmp_path / "run", *SMALL, "--no-report")
    assert tool(*words, "--json").json["portfolio"] is None
    assert "cross-validated" not in tool("train", "--resume", tmp_path / "run").out
    page = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "Recipes that were tried" not in page


REFUSED = {
    "a budget alone": (("--budget", 5), "--budget is for --method auto"),
    "a budget for another": (("--method", "m1", "--budget", 5), "--budget is for --method auto"),
    "a recipe": (("--method", "auto", "--recipe", "none"), "--method auto takes no --recipe"),
    "a start": (("--method", "auto", "--init-from", "a"), "--method auto takes no --init-from"),
    "no time": (("--method", "auto", "--budget", 0), "budget is 0.0; expected a number of min"),
    "a method": (
        ("--method", "auto", "--set", "method=m1"),
        "method is set, and --method auto chooses it",
    ),
}


@pytest.mark.parametrize(("words", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(
    words: tuple[object, ...], text: str, source: str, tmp_path: Path, refused: Callable[..., Any]
) -> None:
    error = refused(tmp_path, "train", source, "--out", tmp_path / "run", *words)
    assert text in error["message"]


def test_resume_takes_no_budget(tmp_path: Path, refused: Callable[..., Any]) -> None:
    error = refused(tmp_path, "train", "--resume", tmp_path / "run", "--budget", 5)
    assert error["type"] == "UsageError"

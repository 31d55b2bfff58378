"""Recipes that `train` compares: in the summary, the report and the model card."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

from ssdgm_train.portfolio import budget

Tool = Callable[..., Any]
OWN = Path(__file__).parents[2] / "examples/your_own_labels.py"
SETTINGS = (
    *("train.steps=12", "run.evaluate_every=6", "run.baseline=4", "model.hidden=8"),
    *("model.classifier=8", "model.latent=2", "data.validation=0"),
)
SMALL = ("--seed", 1, *(word for setting in SETTINGS for word in ("--set", setting)))
NAMES = ["m2", "m2-graph", "m2-consistent", "baseline"]
HEADING = "candidate +cross-validated error +minutes"
pytestmark = pytest.mark.slow


@pytest.fixture
def source(tmp_path: Path) -> str:
    """An archive with blanks and test rows."""
    return cases.saved(tmp_path / "rows.npz", cases.separable("gaussian-float32", 24, 30, 12))


def test_what_was_tried_is_said_everywhere(source: str, tmp_path: Path, tool: Tool) -> None:
    run, bundle = tmp_path / "run", tmp_path / "a.ssdgm"
    trained = tool("train", source, "--method", "auto", "--budget", 5, "--out", run, *SMALL)
    assert trained.code == 0, trained
    first, *lines = trained.err.splitlines()
    assert first.endswith(
        "; compared with m2-graph, m2-consistent, baseline as far as 5 minutes go, and the best "
        "is trained; --method m2 trains it without comparing"
    )
    assert lines[0].startswith("step 12/123  m2, fold 1 of 3: validation error ")
    assert any(line.startswith("step 123/123  ") for line in lines)
    assert re.search(f"^{HEADING}$", trained.out, re.MULTILINE)
    assert "chosen by 3-fold cross-validation on 24 labelled training rows" in trained.out

    found = tool("train", "--resume", run, "--no-report", "--json").json
    told = found["portfolio"]
    assert [one["name"] for one in told["candidates"]] == NAMES
    assert (told["budget"], told["folds"], told["rows"]) == (5, 3, 24)
    assert told["chosen"].startswith(found["method"])
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


def test_recipes_are_compared_where_nothing_says_what_to_train(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    words = ("train", source, *SMALL, "--no-report", "--no-baseline")
    found = tool(*words, "--out", tmp_path / "a", "--json")
    assert found.code == 0, found
    told = found.json["portfolio"]
    assert [one["name"] for one in told["candidates"]] == NAMES
    assert told["budget"] == 10
    assert "as far as 10 minutes go, and the best is trained; --method m2 trains" in found.err
    asked = tool(*words, "--budget", 5, "--out", tmp_path / "b", "--json").json["portfolio"]
    assert (asked["budget"], asked["folds"]) == (5, 3)
    for way in (("--recipe", "none"), ("--set", "method=m2")):
        named = tool(*words, *way, "--out", tmp_path / way[0], "--json")
        assert (named.code, named.json["portfolio"]) == (0, None)


def tags(place: Path) -> tuple[object, ...]:
    x = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
    np.savez(place / "tags.npz", x=x, y=(x[:, :3] > 0).astype(int))
    return (place / "tags.npz",)


def rows(place: Path, labelled: int = 24, blank: int = 30) -> tuple[object, ...]:
    data = cases.separable("gaussian-float32", labelled, blank, 12)
    return (cases.saved(place / "few.npz", data),)


ALONE: dict[str, tuple[Callable[[Path], tuple[object, ...]], str]] = {
    "tags": (tags, "m2"),
    "one label a class": (lambda place: (*rows(place, 3), "--labels-as", "classes"), "m2"),
    "labels of one's own": (lambda place: (*rows(place), "--labels-as", f"{OWN}:Levels"), "m2"),
    "classes to be found": (lambda place: (*rows(place), "--extra-classes", 1), "gmdgm"),
}


@pytest.mark.parametrize(("make", "method"), ALONE.values(), ids=ALONE)
def test_the_one_recipe_is_taken_where_there_is_nothing_to_compare(
    make: Callable[[Path], tuple[object, ...]], method: str, tmp_path: Path, tool: Tool
) -> None:
    few = ("train.steps=12", "run.evaluate_every=6", "model.latent=2", "data.validation=0")
    changes = [word for setting in few for word in ("--set", setting)]
    words = ("train", *make(tmp_path), *changes, "--no-baseline", "--no-report")
    found = tool(*words, "--out", tmp_path / "run")
    assert found.code == 0, found
    first, *_ = found.err.splitlines()
    assert "; no other is compared for such rows and labels; at most 12 steps in about" in first
    assert f"The recipe is {method}, chosen without cross-validation." in found.out
    assert not (tmp_path / "run/portfolio").exists()


def test_a_run_without_a_search_has_none(source: str, tmp_path: Path, tool: Tool) -> None:
    words = ("train", source, "--method", "m2", "--out", tmp_path / "run", *SMALL, "--no-report")
    assert tool(*words, "--json").json["portfolio"] is None
    assert "cross-validated" not in tool("train", "--resume", tmp_path / "run").out
    page = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "Recipes that were tried" not in page


REFUSED = {
    "a budget for a method": (
        ("--method", "m1", "--budget", 5),
        "--budget is for comparing recipes, and --method m1 says what to train",
    ),
    "a budget for a recipe": (("--recipe", "none", "--budget", 5), "and --recipe says what to"),
    "a budget for a start": (("--init-from", "a", "--budget", 5), "and --init-from says what to"),
    "a budget for a method that is set": (
        ("--set", "method=m1", "--budget", 5),
        "and --set method says what to train",
    ),
    "a recipe": (("--method", "auto", "--recipe", "none"), "--method auto takes no --recipe"),
    "a start": (("--method", "auto", "--init-from", "a"), "--method auto takes no --init-from"),
    "no time": (("--method", "auto", "--budget", 0), "budget is 0.0; expected a number of min"),
    "a method": (
        ("--method", "auto", "--set", "method=m1"),
        "A setting names the method, and auto chooses it",
    ),
    "a setting of no candidate": (("--set", "model.auxiliary=2"), "model.auxiliary is not a sett"),
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

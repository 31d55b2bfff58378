"""Several runs in a table and a picture, settings with their meaning, what a shell completes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import pytest

import ssdgm_train
from ssdgm_export.cli import research
from ssdgm_train import METHODS
from ssdgm_train.recipes import shelf

Tool = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two runs that have ended, one with a baseline, and one that has not."""
    source = cases.saved(tmp_path / "rows.npz", cases.separable("gaussian-float32", 60, 20, 12))
    for name, change in (("a/first", "run.baseline=8"), ("second", "run.baseline=0")):
        plan = cases.small_recipe("m2", change, "data.validation=12")
        list(ssdgm_train.train(ssdgm_train.begin(source, plan, tmp_path / "runs" / name)))
    stopped = ssdgm_train.begin(source, cases.small_recipe("supervised"), tmp_path / "runs/third")
    for progress in ssdgm_train.train(stopped):
        if progress.terms:
            break
    return tmp_path / "runs"


def test_runs_are_compared_as_a_table_and_as_a_picture(folder: Path, tool: Tool) -> None:
    picture = folder.parent / "runs.png"
    found = tool("runs", folder, "-o", picture, "--json").json["runs"]
    assert [(line["run"], line["method"], line["ended"]) for line in found] == [
        ("a/first", "m2", True),
        ("second", "m2", True),
        ("third", "supervised", False),
    ]
    assert found[0]["test"] == ssdgm_train.runs.directory.Run(folder / "a/first").result.test.error
    assert found[2]["test"] is None
    assert picture.read_bytes().startswith(b"\x89PNG")
    told = tool("runs", folder).out
    assert "so far" in told
    assert len(told.splitlines()) == 4


def test_where_there_is_no_run_nothing_is_drawn(
    tmp_path: Path, refused: Callable[..., Any]
) -> None:
    told = refused(tmp_path, "runs", tmp_path, "-o", tmp_path / "a.png")
    assert told["found"] == f"There is no run in {tmp_path}"
    refused(tmp_path, "runs", tmp_path, "-o", tmp_path / "a.gif")


def test_settings_are_told_with_their_meaning(tmp_path: Path, tool: Tool) -> None:
    told = tool("recipe", "default-m2-small").out
    assert "# Weight of log q(y | x)" in told
    assert told == tool("recipe", "default-m2-small", "--json").json["recipe"]
    assert tool("recipe", "nothing").code == 2
    error = tool("recipe", "entropy", "--json").json["error"]
    assert error["found"] == "'entropy' is neither a method nor a recipe"
    assert error["mend"].startswith("It is the setting regularise.entropy of m2, which")


def test_a_shell_completes_methods_recipes_and_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {*METHODS, "auto"} <= {*research.methods("")}
    assert research.methods("m1") == ["m1", "m1m2"]
    assert {*shelf.names(), "none"} <= {*research.recipes("")}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSDGM_DATA_DIR", str(tmp_path / "sets"))
    (tmp_path / "sets/dice").mkdir(parents=True)
    (tmp_path / "dip.csv").touch()
    assert research.data("di") == ["dice", "digits", "dip.csv"]
    assert research.data("se") == ["sets/"]

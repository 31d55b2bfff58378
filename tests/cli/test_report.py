"""The report on the command line: `report`, and what `train` leaves at the end."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Tool = Callable[..., Any]
SMALL = (
    *("--method", "supervised", "--set", "model.hidden=8", "--set", "train.steps=4"),
    *("--set", "run.evaluate_every=4", "--quiet"),
)


def test_train_leaves_a_report_and_says_where(source: str, tmp_path: Path, tool: Tool) -> None:
    run = tmp_path / "run"
    trained = tool("train", source, "--out", run, *SMALL)
    assert (trained.code, trained.err) == (0, "")
    assert re.search(rf"^report +{run / 'report.html'}$", trained.out, re.MULTILINE)
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (run / "figures/confusion.png").exists()


def test_no_report_leaves_none(source: str, tmp_path: Path, tool: Tool) -> None:
    run = tmp_path / "run"
    trained = tool("train", source, "--out", run, *SMALL, "--no-report", "--json")
    assert (trained.code, trained.json["report"]) == (0, None)
    assert not (run / "report.html").exists()
    again = tool("train", "--resume", run, "--no-report")
    assert re.search("^report +none$", again.out, re.MULTILINE)


def test_without_matplotlib_train_says_how_to_get_it(
    source: str, tmp_path: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run = tmp_path / "a run"
    trained = tool("train", source, "--out", run, *SMALL, "--json")
    assert (trained.code, trained.json["report"]) == (0, None)
    assert trained.err == (
        "no report: matplotlib is not installed. Run: pip install "
        f"'ssdgm-export[train]', then: ssdgm-export report '{run}'\n"
    )
    assert not (run / "report.html").exists()


def test_report_writes_it_later_from_data_that_has_moved(
    source: str, tmp_path: Path, tool: Tool, refused: Callable[..., Any]
) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved.npz"
    tool("train", source, "--out", run, *SMALL, "--no-report")
    Path(source).rename(moved)
    error = refused(tmp_path, "report", run)
    assert error["type"] == "DataNotFound"
    written = tool("report", run, "--data", moved, "--json")
    assert (written.code, written.json) == (0, {"report": str(run / "report.html")})


def test_what_is_no_finished_run_is_refused(
    source: str, tmp_path: Path, tool: Tool, refused: Callable[..., Any]
) -> None:
    run = tmp_path / "run"
    assert "not a run directory" in refused(tmp_path, "report", run)["found"]
    (tmp_path / "a.ssdgm").mkdir()
    (tmp_path / "a.ssdgm/manifest.json").write_text("{}")
    error = refused(tmp_path, "report", tmp_path / "a.ssdgm")
    assert error["found"].endswith("is not a run directory: it is a bundle")
    tool("train", source, "--out", run, *SMALL, "--no-report")
    (run / "result.json").unlink()
    error = refused(tmp_path, "report", run)
    assert error["type"] == "RunError"
    assert "has not ended" in error["found"]
    assert error["mend"] == f"Continue with: ssdgm-export train --resume {run}"

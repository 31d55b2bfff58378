"""`evaluate` on the command line: a finished run in, evidence and labels out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import pytest
import torch

import ssdgm_train
from ssdgm_export import report
from ssdgm_export.bundle import convert
from ssdgm_train.runs import evidence

Tool = Callable[..., Any]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Images with test rows."""
    place = tmp_path_factory.mktemp("data") / "rows.npz"
    return cases.saved(place, cases.separable("bernoulli-uint8", 60, test=30))


def finished(source: str, out: Path, name: str = "m2") -> Path:
    session = ssdgm_train.begin(source, cases.small_recipe(name), out, 12, 3, "cpu")
    list(ssdgm_train.train(session))
    return out


@pytest.fixture(scope="module")
def run(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of M2."""
    return finished(source, tmp_path_factory.mktemp("runs") / "run")


def test_the_evaluation_is_printed_and_kept_with_the_run(run: Path, tool: Tool) -> None:
    found = tool("evaluate", run, "--samples", 4, "--rows", 20, "--json", "-q")
    assert (found.code, found.err) == (0, "")
    told = found.json
    assert told.pop("run") == str(run)
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept.pop("digest")
    assert told == kept
    assert (told["part"], told["rows"], told["samples"]) == ("test", 20, 4)
    again = tool("evaluate", run, "--samples", 2, "--rows", "all", "--json", "-q").json
    assert (again["rows"], again["samples"]) == (30, 2)
    assert json.loads((run / "evaluation.json").read_text())["samples"] == 2


def test_people_read_bounds_in_nats_and_errors_of_both_labels(run: Path, tool: Tool) -> None:
    found = tool("evaluate", run, "--samples", 12)
    assert [line.split("  ")[0] for line in found.err.splitlines()] == [
        *("step 10/24", "step 12/24", "step 22/24", "step 24/24"),
    ]
    assert "log p(x), x as bits drawn from it -" in found.err
    lines = dict(line.split("  ", 1) for line in found.out.splitlines())
    assert lines["rows"].strip() == "30 test rows"
    for name in ("log p(x)", "log p(x), x as bits drawn from it"):
        assert "nats with 12 draws" in lines[name]
    assert {"q(y | x)", "p(y | x)"} <= {name.strip() for name in lines}
    assert found.out.count("error ") == 2


def test_data_that_has_moved_is_named(source: str, tmp_path: Path, tool: Tool) -> None:
    moved = tmp_path / "moved.npz"
    moved.write_bytes(Path(source).read_bytes())
    path = finished(str(moved), tmp_path / "run")
    moved.unlink()
    words = ("evaluate", path, "--samples", 1, "-q", "--json")
    assert tool(*words).code == 2
    assert tool(*words, "--data", source).code == 0


@pytest.mark.parametrize("rows", ["0", "-3", "1.5", "many", "²"])
def test_a_number_of_rows_is_a_whole_one_or_all(
    rows: str, tmp_path: Path, refused: Callable[..., Any]
) -> None:
    error = refused(tmp_path, "evaluate", tmp_path, "--rows", rows)
    assert (error["type"], error["expected"]) == ("InputError", "a whole number from 1, or all")


def test_no_draw_is_no_estimate(run: Path, refused: Callable[..., Any]) -> None:
    assert refused(run, "evaluate", run, "--samples", 0)["type"] == "UsageError"


def test_a_method_without_evidence_is_refused(
    source: str, tmp_path: Path, refused: Callable[..., Any]
) -> None:
    path = finished(source, tmp_path / "run", "supervised")
    error = refused(tmp_path, "evaluate", path)
    assert error["type"] == "RunError"
    assert "supervised, which has no p(x)" in error["found"]


def test_what_is_no_run_is_refused(tmp_path: Path, refused: Callable[..., Any]) -> None:
    assert refused(tmp_path, "evaluate", tmp_path)["type"] == "RunError"


@pytest.mark.parametrize("given", [None, 3])
def test_threads_are_those_of_the_run_unless_they_are_said(
    given: int | None, run: Path, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {}

    def counted(name: str, result: Any) -> Callable[..., Any]:  # noqa: ANN401
        def run(*words: object, **options: object) -> Any:  # noqa: ANN401
            counts[name] = torch.get_num_threads()
            return result(*words, **options)

        return run

    for place, name in ((evidence, "measure"), (report, "write"), (convert, "convert")):
        monkeypatch.setattr(place, name, counted(name, getattr(place, name)))
    before = torch.get_num_threads()
    words = () if given is None else ("--threads", given)
    assert tool("evaluate", run, "--samples", 1, "--rows", 4, "-q", *words).code == 0
    assert tool("report", run, *words).code == 0
    assert tool("convert", run, "-o", tmp_path / "a.ssdgm", *words).code == 0
    wanted = given or 1  # a small network trains on one
    assert counts == {"measure": wanted, "write": wanted, "convert": wanted}
    assert torch.get_num_threads() == before
    for command in ("evaluate", "report", "convert"):
        assert tool(command, run, "--threads", 0).code == 2

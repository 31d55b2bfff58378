"""`bench`, from the command line: what it measures, writes, draws and fails for."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exported
import pytest

from ssdgm_export import cli
from ssdgm_export.cli import console
from ssdgm_runtime import __main__ as runtime
from ssdgm_runtime.bench import outcome, request
from ssdgm_runtime.console import commands

Tool = Callable[..., Any]
Refused = Callable[..., Any]
QUICK = ("--batch", "1,2", "--seconds", "0.01", "--cold", "0")


def test_every_graph_is_timed(tool: Tool, bundle: Path) -> None:
    found = tool("bench", bundle, *QUICK, "--json")
    assert (found.code, found.err) == (0, "")
    cells = {(c["component"], c["batch"]) for c in found.json["cells"]}
    assert cells == {(g, b) for g in ("classifier", "encoder", "decoder") for b in (1, 2)}
    assert all(set(c["against"]) == {"raw"} for c in found.json["cells"])


def test_people_get_a_table_and_progress_on_stderr(tool: Tool, bundle: Path) -> None:
    found = tool("bench", bundle, *QUICK[:-2], "--cold", "1")
    assert found.code == 0
    assert "\nclassifier" in found.out
    assert "cold start: " in found.out
    lines = found.err.splitlines()
    assert [line.split()[0] for line in lines] == [f"{i}/7" for i in range(1, 8)]
    assert lines[0].startswith("1/7  classifier cpu-fp32, batch 1, ")
    assert tool("bench", bundle, *QUICK, "--quiet").err == ""


def test_a_terminal_gets_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with console.watch(quiet=False) as watch:
        watch(1, 3, "the classifier")
        watch(3, 3, "the decoder")
    assert "3/3" in capsys.readouterr().err


def test_a_report_is_written_drawn_and_compared(tool: Tool, bundle: Path, tmp_path: Path) -> None:
    old, plot = tmp_path / "old.json", tmp_path / "plot.png"
    words = ("bench", bundle, *QUICK, "--component", "classifier", "--quiet")
    assert tool(*words, "-o", old, "--plot", plot).code == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert len(json.loads(old.read_text())["cells"]) == 2
    again = (*words, "--baseline", old, "--fail-if", "p50>+99999%", "--fail-if", "min<0")
    assert tool(*again).code == 0
    failed = tool(*again, "--fail-if", "p95>0", "--json")
    assert failed.code == 1
    assert len(failed.json["comparison"]["failures"]) == 2
    assert "FAILED p95>0: classifier" in tool(*again, "--fail-if", "p95>0").out
    assert tool(*words, "-o", old).code == 2
    assert tool(*words, "-o", old, "--force").code == 0


def test_a_plot_needs_matplotlib_before_anything_is_measured(
    bundle: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssdgm_export.bench

    monkeypatch.delitem(sys.modules, "ssdgm_export.bench.chart", raising=False)
    monkeypatch.delattr(ssdgm_export.bench, "chart", raising=False)
    for name in [n for n in sys.modules if n.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    error = refused(tmp_path, "bench", bundle, "--plot", tmp_path / "a.png", code=3)
    assert error["type"] == "MissingExtra"
    assert "ssdgm-export[train,cpu]" in error["mend"]


def test_torch_needs_the_run(bundle: Path, tmp_path: Path, refused: Refused) -> None:
    error = refused(tmp_path, "bench", bundle, "--against", "raw,torch", code=3)
    assert "--run RUN" in error["mend"]


def test_torch_stands_beside_the_bundle_of_its_run(
    tool: Tool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = exported.folder(tmp_path_factory)
    words = ("--against", "raw,torch", "--run", place / "run", "--json")
    found = tool("bench", place / "bundle.ssdgm", *QUICK, *words)
    assert found.code == 0
    for cell in found.json["cells"]:
        assert set(cell["ratios"]) == {"raw", "torch"}


def test_both_command_lines_pass_every_option_on(
    tool: Tool, bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What one makes of its words, the other does too."""
    seen: list[tuple[request.Request, outcome.Result]] = []

    def bench(path: Path, wanted: request.Request, result: outcome.Result, **_: object) -> object:
        seen.append((wanted, result))
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "bench", bench)
    words = [
        *("bench", str(bundle), "--batch", "3", "--threads", "2", "--component", "encoder"),
        *("--provider", "cpu", "--variant", "all", "--concurrency", "5", "--arrival", "uniform:7"),
        *("--against", "none", "--seconds", "0.25", "--cold", "2", "--rows", "rows.npz"),
        *("-o", "a.json", "--baseline", "b.json", "--fail-if", "p50>3", "--force"),
        "--allow-partial",
    ]
    runtime.main(words)
    cli.run(words)
    (one, first), (other, second) = seen
    assert vars(one) == vars(other)
    assert one.rows == Path("rows.npz")
    assert one.batches == (3,)
    assert one.allow_partial
    assert vars(first) | {"draw": None} == vars(second) | {"draw": None}

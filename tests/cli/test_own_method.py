"""A method outside the package, by its file: every command takes it, and so does the estimator."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np

import ssdgm_runtime
import ssdgm_train
from ssdgm_export import SemiSupervisedClassifier
from ssdgm_train.recipes import recipe

Tool = Callable[..., Any]
EXAMPLE = Path(__file__).parents[2] / "examples/your_own_method.py"
SMALL = ("train.steps=8", "model.hidden=[8]", "run.baseline=0")


def test_a_method_by_its_file_goes_the_whole_way(tmp_path: Path, tool: Tool) -> None:
    own = f"{shutil.copy(EXAMPLE, tmp_path / 'my method.py')}:METHOD"
    source = cases.saved(tmp_path / "rows.npz", cases.separable("gaussian-float32", 60, 30, 12))
    run, bundle = tmp_path / "run", tmp_path / "own.ssdgm"
    printed = tool("recipe", own)
    assert (printed.code, printed.err) == (0, "")
    assert "entropy = 0.3" in printed.out
    changes = [word for change in SMALL for word in ("--set", change)]
    trained = tool("train", source, "--method", own, "--out", run, *changes, "-q", "--json")
    assert (trained.code, trained.err) == (0, "")
    assert trained.json["method"] == own
    assert Path(trained.json["report"]).exists()

    half = ssdgm_train.begin(source, recipe.load(None, own, SMALL), tmp_path / "half", 20)
    next(step for step in ssdgm_train.train(half) if step.step == 4)
    resumed = tool("train", "--resume", tmp_path / "half", "--no-report", "-q", "--json")
    assert (resumed.code, resumed.json["steps"]) == (0, 8)
    assert tool("report", tmp_path / "half").code == 0
    listed = tool("runs", tmp_path, "--json").json["runs"]
    assert [line["method"] for line in listed] == ["entropy", "entropy"]
    refused = tool("evaluate", run)
    assert refused.code != 0
    assert "Traceback" not in refused.err

    converted = tool("convert", run, "-o", bundle, "--json")
    assert (converted.code, converted.json["parity"]["passed"]) == (0, True)
    assert tool("verify", bundle).code == 0
    assert tool("classify", bundle, source, "--json").json["rows"] == 90
    assert tool("inspect", bundle, "--json").json["tasks"] == ["classify"]


def test_the_estimator_takes_a_method_by_its_file(tmp_path: Path) -> None:
    y = np.arange(40) % 2
    x = cases.rows("gaussian-float32", y)
    model = SemiSupervisedClassifier(method=f"{EXAMPLE}:METHOD", hidden=8, steps=40)
    model.fit(x, np.where(y < 20, y, -1), sample_weight=1.0 + y)
    assert not hasattr(model, "transform")
    model.export(tmp_path / "own.ssdgm")
    with ssdgm_runtime.load(tmp_path / "own.ssdgm") as opened:
        assert opened.predict(x).tolist() == model.predict(x).tolist()

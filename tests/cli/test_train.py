"""Training on the command line: rows in, a run out, progress on stderr, Ctrl-C and resuming."""

import json
import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cases
import handmade
import numpy as np
import pytest

from ssdgm_export.cli import console
from ssdgm_train.recipes import recipe
from ssdgm_train.training import loop

Tool = Callable[..., Any]
SMALL = (
    *("--set", "train.steps=12", "--set", "run.evaluate_every=4"),
    *("--set", "model.hidden=8", "--set", "model.latent=2"),
    *("--set", "train.labelled_batch=6", "--set", "train.unlabelled_batch=6"),
    *("--method", "m2", "--no-report"),
)


def test_an_archive_with_blanks_goes_the_whole_circle(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    run, bundle = tmp_path / "run", tmp_path / "a.ssdgm"
    trained = tool("train", source, "--labels", 30, "--seed", 4, "--out", run, *SMALL, "--json")
    assert trained.code == 0, trained
    summary = trained.json
    assert summary["rows"] == {"labelled": 27, "unlabelled": 48, "validation": 3, "test": 12}
    assert summary["validation_labels_are_extra"] is False
    assert (summary["method"], summary["seed"], summary["steps"]) == ("m2", 4, 12)
    assert summary["test"]["rows"] == 12

    converted = tool("convert", run, "-o", bundle, "--license", "MIT", "--json")
    assert converted.code == 0
    assert converted.err == ""
    assert converted.json["parity"]["passed"] is True
    found = tool("inspect", bundle, "--json").json
    assert found["id"] == converted.json["id"]
    assert found["license"] == "MIT"
    assert (found["training"]["labelled"], found["training"]["unlabelled"]) == (27, 48)
    told = tool("classify", bundle, source, "--json").json
    assert told["rows"] == 78
    assert sum(told["counts"].values()) == 78


def test_people_read_scores_temperature_latents_and_neighbours(tmp_path: Path, tool: Tool) -> None:
    rows = cases.saved(tmp_path / "rows.npz", cases.separable("binomial-uint8", 300, test=12))
    told = {}
    for method in ("m1", "supervised"):
        plan = cases.small_recipe(method, "data.validation=100")
        (tmp_path / f"{method}.toml").write_text(recipe.dumps(plan))
        words = ("--recipe", tmp_path / f"{method}.toml", "--labels", 9, "--no-report", "-q")
        found = tool("train", rows, "--out", tmp_path / method, *words)
        assert found.code == 0, found
        told[method] = dict(line.split(maxsplit=1) for line in found.out.splitlines())
    m1, baseline = told["m1"], told["supervised"]
    assert "of 12 rows, NLL" in m1["test"]
    assert "of 191 rows, NLL" in m1["unlabelled"]
    assert ", ECE 0." in m1["validation"]
    assert "for which validation NLL went from" in m1["temperature"]
    assert m1["latents"].endswith(" of 2 active")
    assert m1["neighbours"].endswith("% by the 5 nearest")
    assert not {"latents", "neighbours"} & baseline.keys()


def test_commands_that_are_told_are_words_of_a_shell(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    run = tmp_path / "it's a run"
    words = ("train", source, "-o", run, *SMALL, "-q")
    told = dict(line.split(maxsplit=1) for line in tool(*words).out.splitlines())
    bundle = "it's a run.ssdgm"
    assert shlex.split(told["next"]) == ["ssdgm-export", "convert", str(run), "-o", bundle]
    again = tool(*words).err.split("continue with: ")[1].strip()
    assert shlex.split(again) == ["ssdgm-export", "train", "--resume", str(run)]


def test_what_was_taken_from_another_run_is_said(source: str, tmp_path: Path, tool: Tool) -> None:
    plan, m1 = cases.small_recipe("m1", "model.features.activation=tanh"), tmp_path / "m1"
    (tmp_path / "m1.toml").write_text(recipe.dumps(plan))
    words = ("train", source, "--no-report", "-q")
    assert tool(*words, "--recipe", tmp_path / "m1.toml", "--out", m1).code == 0
    start = ("--init-from", m1, *SMALL, "--recipe", "none")
    found = tool(*words, *start, "--out", tmp_path / "a", "--json").json["init"]
    assert found["settings"]["model.classifier_activation"] == "tanh"
    told = tool(*words, *start, "--out", tmp_path / "b").out
    assert f"init         {m1}, whose model.classifier=[" in told
    assert 'model.classifier_activation="tanh" are taken' in told


def test_what_could_not_be_scored_is_said(source: str, tmp_path: Path, tool: Tool) -> None:
    found = tool("train", source, "--out", tmp_path / "run", *SMALL, "--no-report", "-q")
    told = dict(line.split(maxsplit=1) for line in found.out.splitlines())
    assert told["unlabelled"] == "no labels known"
    assert told["temperature"] == "1.00"


def shapes(place: Path, packed: bool) -> Path:
    """A small set in the MNIST layout."""
    y = {"train": np.arange(60) % cases.CLASSES, "t10k": np.arange(12) % cases.CLASSES}
    arrays = {f"{stem}-labels-idx1-ubyte": found for stem, found in y.items()}
    for stem, found in y.items():
        arrays[f"{stem}-images-idx3-ubyte"] = cases.rows("bernoulli-uint8", found)
    return handmade.layout(place, arrays, packed)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_folder_in_the_mnist_layout_goes_the_whole_circle(
    packed: bool, tmp_path: Path, tool: Tool
) -> None:
    place, run = shapes(tmp_path / "set", packed), tmp_path / "run"
    words = ("train", place, "--method", "supervised", "--labels", 9, "--out", run, *SMALL[:4])
    trained = tool(*words, "--set", "model.hidden=8", "--no-report", "--json").json
    assert trained["rows"] == {"labelled": 9, "unlabelled": 45, "validation": 6, "test": 12}
    assert trained["validation_labels_are_extra"] is True
    tool("convert", run, "-o", tmp_path / "a.ssdgm")
    images = next(place.glob("t10k-images*"))
    told = tool("classify", tmp_path / "a.ssdgm", images, "--json").json
    assert told["rows"] == sum(told["counts"].values()) == 12


def test_a_name_is_looked_up_under_the_data_folder(
    tmp_path: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes(tmp_path / "shapes", packed=False)
    monkeypatch.setenv("SSDGM_DATA_DIR", str(tmp_path))
    trained = tool("train", "shapes", "--out", tmp_path / "run", *SMALL, "--json")
    assert trained.json["dataset"] == "shapes"


def test_progress_goes_to_stderr_alone_and_quiet_silences_it(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    loud = tool("train", source, "--out", tmp_path / "loud", *SMALL)
    first, *lines = loud.err.splitlines()
    assert first.startswith(
        "recipe default-m2-small (recommended for m2 on 78 grey images of 3 x 3 with 48 labels)"
    )
    own = ["step 4/12", "step 8/12", "step 12/12"]
    assert [line.split("  ")[0] for line in lines[:4]] == [*own, "baseline"]
    assert [line for line in lines[4:-1] if "  baseline: " not in line] == []
    assert lines[-1] == "comparing with other classifiers"
    assert all("validation error" in line and "unlabelled" in line for line in lines[:3])
    assert "step" not in loud.out
    assert "ssdgm-export convert" in loud.out
    quiet = tool("train", source, "--out", tmp_path / "quiet", *SMALL, "--quiet", "--json")
    assert quiet.err == ""
    assert quiet.json["steps"] == 12


def test_a_terminal_gets_a_bar_and_json_stays_alone_on_stdout(
    source: str, tmp_path: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def __getattr__(self, name: str) -> object:
            return getattr(console.sys.__stderr__, name)

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

        def flush(self) -> None:
            return None

    written: list[str] = []
    monkeypatch.setattr(console.sys, "stderr", Terminal())
    trained = tool("train", source, "--out", tmp_path / "run", *SMALL, "--json")
    assert trained.json["steps"] == 12
    assert "12/12" in "".join(written)
    assert "comparing with other classifiers" in "".join(written)


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A training that Ctrl-C stops at the second record."""
    honest, count = loop.check_finite, iter(range(100))

    def check(*given: object) -> dict[str, float]:
        if next(count) == 1:
            raise KeyboardInterrupt
        return honest(*given)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "check_finite", check)
        yield


@pytest.mark.usefixtures("interrupted")
def test_an_interrupted_training_ends_with_130_and_goes_on_to_the_same_weights(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    words = ("train", source, "--seed", 2, *SMALL)
    stopped = tool(*words, "--out", tmp_path / "stopped", "--json")
    assert stopped.code == 130
    assert stopped.json["error"]["type"] == "KeyboardInterrupt"
    assert f"train --resume {tmp_path / 'stopped'}" in stopped.err
    assert not (tmp_path / "stopped/result.json").exists()

    early = tool("convert", tmp_path / "stopped", "-o", tmp_path / "a.ssdgm", "--json")
    assert (early.code, early.json["error"]["type"]) == (2, "RunError")
    assert not (tmp_path / "a.ssdgm").exists()

    resumed = tool("train", "--resume", tmp_path / "stopped", "--no-report", "--json")
    assert resumed.code == 0
    assert tool(*words, "--out", tmp_path / "whole").code == 0
    assert cases.outcome(tmp_path / "stopped") == cases.outcome(tmp_path / "whole")


def test_a_finished_run_is_resumed_to_the_same_summary(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    first = tool("train", source, "--out", tmp_path / "run", *SMALL, "--json")
    again = tool("train", "--resume", tmp_path / "run", "--no-report", "--json")
    assert (again.code, again.json) == (0, first.json)


def table(place: Path) -> str:
    """Rows of numbers, for which M1 and M2 have recipes."""
    return cases.saved(place / "table.npz", cases.separable("gaussian-float32", 60, 20))


TAKEN = {
    "a method": (("--method", "m1"), "default-m1-tables", "recommended for m1 on 80 rows of 6"),
    "m2": (
        ("--method", "m2"),
        "default-m2-tables",
        "recommended for m2 on 80 rows of 6 with 60 labels",
    ),
    "a setting": (("--set", "method=m1"), "default-m1-tables", "recommended for m1 on 80 rows"),
    "bare settings": (("--recipe", "none"), "none", "named"),
    "a recipe": (("--recipe", "default-m2-tables"), "default-m2-tables", "named"),
    "no recipe": (
        ("--method", "supervised"),
        "none",
        "no recipe is recommended for supervised on 80 rows of 6",
    ),
}


@pytest.mark.parametrize(("words", "name", "reason"), TAKEN.values(), ids=TAKEN)
def test_the_recipe_that_is_taken_is_said_before_and_after_and_stored(
    words: tuple[str, ...], name: str, reason: str, tmp_path: Path, tool: Tool
) -> None:
    run, few = tmp_path / "run", ("--set", "train.steps=4", "--no-baseline", "--no-report")
    given = ("train", table(tmp_path), *words, *few)
    found = tool(*given, "--out", run, "--json")
    assert found.code == 0, found
    assert found.err.splitlines()[0].startswith(f"recipe {name} ({reason}")
    assert found.json["recipe"]["name"] == name
    assert found.json["recipe"]["reason"].startswith(reason)
    assert json.loads((run / "run.json").read_text())["taken"] == found.json["recipe"]
    told = tool("train", "--resume", run, "--no-report").out
    assert f"recipe       {name} ({reason}" in told


BESIDE = {
    "method": ("--method", "m2"),
    "labels": ("--labels", "9"),
    "seed": ("--seed", "0"),
    "out": ("--out", "b"),
    "recipe": ("--recipe", "r.toml"),
    "set": ("--set", "train.steps=9"),
    "device": ("--device", "cpu"),
    "labels as": ("--labels-as", "classes"),
}


@pytest.mark.parametrize("words", BESIDE.values(), ids=BESIDE)
def test_resume_stands_alone(
    words: tuple[str, ...], tmp_path: Path, refused: Callable[..., Any]
) -> None:
    error = refused(tmp_path, "train", "--resume", tmp_path / "run", *words)
    assert error["type"] == "UsageError"
    assert error["message"] == (
        "--resume takes no other options: a resumed run keeps its settings."
    )


def test_resume_of_what_is_no_run_is_refused(tmp_path: Path, refused: Callable[..., Any]) -> None:
    (tmp_path / "empty").mkdir()
    for place in ("empty", "missing"):
        error = refused(tmp_path, "train", "--resume", tmp_path / place)
        assert error["type"] == "RunError"
        assert "not a run directory" in error["found"]


def test_a_recipe_and_its_changes_are_stored_with_the_run(
    source: str, tmp_path: Path, tool: Tool
) -> None:
    (tmp_path / "r.toml").write_text(
        'method = "m2"\n[model]\nhidden = [8]\nlatent = 3\n[train]\nsteps = 8\n'
        "labelled_batch = 6\nunlabelled_batch = 6\n[run]\nevaluate_every = 4\n"
    )
    words = ("--recipe", tmp_path / "r.toml", "--set", "model.latent=2", "--out", tmp_path / "a")
    assert tool("train", source, *words, "--no-report").code == 0
    recipe = json.loads((tmp_path / "a/run.json").read_text())["recipe"]
    assert (recipe["model"]["latent"], recipe["train"]["steps"]) == (2, 8)
    assert sorted(os.listdir(tmp_path)) == ["a", "r.toml", "rows.npz"]

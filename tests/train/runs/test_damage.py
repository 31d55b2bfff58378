"""A run directory that is damaged, or in use, is an error that names it; nothing is trained on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cases
import numpy as np
import pytest

import ssdgm_train
from ssdgm_runtime.errors import DataError
from ssdgm_train import settings
from ssdgm_train.data import catalog, dataset
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory
from ssdgm_train.runs.directory import Run, RunError


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run stopped between two checkpoints."""
    folder = tmp_path_factory.mktemp("stopped")
    source = cases.saved(folder / "set.npz", cases.separable("binomial-uint8", 60, test=30))
    session = ssdgm_train.begin(
        source, cases.small_recipe("m2"), folder / "run", labelled=12, device="cpu"
    )
    steps = ssdgm_train.train(session)
    for _ in range(6):
        next(steps)
    steps.close()
    return folder / "run"


def latest(run: Path, name: str) -> Path:
    found = Run(run).latest
    assert found is not None
    return found / name


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(bytes(content))


def without(path: Path, key: str) -> None:
    found = json.loads(path.read_text())
    del found[key]
    path.write_text(json.dumps(found))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a flipped bit of the weights": lambda run: flip(latest(run, "weights.safetensors")),
    "a flipped bit of the optimiser": lambda run: flip(latest(run, "optimiser.safetensors")),
    "a flipped bit of the random state": lambda run: flip(latest(run, "random.safetensors")),
    "no weights": lambda run: latest(run, "weights.safetensors").unlink(),
    "an empty state": lambda run: latest(run, "state.json").write_text("{}"),
    "a state without its step": lambda run: without(latest(run, "state.json"), "step"),
    "a state nested too deep": lambda run: latest(run, "state.json").write_text("[" * 100_000),
    "metrics of garbage": lambda run: (run / "metrics.jsonl").write_bytes(b"\xff\xfe\n"),
    "metrics of another kind": lambda run: (run / "metrics.jsonl").write_text("null\n"),
    "no problem": lambda run: without(run / "run.json", "problem"),
    "no environment": lambda run: without(run / "run.json", "environment"),
    "no data": lambda run: without(run / "run.json", "data"),
    "an empty document": lambda run: (run / "run.json").write_text("{}"),
    "a cut split": lambda run: (run / "split.npz").write_bytes(b"PK"),
}


@pytest.mark.parametrize("name", list(DAMAGE))
def test_damage_is_an_error_and_changes_nothing(name: str, stopped: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(stopped, run)
    DAMAGE[name](run)
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    with pytest.raises((RunError, DataError)) as caught:
        ssdgm_train.resume(run)
    assert str(run) in str(caught.value)
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


def test_what_was_not_damaged_resumes(stopped: Path, tmp_path: Path) -> None:
    shutil.copytree(stopped, tmp_path / "run")
    list(ssdgm_train.train(ssdgm_train.resume(tmp_path / "run")))
    assert Run(tmp_path / "run").result is not None


def test_a_run_that_is_being_trained_cannot_be_resumed_beside(
    stopped: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(stopped, run)
    steps = ssdgm_train.train(ssdgm_train.resume(run))
    next(steps)
    text = cases.message(RunError, lambda: ssdgm_train.resume(run))
    assert "Another process is working on" in text
    list(steps)
    ssdgm_train.resume(run)


def test_strange_things_among_the_checkpoints_do_not_stand_in_the_way(
    stopped: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(stopped, run)
    (run / "checkpoints" / "step-99999999").write_text("a file")
    (run / ".x.1-2.part").mkdir()
    list(ssdgm_train.train(ssdgm_train.resume(run)))
    assert sorted(p.suffix for p in run.iterdir() if p.name.startswith(".")) == []


def test_a_hundred_million_steps_are_newer_than_fewer(tmp_path: Path) -> None:
    parts = cases.everything(cases.separable())
    run = directory.create(tmp_path / "run", cases.record(), parts)
    for name in ("step-99999999", "step-100000000"):
        (run.path / "checkpoints" / name).mkdir()
    assert run.latest is not None
    assert run.latest.name == "step-100000000"


def test_a_model_too_large_to_build_leaves_nothing(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "set.npz", cases.separable("binomial-uint8", 60, test=30))
    plan = cases.small_recipe("m2", "model.hidden=[100000000000]")
    text = cases.message(
        settings.RecipeError,
        lambda: ssdgm_train.begin(source, plan, tmp_path / "run", labelled=12),
    )
    assert "The model cannot be built" in text
    assert not (tmp_path / "run").exists()


def test_an_empty_name_is_not_the_current_folder() -> None:
    assert "name of the data is empty" in cases.message(DataError, lambda: catalog.locate(""))


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (np.array([0, 1, 2**64 - 1], np.uint64), "labels below 2**63"),
        (np.array([0, 1, 1e300]), "expected whole numbers or strings"),
        (np.array(["\udc80", "a", "b"]), "labels that UTF-8 can write"),
    ],
)
def test_labels_that_cannot_be_kept_are_errors(y: np.ndarray, text: str) -> None:
    x = np.zeros((3, 2), np.float32)
    assert text in cases.message(DataError, lambda: dataset.make("set", x, y))


def test_a_setting_of_two_lines_is_no_two_settings() -> None:
    with pytest.raises(settings.RecipeError, match=r"train\.steps is "):
        recipe.load(None, "m2", ["train.steps=3\nx=5"])

"""A run directory that is damaged, or in use, is an error that names it; nothing is trained on."""

import errno
import json
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Never

import cases
import numpy as np
import pytest

import ssdgm_train
from ssdgm_runtime.errors import DataError, DataNotFound, WriteFailed
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
    for _ in range(10):
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


@pytest.fixture
def copy(stopped: Path, tmp_path: Path) -> Path:
    """The run with its data, to damage."""
    shutil.copytree(stopped.parent, tmp_path / "all")
    return tmp_path / "all" / "run"


def only(run: Path) -> None:
    """Leave the newest checkpoint alone."""
    for place in Run(run).checkpoints[1:]:
        shutil.rmtree(place)


@pytest.mark.parametrize("name", list(DAMAGE))
def test_damage_is_an_error_and_changes_nothing(name: str, copy: Path) -> None:
    only(copy)
    DAMAGE[name](copy)
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    with pytest.raises((RunError, DataError)) as caught:
        ssdgm_train.resume(copy)
    assert str(copy) in str(caught.value)
    assert {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()} == before


OF_CHECKPOINTS = [n for n in DAMAGE if "weights" in n or "state" in n or "optimiser" in n]


@pytest.mark.parametrize("name", OF_CHECKPOINTS)
def test_a_damaged_checkpoint_costs_one_interval(name: str, copy: Path, stopped: Path) -> None:
    newest, older = Run(copy).checkpoints
    DAMAGE[name](copy)
    session = ssdgm_train.resume(copy)
    (remark,) = session.remarks
    assert str(newest) in remark
    assert f"put aside as damaged-{newest.name}, and the run goes on from step" in remark
    assert session.state.step == int(older.name.removeprefix("step-"))
    list(ssdgm_train.train(session))
    assert Run(copy).result is not None
    assert (newest.parent / f"damaged-{newest.name}").is_dir()
    shutil.rmtree(newest.parent / f"damaged-{newest.name}")
    whole = stopped.parent.parent / f"whole-{stopped.parent.name}"
    if not whole.exists():
        shutil.copytree(stopped.parent, whole)
        list(ssdgm_train.train(ssdgm_train.resume(whole / "run")))
    assert cases.outcome(copy) == cases.outcome(whole / "run")


def test_what_was_not_damaged_resumes(copy: Path) -> None:
    session = ssdgm_train.resume(copy)
    assert session.remarks == ()
    list(ssdgm_train.train(session))
    assert Run(copy).result is not None


def test_a_run_that_is_being_trained_cannot_be_resumed_beside(copy: Path) -> None:
    steps = ssdgm_train.train(ssdgm_train.resume(copy))
    next(steps)
    text = cases.message(RunError, lambda: ssdgm_train.resume(copy))
    assert "Another process is working on" in text
    list(steps)
    ssdgm_train.resume(copy)


@pytest.mark.parametrize("kind", ["file", "folder", "word"])
def test_strange_things_among_the_checkpoints_are_named_and_passed_over(
    copy: Path, kind: str
) -> None:
    stray = copy / "checkpoints" / ("step-later" if kind == "word" else "step-99999999")
    if kind == "file":
        stray.write_text("a file")
    else:
        stray.mkdir()
    (copy / ".x.1-2.part").mkdir()
    session = ssdgm_train.resume(copy)
    assert session.remarks == (f"{stray} is no checkpoint and is passed over",)
    list(ssdgm_train.train(session))
    assert stray.exists()
    assert sorted(p.suffix for p in copy.iterdir() if p.name.startswith(".")) == []


def test_a_line_of_metrics_that_was_cut_short_is_named(copy: Path) -> None:
    with (copy / "metrics.jsonl").open("a") as file:
        file.write('{"step": 1')
    assert ssdgm_train.resume(copy).remarks == (
        "the last line of metrics.jsonl was cut short and is left out",
    )
    assert ssdgm_train.resume(copy).remarks == ()


@pytest.mark.parametrize(("key", "value"), [("seed", 7), ("labels", 10)])
def test_an_edit_of_the_record_is_refused_or_adopted(copy: Path, key: str, value: int) -> None:
    place = copy / "run.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), key: value}))
    text = cases.message(RunError, lambda: ssdgm_train.resume(copy))
    assert f"{place} has changed since it was written" in text
    assert "train --resume --adopt" in text
    assert getattr(ssdgm_train.resume(copy, adopt=True).run.read(), key) == value
    ssdgm_train.resume(copy)


def test_a_record_without_a_digest_is_of_an_older_version(copy: Path) -> None:
    without(copy / "run.json", "digest")
    assert ssdgm_train.resume(copy).run.read().seed == 0


def test_an_edited_state_is_damage(copy: Path) -> None:
    place = latest(copy, "state.json")
    place.write_text(place.read_text().replace('"best": ', '"best": 1'))
    assert "has changed since it was written" in ssdgm_train.resume(copy).remarks[0]


def test_a_run_says_where_its_data_lies_from_itself(copy: Path, tmp_path: Path) -> None:
    record = json.loads((copy / "run.json").read_text())
    assert record["data"]["source"] == "../set.npz"
    assert platform.release() not in (copy / "run.json").read_text()
    moved = Path(shutil.move(copy, tmp_path / "elsewhere"))
    assert ssdgm_train.resume(moved).state.step  # by what it notes beside
    (moved / "place.txt").unlink()
    text = cases.message(DataNotFound, lambda: ssdgm_train.resume(moved))
    assert "train DATA --resume RUN" in text
    session = ssdgm_train.resume(moved, source=str(copy.parent / "set.npz"))
    assert session.state.step


@pytest.mark.parametrize("call", ["fsync", "replace", "rename"])
def test_a_full_disk_names_the_file_and_the_run_goes_on_later(
    copy: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    session = ssdgm_train.resume(copy)

    def full(*_: object) -> Never:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(WriteFailed, match=rf"Cannot write {copy}.*No space left"):
            list(ssdgm_train.train(session))
    list(ssdgm_train.train(ssdgm_train.resume(copy)))
    assert Run(copy).result is not None


def test_a_hundred_million_steps_are_newer_than_fewer(tmp_path: Path) -> None:
    parts = cases.everything(cases.separable())
    run = directory.create(tmp_path / "run", cases.record(), parts)
    for name in ("step-99999999", "step-100000000"):
        (run.path / "checkpoints" / name).mkdir()
        (run.path / "checkpoints" / name / "state.json").touch()
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

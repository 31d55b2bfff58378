"""The run directory: whole or not at all, readable without pickle, damaged files found."""

import dataclasses
import json
import os
from pathlib import Path

import cases
import numpy as np
import pytest

from ssdgm_runtime.errors import DataError, OutputExists
from ssdgm_train import method, methods
from ssdgm_train.data.split import Split
from ssdgm_train.labels.classes import Classes
from ssdgm_train.problems import Problem
from ssdgm_train.runs import directory, metrics, records
from ssdgm_train.runs.directory import Run, RunError

PARTS = Split(np.array([1, 3]), np.array([0, 4]), np.array([2]))
PROBLEM = Problem((2,), "uint8", Classes((0.5, 0.5)), "bernoulli", (0.0,), (1.0,))
RECORD = records.RunRecord(
    recipe={"method": "m2", "model": {}},
    seed=0,
    labels=None,
    data=records.Data("ü", "b", "c", (0, 1), 2, 2, 1, True, 0),
    split=PARTS.digest,
    problem=PROBLEM,
    environment=records.Environment(device="cpu", threads=1),
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return directory.create(tmp_path / "run", RECORD, PARTS)


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        ("seed", "x", ": $.seed is str; expected int"),
        ("data", {}, " (Object missing required field source at $.data)"),
        ("split", None, ": $.split is null; expected str"),
        ("environment", {"device": 1}, ": $.environment.device is int; expected str"),
        ("labels", [], ": $.labels is array; expected int | null"),
    ],
)
def test_a_record_that_lacks_something_is_an_error_that_names_it(
    tmp_path: Path, place: str, value: object, says: str
) -> None:
    run = directory.create(tmp_path / "run", RECORD, PARTS)
    directory.write_json(run.path / "run.json", {**records.plain(RECORD), place: value})
    text = cases.message(RunError, run.read)
    assert text == f"{run.path / 'run.json'} is damaged{says}. {records.RESTORE}"


@pytest.mark.parametrize("value", ["NaN", "null", '"2"'])
def test_a_result_of_another_kind_is_an_error(run: Run, value: str) -> None:
    (run.path / "result.json").write_text(f'{{"temperature": {value}}}')
    cases.message(RunError, lambda: directory.ended(run))


def names(path: Path) -> list[str]:
    return sorted(p.name for p in path.iterdir())


def test_a_new_directory_holds_the_record_and_the_split(run: Run) -> None:
    assert run.read() == RECORD
    found = run.split()
    assert (found.labelled.tolist(), found.unlabelled.tolist()) == ([1, 3], [0, 4])
    assert found.validation.tolist() == [2]
    assert names(run.path) == ["checkpoints", "run.json", "split.npz"]
    assert (run.latest, run.best, run.result) == (None, None, None)


def test_the_folders_above_are_made(tmp_path: Path) -> None:
    assert directory.create(tmp_path / "a" / "b", RECORD, PARTS).read() == RECORD
    assert names(tmp_path / "a") == ["b"]


@pytest.mark.parametrize("kind", ["folder", "file", "run"])
def test_what_is_there_already_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    else:
        directory.create(path, dataclasses.replace(RECORD, seed=5), PARTS)
    before = [(p, p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file()]
    text = cases.message(OutputExists, lambda: directory.create(path, RECORD, PARTS))
    assert f"{path} already exists. Give another --out, or continue with: " in text
    assert f"--resume {path}" in text
    assert [(p, p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file()] == before


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    text = cases.message(
        RunError, lambda: directory.create(tmp_path / "file" / "run", RECORD, PARTS)
    )
    assert "cannot be made" in text


def test_the_remains_of_a_beginning_that_was_killed_are_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            directory.create(tmp_path / "run", RECORD, PARTS)
    assert names(tmp_path) == []
    assert directory.create(tmp_path / "run", RECORD, PARTS).read() == RECORD
    assert names(tmp_path) == ["run"]


def test_the_last_two_and_the_best_checkpoint_are_kept_and_no_other(run: Run) -> None:
    model, state = cases.trained(methods.METHODS["m2"], cases.separable(), 2)
    for step in (5, 10, 100_000_000):
        state.step = step
        directory.save(run, model, state)
        directory.save_best(run, model, step // 5)
    assert names(run.path / "checkpoints") == [
        "best-20000000",
        "step-00000010",
        "step-100000000",
    ]
    assert run.latest == run.path / "checkpoints" / "step-100000000"
    assert run.chosen("last") == run.latest
    assert run.chosen("best") == run.best
    assert names(run.chosen("last")) == [
        "optimiser.safetensors",
        "random.safetensors",
        "state.json",
        "weights.safetensors",
    ]


def test_a_checkpoint_that_is_not_whole_does_not_count(run: Run) -> None:
    model, state = cases.trained(methods.METHODS["m2"], cases.separable(), 2)
    directory.save(run, model, state)
    (run.path / "checkpoints" / ".step-00000009.1-ab.part").mkdir()
    assert run.latest == run.path / "checkpoints" / "step-00000002"


@pytest.mark.parametrize("select", ["last", "best"])
def test_without_a_checkpoint_there_is_nothing_to_choose(run: Run, select: str) -> None:
    text = cases.message(RunError, lambda: run.chosen(select))
    assert f"{run.path} has no checkpoint yet" in text
    assert "--resume" in text


def test_metrics_are_read_up_to_a_step_and_without_a_line_cut_short(run: Run) -> None:
    assert metrics.read(run.path) == []
    for step in (4, 8, 12):
        metrics.append(run.path, records.Metrics(step, "joint", {"labelled": 0.5}))
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 1')
    assert [r.step for r in metrics.read(run.path)] == [4, 8, 12]
    assert [r.step for r in metrics.read(run.path, 8)] == [4, 8]
    before = (run.path / "metrics.jsonl").read_text().splitlines()
    metrics.truncate(run.path, 8)
    assert (run.path / "metrics.jsonl").read_text().splitlines() == before[:2]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}', "3"])
def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    text = cases.message(RunError, Run(tmp_path).read)
    assert str(tmp_path) in text


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    text = cases.message(RunError, Run(tmp_path / "nowhere").read)
    assert "is not a run directory" in text
    assert "Give a folder that ssdgm-export train wrote." in text


def test_a_split_that_was_changed_is_an_error(run: Run) -> None:
    np.savez(run.path / "split.npz", labelled=[1], unlabelled=[0, 4], validation=[2, 3])
    assert "split.npz has changed" in cases.message(RunError, run.split)


def test_a_split_that_lacks_a_part_is_an_error(run: Run) -> None:
    np.savez(run.path / "split.npz", labelled=[1], unlabelled=[0, 4])
    assert "validation" in cases.message(DataError, run.split)


@pytest.mark.parametrize("keep", [0, 9, -5])
def test_damaged_weights_are_an_error(run: Run, keep: int) -> None:
    model, state = cases.trained(methods.METHODS["m2"], cases.separable(), 2)
    directory.save(run, model, state)
    file = run.chosen("last") / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    text = cases.message(RunError, lambda: directory.restore(run.chosen("last"), model, state))
    assert f"{file} cannot be read" in text


def test_weights_of_another_model_are_an_error_in_one_line(run: Run) -> None:
    model, state = cases.trained(methods.METHODS["m2"], cases.separable(), 2)
    directory.save(run, model, state)
    other = cases.built(methods.METHODS["m2"], hidden=(9,))
    text = cases.message(RunError, lambda: directory.load_weights(run.chosen("last"), other))
    assert "does not fit the run's recipe" in text
    assert "\n" not in text


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    directory.write_json(path, {"a": 1})
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            directory.write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == records.sealed({"a": 1})


def test_the_optimiser_of_every_player_comes_back_as_its_own(run: Run) -> None:
    """Two players whose optimisers have been told different things."""
    model = cases.built(methods.METHODS["m2"])
    fresh = cases.built(methods.METHODS["m2"])
    states = [_two_players(model, 3), _two_players(fresh, 0)]
    directory.save(run, model, states[0])
    directory.restore(run.chosen("last"), fresh, states[1])
    for name in ("one", "two"):
        saved, found = (s.optimisers[name].state_dict()["state"] for s in states)
        assert saved.keys() == found.keys()
        assert all(np.array_equal(saved[i][k], found[i][k]) for i in saved for k in saved[i])


def _two_players(model: object, steps: int) -> object:
    from ssdgm_train.training import loop

    def player(name: str, part: str) -> method.Player:
        def loss(net: object, batch: method.Batch, _: method.Context) -> method.Terms:
            rows = net.standardise(batch.x)
            found = {"one": net.classifier(rows), "two": net.encoder(rows, _y(rows)).mean}
            return {name: found[name].square().sum(-1)}

        return method.Player(name, loss, {name: 1.0}, lambda m: getattr(m, part).parameters())

    phase = method.Phase("game", (player("one", "classifier"), player("two", "encoder")))
    stages, sizes = [loop.Stage(phase, loop.Plan(steps=max(steps, 1)))], method.Sizes(5, 7)
    state = loop.start(model, stages, sizes, 0, cases.CPU)
    if steps:
        list(loop.fit(model, stages, sizes, lambda *_: lambda _: cases.batch(), state))
    return state


def _y(rows: object) -> object:
    return rows.new_full((len(rows), cases.CLASSES), 1 / cases.CLASSES)

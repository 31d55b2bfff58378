"""The records of runs: files from before there were any still open, and damage is named."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import cases
import pytest

from ssdgm_train import labels
from ssdgm_train.labels import classes
from ssdgm_train.labels.space import Space
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory, evidence, metrics, records, storage

BEFORE = Path(__file__).parent / "before"
"""The JSON files of a short run of m1m2, as ssdgm-train wrote them before it had these records."""

STATE = "checkpoints/step-00000012/state.json"
KINDS: dict[str, type[Any]] = {
    "run.json": records.RunRecord,
    "result.json": records.Result,
    "evaluation.json": records.Evaluation,
    STATE: records.State,
}


@pytest.mark.parametrize("name", list(KINDS))
def test_a_file_from_before_is_read_and_would_be_written_as_it_is(
    name: str, tmp_path: Path
) -> None:
    """All but the name of the label space, which there was no need of."""
    before = json.loads((BEFORE / name).read_text())
    if name == "run.json":
        before["problem"]["labels"] |= {"space": "classes"}
    storage.write_json(tmp_path / "before.json", before)
    storage.write_json(tmp_path / "again.json", records.load(BEFORE / name, KINDS[name]))
    assert (tmp_path / "again.json").read_text() == (tmp_path / "before.json").read_text()


def test_a_run_from_before_opens() -> None:
    run = directory.Run(BEFORE)
    record, result = run.read(), directory.ended(run)
    assert (record.seed, record.plan.method, record.done) == (1, "m1m2", ("features",))
    assert record.problem.shape == (6,)
    assert "space" not in json.loads((BEFORE / "run.json").read_text())["problem"]["labels"]
    assert record.problem.labels == classes.uniform(3)
    assert recipe.to_table(record.plan)["method"] == record.recipe["method"]
    assert result.steps == run.step == metrics.read(BEFORE)[-1].step == 12
    assert result.latents is not None
    assert result.latents.kept
    assert result.baseline is not None
    assert result.baseline.validation is not None
    assert evidence.read(run).evidence.rows is not None


def test_fields_that_came_later_may_be_missing(tmp_path: Path) -> None:
    document = json.loads((BEFORE / "run.json").read_text())
    del document["init"], document["environment"]["bfloat16"]
    for name in ("kind", "columns", "gaps", "unseen", "series"):
        del document["problem"][name]
    (tmp_path / "run.json").write_text(json.dumps({**document, "later": {"a": 1}}))
    record = directory.Run(tmp_path).read()
    assert (record.init, record.done, record.environment.bfloat16) == (None, (), False)
    assert (record.problem.kind, record.problem.columns) == ("rows", ())


@pytest.mark.parametrize("space", [classes.uniform(4), classes.Classes((0.2, 0.8), 1)])
def test_a_label_space_comes_back_from_its_name_and_fields(space: Space, tmp_path: Path) -> None:
    stated = dataclasses.replace(cases.record().problem, labels=space)
    storage.write_json(tmp_path / "run.json", dataclasses.replace(cases.record(), problem=stated))
    written = json.loads((tmp_path / "run.json").read_text())["problem"]["labels"]
    assert written["space"] == space.space
    again = records.load(tmp_path / "run.json", records.RunRecord).problem.labels
    assert again == space
    assert type(again) is labels.SPACES[space.space]


def test_a_label_space_of_another_version_is_said_in_plain_words(tmp_path: Path) -> None:
    document = json.loads((BEFORE / "run.json").read_text())
    document["problem"]["labels"] = {"space": "words", "length": 7}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document))
    text = cases.message(records.RunError, lambda: directory.Run(tmp_path).read())
    assert text == (
        f"{path} has labels of the space 'words'; expected {' or '.join(labels.SPACES)}. "
        "Use the version of ssdgm-train that wrote it."
    )


def test_a_result_without_a_baseline_has_none(tmp_path: Path) -> None:
    shutil.copytree(BEFORE, tmp_path / "run")
    document = json.loads((BEFORE / "result.json").read_text())
    del document["baseline"]
    (tmp_path / "run/result.json").write_text(json.dumps(document))
    assert directory.ended(directory.Run(tmp_path / "run")).baseline is None


PLACES = [
    (("run.json", "problem", "total"), "16", ": $.problem.total is str; expected int. Restore"),
    (("run.json", "problem", "labels"), 3, ": $.problem.labels is int; expected object. Restore"),
    (("run.json", "problem", "labels", "space"), 3, ": $.problem.labels is int; expected str."),
    (("run.json", "problem", "labels", "prior"), "a", ": $.problem.labels.prior is str; expected"),
    (("run.json", "problem", "labels"), {}, " (Object missing required field prior at $.problem"),
    (("run.json", "data", "classes"), [1.5], ": $.data.classes[0] is float; expected int | str."),
    (("result.json", "test", "error"), None, ": $.test.error is null; expected float."),
    (("result.json", "temperature"), [], ": $.temperature is array; expected float."),
    (("evaluation.json", "labels", "classifier"), 3, ": $.labels.classifier is int; expected"),
]


@pytest.mark.parametrize(("path", "value", "says"), PLACES)
def test_what_is_of_another_kind_is_named(
    tmp_path: Path, path: tuple[str, ...], value: object, says: str
) -> None:
    shutil.copytree(BEFORE, tmp_path / "run")
    name, *keys, last = path
    document = json.loads((BEFORE / name).read_text())
    table = document
    for key in keys:
        table = table[key]
    table[last] = value
    (tmp_path / "run" / name).write_text(json.dumps(document))
    run = directory.Run(tmp_path / "run")
    calls = {"run.json": run.read, "result.json": lambda: run.result}
    text = cases.message(
        records.RunError,
        calls.get(name, lambda: evidence.read(run)),  # type: ignore[arg-type]
    )
    assert f"{tmp_path / 'run' / name} is damaged{says}" in text


@pytest.mark.parametrize("content", [b"\xff", b'{"a"', b"NaN", b'{"step": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.json").write_bytes(content)
    text = cases.message(
        records.RunError, lambda: records.load(tmp_path / "state.json", records.State)
    )
    assert f"{tmp_path / 'state.json'} is damaged" in text

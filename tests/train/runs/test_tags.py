"""Runs on rows with tags: every method that knows them, the baseline, and refusals."""

import json
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
import torch

import ssdgm_train
from ssdgm_train.data import dataset
from ssdgm_train.labels import Classes, Tags
from ssdgm_train.methods import METHODS
from ssdgm_train.recipes import recommended
from ssdgm_train.runs import evidence, records
from ssdgm_train.settings import RecipeError

KNOWING = sorted(name for name, spec in METHODS.items() if spec.knows(Tags))
NOT_KNOWING = sorted(n for n, s in METHODS.items() if s.knows(Classes) and not s.knows(Tags))


def saved(path: Path, size: int = 3, missing: float = 0.3) -> str:
    """Rows of which each tag moves one number; some entries, and all of every fourth, missing."""
    rng = np.random.default_rng(0)
    y = (rng.random((160, size)) < 0.4).astype(np.int8)
    x = (np.pad(y, ((0, 0), (0, 2))) * 3 + rng.standard_normal((160, size + 2))).astype(np.float32)
    known = np.where(rng.random(y.shape) < missing, -1, y)[:120].astype(np.int8)
    known[::4] = -1
    np.savez(path, x=x[:120], y=known, x_test=x[120:], y_test=y[120:])
    return str(path)


def trained(source: str, out: Path, method: str, *changes: str) -> Any:  # noqa: ANN401
    plan = cases.small_recipe(method, cases.COMPARED, "data.validation=0.2", *changes)
    session = ssdgm_train.begin(source, plan, out, seed=1, device="cpu")
    for _ in ssdgm_train.train(session):
        pass
    return session


@pytest.mark.parametrize("size", [3, 6, 9])
def test_m2_learns_tags_of_which_some_are_missing(tmp_path: Path, size: int) -> None:
    """Three tags are summed over, six listed, nine drawn."""
    steps = "train.steps=200", "train.learning_rate=0.01", "model.hidden=[32]", "model.alpha=5"
    session = trained(saved(tmp_path / "set.npz", size), tmp_path / "run", "m2", *steps)
    result = session.run.result
    assert result.test.rows == 40
    assert result.test.error < 0.25
    assert result.test.micro_f1 > 0.6
    assert result.baseline.test.rows == 40
    labels = session.run.read().problem.labels
    assert labels == Tags(labels.prior)
    assert len(labels.prior) == size


@pytest.mark.parametrize("method", [name for name in KNOWING if name != "m2"])
def test_every_method_that_knows_tags_trains_on_them(tmp_path: Path, method: str) -> None:
    changes = ("model.head.loss=logistic",) if method == "m1" else ()
    session = trained(saved(tmp_path / "set.npz"), tmp_path / "run", method, *changes)
    assert np.isfinite(session.run.result.test.nll)
    assert session.run.result.neighbours is None


def test_a_few_label_sets_can_be_summed(tmp_path: Path) -> None:
    trained(saved(tmp_path / "set.npz", 6), tmp_path / "run", "m2", "model.likeliest=2")


def test_a_margin_is_for_classes(tmp_path: Path) -> None:
    source = saved(tmp_path / "set.npz")
    text = cases.message(RecipeError, lambda: trained(source, tmp_path / "run", "m1"))
    assert "model.head.loss is s3vm, which separates classes, and the labels are tags" in text


@pytest.mark.parametrize("method", NOT_KNOWING)
def test_a_method_that_does_not_know_tags_says_which_do(tmp_path: Path, method: str) -> None:
    source, out = saved(tmp_path / "set.npz"), tmp_path / "run"
    asked = recommended.Asked(None, method)
    text = cases.message(RecipeError, lambda: ssdgm_train.begin(source, asked, out))
    assert f"{method} does not know tags, which the labels of set are" in text
    assert ", ".join(sorted(KNOWING)) in text.replace("supervised, m1, m1m2, m2", "x") or all(
        name in text for name in KNOWING
    )


def test_a_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    source = saved(tmp_path / "set.npz", 6)
    whole = trained(source, tmp_path / "whole", "m2")
    plan = cases.small_recipe("m2", cases.COMPARED, "data.validation=0.2")
    session = ssdgm_train.begin(source, plan, tmp_path / "part", seed=1, device="cpu")
    for progress in ssdgm_train.train(session):
        if progress.step == 4:
            break
    again = ssdgm_train.resume(tmp_path / "part")
    for _ in ssdgm_train.train(again):
        pass
    weights = zip(whole.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)


def test_the_space_is_stored_with_the_run(tmp_path: Path) -> None:
    session = trained(saved(tmp_path / "set.npz"), tmp_path / "run", "m2")
    labels = json.loads((session.run.path / "run.json").read_text())["problem"]["labels"]
    assert labels["space"] == "tags"
    result = json.loads((session.run.path / "result.json").read_text())
    assert 0 <= result["test"]["micro_f1"] <= 1


def test_errors_of_a_comparison_are_shares_of_known_entries(tmp_path: Path) -> None:
    result = trained(saved(tmp_path / "set.npz"), tmp_path / "run", "m2").run.result
    for part in ("validation", "test"):
        score, compared = getattr(result.uncalibrated, part), getattr(result.baseline, part)
        assert compared.error == pytest.approx(score.error)
        assert compared.low <= compared.difference <= compared.high


def test_evidence_sums_over_label_sets(tmp_path: Path) -> None:
    session = trained(saved(tmp_path / "set.npz"), tmp_path / "run", "m2")
    for _ in evidence.measure(evidence.prepare(session.run.path, samples=3)):
        pass
    labels = evidence.read(session.run).labels
    assert labels.posterior is not None
    assert labels.classifier is not None
    assert labels.posterior.micro_f1 is not None


def test_evidence_draws_a_label_set_where_there_are_too_many(tmp_path: Path) -> None:
    session = trained(saved(tmp_path / "set.npz", 7), tmp_path / "run", "m2")
    for _ in evidence.measure(evidence.prepare(session.run.path, samples=3)):
        pass
    measured = evidence.read(session.run)
    assert measured.labels.posterior is None
    assert measured.evidence.rows is not None
    assert np.isfinite(measured.evidence.rows.importance)


def test_test_rows_without_labels_are_not_scored(tmp_path: Path) -> None:
    with np.load(saved(tmp_path / "set.npz")) as arrays:
        parts = dict(arrays)
    parts["y_test"][:10] = -1
    np.savez(tmp_path / "blank.npz", **parts)
    result = trained(str(tmp_path / "blank.npz"), tmp_path / "run", "m2").run.result
    assert result.test.rows == result.baseline.test.rows == 30


def test_recipes_for_classes_are_not_recommended_for_tags(tmp_path: Path) -> None:
    with np.load(saved(tmp_path / "set.npz")) as arrays:
        data = dataset.make("set", arrays["x"], arrays["y"])
    facts = recommended.data_facts(data, 20)
    assert facts.space == "tags"
    assert str(facts).endswith("with tags")
    assert all(
        recommended.nearest(name, facts) in (None, f"default-{name}-tags") for name in METHODS
    )


def test_a_record_of_tags_is_read_as_it_was_written(tmp_path: Path) -> None:
    space = Tags((0.2, 0.5), heat=0.7)
    record = records.plain(cases.record())
    record["problem"]["labels"] = records.plain(space)
    path = tmp_path / "run.json"
    read = records.parse(json.dumps(record), records.RunRecord, path)
    assert read.problem.labels == space

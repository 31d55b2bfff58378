"""`evaluation.json` of finished runs, and what a run's `result.json` is measured on."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import pytest

import ssdgm_train
from ssdgm_runtime import errors
from ssdgm_train.data.dataset import Dataset
from ssdgm_train.runs import directory, evidence

BLANK = cases.separable("bernoulli-uint8", labelled=40, blank=20, test=30)
Finished = Callable[..., Path]


@pytest.fixture
def finished(tmp_path: Path) -> Finished:
    """A finished run of a method on some data."""

    def train(name: str = "m2", found: Dataset = BLANK, *changes: str, labels: int = 24) -> Path:
        source = cases.saved(tmp_path / "rows.npz", found)
        plan = cases.small_recipe(name, *changes)
        session = ssdgm_train.begin(source, plan, tmp_path / name, labels, 3, "cpu")
        list(ssdgm_train.train(session))
        return tmp_path / name

    return train


def evaluated(path: Path, samples: int = 3, rows: int | None = None) -> Any:  # noqa: ANN401
    job = evidence.prepare(path, samples, rows, device="cpu")
    steps = list(evidence.measure(job))
    assert [step.step for step in steps] == list(range(1, job.steps + 1))
    return evidence.read(job.run)


def test_a_result_has_a_score_for_every_part_whose_labels_are_known(finished: Finished) -> None:
    run = directory.Run(finished())
    result, parts = directory.ended(run), run.split()
    known = (BLANK.y[parts.unlabelled] >= 0).sum()
    assert 0 < known < len(parts.unlabelled)
    assert result.unlabelled.rows == known
    assert result.validation.rows == len(parts.validation)
    assert result.test.rows == 30
    assert result.temperature == 1
    assert result.latents.size == 2


def test_a_pool_without_a_known_label_has_no_score(finished: Finished) -> None:
    result = directory.ended(directory.Run(finished("supervised", labels=40)))
    assert result.unlabelled is result.latents is result.neighbours is None


@pytest.mark.parametrize("name", ["m1", "m2", "m1m2"])
def test_a_run_is_measured_on_its_test_rows_and_on_bits(name: str, finished: Finished) -> None:
    whole = ["model.features.threshold=0"] if name == "m1m2" else []
    path = finished(name, BLANK, *whole)
    found = evaluated(path)
    assert (found.part, found.rows, found.samples) == ("test", 30, 3)
    for kind in ("rows", "bits"):
        estimate = getattr(found.evidence, kind)
        assert all(map(math.isfinite, vars(estimate).values()))
        assert estimate.importance > estimate.bound
        assert estimate.standard_error > 0
    labels, result = found.labels, directory.ended(directory.Run(path))
    assert labels.classifier == result.test
    assert (labels.posterior is None) is (name == "m1")
    assert not labels.posterior or labels.posterior.rows == 30


def test_the_classifier_s_score_is_at_the_run_s_temperature(finished: Finished) -> None:
    run = directory.Run(finished())
    result = directory.ended(run)
    directory.write_json(run.path / "result.json", dataclasses.replace(result, temperature=3.0))
    found = evaluated(run.path).labels.classifier
    assert found.error == result.test.error
    assert found.nll != pytest.approx(result.test.nll)


def test_rows_are_drawn_with_the_run_s_seed_and_the_file_is_overwritten(
    finished: Finished,
) -> None:
    path = finished()
    one, again, other = evaluated(path, 2, 8), evaluated(path, 2, 8), evaluated(path, 2, 9)
    assert one == again
    assert (one.rows, other.rows) == (8, 9)
    assert evidence.read(directory.Run(path)) == other


def test_counts_have_no_bits(finished: Finished) -> None:
    found = evaluated(finished("m2", cases.separable("binomial-uint8", 40, test=9)))
    assert found.evidence.bits is None


def test_validation_rows_serve_where_there_is_no_test(finished: Finished) -> None:
    path = finished("m2", cases.separable("bernoulli-uint8", 40), "data.validation=10")
    assert (evaluated(path).part, evaluated(path).rows) == ("validation", 10)


def test_terms_come_with_every_tenth_draw_and_the_last(finished: Finished) -> None:
    job = evidence.prepare(finished(), samples=12, rows=5, device="cpu")
    found = {s.step: s.terms for s in evidence.measure(job) if s.terms}
    assert list(found) == [10, 12, 22, 24]
    assert [list(terms) for terms in found.values()] == 2 * [["log p(x)"]] + 2 * [
        ["log p(x), x as bits drawn from it"]
    ]


def test_a_run_without_a_generative_model_is_refused(finished: Finished) -> None:
    path = finished("supervised")
    text = cases.message(directory.RunError, lambda: evidence.prepare(path))
    assert "is a run of supervised, which has no p(x)" in text
    assert "Take a run of a method that generates" in text
    assert not (path / "evaluation.json").exists()


def test_a_run_with_no_row_held_out_is_refused(finished: Finished) -> None:
    path = finished("m2", cases.separable("bernoulli-uint8", 40), "data.validation=0.001")
    text = cases.message(errors.DataError, lambda: evidence.prepare(path))
    assert "neither test nor validation rows" in text


def test_a_run_that_has_not_ended_is_refused(finished: Finished) -> None:
    path = finished()
    (path / "result.json").unlink()
    assert "has not ended" in cases.message(directory.RunError, lambda: evidence.prepare(path))


def test_a_run_that_was_not_evaluated_says_so(finished: Finished) -> None:
    run = directory.Run(finished())
    assert "evaluation.json" in cases.message(directory.RunError, lambda: evidence.read(run))

"""Runs on rows whose labels are numbers: every method that knows them, the baseline, refusals."""

import json
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
import torch

import ssdgm_train
from ssdgm_train.evaluation import paired, regressors
from ssdgm_train.labels import Continuous
from ssdgm_train.methods import METHODS
from ssdgm_train.portfolio import search
from ssdgm_train.recipes import recommended
from ssdgm_train.runs import baseline, evidence, records
from ssdgm_train.settings import RecipeError

KNOWING = ("supervised", "m1", "m1m2", "ladder")


def saved(path: Path, size: int = 1) -> str:
    """Rows of a line; labels far from zero, of which two thirds and some test ones are missing."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((200, 2))
    x = (z @ rng.standard_normal((2, 6)) + 0.1 * rng.standard_normal((200, 6))).astype(np.float32)
    y = np.stack([1000 + 50 * z[:, 0], z[:, 1]][:size], 1)
    known = y[:150].copy()
    known[np.arange(150) % 3 > 0] = np.nan
    known[::6, 0] = np.nan if size > 1 else known[::6, 0]
    tests = np.where(np.arange(50)[:, None] < 5, np.nan, y[150:])
    np.savez(path, x=x[:150], y=known, x_test=x[150:], y_test=tests)
    return str(path)


def trained(source: str, out: Path, method: str, *changes: str) -> Any:  # noqa: ANN401
    always = ('data.labels_as="numbers"', "data.validation=0.2")
    plan = cases.small_recipe(method, cases.COMPARED, *always, *changes)
    session = ssdgm_train.begin(source, plan, out, seed=1, device="cpu")
    for _ in ssdgm_train.train(session):
        pass
    return session


LONG = ("train.steps=250", "train.learning_rate=0.01", "model.hidden=[32]", "model.alpha=10")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    folder = tmp_path_factory.mktemp("numbers")
    return trained(saved(folder / "set.npz", 2), folder / "run", "m2", *LONG)


def test_m2_learns_numbers_of_which_some_are_missing(run: Any) -> None:  # noqa: ANN401
    result = run.run.result
    assert result.test.rows == 45
    assert result.test.error < 0.45
    assert result.test.rmse[0] < 25
    assert result.test.rmse[1] < 0.6
    assert min(result.test.r2) > 0.7
    assert result.neighbours is None
    labels = run.run.read().problem.labels
    assert isinstance(labels, Continuous)
    assert labels.shift[0] == pytest.approx(1000, abs=30)


@pytest.mark.parametrize("method", KNOWING)
def test_every_method_that_knows_numbers_trains_on_them(tmp_path: Path, method: str) -> None:
    changes = ("model.head.loss=logistic",) if method == "m1" else ()
    session = trained(saved(tmp_path / "set.npz"), tmp_path / "run", method, *changes)
    assert np.isfinite(session.run.result.test.nll)


def test_a_margin_is_for_classes(tmp_path: Path) -> None:
    source = saved(tmp_path / "set.npz")
    text = cases.message(RecipeError, lambda: trained(source, tmp_path / "run", "m1"))
    assert "model.head.loss is s3vm, which separates classes, and the labels are numbers" in text


@pytest.mark.parametrize("method", ["gmdgm", "adgm", "vat"])
def test_a_method_that_does_not_know_numbers_says_so(tmp_path: Path, method: str) -> None:
    source = saved(tmp_path / "set.npz")
    text = cases.message(RecipeError, lambda: trained(source, tmp_path / "run", method))
    assert "numbers" in text
    assert method in METHODS


def test_the_baseline_is_a_regressor_in_the_same_measure(run: Any) -> None:  # noqa: ANN401
    beside = run.run.result.baseline
    names = [one.name for one in beside.chosen.candidates]
    assert beside.measure == "rmse"
    for kind in ("Ridge", "SVR", "KNeighborsRegressor", "HistGradientBoostingRegressor"):
        assert any(name.startswith(kind) for name in names)
    score = run.run.result.uncalibrated.test
    assert beside.test.error == pytest.approx(score.error)
    assert beside.test.low <= beside.test.difference <= beside.test.high
    text = baseline.sentence(beside.test, beside.method, beside.measure)
    assert text.startswith("RMSE ")
    assert "% of the labels' deviation on the labels alone by" in text
    assert any("RMSE on the labels alone, by" in line for line in baseline.remarks(beside))


def test_regressors_are_fitted_where_each_number_is_known() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3)).astype(np.float32)
    y = np.stack([x[:, 0], -x[:, 1]], 1).astype(np.float64)
    y[::2, 0], y[1::3, 1] = np.nan, np.nan
    held = regressors.folds(60, 0, 5)
    assert sorted(np.concatenate(held).tolist()) == list(range(60))
    every, best, model = regressors.on_labels("rows", x, y, held)
    assert best.name.startswith("Ridge")
    assert best.error is not None
    assert best.error < 0.1
    assert len(every) == 10
    assert np.isfinite(model.predict(x)).all()
    assert regressors.folds(3, 0, 5) == ()


def test_an_interval_of_root_mean_squares_is_that_of_resampled_rows() -> None:
    rng = np.random.default_rng(0)
    own, theirs = rng.exponential(1.0, 300), rng.exponential(2.0, 300)
    compared = paired.compare(own, theirs, 0)
    assert compared.error == pytest.approx(np.sqrt(own.mean()))
    assert compared.difference == pytest.approx(np.sqrt(theirs.mean()) - np.sqrt(own.mean()))
    assert 0 < compared.low < compared.difference < compared.high
    same = paired.compare(own, own, 0)
    assert same.low == same.difference == same.high == 0


def test_the_space_is_stored_and_read_again(run: Any) -> None:  # noqa: ANN401
    path = run.run.path / "run.json"
    stored = json.loads(path.read_text())["problem"]["labels"]
    assert stored["space"] == "numbers"
    labels = records.load(path, records.RunRecord).problem.labels
    assert labels == run.model.labels


def test_a_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    source = saved(tmp_path / "set.npz", 2)
    whole = trained(source, tmp_path / "whole", "m2")
    plan = cases.small_recipe("m2", 'data.labels_as="numbers"', "data.validation=0.2")
    session = ssdgm_train.begin(source, plan, tmp_path / "part", seed=1, device="cpu")
    for progress in ssdgm_train.train(session):
        if progress.step == 4:
            break
    again = ssdgm_train.resume(tmp_path / "part")
    for _ in ssdgm_train.train(again):
        pass
    weights = zip(whole.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)


@pytest.mark.parametrize(("shape", "suffix"), [((8,), ""), ((60,), "-wide"), ((8, 8), "-wide")])
def test_the_wider_a_row_the_more_its_label_counts(shape: tuple[int, ...], suffix: str) -> None:
    kind = "image" if len(shape) > 1 else "rows"
    facts = recommended.DataFacts(kind, 500, shape, 50, 50, "", "numbers")
    assert recommended.nearest("m2", facts) == f"default-m2-numbers{suffix}"


def test_auto_takes_the_recommended_recipe_and_compares_nothing(tmp_path: Path) -> None:
    changes = ('data.labels_as="numbers"', "train.steps=3", "model.hidden=[4]")
    begun = search.begin(
        saved(tmp_path / "set.npz"), search.asked(changes), tmp_path / "run", 1.0, device="cpu"
    )
    assert search.others(begun) == ()
    for _ in search.train(begun):
        pass
    assert begun.run.read().plan.method == "m2"


def test_evidence_draws_numbers_where_they_cannot_be_listed(run: Any) -> None:  # noqa: ANN401
    for _ in evidence.measure(evidence.prepare(run.run.path, samples=5, rows=20)):
        pass
    measured = evidence.read(run.run)
    assert measured.labels.posterior is None
    assert measured.labels.classifier is not None
    assert measured.evidence.rows is not None
    assert measured.evidence.rows.importance >= measured.evidence.rows.bound - 0.5

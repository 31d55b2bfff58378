"""The supervised baseline beside a run: trained, compared, and resumed like everything else."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

import ssdgm_train
from ssdgm_train import evaluation
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import baseline, directory, metrics, records, session, training
from ssdgm_train.runs.directory import Run, RunError

SOURCE = cases.separable("gaussian-float32", 60, 40, 30)


@pytest.fixture
def source(tmp_path: Path) -> str:
    """An archive with blanks and test rows."""
    return cases.saved(tmp_path / "rows.npz", SOURCE)


def trained(source: str, out: Path, *changes: str, name: str = "m2") -> Run:
    plan = cases.small_recipe(name, "data.validation=12", "run.baseline=100", *changes)
    begun = ssdgm_train.begin(source, plan, out, seed=3, device="cpu")
    for _ in ssdgm_train.train(begun):
        pass
    return Run(out)


def compared(found: Run) -> evaluation.Baseline:
    beside = directory.ended(found).baseline
    assert beside is not None
    return beside


def network(beside: evaluation.Baseline) -> evaluation.Baseline | evaluation.Other:
    """What was found of the network, whoever the baseline is."""
    if beside.method == "supervised":
        return beside
    assert isinstance(beside.chosen, evaluation.Chosen)
    (found,) = (other for other in beside.chosen.others if other.name == "supervised")
    return found


def test_a_run_ends_with_its_baseline_on_the_same_rows_and_labels(
    source: str, tmp_path: Path
) -> None:
    found = trained(source, tmp_path / "run")
    beside = Run(tmp_path / "run/baseline")
    assert beside.read().plan.method == "supervised"
    assert beside.read().split == found.read().split
    assert beside.read().problem == found.read().problem
    assert compared(found).steps == 12
    comparison = network(compared(found))
    own, theirs = directory.ended(found), directory.ended(beside)
    assert theirs.baseline is None
    for part, rows in (("validation", 12), ("test", 30)):
        told, mine, other = (getattr(r, part) for r in (comparison, own, theirs))
        assert told.rows == rows
        assert (told.error, told.baseline) == (mine.error, other.error)
        assert told.difference == pytest.approx(other.error - mine.error)
        assert told.low <= told.difference <= told.high


@pytest.mark.parametrize(("steps", "expected"), [("run.baseline=5", 5), ("run.baseline=500", 12)])
def test_its_steps_are_a_setting_and_no_more_than_the_run_s(
    source: str, tmp_path: Path, steps: str, expected: int
) -> None:
    assert compared(trained(source, tmp_path / "run", steps)).steps == expected


@pytest.mark.parametrize(
    ("name", "change"), [("supervised", "run.select=last"), ("m2", "run.baseline=0")]
)
def test_there_is_none_beside_itself_or_where_none_is_wanted(
    source: str, tmp_path: Path, name: str, change: str
) -> None:
    found = trained(source, tmp_path / "run", change, name=name)
    assert directory.ended(found).baseline is None
    assert not (tmp_path / "run/baseline").exists()


def test_there_is_none_without_unlabelled_rows(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", cases.separable("gaussian-float32", 60))
    assert directory.ended(trained(source, tmp_path / "run")).baseline is None


def test_without_held_out_rows_there_is_nothing_to_compare(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", cases.separable("gaussian-float32", 60, 40))
    found = trained(source, tmp_path / "run", "data.validation=0")
    assert (compared(found).validation, compared(found).test) == (None, None)
    decision = baseline.better(found)
    assert decision.run.path == found.path
    assert decision.reason == (
        "The run ships undecided: only 0 validation rows were held out, and 30 are needed to "
        "decide"
    )


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        (("model.hidden=[7]",), (7,)),
        (("model.hidden=[7]", "model.classifier=[5, 4]"), (5, 4)),
    ],
)
def test_its_network_has_the_widths_of_the_classifier(
    source: str, tmp_path: Path, changes: tuple[str, ...], hidden: tuple[int, ...]
) -> None:
    trained(source, tmp_path / "run", *changes)
    plan = Run(tmp_path / "run/baseline").read().plan
    assert plan.model.hidden == hidden
    assert plan.run.baseline == 0


def test_features_lend_it_their_widths(source: str, tmp_path: Path) -> None:
    trained(source, tmp_path / "run", "model.features.hidden=[6]", name="m1m2")
    plan = Run(tmp_path / "run/baseline").read().plan
    assert plan.model.hidden == (6,)


def test_a_baseline_that_diverges_leaves_the_run_its_result(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = baseline._plan
    hot = recipe.load(None, "supervised", ["train.learning_rate=1e30"]).train

    def wild(main: session.Session) -> recipe.Recipe:
        found = plan(main)
        return dataclasses.replace(found, train=dataclasses.replace(hot, steps=12))

    monkeypatch.setattr(baseline, "_plan", wild)
    found = trained(source, tmp_path / "run")
    assert directory.ended(found).baseline is None
    assert directory.ended(found).steps == 12


class Stopped(Exception):
    """What a test stops a run with."""


def stop(at: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that stops the run when it is called for the nth time."""
    calls = iter(range(1, 1000))

    def stopping(*args: Any, **named: Any) -> Any:  # noqa: ANN401
        if next(calls) == at:
            raise Stopped
        return function(*args, **named)

    return stopping


PLACES = {
    "before it has a directory": (directory, "create", 2),
    "before its first record": (metrics, "append", 4),
    "before its second checkpoint": (directory, "save", 5),
    "before it is measured": (evaluation, "outcome", 1),
    "before the run is measured": (evaluation, "outcome", 2),
    "before they are compared": (training, "_compare", 1),
}


@pytest.mark.parametrize(("module", "name", "call"), PLACES.values(), ids=PLACES)
def test_a_run_that_is_stopped_in_its_baseline_goes_on_to_the_same_bytes(
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,  # noqa: ANN401
    name: str,
    call: int,
) -> None:
    trained(source, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(module, name, stop(call, getattr(module, name)))
        with pytest.raises(Stopped):
            trained(source, tmp_path / "broken")
    assert Run(tmp_path / "broken").step == 12
    assert Run(tmp_path / "broken").result is None
    assert list(ssdgm_train.train(ssdgm_train.resume(tmp_path / "broken"))) == []
    assert cases.outcome(tmp_path / "broken") == cases.outcome(tmp_path / "whole")


@pytest.mark.slow
def test_a_run_killed_in_its_baseline_ends_like_an_undisturbed_one(
    source: str, tmp_path: Path
) -> None:
    script = (
        "import signal, sys; from pathlib import Path; import torch, test_baseline as t;"
        "torch.set_num_threads(1);"
        "t.trained(sys.argv[1], Path(sys.argv[2]), 'train.steps=150');"
        "signal.pause()"
    )
    here = Path(__file__).parent
    paths = (str(here), str(here.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-c", script, source, str(tmp_path / "broken")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    with process:
        while not (tmp_path / "broken/baseline").exists() and process.poll() is None:
            time.sleep(0.002)
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    if Run(tmp_path / "broken").result is None:
        list(ssdgm_train.train(ssdgm_train.resume(tmp_path / "broken")))
    trained(source, tmp_path / "whole", "train.steps=150")
    assert cases.outcome(tmp_path / "broken") == cases.outcome(tmp_path / "whole")


def wrong(count: int, rows: int = 100) -> Any:  # noqa: ANN401
    return (np.arange(rows) < count).astype(np.int64)


def test_an_interval_is_of_pairs_and_narrow_where_errors_are_the_same() -> None:
    same = evaluation.compare(wrong(20), wrong(20), 0)
    assert (same.difference, same.low, same.high) == (0, 0, 0)
    apart = evaluation.compare(wrong(20), wrong(20)[::-1], 0)
    assert apart.difference == 0
    assert apart.low < -0.05 < 0.05 < apart.high
    assert apart == evaluation.compare(wrong(20), wrong(20)[::-1], 0)


def test_an_interval_is_that_of_the_normal_distribution_for_many_rows() -> None:
    rng = np.random.default_rng(0)
    own, theirs = (rng.random((2, 20_000)) < [[0.1], [0.12]]).astype(np.int64)
    found = evaluation.compare(own, theirs, 1)
    gains = theirs.astype(float) - own
    half = 1.96 * gains.std() / np.sqrt(len(gains))
    assert found.high - found.difference == pytest.approx(half, rel=0.05)
    assert found.difference - found.low == pytest.approx(half, rel=0.05)


@pytest.mark.parametrize(
    ("own", "theirs", "says"),
    [
        (10, 30, "the unlabelled rows helped here"),
        (30, 10, "the unlabelled rows hurt here"),
        (10, 11, "whether the unlabelled rows helped is open"),
    ],
)
def test_a_verdict_is_where_the_interval_lies(own: int, theirs: int, says: str) -> None:
    text = baseline.sentence(evaluation.compare(wrong(own), wrong(theirs), 0), "SVC(C=1)")
    begin = f"error {theirs}.00 % on the labels alone by SVC(C=1), {own}.00 % with the unlabelled"
    assert text.startswith(begin)
    assert text.endswith(says)


@pytest.mark.parametrize(
    ("difference", "low", "high", "words", "ends"),
    [
        (0.2, 0.05, 0.5, "20.00 points less", "5.00 less to 50.00 less"),
        (0.01, -0.02, 0.04, "1.00 points less", "2.00 more to 4.00 less"),
        (-0.1259, -0.2, -0.05, "12.59 points more", "5.00 more to 20.00 more"),
        (-0.01, -0.04, 0.02, "1.00 points more", "2.00 less to 4.00 more"),
    ],
)
def test_a_difference_is_told_by_its_size_and_its_direction(
    difference: float, low: float, high: float, words: str, ends: str
) -> None:
    measured = {"rows": 9, "error": 0.3, "baseline": 0.3 + difference}
    gains = {"difference": difference, "low": low, "high": high}
    text = baseline.sentence(evaluation.Comparison(**measured, **gains))
    assert f"too: {words} error than the baseline (95 % interval {ends}, 9 rows)" in text


def test_the_better_of_both_is_told_by_validation_rows(source: str, tmp_path: Path) -> None:
    found = trained(source, tmp_path / "run")
    path = tmp_path / "run/result.json"
    told = json.loads(path.read_text())
    told["baseline"]["method"] = "supervised"
    del told["baseline"]["chosen"]  # as of before there were several
    for error, rows, folder in (
        (0.1, 30, found.path),
        (0.2, 30, found.path),
        (0.3, 30, found.path / "baseline"),
        (0.3, 29, found.path),
    ):
        told["baseline"]["validation"] |= {"error": error, "baseline": 0.2, "rows": rows}
        directory.write_json(path, told)
        assert baseline.better(found).run.path == folder
    told["baseline"]["validation"] = {"rows": 3}
    directory.write_json(path, told)
    assert "is damaged" in cases.message(RunError, lambda: baseline.better(found))


def compared_by(error: float, other: float) -> evaluation.Comparison:
    return evaluation.Comparison(100, error, other, other - error, other - error, other - error)


def told_of(run: float, network: float, svc: float) -> evaluation.Baseline:
    """A baseline that is scikit-learn's, beside a network and label spreading."""
    network_too = evaluation.Other("supervised", validation=compared_by(run, network))
    graph = evaluation.Other("LabelSpreading(knn)", 0.05, 0.01, True, compared_by(run, 0.04))
    svc_alone = evaluation.Tried("SVC(C=1)", 0.125, 0.02)
    how = evaluation.Chosen(
        "validation", 50, 5, (evaluation.Tried("supervised"), svc_alone), (network_too, graph)
    )
    return evaluation.Baseline("SVC(C=1)", 9, compared_by(run, svc), None, how)


def test_all_about_a_baseline_is_said_in_sentences() -> None:
    assert baseline.remarks(told_of(0.1, 0.2, 0.15)) == [
        "Error on the labels alone, by 5-fold cross-validation on 50 labelled rows: SVC(C=1) "
        "12.5 ± 2.0 %.",
        "The baseline is SVC(C=1): the network of 9 steps and the one taken of scikit-learn's "
        "were compared on the validation rows.",
        "Beside the baseline, on validation rows: error 15.00 % on the labels alone by SVC(C=1), "
        "10.00 % with the unlabelled rows too: 5.00 points less error than the baseline (95 % "
        "interval 5.00 less to 5.00 less, 100 rows); the unlabelled rows helped here.",
        "Beside the baseline, on validation rows: error 4.00 % by LabelSpreading(knn), which "
        "learns from the same labelled and unlabelled rows (6.00 points less than the run, 100 "
        "rows); it needs its training rows at hand, which a bundle does not.",
    ]
    assert baseline.remarks(None) == []


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        ((0.1, 0.2, 0.15), ""),
        ((0.2, 0.1, 0.1), ""),
        (
            (0.2, 0.15, 0.125),
            "scikit-learn's SVC(C=1) erred less on the validation rows (12.50 %, and what ships "
            "15.00 %); train --method baseline ships it",
        ),
    ],
)
def test_a_baseline_that_cannot_ship_is_named_where_it_erred_less(
    errors: tuple[float, float, float], says: str
) -> None:
    assert baseline.unshipped(told_of(*errors)) == says


def test_the_network_may_ship_where_scikit_learn_s_is_the_baseline(
    source: str, tmp_path: Path
) -> None:
    found = trained(source, tmp_path / "run")
    path = tmp_path / "run/result.json"
    told = json.loads(path.read_text())
    for network, folder in ((0.3, found.path), (0.1, found.path / "baseline")):
        told["baseline"] = records.plain(told_of(0.2, network, 0.05))
        directory.write_json(path, told)
        decision = baseline.better(found)
        assert decision.run.path == folder
        which = "run" if folder == found.path else "network"
        assert decision.reason.startswith(f"The {which} ships: the run's error is 20.00 % and ")


@pytest.mark.parametrize(
    ("network", "rows", "ships"),
    [(0.1, 40, "baseline"), (0.18, 40, "run"), (0.3, 40, "run"), (0.1, 20, "run")],
)
def test_few_validation_rows_leave_the_choice_to_cross_validation(
    source: str, tmp_path: Path, network: float, rows: int, ships: str
) -> None:
    found = trained(source, tmp_path / "run")
    tried = evaluation.Trials(
        1.0, "m2", rows, 3, 9, (evaluation.Trial("m2", 0.2, deviation=0.05),), ()
    )
    record = dataclasses.replace(found.read(), portfolio=tried)
    directory.write_json(found.path / "run.json", record)
    told = json.loads((found.path / "result.json").read_text())
    few = dataclasses.replace(compared_by(0.0, 0.5), rows=4)
    how = evaluation.Chosen("folds", rows, 5, (evaluation.Tried("supervised", network),), ())
    told["baseline"] = records.plain(evaluation.Baseline("supervised", 9, few, None, how))
    directory.write_json(found.path / "result.json", told)
    decision = baseline.better(found)
    assert decision.run.path.name == ships
    if rows == 40:
        assert "by cross-validation, as only 4 validation rows were held out" in decision.reason
    assert "too few rows to say" in baseline.sentence(few)

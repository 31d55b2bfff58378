"""Which classifier is a run's baseline: by validation rows or folds, and never by test rows."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

import ssdgm_train
from ssdgm_train import evaluation
from ssdgm_train.evaluation import Tried, classifiers, practice
from ssdgm_train.labels import Tags, classes
from ssdgm_train.runs import choice, directory, records

CLASSES = "data.labels_as=classes"
SCIKIT = "KNeighborsClassifier(n_neighbors=1)"


def noisy(kind: str = "gaussian-float32", labelled: int = 60, test: int = 30) -> Any:  # noqa: ANN401
    """Rows of which a fifth have another class's label, so that classifiers differ."""
    data = cases.separable(kind, labelled, 30, test)
    known = data.y >= 0
    y = np.where(known & (np.arange(len(data.y)) % 5 == 0), (data.y + 1) % cases.CLASSES, data.y)
    return dataclasses.replace(data, y=y)


def trained(source: str, out: Path, *changes: str, name: str = "m2") -> evaluation.Baseline:
    plan = cases.small_recipe(name, cases.COMPARED, "data.validation=12", *changes)
    session = ssdgm_train.begin(source, plan, out, seed=3, device="cpu")
    for _ in ssdgm_train.train(session):
        pass
    beside = directory.ended(session.run).baseline
    assert beside is not None
    return beside


def test_windows_of_one_recording_are_in_one_fold(tmp_path: Path) -> None:
    rng, place = np.random.default_rng(0), tmp_path / "long.csv"
    lines = [
        f"r{n},{'ab'[n % 2]},{value:.3f}"
        for n in range(12)
        for value in rng.normal(n % 2, 0.1, 12)
    ]
    place.write_text("\n".join(["id,label,u", *lines]))
    plan = cases.small_recipe("supervised", "data.series=id", "data.window=4", "data.stride=2")
    session = ssdgm_train.begin(str(place), plan, tmp_path / "run", device="cpu")
    rows, folds = choice.folded(session, 3)
    recordings = session.data.recordings
    assert recordings is not None
    assert len(folds) == 3
    assert sorted(np.concatenate(folds).tolist()) == [*range(len(rows))]
    parts = [{*recordings[rows[fold]].tolist()} for fold in folds]
    assert all(not one & other for one, other in itertools.combinations(parts, 2))
    every = {tuple(np.unique(session.data.y[rows[fold]])) for fold in folds}
    assert every == {(0, 1)}, "each fold has both classes"


def chosen(beside: evaluation.Baseline) -> evaluation.Chosen:
    assert isinstance(beside.chosen, evaluation.Chosen)
    return beside.chosen


def test_a_baseline_is_the_better_of_two_and_the_record_says_all(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", noisy())
    beside = trained(source, tmp_path / "run", "data.validation=30")
    told = chosen(beside)
    assert (told.by, told.rows, told.folds) == ("validation", 30, 5)
    usual = f"ExtraTreesClassifier(n_estimators={classifiers.TREES})"
    assert [one.name for one in told.candidates][:2] == ["supervised", usual]
    assert told.candidates[0].error is None
    finalists = {beside.method: beside, **{one.name: one for one in told.others}}
    labels = [name for name in finalists if not name.startswith("LabelSpreading")]
    assert len(labels) == 2
    assert "supervised" in labels
    errors = [finalists[name].validation.baseline for name in labels]  # type: ignore[union-attr]
    assert errors[0] <= errors[1]
    graph = told.others[-1]
    assert graph.unlabelled
    assert graph.error is not None
    assert graph.test is not None
    assert graph.test.rows == 30
    assert beside.test is not None
    assert graph.test.error == beside.test.error
    path = tmp_path / "run/result.json"
    assert records.load(path, records.Result).baseline == beside


def test_test_rows_have_no_say(tmp_path: Path) -> None:
    data = noisy()
    assert data.y_test is not None
    other = dataclasses.replace(data, y_test=np.roll(data.y_test, 1))
    first, second = (
        trained(cases.saved(tmp_path / f"{i}.npz", rows), tmp_path / f"run{i}")
        for i, rows in enumerate((data, other))
    )
    assert first.test != second.test
    assert first.method == second.method
    assert first.validation == second.validation
    for one, two in zip(chosen(first).others, chosen(second).others, strict=True):
        assert dataclasses.replace(one, test=None) == dataclasses.replace(two, test=None)
    assert chosen(first).candidates == chosen(second).candidates


def test_few_validation_rows_leave_it_to_the_folds(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", noisy())
    first, again = (trained(source, tmp_path / name) for name in ("a", "b"))
    assert first == again
    told = chosen(first)
    assert told.by == "folds"
    network, *others = told.candidates
    assert network.error is not None
    best = min(one.error for one in others if one.error is not None)
    assert first.method == ("supervised" if network.error <= best else first.method)
    assert (first.method == "supervised") == (network.error <= best)


@pytest.mark.parametrize("validation", [0, 6])
def test_one_label_a_class_is_enough(tmp_path: Path, validation: int) -> None:
    data = cases.separable("gaussian-float32", 3 + validation, 20, 9)
    source = cases.saved(tmp_path / "rows.npz", data)
    told = chosen(trained(source, tmp_path / "run", f"data.validation={validation}", CLASSES))
    assert (told.rows, told.folds) == (3, 0)
    assert told.by == ""  # six validation rows are too few to decide
    assert all(one.error is None for one in told.candidates)


KINDS = ("bernoulli-uint8", "binomial-uint8", "windows-float32", "columns-float32")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in cases.KINDS])
def test_every_kind_of_rows_has_one(tmp_path: Path, kind: str) -> None:
    data, table = cases.separable(kind, 60, 30, 30), kind.startswith("columns")
    source = (cases.tabled if table else cases.saved)(
        tmp_path / ("rows.csv" if table else "rows.npz"), data
    )
    words = ("data.label=label",) if table else ()
    told = chosen(trained(source, tmp_path / "run", *words))
    names = {one.name.split("(")[0] for one in told.candidates}
    assert ("HistGradientBoostingClassifier" in names) == table
    assert min(one.error for one in told.candidates[1:] if one.error is not None) < 0.2


def test_components_that_no_label_shows_leave_the_network_alone(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", noisy())
    beside = trained(source, tmp_path / "run", "data.extra_classes=1", name="gmdgm")
    assert beside.method == "supervised"
    assert "chosen" not in records.plain(beside)


def test_only_classes_are_known_to_other_classifiers() -> None:
    y = np.array([2, 0, 1], np.int8)
    codes = classes.uniform(3).codes(y)
    assert codes is not None
    assert codes.tolist() == [2, 0, 1]
    assert classes.Classes((0.5, 0.25, 0.25), components=1).codes(y) is None
    assert Tags((0.5, 0.5)).codes(np.ones((3, 2), np.int8)) is None


def test_many_labels_are_sampled_by_class_and_many_rows_make_no_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice, "MOST", 12)
    monkeypatch.setattr(choice, "GRAPH_ROWS", 20)
    source = cases.saved(tmp_path / "rows.npz", cases.separable("gaussian-float32", 60, 30, 30))
    told = chosen(trained(source, tmp_path / "run"))
    assert (told.rows, told.folds) == (12, 4)
    assert not any(one.unlabelled for one in told.others)


def finalist(name: str, error: float, validation: int) -> choice.Finalist:
    wrong = (np.arange(40) < validation).astype(np.int64)
    return choice.Finalist(Tried(name, error, 0.1), {"validation": wrong})


@pytest.mark.parametrize(
    ("network", "best", "way", "winner"),
    [
        ((0.1, 9), (0.2, 8), "validation", SCIKIT),
        ((0.1, 8), (0.2, 8), "validation", "supervised"),
        ((0.2, 8), (0.1, 9), "folds", SCIKIT),
        ((0.2, 9), (0.2, 8), "folds", "supervised"),
        ((0.2, 9), (0.1, 8), "", "supervised"),
    ],
)
def test_the_one_that_errs_less_wins_and_the_network_if_as_much(
    network: tuple[float, int], best: tuple[float, int], way: str, winner: str
) -> None:
    ours, theirs = finalist("supervised", *network), finalist(SCIKIT, *best)
    first, second = choice.decided(ours, theirs, way)
    assert {first, second} == {ours, theirs}
    assert first.tried.name == winner

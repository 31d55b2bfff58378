"""A recipe is chosen by the labelled rows alone, the same after an interruption."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

import ssdgm_train
from ssdgm_runtime import errors
from ssdgm_train.data import dataset, store
from ssdgm_train.evaluation import Trial, Trials, calibration, trials
from ssdgm_train.portfolio import budget, folds, plan, search, words
from ssdgm_train.recipes import recipe
from ssdgm_train.regularisation.plan import PEERS
from ssdgm_train.runs import directory, session
from ssdgm_train.settings import RecipeError
from ssdgm_train.training import loop

SMALL = (
    *("train.steps=12", "train.labelled_batch=6", "train.unlabelled_batch=6"),
    *("run.evaluate_every=6", "run.baseline=4", "model.hidden=[8]", "model.classifier=[8]"),
    *("model.latent=2", "data.validation=0"),
)


@pytest.fixture(autouse=True)
def _timeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes, so every plan is the same."""
    monkeypatch.setattr(budget, "clock", lambda: 0.0)


def rows(labelled: int = 24) -> dataset.Dataset:
    return cases.separable("gaussian-float32", labelled, 30, 12)


def begun(place: Path, data: dataset.Dataset, *changes: str) -> session.Session:
    place.mkdir(exist_ok=True)
    source = cases.saved(place / "rows.npz", data)
    return search.begin(
        source, search.asked((*SMALL, *changes)), place / "run", 1.0, seed=2, device="cpu"
    )


def trained(place: Path, data: dataset.Dataset, *changes: str) -> directory.Run:
    made = begun(place, data, *changes)
    for _ in search.train(made):
        pass
    return made.run


def outcome(run: directory.Run) -> Trials:
    found = run.read().portfolio
    assert found is not None
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[directory.Run]:
    """A run to its end; nobody changes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "clock", lambda: 0.0)
        yield trained(tmp_path_factory.mktemp("whole"), rows())


def test_the_run_has_the_best_recipe_and_a_record_of_all(
    whole: directory.Run,
) -> None:
    told = outcome(whole)
    names = [one.name for one in told.candidates]
    assert names == ["m2", "m2-graph", "m2-consistent", "baseline"]
    assert (told.rows, told.folds, told.steps) == (24, plan.FOLDS, 12)
    assert told.chosen == search.best(told.candidates, told.rows).name
    planned = json.loads((whole.path / plan.NAME).read_text())
    chosen = next(one for one in planned["candidates"] if one["name"] == told.chosen)
    record = whole.read()
    assert record.plan == recipe.from_table(chosen["recipe"])
    assert recipe.load(whole.path / "recipe.toml") == record.plan
    assert record.taken is not None
    assert record.taken.reason.endswith(f"; {told.chosen} is chosen of 4")
    assert directory.ended(whole).steps == 12
    assert [one.name[:3] for one in told.baseline][-1] == "Lab"
    files = sorted((whole.path / folds.FOLDER).iterdir())
    assert len(files) == len(names) * plan.FOLDS


def test_the_run_has_the_temperature_that_folds_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "FEWEST", 13)  # of 12 validation rows and 24 in folds
    monkeypatch.setattr(folds, "temperature", lambda *_: 3.0)
    run = trained(tmp_path, rows())
    assert outcome(run).temperature == directory.ended(run).temperature == 3.0


def test_each_fold_learns_without_the_rows_that_it_is_scored_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, learnt = session.again, []

    def again(
        base: session.Session, labelled: store.Indices, chosen: recipe.Recipe
    ) -> session.Session:
        made = honest(base, labelled, chosen)
        assert PEERS not in chosen.regularise.teachers
        learnt.append((base.split.labelled, made.split))
        return made

    monkeypatch.setattr(session, "again", again)
    held: list[np.ndarray[Any, Any]] = []
    for labelled, split in (trained(tmp_path, rows()), learnt)[1]:
        rest = np.setdiff1d(labelled, split.labelled)
        assert len(rest) == 8
        assert not np.intersect1d(rest, split.training).size
        held.append(rest)
    assert len(held) == 4 * plan.FOLDS
    thirds = {tuple(part.tolist()) for part in held}
    assert sorted(row for part in thirds for row in part) == sorted(learnt[0][0].tolist())


@pytest.mark.parametrize(
    ("figures", "chosen"),
    [
        ([(0.2, 0.3), (0.2, 0.2), (0.2, 0.2)], "b"),  # of equals the surest, then the simplest
        ([(0.2, 0.3), (0.25, 0.25)], "b"),  # within a standard error
        ([(0.2, 0.3), (0.4, 0.1)], "a"),
    ],
)
def test_of_errors_that_rows_do_not_tell_apart_the_surest_is_taken(
    figures: list[tuple[float, float]], chosen: str
) -> None:
    assert search.best(tries("abc", figures), 60).name == chosen


def tries(names: Iterable[str], figures: list[tuple[float, float]]) -> list[Trial]:
    return [
        Trial(name, error, trials.deviation(error, 60), 1.0, brier)
        for name, (error, brier) in zip(names, figures, strict=False)
    ]


def test_none_that_erred_more_than_the_baseline_is_taken() -> None:
    near = [(0.2, 0.1), (0.19, 0.3), (0.19, 0.2)]
    assert search.best(tries(("m2", "m2-graph", "baseline"), near), 60).name == "baseline"
    assert search.best(tries(("m2", "m2-graph", "other"), near), 60).name == "m2"


@pytest.mark.parametrize(("rows", "chosen"), [(29, "baseline"), (30, "m2")])
def test_few_rows_leave_the_baseline_unless_it_erred_clearly_more(rows: int, chosen: str) -> None:
    names = ("m2", "baseline")
    assert search.best(tries(names, [(0.2, 0.1), (0.2, 0.3)]), rows).name == chosen
    assert search.best(tries(names, [(0.1, 0.1), (0.14, 0.3)]), 29).name == "baseline"
    assert search.best(tries(names, [(0.1, 0.1), (0.3, 0.3)]), 29).name == "m2"


@pytest.mark.parametrize(("wrong", "chosen"), [(1, "baseline"), (2, "baseline"), (4, "m2")])
def test_a_row_or_two_of_fourteen_decide_nothing(wrong: int, chosen: str) -> None:
    tried = [
        Trial(name, count / 14, trials.deviation(count / 14, 14), 1.0, 0.1)
        for name, count in (("m2", 0), ("baseline", wrong))
    ]
    assert search.best(tried, 14).name == chosen


def test_test_rows_have_no_say(whole: directory.Run, tmp_path: Path) -> None:
    data = rows()
    assert data.y_test is not None
    other = dataclasses.replace(data, y_test=(data.y_test + 1) % cases.CLASSES)
    found = trained(tmp_path, other)
    assert outcome(found) == outcome(whole)
    assert found.read().recipe == whole.read().recipe
    assert directory.ended(found).test != directory.ended(whole).test


@pytest.mark.parametrize(
    "steps", [100, *(pytest.param(steps, marks=pytest.mark.slow) for steps in (1, 30, 120))]
)
def test_an_interrupted_search_goes_on_to_the_same_run(
    steps: int, whole: directory.Run, tmp_path: Path
) -> None:
    made = begun(tmp_path, rows())
    for progress, _ in zip(search.train(made), range(steps), strict=False):
        last = progress
    assert last.step == steps
    done = {path: path.stat().st_mtime_ns for path in (made.run.path / folds.FOLDER).iterdir()}
    again = search.resume(made.run.path)
    count = [progress.step for progress in search.train(again)]
    assert all(path.stat().st_mtime_ns == time for path, time in done.items())
    assert count[-1] == (12 if steps == 120 else plan.FOLDS * (3 * 12 + 1) + 12)
    assert cases.outcome(made.run.path) == cases.outcome(whole.path)
    assert outcome(made.run) == outcome(whole)


def test_a_run_whose_recipe_is_not_chosen_is_opened_by_the_search_alone(tmp_path: Path) -> None:
    made = begun(tmp_path, rows())
    text = cases.message(directory.RunError, lambda: ssdgm_train.resume(made.run.path))
    assert "is yet to be chosen" in text
    assert f"--resume {made.run.path}" in text


def test_any_other_run_is_trained_as_it_is(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", rows())
    made = ssdgm_train.begin(source, cases.small_recipe("m2"), tmp_path / "run", device="cpu")
    assert [step.step for step in search.train(made)] == list(range(1, 13))
    assert made.run.read().portfolio is None


def test_one_label_a_class_takes_the_recommended_recipe_and_says_so(tmp_path: Path) -> None:
    told = outcome(trained(tmp_path, rows(3), "data.labels_as=classes"))
    assert (told.chosen, told.folds) == ("m2", 0)
    assert told.candidates == (Trial("m2"),)
    note, peers = told.notes
    assert peers.startswith("3 models of the same recipe are trained first and teach the run")
    assert note.startswith("No class has two labelled training rows")
    assert words.table(told) == [("m2 (chosen)", "not measured", "")]
    assert words.sentences(told)[0] == "The recipe is m2, chosen without cross-validation."


def test_classes_to_be_found_leave_nothing_to_compare(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "rows.npz", rows())
    few = ("train.steps=12", "model.latent=2", "run.baseline=4", "data.extra_classes=1")
    made = search.begin(source, search.asked(few), tmp_path / "run", 1.0, device="cpu")
    for _ in search.train(made):
        pass
    told = outcome(made.run)
    assert (told.chosen, told.candidates, told.baseline) == ("gmdgm", (Trial("gmdgm"),), ())
    assert told.notes == (
        "There is one candidate for such rows and labels, so nothing was compared.",
    )


def test_where_all_rows_have_a_label_the_baseline_alone_is_compared_with(tmp_path: Path) -> None:
    made = begun(tmp_path, cases.separable("gaussian-float32", 24, 0, 12))
    assert search.others(made) == ("baseline",)
    for _ in search.train(made):
        pass
    told, record = outcome(made.run), made.run.read()
    assert (told.folds, len(told.candidates)) == (plan.FOLDS, 2)
    assert record.plan.regularise.taught == 0


def test_rows_that_are_read_from_disk_are_compared_without_teachers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LARGE", 1)
    monkeypatch.setenv("SSDGM_CACHE_DIR", str(tmp_path / "cache"))
    made = begun(tmp_path, rows())
    assert store.mapped(made.data.x)
    assert search.others(made) == ("m2-consistent", "baseline")
    for _ in search.train(made):
        pass
    assert made.run.read().plan.regularise.taught == 0
    assert outcome(made.run).folds == plan.FOLDS


def test_who_is_compared_is_known_before(whole: directory.Run, tmp_path: Path) -> None:
    names = tuple(one.name for one in outcome(whole).candidates)
    assert search.others(begun(tmp_path / "a", rows())) == names[1:]
    few = begun(tmp_path / "b", rows(3), "data.labels_as=classes")
    assert search.others(few) == ()


def test_a_class_with_a_single_label_is_held_out_too(tmp_path: Path) -> None:
    told = outcome(trained(tmp_path, rows(5), "data.labels_as=classes"))
    assert (told.rows, told.folds, len(told.candidates)) == (5, 2, 4)


def test_what_the_budget_has_no_time_for_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = iter([budget.Cost(0.0, 0.01), *[budget.Cost(100.0, 1.0)] * 3])
    monkeypatch.setattr(budget, "timed", lambda *_: next(costs))
    told = outcome(trained(tmp_path, rows()))
    assert (told.chosen, told.folds) == ("m2", 0)
    left = "m2-graph, m2-consistent, baseline"
    only = "The budget leaves time for m2 only, so nothing is compared"
    assert told.notes[0] == f"{only}; {left} not tried."


def test_a_run_that_is_shorter_than_its_recipe_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = iter([budget.Cost(0.0, 0.09), *[budget.Cost(100.0, 1.0)] * 3])
    monkeypatch.setattr(budget, "timed", lambda *_: next(costs))
    told = outcome(trained(tmp_path, rows(), "train.steps=500", "run.evaluate_every=500"))
    assert told.notes[1] == "The budget has time for 466 of the recipe's 500 steps."


def test_a_fold_that_diverges_counts_as_wrong(tmp_path: Path) -> None:
    made = begun(tmp_path, rows(), "train.learning_rate=1e30")
    with pytest.raises(loop.Diverged):
        for _ in search.train(made):
            pass
    *trained, _ = outcome(made.run).candidates
    assert {one.error for one in trained} == {1.0}


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_minutes_are_a_number_above_zero(minutes: float, tmp_path: Path) -> None:
    begin = lambda: search.begin("digits", search.asked(), tmp_path / "run", minutes)  # noqa: E731
    assert "minutes above 0" in cases.message(errors.InputError, begin)


def test_a_setting_cannot_name_the_method() -> None:
    text = cases.message(RecipeError, lambda: search.asked(("method=m1",)))
    assert "A setting names the method, and auto chooses it" in text


def test_sentences_say_who_is_close_and_who_is_better() -> None:
    def trial(name: str, error: float) -> Trial:
        return Trial(name, error, trials.deviation(error, 60), 90.0)

    told = Trials(
        10.0,
        "b",
        rows=60,
        folds=3,
        steps=100,
        candidates=(trial("a", 0.3), trial("b", 0.1), trial("c", 0.12)),
        baseline=(trial("SVC(C=1)", 0.05), trial("LabelSpreading()", 0.1)),
    )
    _, near, better = words.sentences(told)
    assert near == "Within one standard error of it: c."
    assert better.startswith("scikit-learn's SVC(C=1) had a lower cross-validated error (5.0 ± ")
    assert words.table(told)[1] == ("b (chosen)", "10.0 ± 4.1 %", "1.5")


@pytest.mark.parametrize("rows", [1, 30, 1000])
def test_a_standard_error_is_never_zero(rows: int) -> None:
    found = [trials.deviation(error, rows) for error in (0.0, 0.5, 1.0)]
    assert 0 < found[0] == pytest.approx(found[2])
    assert found[1] == pytest.approx(0.5 / rows**0.5)

"""The baseline: what a run and its bundle answer is what scikit-learn's classifier does."""

from pathlib import Path

import cases
import numpy as np
import pytest
import torch
from sklearn import ensemble, svm

import ssdgm_train
from ssdgm_train.data import store
from ssdgm_train.evaluation import classifiers, passes, practice
from ssdgm_train.networks.fixed import Fixed
from ssdgm_train.recipes import recommended
from ssdgm_train.runs import session
from ssdgm_train.settings import RecipeError


def trained(
    place: Path, *changes: str, blank: int = 30, kind: str = "binomial-uint8"
) -> session.Session:
    source = cases.saved(place / "rows.npz", cases.separable(kind, 30, blank, 12))
    plan = cases.small_recipe("baseline", *changes)
    run = ssdgm_train.begin(source, plan, place / "run", seed=2, device="cpu")
    for _ in ssdgm_train.train(run):
        pass
    return run


@pytest.mark.parametrize("blank", [30, 0])
@pytest.mark.parametrize(
    ("kind", "usual"),
    [("binomial-uint8", svm.SVC), ("gaussian-float32", ensemble.ExtraTreesClassifier)],
)
def test_a_run_answers_as_the_classifier_that_it_names(
    kind: str, usual: type, blank: int, tmp_path: Path
) -> None:
    run = trained(tmp_path, blank=blank, kind=kind)
    x, y = (store.take(part, run.split.labelled) for part in (run.data.x, run.data.y))
    seen = run.model.standardise(torch.from_numpy(x)).numpy()
    held = practice.folds(y.astype(np.int64), run.seed)
    stated = run.run.read().problem
    _, best, candidate = practice.on_labels(stated, seen, y.astype(np.int64), held)
    assert best.name.startswith(usual.__name__)
    assert isinstance(candidate.model, usual)
    assert run.data.x_test is not None
    raw = passes.raw(run.model, run.data.x_test, torch.device("cpu"))
    rows = run.model.standardise(torch.from_numpy(run.data.x_test)).numpy()
    answers = classifiers.answers(classifiers.fitted(candidate.model, seen, y), rows)
    assert (raw.argmax(1).numpy() == answers).all()


def test_steps_change_the_other_networks_alone(tmp_path: Path) -> None:
    model = trained(tmp_path).model
    assert isinstance(model.classifier, Fixed)
    assert not [*model.classifier.parameters()]
    assert [*model.encoder.parameters()]
    assert [*model.decoder.parameters()]


def test_rows_that_a_bundle_holds_are_said(tmp_path: Path) -> None:
    (remark,) = trained(tmp_path).model.remarks
    assert remark.startswith("q(y given x) is a support vector machine that scikit-learn fitted")
    assert "labelled training rows, standardised, which whoever has it can read" in remark


def test_many_labels_are_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practice, "MOST", 12)
    classifier = trained(tmp_path).model.classifier
    assert isinstance(classifier, Fixed)
    assert 0 < classifier.kept <= 12


def test_no_regulariser_can_be_laid_over_it(tmp_path: Path) -> None:
    text = cases.message(RecipeError, lambda: trained(tmp_path, "regularise.consistency=1"))
    assert "baseline has no q(y | x) of rows that it could train" in text


def test_classes_that_weigh_more_are_answered_more_often(tmp_path: Path) -> None:
    def share(folder: str, *changes: str) -> float:
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 120)
        arrays = {"x": rng.normal(size=(120, 2)).astype(np.float32) + 0.3 * y[:, None], "y": y}
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "rows.npz", **arrays)  # type: ignore[arg-type]
        plan = cases.small_recipe("baseline", "data.validation=0", *changes)
        source = tmp_path / folder / "rows.npz"
        run = ssdgm_train.begin(source, plan, tmp_path / folder / "run", seed=2, device="cpu")
        for _ in ssdgm_train.train(run):
            pass
        raw = passes.raw(run.model, arrays["x"], torch.device("cpu"))
        return float((raw.argmax(1) == 1).float().mean())

    assert share("a", "data.class_weight=['1=20']") > share("b") + 0.2


def test_a_run_by_its_name_alone_is_short() -> None:
    facts = recommended.DataFacts("table", 300, (4,), 100, 100)
    chosen = recommended.Asked(method="baseline").chosen(facts)
    assert chosen.taken is not None
    assert chosen.taken.name == "default-baseline"
    assert chosen.plan.train.steps == 2000

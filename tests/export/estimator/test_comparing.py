"""The estimator where nothing says what to train: recipes are compared, the best is trained."""

from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from ssdgm_export import SemiSupervisedClassifier
from ssdgm_export.estimator import settings
from ssdgm_train.portfolio import budget
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.settings import RecipeError

FEW: dict[str, Any] = {"hidden": 16, "latent": 2, "steps": 12, "random_state": 0}
ROWS = recommended.DataFacts("rows", 90, (6,), 15, 15)
Array = NDArray[Any]


def blobs() -> tuple[Array, Array, Array]:
    """Rows of three classes that are well apart, all labels, and those that are known."""
    y = np.arange(90) % 3
    return cases.rows("gaussian-float32", y).astype(float), y, np.where(np.arange(90) < 15, y, -1)


@pytest.fixture(scope="module")
def trained() -> SemiSupervisedClassifier:
    """One that nobody told a method; no time passes in its search."""
    x, _, given = blobs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "clock", lambda: 0.0)
        return clone(SemiSupervisedClassifier(**FEW)).fit(x, given)


def test_recipes_are_compared_and_the_bundle_says_which_is_taken(
    trained: SemiSupervisedClassifier, tmp_path: Path
) -> None:
    x, y, _ = blobs()
    assert (trained.predict(x) == y).mean() > 0.5
    tried = trained.run_.record.portfolio
    assert tried is not None
    assert (tried.budget, tried.folds, len(tried.candidates)) == (10, 3, 4)
    card = (trained.export(tmp_path / "a.ssdgm") / "README.md").read_text(encoding="utf-8")
    assert f"| {tried.chosen} (chosen) |" in card


def test_the_candidates_have_what_is_given_over_what_is_recommended(
    trained: SemiSupervisedClassifier,
) -> None:
    record = trained.run_.record
    assert record.taken is not None
    assert record.taken.name == "default-m2-tables"
    plan = record.plan
    assert (plan.model.hidden, plan.model.latent) == ((16,), 2)
    assert (plan.train.steps, plan.train.unlabelled_batch) == (12, 200)
    assert (plan.data.validation, plan.data.likelihood) == (0, "gaussian")
    assert plan.run.baseline == 0
    given = {key: FEW[key] for key in ("hidden", "latent")}
    first, shipped = settings.compared(given).chosen(ROWS).plan, recipe.load("default-m2-tables")
    assert (first.model.hidden, first.model.classifier) == ((16,), ())
    assert first.model.settle == shipped.model.settle


def test_what_is_not_given_is_the_recommended_recipe_s() -> None:
    found = settings.compared({"hidden": None, "validation": 0.2}).chosen(ROWS).plan
    shipped = recipe.load("default-m2-tables")
    assert (found.model, found.train) == (shipped.model, shipped.train)
    assert found.data.validation == 0.2
    changed = settings.compared({"hidden": 8}, ("model.classifier=[4]",)).chosen(ROWS).plan
    assert (changed.model.hidden, changed.model.classifier) == ((8,), (4,))
    assert settings.compared({}, ("data.extra_classes=1",)).method == "gmdgm"


def test_what_no_candidate_has_is_refused_before_rows_are_read() -> None:
    with pytest.raises(RecipeError, match="auxiliary is 3, and the method has no such setting"):
        settings.compared({"auxiliary": 3})
    with pytest.raises(RecipeError, match="A setting names the method, and auto chooses it"):
        settings.compared({}, ("method=m1",))


def test_it_offers_what_m2_does_before_it_is_fitted() -> None:
    for name in ("transform", "fit_transform", "sample"):
        assert hasattr(SemiSupervisedClassifier(), name)
        assert hasattr(SemiSupervisedClassifier(method="auto"), name)


@pytest.mark.parametrize(
    "given",
    [{"method": "m2"}, {"recipe": "none"}, {"settings": ("method=m2",)}],
    ids=["a method", "a recipe", "a setting"],
)
def test_what_says_what_to_train_is_trained_alone(given: dict[str, Any]) -> None:
    x, _, y = blobs()
    few = {**FEW, "settings": (), **given}
    assert SemiSupervisedClassifier(**few).fit(x, y).run_.record.portfolio is None


def test_rows_that_all_have_a_label_are_compared_with_the_baseline_alone() -> None:
    x, y, _ = blobs()
    tried = SemiSupervisedClassifier(**FEW).fit(x, y).run_.record.portfolio
    assert tried is not None
    assert [one.name for one in tried.candidates] == ["m2", "baseline"]


def test_verbose_writes_the_trials_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "clock", lambda: 0.0)
    x, _, given = blobs()
    SemiSupervisedClassifier(**FEW, verbose=1, budget=1.0).fit(x, given)
    out, err = capsys.readouterr()
    assert out == ""
    assert "m2-consistent, fold 2 of 3: error " in err
    assert "m2-graph " in err
    assert "chosen by 3-fold cross-validation on 15 labelled training rows" in err

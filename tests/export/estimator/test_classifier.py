"""The estimator: unlabelled rows, the company of scikit-learn, what else it offers, its errors."""

import pickle
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, SelfTrainingClassifier

import ssdgm_export
import ssdgm_runtime
import ssdgm_train
from ssdgm_export import SemiSupervisedClassifier
from ssdgm_export.estimator import settings
from ssdgm_runtime import errors
from ssdgm_train.recipes import recipe

Array = NDArray[Any]
THRESHOLD = ("model.features.threshold=0",)
SMALL: dict[str, Any] = {"hidden": 16, "latent": 2, "steps": 60, "learning_rate": 1e-2}


def small(**settings: Any) -> SemiSupervisedClassifier:  # noqa: ANN401
    return SemiSupervisedClassifier(**{**SMALL, "method": "m2", "random_state": 0, **settings})


def blobs(rows: int = 90, known: int = 15) -> tuple[Array, Array, Array]:
    """Rows of three classes that are well apart, all labels, and those that are known."""
    y = np.arange(rows) % 3
    x = cases.rows("gaussian-float32", y).astype(np.float64)
    return x, y, np.where(np.arange(rows) < known, y, -1)


def unlabelled(trained: SemiSupervisedClassifier) -> int:
    found: int = trained.run_.record.data.unlabelled
    return found


def test_it_is_imported_only_when_asked_for() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Classifier'"):
        ssdgm_export.Classifier  # type: ignore[attr-defined]  # noqa: B018
    assert "SemiSupervisedClassifier" in ssdgm_export.__all__
    with pytest.raises(ImportError, match="from ssdgm_export import SemiSupervisedClassifier"):
        from ssdgm_train import SemiSupervisedClassifier  # noqa: F401


def test_rows_with_minus_one_are_trained_on_without_a_label() -> None:
    x, y, given = blobs()
    trained = small().fit(x, given)
    assert trained.classes_.tolist() == [0, 1, 2]
    assert unlabelled(trained) == 75
    assert (trained.predict(x) == y).all()


@pytest.mark.parametrize("marker", [-1, "-1", ""])
def test_strings_have_their_marker_too(marker: object) -> None:
    x, y, given = blobs()
    names = np.array(["ant", "bee", "cat"], "O")[y]
    names[given == -1] = marker
    trained = small().fit(x, names)
    assert trained.classes_.tolist() == ["ant", "bee", "cat"]
    assert unlabelled(trained) == 75
    if marker != -1:
        again = small().fit(x, names.astype(str))
        np.testing.assert_array_equal(again.predict(x), trained.predict(x))


def test_without_a_setting_of_one_s_own_the_defaults_hold() -> None:
    found = settings.plan(None, None, {})
    assert found.method == "m2"
    assert (found.model.hidden, found.model.latent, found.train.steps) == ((100,), 10, 2000)
    assert (found.data.validation, found.data.likelihood) == (0.0, "gaussian")


def test_a_recipe_gives_what_is_not_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('method = "m2"\n[model]\nlatent = 3\nhidden = [8]\n[train]\nsteps = 7\n')
    found = settings.plan(path, None, {"steps": 9, "hidden": None}, ("model.weighting=paper",))
    assert (found.model.latent, found.model.hidden, found.model.weighting) == (3, (8,), "paper")
    assert (found.train.steps, found.data.validation) == (9, 0.1)
    assert settings.plan("paper-m1", None, {}).method == "m1"


@pytest.mark.parametrize("name", ["m1", "m1m2"])
def test_a_setting_holds_in_every_network_that_has_it(name: str) -> None:
    found = settings.plan(None, name, {"hidden": np.array([8, 4]), "latent": np.int64(3)})
    tables = [found.model.features, *([found.model.joint] if name == "m1m2" else [])]
    assert [(table.hidden, table.latent) for table in tables] == [((8, 4), 3)] * len(tables)


@pytest.mark.parametrize("name", ["m1", "m1m2", "adgm", "sdgm"])
def test_the_other_methods_train_transform_and_sample(name: str) -> None:
    x, y, given = blobs()
    changes = THRESHOLD if name.startswith("m1") else ("model.auxiliary=2",)
    trained = small(method=name, steps=200, settings=changes)
    assert trained.fit(x, given).score(x, y) > 0.9
    assert trained.transform(x).shape == (90, 2)
    assert trained.sample(1, 2).shape == (2, 6)


def test_the_supervised_method_has_neither_latents_nor_draws() -> None:
    x, _, given = blobs()
    trained = small(method="supervised", latent=None).fit(x, given)
    for name in ("transform", "fit_transform", "sample"):
        assert not hasattr(trained, name)
        assert hasattr(small(), name)


def test_it_is_the_run_that_the_command_line_makes(tmp_path: Path) -> None:
    """The same rows, recipe and seed give the same weights, to the bit."""
    x, _, given = blobs()
    trained = small(random_state=4).fit(x, given)
    np.savez(tmp_path / "table.npz", x=x.astype(np.float32), y=given)
    plan = trained.run_.record.plan
    begun = ssdgm_train.begin(str(tmp_path / "table.npz"), plan, tmp_path / "run", seed=4)
    list(ssdgm_train.train(begun))
    theirs = begun.model.state_dict()
    for key, value in trained.run_.model.state_dict().items():
        assert torch.equal(value, theirs[key])


def test_a_seed_gives_the_same_and_another_another() -> None:
    x, _, given = blobs()
    first, again, other = (
        small(random_state=seed).fit(x, given).predict_proba(x) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    drawn = [small(random_state=np.random.RandomState(5)).fit(x, given) for _ in range(2)]
    np.testing.assert_array_equal(*(trained.predict_proba(x) for trained in drawn))


def test_a_pickle_and_a_clone_are_as_good() -> None:
    x, _, given = blobs()
    trained = small().fit(x, given)
    found = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(found.predict_proba(x), trained.predict_proba(x))
    np.testing.assert_array_equal(found.sample(2, 3), trained.sample(2, 3))
    fresh = clone(trained)
    assert not hasattr(fresh, "run_")
    np.testing.assert_array_equal(fresh.fit(x, given).transform(x), trained.transform(x))


def test_it_stands_beside_scikit_learn_s_own_in_a_pipeline() -> None:
    x, y, given = blobs()
    selftrained = SelfTrainingClassifier(small(method="supervised", latent=None), max_iter=2)
    for model in (LabelPropagation(), selftrained, small()):
        assert make_pipeline(StandardScaler(), model).fit(x, given).score(x, y) > 0.9


def test_its_latents_are_features_of_the_next_step() -> None:
    x, y, given = blobs()
    features = small(method="m1", steps=200, settings=THRESHOLD)  # z of x alone tells classes
    line = make_pipeline(features, LabelPropagation()).set_output(transform="default")
    assert line.fit(x, given).score(x, y) > 0.9
    assert small().fit(x, given).get_feature_names_out().tolist() == [
        "semisupervisedclassifier0",
        "semisupervisedclassifier1",
    ]


def test_a_search_scores_known_labels_alone() -> None:
    x, y, given = blobs(known=30)
    search = GridSearchCV(small(), {"learning_rate": [1e-6, 1e-2]}, cv=2).fit(x, given)
    assert search.best_params_ == {"learning_rate": 1e-2}
    assert search.best_score_ > 0.9
    assert search.score(x, y) > 0.9
    assert cross_val_score(small(), x, given, cv=2).mean() > 0.9


def test_a_score_weighs_rows_and_needs_a_label() -> None:
    x, y, given = blobs()
    trained, wrong = small().fit(x, given), np.where(np.arange(90) < 45, y, (y + 1) % 3)
    assert trained.score(x, wrong) == pytest.approx(0.5)
    assert trained.score(x, wrong, sample_weight=np.arange(90) < 45) == pytest.approx(1.0)
    text = cases.message(errors.InputError, lambda: trained.score(x, np.full(90, -1)))
    assert "y is without any known label" in text


def test_validation_rows_calibrate() -> None:
    x, _, given = blobs()
    held = small(validation=6.0).fit(x, given).run_
    assert held.record.data.validation == 6
    assert held.result.validation.rows == 6
    assert small().fit(x, given).run_.result.temperature == 1.0


def test_draws_are_of_the_class_that_is_asked_for() -> None:
    x, _, given = blobs(known=30)
    names = np.array(["ant", "bee", "cat", ""])[given]
    trained = small(steps=400).fit(x, names)
    drawn = trained.sample(["cat", "ant"], 20)
    assert drawn.shape == (40, 6)
    assert (trained.predict(drawn) == np.repeat(["cat", "ant"], 20)).mean() > 0.9
    assert np.array_equal(drawn, trained.sample(["cat", "ant"], 20))
    assert not np.array_equal(drawn, trained.sample(["cat", "ant"], 20, random_state=1))
    assert "labels from" in cases.message(errors.InputError, lambda: trained.sample("dog"))


STRANGE: dict[str, tuple[object, object, str]] = {
    "a longer word": ("abracadabra", 1, "y is 'abracadabra'; expected labels from ['a', 'b']"),
    "words": (["a", "ab", "b"], 1, "y is ['ab']; expected labels from"),
    "a number for a word": (0, 1, "y is 0; expected labels from"),
    "two axes": ([["a"]], 1, "y is [['a']]; expected labels from"),
    "no rows": ("a", 0, "n is 0; expected a whole number from 1"),
    "rows below none": ("a", -1, "n is -1; expected a whole number from 1"),
}


def test_what_is_no_class_is_not_drawn() -> None:
    x, _, given = blobs()
    words = small(steps=1).fit(x, np.array(["a", "b", "b", ""])[given])
    for y, n, text in STRANGE.values():
        assert text in cases.message(errors.InputError, lambda y=y, n=n: words.sample(y, n))
    numbers = small(steps=1).fit(x, given)
    for y in (0.9, "0", None, np.nan, 3, -1):
        text = cases.message(errors.InputError, lambda y=y: numbers.sample(y))
        assert f"y is {y!r}; expected labels from [0, 1, 2]" in text
    assert len(numbers.sample(np.array([2.0, 0.0]), 2)) == 4
    assert len(words.sample(np.str_("b"))) == 1


@pytest.mark.parametrize("likelihood", ["binomial", "bernoulli"])
def test_counts_and_bits_are_drawn_as_such(likelihood: str) -> None:
    y = np.arange(60) % 3
    x = cases.rows("binomial-uint8", y).reshape(60, 9).astype(float)
    x = x if likelihood == "binomial" else x / x.max()
    trained = small(likelihood=likelihood, shape=(3, 3)).fit(x, y)
    assert trained.run_.problem.shape == (3, 3)
    assert trained.score(x, y) == 1.0
    top = x.max() if likelihood == "binomial" else 1
    drawn = trained.sample([0, 1, 2], 10)
    assert drawn.shape == (30, 9)
    assert set(np.unique(drawn)) <= set(range(int(top) + 1))


def test_its_bundle_answers_as_it_does(tmp_path: Path) -> None:
    x, _, given = blobs()
    trained = small(validation=6.0).fit(x, np.array(["ant", "bee", "cat", ""])[given])
    path = pickle.loads(pickle.dumps(trained)).export(tmp_path / "a.ssdgm", license="MIT")
    rows = x.astype(np.float32)
    with ssdgm_runtime.load(path) as model:
        assert model.verify().passed
        np.testing.assert_allclose(model.predict_proba(rows), trained.predict_proba(x), atol=1e-5)
        np.testing.assert_allclose(model.encode(rows).mean, trained.transform(x), atol=1e-4)
        assert model.predict(rows).tolist() == trained.predict(x).tolist()
        drawn = model.generate(y=["cat", "ant"], n=5, seed=3, sample=True).x
        np.testing.assert_allclose(drawn, trained.sample(["cat", "ant"], 5, 3), atol=1e-4)
    content = b"".join(p.read_bytes() for p in path.rglob("*") if p.is_file())
    assert b"/tmp" not in content


def test_it_starts_from_a_run(tmp_path: Path) -> None:
    x, _, given = blobs()
    np.savez(tmp_path / "rows.npz", x=x.astype(np.float32), y=given)
    plan = cases.small_recipe("m1", "data.likelihood=gaussian")
    begun = ssdgm_train.begin(str(tmp_path / "rows.npz"), plan, tmp_path / "m1")
    list(ssdgm_train.train(begun))
    trained = small(method="m1m2", hidden=None, init_from=tmp_path / "m1", settings=THRESHOLD).fit(
        x, given
    )
    assert trained.run_.record.init.done == ("features",)


def test_verbose_writes_its_progress_and_nothing_else_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    x, _, given = blobs()
    small().fit(x, given)
    assert capsys.readouterr() == ("", "")
    small(verbose=1).fit(x, given)
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 20
    assert err.splitlines()[-1].startswith("step 60 of 60: labelled ")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a method": ({"method": "m3"}, "The method is 'm3'; expected one of"),
    "a setting": ({"learning_rate": -1.0}, "train.learning_rate is -1"),
    "a setting of another": (
        {"method": "supervised"},
        "latent is 2, and the method has no such setting. Leave latent out.",
    ),
    "a recipe": ({"recipe": "papre-m2"}, "No recipe is at"),
    "a further setting": ({"settings": ("train.stesp=3",)}, "Did you mean train.steps?"),
    "a shape": ({"shape": (4, 4)}, "shape is (4, 4); expected a shape of 6 values"),
    "counts": ({"likelihood": "binomial"}, "X is with other values than counts"),
    "a share": ({"validation": 0.99}, "No label is left to train on"),
    "a device": ({"device": "tpu"}, "device is 'tpu'"),
}


@pytest.mark.parametrize(("settings", "text"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_an_error_that_says_why(
    settings: dict[str, Any], text: str
) -> None:
    x, _, given = blobs()
    with pytest.raises(errors.SsdgmError) as caught:
        small(**settings).fit(x, given)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([-1] * 6, "0 known classes"),
        ([0, 0, 0, -1, -1, -1], "1 known classes"),
        ([0, -2, 1, -1, -1, -1], "y is labelled -2"),
        (np.array([0, "a", 1, -1, -1, -1], "O"), "several kinds"),
        (np.array([0.5, 1.5, 1, -1, -1, -1], "O"), "or none that fits"),
        (np.arange(6).astype("datetime64[D]"), r"y is of dtype datetime64\[D\]; expected strings"),
        (np.arange(6).astype("timedelta64[s]"), "y is of dtype timedelta64"),
    ],
)
def test_labels_that_cannot_be_used_are_errors(labels: object, text: str) -> None:
    with pytest.raises(errors.SsdgmError, match=text):
        small().fit(np.eye(6), np.asarray(labels))


def test_a_method_that_a_setting_names_has_its_own_settings() -> None:
    found = settings.plan(None, None, {"hidden": 8}, ("method=m1",))
    assert isinstance(found, recipe.Recipe)
    assert (found.method, found.model.features.hidden) == ("m1", (8,))


WITHOUT = {
    "a budget for another": ({"budget": 5.0}, 'budget is 5.0; expected None, unless method is "'),
    "a budget for a recipe": (
        {"method": None, "recipe": "none", "budget": 5.0},
        "or no method, recipe and init_from are given",
    ),
    "a recipe": ({"method": "auto", "recipe": "none"}, "recipe is 'none'; expected None where"),
    "a start": ({"method": "auto", "init_from": "a.npz"}, "init_from is 'a.npz'; expected None "),
}


@pytest.mark.parametrize(("given", "text"), WITHOUT.values(), ids=WITHOUT)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], text: str) -> None:
    x, _, y = blobs()
    made = small(**given)
    assert text in cases.message(errors.InputError, lambda: made.fit(x, y))

"""The estimator passes scikit-learn's own checks."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.utils import estimator_checks

from ssdgm_export import SemiSupervisedClassifier

CASES = (
    SemiSupervisedClassifier(method="m2", hidden=16, latent=2, steps=40, learning_rate=2e-2),
    SemiSupervisedClassifier(method="supervised", hidden=16, steps=40, learning_rate=2e-2),
)
FAIL = {
    "check_classifiers_classes": "it has -1 as a class; -1 is a row without a label here as it is"
    " to LabelPropagation and SelfTrainingClassifier, whom the check knows by name",
    "check_sample_weight_equivalence_on_dense_data": "rows are drawn as often as they weigh, in an"
    " order of their own, as in scikit-learn's SGDClassifier; other draws train other weights",
}


@pytest.fixture(autouse=True)
def _no_complaint_before_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constructor as it is without this suite's own type checks: it takes anything."""
    bare = inspect.unwrap(SemiSupervisedClassifier.__init__)
    monkeypatch.setattr(SemiSupervisedClassifier, "__init__", bare)


@estimator_checks.parametrize_with_checks(
    list(CASES), expected_failed_checks=lambda estimator: FAIL, xfail_strict=True
)
def test_it_passes_the_checks_of_scikit_learn(
    estimator: SemiSupervisedClassifier, check: Callable[[SemiSupervisedClassifier], None]
) -> None:
    check(estimator)


@pytest.mark.parametrize("kind", ["own", "object"])
@pytest.mark.parametrize("names", [("one", "two", "three"), (7, 3, 11), (True, False)])
def test_what_the_check_of_classes_asks_holds_for_every_label_but_minus_one(
    names: tuple[object, ...], kind: str
) -> None:
    x, y = make_blobs(30, centers=len(names), random_state=0, cluster_std=0.1)
    labels = np.take(names, y)
    labels = labels.astype("O") if kind == "object" else labels
    name = "SemiSupervisedClassifier"
    estimator_checks.check_classifiers_predictions(x, labels, name, CASES[0])

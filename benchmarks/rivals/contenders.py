"""The contenders: scikit-learn's classifiers with the settings to choose from, and our recipes."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

Settings = dict[str, Any]
Grid = dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Rival:
    """A classifier of scikit-learn's with the settings to choose from, by set or for every set."""

    title: str
    build: Callable[..., ClassifierMixin]
    grids: dict[str, Grid]
    labels_alone: bool = False

    def candidates(self, name: str) -> Iterator[Settings]:
        """The grid of a set."""
        grid = self.grids.get(name, self.grids.get("", {}))
        for values in itertools.product(*grid.values()):
            yield dict(zip(grid, values, strict=True))


def self_training(threshold: float, **svc: float) -> ClassifierMixin:
    """A threshold needs probabilities: here the machine's own, by Platt's way."""
    judge = SVC(probability=True, random_state=0, cache_size=1000, **svc)
    return SelfTrainingClassifier(judge, threshold=threshold)


def self_training_calibrated(threshold: float, **svc: float) -> ClassifierMixin:
    """As scikit-learn would have it instead; its probabilities also decide on the label."""
    judge = CalibratedClassifierCV(SVC(cache_size=1000, **svc), ensemble=False, cv=3)
    return SelfTrainingClassifier(judge, threshold=threshold)


def spreading_knn(**settings: float) -> ClassifierMixin:
    return LabelSpreading("knn", max_iter=100, **settings)


def propagation_knn(**settings: float) -> ClassifierMixin:
    return LabelPropagation("knn", max_iter=1000, **settings)


def spreading_rbf(**settings: float) -> ClassifierMixin:
    return LabelSpreading("rbf", **settings)


NEIGHBOURS = (3, 5, 7, 10, 15, 20, 30)
SURE: Grid = {
    "threshold": (0.5, 0.75, 0.9, 0.95),
    "C": (1, 10, 100),
    "gamma": (0.02, 0.05, 0.1),
}
RIVALS = {
    "svc": Rival(
        "SVC on the labels alone",
        SVC,
        {"": {"C": (1, 10, 100), "gamma": (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)}},
        labels_alone=True,
    ),
    "spreading-knn": Rival(
        "LabelSpreading(knn)",
        spreading_knn,
        {"": {"n_neighbors": NEIGHBOURS, "alpha": (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)}},
    ),
    "propagation-knn": Rival(
        "LabelPropagation(knn)", propagation_knn, {"": {"n_neighbors": NEIGHBOURS}}
    ),
    "spreading-rbf": Rival(
        "LabelSpreading(rbf)",
        spreading_rbf,
        {
            "pendigits": {"gamma": (0.5, 1, 2, 4, 8, 16), "alpha": (0.05, 0.2, 0.5, 0.9)},
            "letter": {"gamma": (1, 2, 4, 8), "alpha": (0.2, 0.8)},
        },
    ),
    "self-training": Rival(
        "SelfTrainingClassifier(SVC)",
        self_training,
        {
            "pendigits": SURE,
            "letter": {"threshold": (0.2, 0.3, 0.9), "C": (10, 100), "gamma": (0.02,)},
        },
    ),
    "self-training-calibrated": Rival(
        "SelfTrainingClassifier(calibrated SVC)",
        self_training_calibrated,
        {
            "pendigits": SURE,
            "letter": {"threshold": (0.9, 0.75, 0.5), "C": (10,), "gamma": (0.02, 0.05)},
        },
    ),
}
FIXED: dict[str, dict[str, Settings]] = {
    "svc": {"pendigits": {"C": 100, "gamma": 0.02}, "letter": {"C": 100, "gamma": 0.01}},
    "spreading-knn": {
        "pendigits": {"n_neighbors": 10, "alpha": 0.5},
        "letter": {"n_neighbors": 15, "alpha": 0.8},
    },
}
"""One choice for all seeds, printed by `--choose`."""
OURS = {"m2": "M2 (ours)", "m1": "M1+S3VM (ours)"}
"""Methods with a recipe default-METHOD-tables; the first is the one that the claim is about."""
TITLES = {
    **{name: rival.title for name, rival in RIVALS.items()},
    **{f"{name}-fixed": f"{RIVALS[name].title} fixed" for name in FIXED},
    **OURS,
}

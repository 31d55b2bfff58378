"""The rivals, with the settings that each chooses from by cross-validation."""

import importlib.util
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

Settings = dict[str, Any]
Grid = dict[str, tuple[Any, ...]]

MOST = 12_000
"""The most unlabelled rows that a rival gets; a random part of more."""
FEWER = 2_000
"""The most for self-training while its threshold is chosen: each fit is several."""
GRAPH = 4_000
"""The most for graphs that are slow, while their settings are chosen."""
BROAD = 1000
"""More features take hours to be boosted again and again."""
ROUNDS = 5
"""The most times that boosting is fitted to what it has labelled itself."""


@dataclass(frozen=True)
class Rival:
    """A classifier with the settings to choose from.

    Attributes:
        title: In tables.
        build: Makes one of settings; `gamma` is in units of 1 / (features x variance).
        grids: The settings, the default ones first.
        alone: Whether it is given the labelled rows only.
        base: The rival on labelled rows whose settings are chosen first, and kept.
        most: The most unlabelled rows while settings are chosen.
        widest: More features than these are given only as principal components.
        needs: A package that it is in.
    """

    title: str
    build: Callable[..., ClassifierMixin]
    grids: tuple[Grid, ...]
    alone: bool = False
    base: str = ""
    most: int = MOST
    widest: int = 10_000
    needs: str = ""

    def candidates(self) -> Iterator[Settings]:
        """Every combination of the settings."""
        for grid in self.grids:
            for values in itertools.product(*grid.values()):
                yield dict(zip(grid, values, strict=True))

    @property
    def lacking(self) -> bool:
        """Whether its package is not installed."""
        return bool(self.needs) and importlib.util.find_spec(self.needs) is None


def svc(**settings: object) -> ClassifierMixin:
    return SVC(cache_size=1000, random_state=0, **settings)


def sure_svc(**settings: object) -> ClassifierMixin:
    """A threshold needs probabilities: here the machine's own, by Platt's way."""
    return svc(probability=True, **settings)


def forest(kind: str, **settings: object) -> ClassifierMixin:
    made = ExtraTreesClassifier if kind == "extra" else RandomForestClassifier
    return made(n_estimators=300, random_state=0, **settings)


def boosting(**settings: object) -> ClassifierMixin:
    return HistGradientBoostingClassifier(early_stopping=False, random_state=0, **settings)


def lightgbm(**settings: object) -> ClassifierMixin:
    from lightgbm import LGBMClassifier

    fixed: Settings = {"n_jobs": 1, "random_state": 0, "verbosity": -1, "deterministic": True}
    made: ClassifierMixin = LGBMClassifier(**{**fixed, **settings})
    return made


def self_training(
    judge: Callable[..., ClassifierMixin], rounds: int = 10
) -> Callable[..., ClassifierMixin]:
    """Of a classifier that has its settings."""
    return lambda threshold, **settings: SelfTrainingClassifier(
        judge(**settings), threshold=threshold, max_iter=rounds
    )


def spreading(kernel: str, **settings: object) -> ClassifierMixin:
    return LabelSpreading(kernel, max_iter=100, **settings)


def propagation(kernel: str, **settings: object) -> ClassifierMixin:
    return LabelPropagation(kernel, max_iter=200, **settings)


KNN: Grid = {"kernel": ("knn",), "n_neighbors": (7, 3, 15, 30)}
RBF: Grid = {"kernel": ("rbf",), "gamma": (10, 3, 30, 100)}
ALPHA = {"alpha": (0.2, 0.8)}
SURE: Grid = {"threshold": (0.75, 0.95)}
RIVALS = {
    "svc": Rival("SVC", svc, ({"C": (1, 10, 100), "gamma": (1, 0.03, 0.1, 0.3, 3)},), alone=True),
    "knn": Rival(
        "k nearest neighbours",
        KNeighborsClassifier,
        ({"n_neighbors": (5, 1, 3, 10), "weights": ("uniform", "distance"), "p": (2, 1)},),
        alone=True,
    ),
    "forest": Rival(
        "ExtraTrees or RandomForest",
        forest,
        ({"kind": ("random", "extra"), "max_features": ("sqrt", 0.2)},),
        alone=True,
    ),
    "lightgbm": Rival(
        "LightGBM",
        lightgbm,
        ({"min_child_samples": (20, 1, 5), "n_estimators": (100, 30), "num_leaves": (31, 7)},),
        alone=True,
        needs="lightgbm",
    ),
    "spreading": Rival("LabelSpreading", spreading, ({**KNN, **ALPHA}, {**RBF, **ALPHA})),
    "propagation": Rival("LabelPropagation", propagation, (KNN, RBF), most=GRAPH),
    "self-svc": Rival(
        "SelfTraining(SVC)",
        self_training(sure_svc),
        ({"threshold": (0.75, 0.5, 0.95)},),
        base="svc",
        most=FEWER,
    ),
    "self-boosting": Rival(
        "SelfTraining(HistGradientBoosting)",
        self_training(boosting, ROUNDS),
        (SURE,),
        base="boosting",
        most=FEWER,
        widest=BROAD,
    ),
    "self-lightgbm": Rival(
        "SelfTraining(LightGBM)",
        self_training(lightgbm, ROUNDS),
        (SURE,),
        base="lightgbm",
        most=FEWER,
        widest=BROAD,
        needs="lightgbm",
    ),
}
BASES = {
    "boosting": Rival(
        "HistGradientBoosting",
        boosting,
        ({"min_samples_leaf": (20, 1, 5), "max_iter": (100, 30)},),
        alone=True,
    ),
    **RIVALS,
}
"""What a rival may be based on."""
OURS = "auto"
TITLES = {OURS: "`train --method auto` (ours)", **{n: rival.title for n, rival in RIVALS.items()}}

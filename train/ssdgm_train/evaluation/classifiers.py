"""Classifiers of scikit-learn's that a practitioner tries on labels alone, and what they answer.

They get observations, as networks do. Of windows they also get the answers of random kernels, much
as ROCKET has them, which series are often classified by.

References:
    ROCKET (Dempster, Petitjean and Webb, 2020), for the features of windows; `networks.kernels`
    says in what these differ.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ssdgm_train.networks import builder
from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.networks.kernels import Kernels
from ssdgm_train.problems import ROWS, TABLE, VIEWS, WINDOWS, Problem

Features = NDArray[np.float32]
Codes = NDArray[np.int64]
Weights = NDArray[np.float64]

Shares = tuple[NDArray[np.floating[Any]], Codes]
"""The probabilities of some classes for rows, [n, k], and the codes of these classes, [k]."""

PLAIN = (ROWS, TABLE, VIEWS)
"""Kinds of rows that trees and linear classifiers are tried on."""

COSTS = (10, 1, 100)
"""Values of C of a support vector machine; the first is taken where nothing tells them apart."""

VOTERS = (1, 3, 5)
STRENGTHS = (1, 0.1)
"""Values of C of logistic regression."""

STAGES = 50
"""Stages of boosting, each of which has a tree for every class."""

FEW_CLASSES = 10
"""The most classes for which boosting is tried: its time grows with them."""

TREES = 100
"""Of a forest of randomised trees."""

KERNELS = 2000
"""Random kernels over windows."""

RIDGES = (1e-3, 1e3)
"""The least and the most penalty of a ridge over features of windows, of which ten are tried."""

PIECE = 100
"""Windows that are encoded at a time."""


@runtime_checkable
class Classifier(Protocol):
    """A classifier as scikit-learn has them."""

    def fit(self, x: Features, y: Codes) -> Any:  # noqa: ANN401  (itself)
        """Learn from rows [n, features] and their classes [n]."""

    def predict(self, x: Features) -> Codes:
        """The class of each row."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No word of rounds that did not converge, or of rows that no label reaches."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Candidate:
    """A classifier to try.

    Attributes:
        model: The classifier.
        encode: From rows [n, features] to what it gets of them; None for the rows themselves.
            It has not learnt from any row, so rows may be encoded before they are held out.
    """

    model: Classifier
    encode: Callable[[Features], Features] | None = None

    @property
    def whole(self) -> Classifier:
        """The classifier of rows."""
        from sklearn import preprocessing

        if self.encode is None:
            return self.model
        return _chain(encode=preprocessing.FunctionTransformer(self.encode), answer=self.model)


def _chain(**steps: Any) -> Classifier:  # noqa: ANN401  (scikit-learn's)
    """Steps one after the other, as a classifier that weighs rows if the last step does."""
    from sklearn import pipeline

    class Chain(pipeline.Pipeline):  # type: ignore[misc]
        """A pipeline whose `fit` takes weights by their usual name."""

        def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:  # noqa: ANN401, N803
            name = self.steps[-1][0]
            more = {} if sample_weight is None else {f"{name}__sample_weight": sample_weight}
            return super().fit(X, y, **more)

    made: Classifier = Chain([*steps.items()])
    return made


def candidates(problem: Problem, y: Codes) -> dict[str, Candidate]:
    """The classifiers to try for a problem's rows with these classes, by name.

    The first of those that errors do not tell apart is taken, so the usual ones for such rows come
    first.
    """
    from sklearn import ensemble, linear_model, neighbors, svm

    kind, voters = problem.kind, [k for k in VOTERS if k == 1 or 2 * k <= len(y)]
    chosen: dict[str, Classifier] = {}
    if kind in PLAIN:
        chosen[f"ExtraTreesClassifier(n_estimators={TREES})"] = ensemble.ExtraTreesClassifier(
            TREES, random_state=0
        )
    chosen |= {f"SVC(C={c})": svm.SVC(C=c) for c in COSTS}
    chosen |= {
        f"KNeighborsClassifier(n_neighbors={k})": neighbors.KNeighborsClassifier(k) for k in voters
    }
    if kind in PLAIN:
        chosen |= {
            f"LogisticRegression(C={c})": linear_model.LogisticRegression(C=c, max_iter=300)
            for c in STRENGTHS
        }
    if kind == TABLE and len(np.unique(y)) <= FEW_CLASSES:
        chosen[f"HistGradientBoostingClassifier(max_iter={STAGES})"] = (
            ensemble.HistGradientBoostingClassifier(
                max_iter=STAGES, early_stopping=False, random_state=0
            )
        )
    first = _of_windows(problem) if kind == WINDOWS else {}
    return first | {name: Candidate(model) for name, model in chosen.items()}


def _of_windows(problem: Problem) -> dict[str, Candidate]:
    """A ridge over random convolution kernels."""
    from sklearn import linear_model, preprocessing

    grid = builder.grid_of(problem)
    assert grid is not None
    ridge = linear_model.RidgeClassifierCV(np.geomspace(*RIDGES, 10))
    model = _chain(scale=preprocessing.StandardScaler(), answer=ridge)
    return {"RidgeClassifierCV over random kernels": Candidate(model, over_kernels(grid))}


def over_kernels(grid: Grid, count: int = KERNELS) -> Callable[[Features], Features]:
    """From the observations of windows to the answers of random kernels, always the same ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Encoder(Kernels(grid, count))


@dataclass(frozen=True, eq=False)
class Encoder:
    """Observations to what a network that is not trained answers."""

    network: nn.Module

    def __call__(self, x: Features) -> Features:
        """[n, features] to [n, features]."""
        with torch.inference_mode():
            parts = [self.network(part) for part in torch.split(torch.from_numpy(x), PIECE)]
        encoded: Features = torch.cat(parts).numpy()
        return encoded


def fitted(model: Classifier, x: Features, y: Codes, weights: Weights | None = None) -> Classifier:
    """A classifier that has learnt; where there is one class alone, it is the answer.

    Args:
        model: The classifier.
        x: Rows, [n, features].
        y: Their classes, [n].
        weights: How much each counts, [n], to a classifier that weighs rows; one that does not
            leaves out those of weight 0.
    """
    from sklearn import dummy
    from sklearn.utils.validation import has_fit_parameter

    if weights is not None and weights.any():
        x, y, weights = x[weights > 0], y[weights > 0], weights[weights > 0]
    chosen: Any = model if (y != y[0]).any() else dummy.DummyClassifier(strategy="most_frequent")
    weighs = weights is not None and has_fit_parameter(chosen, "sample_weight")
    chosen = fewer(chosen, len(y))
    with quiet():
        learnt: Classifier = chosen.fit(x, y, **({"sample_weight": weights} if weighs else {}))
    return learnt


def fewer(model: Any, rows: int) -> Any:  # noqa: ANN401  (scikit-learn's)
    """A model that asks no more neighbours than there are rows."""
    if getattr(model, "n_neighbors", 0) > rows:
        from sklearn import base

        return base.clone(model).set_params(n_neighbors=rows)
    return model


def answers(model: Classifier, x: Features) -> Codes:
    """The class of each row by a classifier that has learnt, [n]."""
    with quiet():
        return model.predict(x)


def calibrated(
    model: Classifier,
    x: Features,
    y: Codes,
    held: Sequence[Codes],
    weights: Weights | None = None,
) -> Classifier:
    """A classifier fitted to rows, whose probabilities are as sure as it is right on held ones.

    One that has probabilities of its own keeps them; of another, `shares` is as it is without any
    rows held out, or where a class is missing among the others.

    Args:
        model: The classifier.
        x: Rows, [n, features].
        y: Their classes, [n].
        held: The rows that are held out in turns.
        weights: As of `fitted`.
    """
    from sklearn import calibration

    others = [np.delete(np.arange(len(y)), rows) for rows in held]
    whole = held and all(set(y[kept]) == set(y) for kept in others)
    if hasattr(model, "predict_proba") or not whole or not (y != y[0]).any():
        return fitted(model, x, y, weights)
    folds = list(zip(others, held, strict=True))
    careful = calibration.CalibratedClassifierCV(
        model, method="temperature", cv=folds, ensemble=False
    )
    with quiet():
        learnt: Classifier = careful.fit(x, y, sample_weight=weights)
    return learnt


def shares(model: Classifier, x: Features) -> Shares:
    """What a classifier that has learnt says of rows [n, features].

    One without probabilities gives the softmax of its decision function.
    """
    knowing: Any = model
    with quiet():
        if hasattr(knowing, "predict_proba"):
            return knowing.predict_proba(x), knowing.classes_
        ways = knowing.decision_function(x)
    ways = ways if ways.ndim == 2 else np.stack([-ways, ways], 1)
    odds = np.exp(ways - ways.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True), knowing.classes_

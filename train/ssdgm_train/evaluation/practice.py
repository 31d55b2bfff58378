"""What a practitioner tries in ten minutes: classifiers of scikit-learn's, chosen by their labels.

Classifiers on the labels alone get observations, as networks do, and the class of every labelled
row. They are compared with one another by stratified cross-validation, and the best is fitted on
all of these rows. Label spreading gets the unlabelled rows too; of it the number of neighbours and
the share taken from them are chosen, by the same folds.

References:
    Learning with Local and Global Consistency (Zhou et al., 2004), for label spreading.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ssdgm_train import seeds
from ssdgm_train.problems import ROWS, TABLE

Features = NDArray[np.float32]
Codes = NDArray[np.int64]

Shares = tuple[NDArray[np.floating[Any]], Codes]
"""The probabilities of some classes for rows, [n, k], and the codes of these classes, [k]."""

UNKNOWN = -1
"""The code of a row whose class is not known, here as in scikit-learn."""

FOLDS = 5
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

NEIGHBOURS = (7, 5, 10)
ALPHAS = (0.2, 0.9)
"""Of label spreading: how much of its answer a row takes from its neighbours."""

SPREADINGS = 100
"""The most rounds of label spreading; it stops earlier where nothing changes."""


@runtime_checkable
class Classifier(Protocol):
    """A classifier as scikit-learn has them."""

    def fit(self, x: Features, y: Codes) -> Any:  # noqa: ANN401  (itself)
        """Learn from rows [n, features] and their classes [n]."""

    def predict(self, x: Features) -> Codes:
        """The class of each row."""


@dataclass(frozen=True)
class Tried:
    """A classifier and its cross-validated error; None where there were no folds.

    Attributes:
        name: As scikit-learn writes it.
        error: The share of labelled rows that were wrong when they were held out.
        spread: The standard deviation of that share over the folds.
    """

    name: str
    error: float | None = None
    spread: float | None = None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No word of rounds that did not converge, or of rows that no label reaches."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def folds(y: Codes, seed: int, most: int = FOLDS) -> tuple[NDArray[np.int64], ...]:
    """The rows to hold out in turns, the classes spread evenly.

    Args:
        y: The class of each row.
        seed: Of the draw.
        most: The largest number of folds.

    Returns:
        Sorted positions: `most` times, or as often as the rarest class has rows, but at least
        twice; none where no class has two rows.
    """
    counts = np.unique(y, return_counts=True)[1]
    if counts.max(initial=0) < 2:
        return ()
    number = min(most, max(2, int(counts.min())))
    order = seeds.generator(seed, seeds.FOLDS).permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    return tuple(np.sort(order[first::number]) for first in range(number))


def candidates(kind: str, y: Codes) -> dict[str, Classifier]:
    """The classifiers to try for a kind of rows with these classes, by name."""
    from sklearn import ensemble, linear_model, neighbors, svm

    voters = [k for k in VOTERS if k == 1 or 2 * k <= len(y)]
    chosen = {f"SVC(C={c})": svm.SVC(C=c) for c in COSTS}
    chosen |= {
        f"KNeighborsClassifier(n_neighbors={k})": neighbors.KNeighborsClassifier(k) for k in voters
    }
    if kind in (ROWS, TABLE):
        chosen |= {
            f"LogisticRegression(C={c})": linear_model.LogisticRegression(C=c, max_iter=300)
            for c in STRENGTHS
        }
        chosen[f"ExtraTreesClassifier(n_estimators={TREES})"] = ensemble.ExtraTreesClassifier(
            TREES, random_state=0
        )
    if kind == TABLE and len(np.unique(y)) <= FEW_CLASSES:
        chosen[f"HistGradientBoostingClassifier(max_iter={STAGES})"] = (
            ensemble.HistGradientBoostingClassifier(
                max_iter=STAGES, early_stopping=False, random_state=0
            )
        )
    return chosen


def fitted(model: Classifier, x: Features, y: Codes) -> Classifier:
    """A classifier that has learnt; where there is one class alone, it is the answer."""
    from sklearn import dummy

    with _quiet():
        learnt: Classifier = (
            model if (y != y[0]).any() else dummy.DummyClassifier(strategy="most_frequent")
        ).fit(x, y)
    return learnt


def answers(model: Classifier, x: Features) -> Codes:
    """The class of each row by a classifier that has learnt, [n]."""
    with _quiet():
        return model.predict(x)


def shares(model: Classifier, x: Features) -> Shares:
    """What a classifier that has learnt says of rows [n, features].

    One without probabilities gives the softmax of its decision function.
    """
    knowing: Any = model
    with _quiet():
        if hasattr(knowing, "predict_proba"):
            return knowing.predict_proba(x), knowing.classes_
        ways = knowing.decision_function(x)
    ways = ways if ways.ndim == 2 else np.stack([-ways, ways], 1)
    odds = np.exp(ways - ways.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True), knowing.classes_


def tried(
    name: str, held: Sequence[NDArray[np.int64]], wrong: Callable[[NDArray[np.int64]], Any]
) -> Tried:
    """A classifier's cross-validated error.

    Args:
        name: Of the classifier.
        held: The rows that are held out in turns.
        wrong: Which of them a classifier has wrong that has learnt without them.
    """
    if not held:
        return Tried(name)
    shares = [np.asarray(wrong(rows), float).mean() for rows in held]
    error = np.average(shares, weights=[len(rows) for rows in held])
    return Tried(name, float(error), float(np.std(shares, ddof=1)))


def on_labels(
    kind: str, x: Features, y: Codes, held: Sequence[NDArray[np.int64]]
) -> tuple[tuple[Tried, ...], Tried, Classifier]:
    """The classifiers on the labels alone: what each came to, the best, and it fitted.

    Args:
        kind: Of rows, one of `problems.KINDS`.
        x: The observations of labelled rows, [n, features].
        y: Their classes, [n].
        held: The rows that are held out in turns; without any, the first candidate is the best.
    """
    models, every = candidates(kind, y), []
    for name, model in models.items():

        def wrong(rows: NDArray[np.int64], model: Classifier = model) -> NDArray[np.bool_]:
            kept = np.delete(np.arange(len(y)), rows)
            return np.not_equal(answers(fitted(model, x[kept], y[kept]), x[rows]), y[rows])

        every.append(tried(name, held, wrong))
    best = min(every, key=lambda one: one.error or 0.0)
    return tuple(every), best, fitted(models[best.name], x, y)


def spreading(
    x: Features, y: Codes, held: Sequence[NDArray[np.int64]]
) -> tuple[Tried, Classifier] | None:
    """Label spreading over a graph of neighbours: the best of `NEIGHBOURS` and `ALPHAS`, fitted.

    Its `predict` is for rows that were not in the graph, and needs all that were.

    Args:
        x: The observations of all training rows, [n, features].
        y: Their classes, `UNKNOWN` where they have no label, [n].
        held: The rows whose labels are hidden in turns.

    Returns:
        None where there are fewer rows than neighbours.
    """
    from sklearn import neighbors, semi_supervised

    numbers = [k for k in NEIGHBOURS if k <= len(x)]
    if not numbers:
        return None
    nearest = neighbors.NearestNeighbors(n_neighbors=max(numbers)).fit(x)
    near = nearest.kneighbors(x, return_distance=False)
    every = {
        (k, alpha): tried(_spreading(k, alpha), held, _hidden(near[:, :k], y, alpha))
        for k in numbers
        for alpha in ALPHAS
    }
    best = min(every, key=lambda way: every[way].error or 0.0)
    model = semi_supervised.LabelSpreading(
        "knn", n_neighbors=best[0], alpha=best[1], max_iter=SPREADINGS
    )
    with _quiet():
        return every[best], model.fit(x, y)


def _spreading(k: int, alpha: float) -> str:
    return f"LabelSpreading(kernel='knn', n_neighbors={k}, alpha={alpha})"


def _hidden(
    near: NDArray[np.int64], y: Codes, alpha: float
) -> Callable[[NDArray[np.int64]], NDArray[np.bool_]]:
    """Which rows are wrong whose labels are hidden, in the graph of these neighbours, [n, k].

    The graph is the one that scikit-learn makes, but is made once for all folds.
    """
    from scipy import sparse
    from sklearn import semi_supervised

    size, k = near.shape
    starts = np.arange(0, size * k + 1, k)
    graph = sparse.csr_matrix((np.ones(size * k), near.ravel(), starts), (size, size))

    def wrong(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        seen = y.copy()
        seen[rows] = UNKNOWN
        model = semi_supervised.LabelSpreading(lambda *_: graph, alpha=alpha, max_iter=SPREADINGS)
        with _quiet():
            answered: Codes = model.fit(near, seen).transduction_
        return np.not_equal(answered[rows], y[rows])

    return wrong

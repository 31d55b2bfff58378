"""What a practitioner tries in ten minutes: classifiers of scikit-learn's, chosen by their labels.

Classifiers on the labels alone get the class of every labelled row. They are compared with one
another by stratified cross-validation, and the one that is taken is fitted on all of these rows:
the usual one for the kind of rows, unless another errs less by more than a standard error, since
few labels make many look best by chance. Label spreading gets the unlabelled rows too; of it the
number of neighbours and the share taken from them are chosen, by the same folds.

References:
    Classification and Regression Trees (Breiman et al., 1984), section 3.4.3, for the rule of one
    standard error.
    Learning with Local and Global Consistency (Zhou et al., 2004), for label spreading.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_train import seeds
from ssdgm_train.evaluation import trials
from ssdgm_train.evaluation.classifiers import (
    Candidate,
    Classifier,
    Codes,
    Features,
    Weights,
    answers,
    candidates,
    fitted,
    quiet,
)
from ssdgm_train.problems import Problem

UNKNOWN = -1
"""The code of a row whose class is not known, here as in scikit-learn."""

FOLDS = 5

MOST, FEW = 5_000, 100
"""The most labelled rows for scikit-learn, and those that it gets however wide they are."""

NUMBERS = 3_000_000
"""The most numbers that these rows hold together, so that all takes about a minute."""

NEIGHBOURS = (7, 5, 10)
ALPHAS = (0.2, 0.9)
"""Of label spreading: how much of its answer a row takes from its neighbours."""

SPREADINGS = 100
"""The most rounds of label spreading; it stops earlier where nothing changes."""


@dataclass(frozen=True)
class Tried:
    """A classifier and its cross-validated error; None where there were no folds.

    Attributes:
        name: As scikit-learn writes it.
        error: The share of labelled rows that were wrong when they were held out; of numbers the
            root mean squared error, in deviations of the labels.
        spread: The standard deviation of that over the folds.
    """

    name: str
    error: float | None = None
    spread: float | None = None


def sample(strata: NDArray[Any], width: int, seed: int) -> NDArray[np.int64]:
    """The positions of the labelled rows that scikit-learn gets: all, or a stratified sample.

    Args:
        strata: The stratum of each row's label.
        width: Of its observation.
        seed: Of the draw.
    """
    most, count = min(MOST, max(FEW, NUMBERS // width)), len(strata)
    if count <= most:
        return np.arange(count)
    rows = seeds.generator(seed, seeds.FOLDS, 1).permutation(count)
    rows = rows[np.argsort(strata[rows], kind="stable")]
    return np.sort(rows[np.linspace(0, count - 1, most).astype(np.int64)])


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


def _share(wrong: NDArray[np.floating]) -> NDArray[np.floating]:
    return wrong


def tried(
    name: str,
    held: Sequence[NDArray[np.int64]],
    wrong: Callable[[NDArray[np.int64]], Any],
    error: Callable[[NDArray[np.floating]], NDArray[np.floating]] = _share,
    entries: float = 1,
) -> Tried:
    """A classifier's cross-validated error.

    Args:
        name: Of the classifier.
        held: The rows that are held out in turns.
        wrong: Which of them a classifier has wrong that has learnt without them.
        error: What the mean of that comes to, as `Space.error` has it.
        entries: How many entries of a row's label are known, on average.
    """
    if not held:
        return Tried(name)
    means = np.array([np.asarray(wrong(rows), float).mean() for rows in held]) / entries
    whole = error(np.average(means, weights=[len(rows) for rows in held], keepdims=True))
    return Tried(name, float(whole[0]), float(np.std(error(means), ddof=1)))


def on_labels(
    problem: Problem,
    x: Features,
    y: Codes,
    held: Sequence[Codes],
    weights: Weights | None = None,
) -> tuple[tuple[Tried, ...], Tried, Candidate]:
    """The classifiers on the labels alone: what each came to, which to take, and it by itself.

    Args:
        problem: The problem.
        x: The observations of labelled rows, [n, features].
        y: Their classes, [n].
        held: The rows that are held out in turns; without any, the first candidate is the best.
        weights: How much each row counts where it is learnt from, [n]; errors are of rows alike.
    """
    every, tries = candidates(problem, y), []
    for name, one in every.items():
        seen = x if one.encode is None or not held else one.encode(x)

        def wrong(
            rows: Codes, model: Classifier = one.model, seen: Features = seen
        ) -> NDArray[np.bool_]:
            kept = np.delete(np.arange(len(y)), rows)
            own = None if weights is None else weights[kept]
            learnt = fitted(model, seen[kept], y[kept], own)
            return np.not_equal(answers(learnt, seen[rows]), y[rows])

        tries.append(tried(name, held, wrong))
    best = usual(tries, len(y))
    return tuple(tries), best, every[best.name]


def usual(tries: Sequence[Tried], rows: int) -> Tried:
    """The first of those within a standard error of the lowest error; the usual ones come first.

    Args:
        tries: What each came to.
        rows: How many rows were held out in turns.
    """
    least = min(one.error or 0.0 for one in tries)
    most = least + trials.deviation(least, rows)
    return next(one for one in tries if (one.error or 0.0) <= most)


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
    with quiet():
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
        with quiet():
            answered: Codes = model.fit(near, seen).transduction_
        return np.not_equal(answered[rows], y[rows])

    return wrong

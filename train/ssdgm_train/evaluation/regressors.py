"""What a practitioner tries in ten minutes where labels are numbers: regressors of scikit-learn's.

They get observations, as networks do, and the labels of the labelled rows, and are compared with
one another by cross-validation; the best is fitted on all of these rows. Labels are standardised,
and each number is predicted by a regressor of its own, fitted on the rows in which it is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ssdgm_train import seeds
from ssdgm_train.evaluation import practice
from ssdgm_train.evaluation.classifiers import Features, Weights, fewer, quiet
from ssdgm_train.evaluation.practice import Tried
from ssdgm_train.problems import ROWS, TABLE

Numbers = NDArray[np.float64]

STRENGTHS = (1, 10, 100)
"""Penalties of ridge regression; the first is taken where nothing tells them apart."""

COSTS = (1, 10)
"""Values of C of a support vector machine."""

NEIGHBOURS = (1, 5, 10)
STAGES, TREES = 100, 100
"""Trees of boosting, and of a forest of randomised ones."""


@runtime_checkable
class Regressor(Protocol):
    """A regressor as scikit-learn has them."""

    def fit(self, x: Features, y: Numbers) -> Any:  # noqa: ANN401  (itself)
        """Learn from rows [n, features] and a number of each [n]."""

    def predict(self, x: Features) -> Numbers:
        """The number of each row."""


@dataclass(frozen=True)
class Several:
    """A copy of a regressor for each number of a label."""

    model: Regressor
    every: list[Any] = field(default_factory=list)

    def fit(self, x: Features, y: Numbers, weights: Weights | None = None) -> "Several":
        """Learn from rows [n, features] and labels [n, D], NaN where a number is not known.

        Weights [n] go to a regressor that weighs rows; one that does not leaves out those of 0.
        """
        from sklearn import base, dummy
        from sklearn.utils.validation import has_fit_parameter

        if weights is not None and weights.any():
            x, y, weights = x[weights > 0], y[weights > 0], weights[weights > 0]
        weighs = has_fit_parameter(self.model, "sample_weight")
        for column in y.T:
            known = ~np.isnan(column)
            if known.sum() < 2:
                learnt: Any = dummy.DummyRegressor(strategy="constant", constant=0.0)
                self.every.append(learnt.fit(x[:1], np.zeros(1)))
                continue
            own = None if weights is None or not weighs else weights[known]
            more = {} if own is None else {"sample_weight": own}
            model = fewer(base.clone(self.model), int(known.sum()))
            self.every.append(model.fit(x[known], column[known], **more))
        return self

    def predict(self, x: Features) -> Numbers:
        """The label of each row, [n, D]."""
        answers = [each.predict(x) for each in self.every]
        return np.stack(answers, 1).astype(np.float64)


def folds(size: int, seed: int, most: int) -> tuple[NDArray[np.int64], ...]:
    """The rows to hold out in turns, at random: sorted positions; none of fewer than four rows."""
    number = min(most, size // 2)
    if number < 2:
        return ()
    order = seeds.generator(seed, seeds.FOLDS).permutation(size)
    return tuple(np.sort(order[first::number]) for first in range(number))


def candidates(kind: str, rows: int) -> dict[str, Regressor]:
    """The regressors to try for a kind of rows, so many of them labelled, by name."""
    from sklearn import ensemble, linear_model, neighbors, svm

    chosen: dict[str, Regressor] = {f"Ridge(alpha={a})": linear_model.Ridge(a) for a in STRENGTHS}
    chosen |= {f"SVR(C={c})": svm.SVR(C=c) for c in COSTS}
    chosen |= {
        f"KNeighborsRegressor(n_neighbors={k})": neighbors.KNeighborsRegressor(k)
        for k in NEIGHBOURS
        if k == 1 or 4 * k <= rows
    }
    if kind in (ROWS, TABLE):
        chosen[f"ExtraTreesRegressor(n_estimators={TREES})"] = ensemble.ExtraTreesRegressor(
            TREES, random_state=0
        )
    chosen[f"HistGradientBoostingRegressor(max_iter={STAGES})"] = (
        ensemble.HistGradientBoostingRegressor(
            max_iter=STAGES, early_stopping=False, random_state=0
        )
    )
    return chosen


def on_labels(
    kind: str,
    x: Features,
    y: Numbers,
    held: Sequence[NDArray[np.int64]],
    weights: Weights | None = None,
) -> tuple[tuple[Tried, ...], Tried, Several]:
    """The regressors: what each came to, the best, and it fitted.

    Args:
        kind: Of rows, one of `problems.KINDS`.
        x: The observations of labelled rows, [n, features].
        y: Their standardised labels, [n, D], NaN where a number is not known.
        held: The rows that are held out in turns; without any, the first candidate is the best.
        weights: How much each counts in learning, [n].
    """
    models, every = candidates(kind, len(y)), []
    for name, model in models.items():

        def wrong(rows: NDArray[np.int64], model: Regressor = model) -> Numbers:
            kept = np.delete(np.arange(len(y)), rows)
            each = None if weights is None else weights[kept]
            return squares(fitted(model, x[kept], y[kept], each).predict(x[rows]), y[rows])

        every.append(
            practice.tried(name, held, wrong, np.sqrt, float((~np.isnan(y)).sum(1).mean()))
        )
    best = min(every, key=lambda one: one.error or 0.0)
    return tuple(every), best, fitted(models[best.name], x, y, weights)


def fitted(model: Regressor, x: Features, y: Numbers, weights: Weights | None = None) -> Several:
    """A regressor that has learnt; see `Several.fit`."""
    with quiet():
        return Several(model).fit(x, y, weights)


def squares(predicted: Numbers, y: Numbers) -> Numbers:
    """The sum of each row's squared errors, of the numbers that are known, [n]."""
    sums: Numbers = np.nansum((predicted - y) ** 2, axis=1)
    return sums

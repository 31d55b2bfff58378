"""Which classifier is a run's baseline: its network or one of scikit-learn's, whichever errs less.

Where labels are numbers, these are regressors.

Scikit-learn's are compared with one another by cross-validation on the labelled training rows, see
`practice`; the one taken and the network by the validation rows, or by the same folds where those
are few. No test row has a say. Label spreading learns from unlabelled rows too, so it is none of
them, and is compared with the run by itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ssdgm_train import evaluation
from ssdgm_train.data import split, store
from ssdgm_train.evaluation import Tried, classifiers, passes, practice, regressors
from ssdgm_train.labels import Continuous
from ssdgm_train.likelihoods import observations
from ssdgm_train.runs.session import Session

GRAPH_ROWS, GRAPH_NUMBERS = 20_000, 20_000_000
"""The most training rows of which a graph is made, and the most numbers that they hold."""

CPU = torch.device("cpu")
Parts = Mapping[str, evaluation.Labelled]
Compared = tuple[evaluation.Comparison | None, evaluation.Comparison | None]
Wrong = Mapping[str, NDArray[Any]]
"""How wrong each row's label is, as `Space.wrong` has it, by the part that the rows are of."""


@dataclass(frozen=True, eq=False)
class Finalist:
    """A classifier that held-out rows are answered with."""

    tried: Tried
    wrong: Wrong


@dataclass(frozen=True, eq=False)
class Attempts:
    """What scikit-learn's classifiers came to.

    Attributes:
        rows: The labelled rows that they learnt from.
        folds: Positions among these, held out in turns.
        every: The candidates on the labels alone.
        best: The one taken of them, see `practice.usual`.
        graph: Label spreading; None where there are too many rows for it, or too few.
    """

    rows: store.Indices
    folds: tuple[NDArray[np.int64], ...]
    every: tuple[Tried, ...]
    best: Finalist
    graph: Finalist | None


def attempts(session: Session, parts: Parts, most: int = practice.FOLDS) -> Attempts | None:
    """Try scikit-learn's; None where labels are neither classes, one a row, nor numbers.

    Args:
        session: The run that they are to be compared with.
        parts: The held-out rows to answer.
        most: The largest number of folds.
    """
    rows, held = folded(session, most)
    if isinstance(session.model.labels, Continuous):
        return _measured(session, rows, held, parts)
    y = _codes(session, rows)
    if y is None:
        return None
    problem, x = session.run.read().problem, _features(session, rows)
    each = weights(session, rows)
    every, best, candidate = practice.on_labels(problem, x, y, held, each)
    model = classifiers.fitted(candidate.whole, x, y, each)
    finalist = Finalist(best, _wrong(session, model, parts))
    return Attempts(rows, held, every, finalist, _graph(session, rows, held, parts))


def folded(
    session: Session, most: int = practice.FOLDS
) -> tuple[store.Indices, tuple[NDArray[np.int64], ...]]:
    """The labelled rows that are cross-validated, and positions among them to hold out in turns.

    There are no folds where labels are neither classes, one a row, nor numbers, or too few. Rows
    that were cut of one recording are in one fold.

    Args:
        session: The run.
        most: The largest number of folds.
    """
    rows = sampled(session)
    first, number = _recordings(session, rows)
    if isinstance(session.model.labels, Continuous):
        folds = regressors.folds(len(first), session.seed, most)
    else:
        y = _codes(session, rows)
        folds = () if y is None else practice.folds(y[first], session.seed, most)
    return rows, tuple(np.flatnonzero(np.isin(number, fold)) for fold in folds)


def _recordings(session: Session, rows: store.Indices) -> tuple[store.Indices, store.Indices]:
    """The position of a row of each recording, and which each row is of; else each is its own."""
    if session.data.recordings is None:
        return np.arange(len(rows)), np.arange(len(rows))
    return np.unique(session.data.recordings[rows], return_index=True, return_inverse=True)[1:]


def _measured(
    session: Session, rows: store.Indices, held: tuple[NDArray[np.int64], ...], parts: Parts
) -> Attempts:
    """What regressors came to."""
    observer = _observer(session)
    y = _standard(session, store.take(session.data.y, rows))
    kind = session.run.read().problem.kind
    x, each = _features(session, rows), weights(session, rows)
    every, best, model = regressors.on_labels(kind, x, y, held, each)

    def answers(x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(model.predict(observer(x).numpy()))

    wrong = {
        part: regressors.squares(
            passes.map_rows(observer, answers, some.x, CPU).numpy(), _standard(session, some.y)
        )
        for part, some in parts.items()
    }
    return Attempts(rows, held, every, Finalist(best, wrong), None)


def _standard(session: Session, y: NDArray[Any]) -> NDArray[np.float64]:
    """Labels that are numbers, standardised."""
    given: NDArray[np.float64] = session.model.labels.given(torch.from_numpy(y)).numpy()
    return given


def sampled(session: Session) -> store.Indices:
    """The labelled rows that count, or a stratified sample of them."""
    rows = session.split.labelled
    own = split.labelled_weights(session.data, session.split, session.recipe.data)
    if own is not None and own.any():
        rows = rows[own > 0]
    strata = session.model.labels.strata(store.take(session.data.y, rows))
    return rows[practice.sample(strata, _observer(session).width, session.seed)]


def weights(session: Session, rows: store.Indices) -> classifiers.Weights | None:
    """How much some of the labelled rows count, [n]; None where all count alike."""
    own = split.labelled_weights(session.data, session.split, session.recipe.data)
    return None if own is None else own[np.isin(session.split.labelled, rows)]


def _graph(
    session: Session,
    rows: store.Indices,
    held: tuple[NDArray[np.int64], ...],
    parts: Parts,
) -> Finalist | None:
    """Label spreading over all training rows; labelled ones that were not sampled keep theirs."""
    others = np.setdiff1d(session.split.training, rows)
    size = len(rows) + len(others)
    if size > min(GRAPH_ROWS, GRAPH_NUMBERS // _observer(session).width):
        return None
    every = np.concatenate([rows, others])
    known = np.isin(every, session.split.labelled)
    codes = _codes(session, every)
    y = np.where(known, practice.UNKNOWN if codes is None else codes, practice.UNKNOWN)
    spread = practice.spreading(_features(session, every), y, held)
    return Finalist(spread[0], _wrong(session, spread[1], parts)) if spread else None


def _observer(session: Session) -> observations.Observer:
    return observations.observer_for(session.run.read().problem)


def _codes(session: Session, rows: store.Indices) -> classifiers.Codes | None:
    return session.model.labels.codes(store.take(session.data.y, rows))


def _features(session: Session, rows: store.Indices) -> classifiers.Features:
    observer = _observer(session)
    x = store.Rows(session.data.x, rows)
    features: classifiers.Features = passes.map_rows(observer, observer, x, CPU).numpy()
    return features


def _wrong(session: Session, model: classifiers.Classifier, parts: Parts) -> Wrong:
    observer = _observer(session)

    def answers(x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(classifiers.answers(model, observer(x).numpy()))

    wrong = {}
    for part, rows in parts.items():
        answered = passes.map_rows(observer, answers, rows.x, CPU).numpy()
        wrong[part] = (answered != session.model.labels.codes(rows.y)).astype(np.int64)
    return wrong


def by(tries: Attempts, parts: Parts) -> str:
    """How the network and the one taken of scikit-learn's are compared, as `Chosen.by` has it."""
    held = parts.get("validation")
    if held and len(held.y) >= evaluation.ENOUGH:
        return "validation"
    return "folds" if tries.folds else ""


def decided(network: Finalist, best: Finalist, way: str) -> tuple[Finalist, Finalist]:
    """The better of the network and the one taken of scikit-learn's, and the other.

    Where they err as much it is the network, which can be shipped.
    """

    def error(one: Finalist) -> float:
        return float(one.wrong[way].mean()) if way == "validation" else one.tried.error or 0.0

    return (best, network) if way and error(best) < error(network) else (network, best)


def outcome(
    network: Finalist,
    steps: int,
    tries: Attempts | None,
    parts: Parts,
    against: Callable[[Finalist], Compared],
    measure: str,
) -> evaluation.Baseline:
    """The part of `result.json` about the baseline.

    Args:
        network: The network.
        steps: Of its training.
        tries: What scikit-learn's classifiers came to; None where they were not tried.
        parts: The held-out rows.
        against: Compares the run with a classifier, on validation and on test rows.
        measure: What errors are, as of `Baseline`.
    """
    if tries is None:
        return evaluation.Baseline(network.tried.name, steps, *against(network), measure=measure)
    way = by(tries, parts)
    winner, other = decided(network, tries.best, way)
    others = {other: False, **({tries.graph: True} if tries.graph else {})}
    chosen = evaluation.Chosen(
        by=way,
        rows=len(tries.rows),
        folds=len(tries.folds),
        candidates=(network.tried, *tries.every),
        others=tuple(
            evaluation.Other(one.name, one.error, one.spread, unlabelled, *against(finalist))
            for finalist, unlabelled in others.items()
            for one in (finalist.tried,)
        ),
    )
    return evaluation.Baseline(winner.tried.name, steps, *against(winner), chosen, measure)

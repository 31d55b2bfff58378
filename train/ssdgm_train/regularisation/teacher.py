"""Teachers: what others say of unlabelled rows, which a classifier learns to repeat.

Labels that are spread over a graph know what lies close together in the whole training set, and
need that set to answer; a classifier that has learnt their answers needs no row of it. The
baseline is the best of scikit-learn's classifiers on the labels alone, which no bundle can hold
either. Peers are models of the same recipe; together they err less than each. What several
teachers say is multiplied.

References:
    Learning with Local and Global Consistency (Zhou et al., 2004).
    Distilling the Knowledge in a Neural Network (Hinton, Vinyals and Dean, 2015).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.data import store
from ssdgm_train.data.split import Split
from ssdgm_train.evaluation import passes, practice
from ssdgm_train.labels.space import Space
from ssdgm_train.likelihoods import observations
from ssdgm_train.problems import Problem
from ssdgm_train.regularisation.plan import BASELINE, GRAPH

WIDE = 50
"""The most features of the rows that neighbours are found by; wider rows are projected."""

FEWEST = 1e-3
"""The smallest probability in an answer."""


def together(said: Sequence[Tensor]) -> Tensor:
    """What several teachers say: the mean of those logarithms that there are.

    Args:
        said: Of each, [n, raw]; NaN where it does not know.
    """
    return torch.stack([*said]).nanmean(0)


def answers(
    source: str, problem: Problem, x: store.Array, y: store.Array, parts: Split, seed: int
) -> Tensor:
    """What a teacher of `SOURCES` says of every row, raw numbers [n, raw].

    NaN where it does not know, as of rows that are held out.

    Args:
        source: The teacher.
        problem: The problem.
        x: All rows, of training and held out.
        y: Their labels.
        parts: Which are labelled, unlabelled, and held out.
        seed: Of the folds by which the number of neighbours is chosen.
    """
    rows, space = np.concatenate([parts.labelled, parts.unlabelled]), problem.labels
    said = torch.full((len(x), space.raw), torch.nan)
    observer = observations.observer_for(problem)
    features = passes.map_rows(observer, observer, store.Rows(x, rows), torch.device("cpu"))
    codes = space.codes(store.take(y, parts.labelled))
    assert codes is not None
    shares = SOURCES[source](problem.kind, features.numpy(), codes, seed)
    if shares is not None:
        said[torch.from_numpy(rows)] = _raw(*shares, space)
    return said


def _graph(
    kind: str, x: practice.Features, y: practice.Codes, seed: int
) -> practice.Shares | None:
    """Labels spread over a graph of neighbouring rows; zeros for rows that no label reaches."""
    every = np.concatenate([y, np.full(len(x) - len(y), practice.UNKNOWN)])
    spread = practice.spreading(_narrow(x), every, practice.folds(y, seed))
    if spread is None:
        return None
    model: Any = spread[1]
    return model.label_distributions_, model.classes_


def _narrow(x: practice.Features) -> practice.Features:
    """At most `WIDE` features of each row: wider rows are projected."""
    from sklearn.decomposition import PCA

    if x.shape[1] <= WIDE:
        return x
    size = min(WIDE, len(x))
    projected: practice.Features = PCA(size, random_state=0).fit_transform(x).astype(np.float32)
    return projected


def _baseline(
    kind: str, x: practice.Features, y: practice.Codes, seed: int
) -> practice.Shares | None:
    """The classifier that errs least of those on the labels alone."""
    _, _, model = practice.on_labels(kind, x[: len(y)], y, practice.folds(y, seed))
    return practice.shares(model, x)


SOURCES: dict[
    str, Callable[[str, practice.Features, practice.Codes, int], practice.Shares | None]
] = {
    GRAPH: _graph,
    BASELINE: _baseline,
}
"""By a teacher's name: from (kind of rows; rows, first those with labels; these; a seed)."""


def _raw(shares: NDArray[np.floating[Any]], classes: NDArray[np.int64], space: Space) -> Tensor:
    """The logarithms of probabilities [n, K]; NaN for rows without any."""
    whole = torch.zeros(len(shares), space.raw)
    whole[:, torch.from_numpy(classes)] = torch.from_numpy(np.asarray(shares, np.float32))
    known = whole.sum(1) > 0
    return torch.where(known[:, None], whole.clamp(min=FEWEST).log(), torch.nan)

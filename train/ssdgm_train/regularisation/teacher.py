"""Teachers: what others say of unlabelled rows, which a classifier learns to repeat.

Labels that are spread over a graph know what lies close together in the whole training set, and
need that set to answer; a classifier that has learnt their answers needs no row of it. Classifiers
of scikit-learn's know the labels alone, each with another bias. Peers are models of the same
recipe; together they err less than each. What several teachers say is multiplied.

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
from ssdgm_train.regularisation.plan import CLASSIFIERS, GRAPH

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
    features = _features(problem, store.Rows(x, rows))
    codes = space.codes(store.take(y, parts.labelled))
    assert codes is not None
    shares = SOURCES[source](features, codes, seed)
    if shares is not None:
        said[torch.from_numpy(rows)] = _raw(*shares, space)
    return said


Shares = tuple[NDArray[np.floating[Any]], NDArray[np.int64]]
"""The probabilities of some classes for rows, [n, k], and the codes of these classes, [k]."""


def _graph(x: practice.Features, y: practice.Codes, seed: int) -> Shares | None:
    """Labels spread over a graph of neighbouring rows; zeros for rows that no label reaches."""
    every = np.concatenate([y, np.full(len(x) - len(y), practice.UNKNOWN)])
    spread = practice.spreading(x, every, practice.folds(y, seed))
    if spread is None:
        return None
    model: Any = spread[1]
    return model.label_distributions_, model.classes_


def _classifiers(x: practice.Features, y: practice.Codes, seed: int) -> Shares | None:
    """Classifiers that learnt from the labels alone, their probabilities multiplied."""
    return practice.opinions(x[: len(y)], y, x)


SOURCES: dict[str, Callable[[practice.Features, practice.Codes, int], Shares | None]] = {
    GRAPH: _graph,
    CLASSIFIERS: _classifiers,
}
"""From a teacher's name to (rows, of which the first have labels; these; a seed) to shares."""


def _features(problem: Problem, rows: store.Rows) -> practice.Features:
    from sklearn.decomposition import PCA

    observer = observations.observer_for(problem)
    x: practice.Features = passes.map_rows(observer, observer, rows, torch.device("cpu")).numpy()
    if x.shape[1] <= WIDE:
        return x
    size = min(WIDE, len(x))
    projected: practice.Features = PCA(size, random_state=0).fit_transform(x).astype(np.float32)
    return projected


def _raw(shares: NDArray[np.floating[Any]], classes: NDArray[np.int64], space: Space) -> Tensor:
    """The logarithms of probabilities [n, K]; NaN for rows without any."""
    whole = torch.zeros(len(shares), space.raw)
    whole[:, torch.from_numpy(classes)] = torch.from_numpy(np.asarray(shares, np.float32))
    known = whole.sum(1) > 0
    return torch.where(known[:, None], whole.clamp(min=FEWEST).log(), torch.nan)

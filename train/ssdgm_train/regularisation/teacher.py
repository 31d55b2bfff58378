"""A teacher: labels spread over a graph of neighbours, which a classifier learns to repeat.

Spreading knows what lies close together in the whole training set, and needs that set to answer;
a classifier that has learnt its answers needs no row of it.

References:
    Learning with Local and Global Consistency (Zhou et al., 2004).
    Distilling the Knowledge in a Neural Network (Hinton, Vinyals and Dean, 2015).
"""

import numpy as np
import torch
from torch import Tensor

from ssdgm_train.data import store
from ssdgm_train.data.split import Split
from ssdgm_train.evaluation import passes, practice
from ssdgm_train.labels.space import Space
from ssdgm_train.likelihoods import observations
from ssdgm_train.problems import Problem

WIDE = 50
"""The most features of the rows that neighbours are found by; wider rows are projected."""

FEWEST = 1e-3
"""The smallest probability in an answer."""


def answers(problem: Problem, x: store.Array, y: store.Array, parts: Split, seed: int) -> Tensor:
    """What spread labels say of every row, raw numbers [n, raw]; NaN for rows that are held out.

    Args:
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
    every = np.concatenate([codes, np.full(len(parts.unlabelled), practice.UNKNOWN)])
    spread = practice.spreading(features, every, practice.folds(codes, seed))
    if spread is not None:
        said[torch.from_numpy(rows)] = _raw(spread[1], space)
    return said


def _features(problem: Problem, rows: store.Rows) -> practice.Features:
    from sklearn.decomposition import PCA

    observer = observations.observer_for(problem)
    x: practice.Features = passes.map_rows(observer, observer, rows, torch.device("cpu")).numpy()
    if x.shape[1] <= WIDE:
        return x
    projected: practice.Features = PCA(WIDE, random_state=0).fit_transform(x).astype(np.float32)
    return projected


def _raw(model: practice.Classifier, space: Space) -> Tensor:
    """The logarithms of a graph's probabilities [n, K]; NaN for rows that no label reaches."""
    shares = torch.from_numpy(np.asarray(model.label_distributions_, np.float32))  # type: ignore[attr-defined]
    whole = torch.zeros(len(shares), space.raw)
    whole[:, torch.from_numpy(np.asarray(model.classes_, np.int64))] = shares  # type: ignore[attr-defined]
    reached = whole.sum(1) > 0
    return torch.where(reached[:, None], whole.clamp(min=FEWEST).log(), torch.nan)

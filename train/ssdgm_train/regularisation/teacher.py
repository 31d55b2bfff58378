"""Teachers: what others say of unlabelled rows, which a classifier learns to repeat.

Labels that are spread over a graph know what lies close together in the whole training set, and
need that set to answer; a classifier that has learnt their answers needs no row of it. The
baseline is the one taken of scikit-learn's classifiers on the labels alone, see `practice`.
Features are those that no label has formed, for a linear classifier: of images the patches that
are usual in all of them, of windows the answers of random kernels. Peers are models of the same
recipe; together they err less than each. What several teachers say is multiplied.

References:
    Learning with Local and Global Consistency (Zhou et al., 2004).
    Distilling the Knowledge in a Neural Network (Hinton, Vinyals and Dean, 2015).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.data import store
from ssdgm_train.data.split import Split
from ssdgm_train.evaluation import classifiers, passes, practice
from ssdgm_train.evaluation.classifiers import Codes, Features, Shares
from ssdgm_train.labels.space import Space
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks import builder
from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.problems import WINDOWS, Problem
from ssdgm_train.regularisation import patches
from ssdgm_train.regularisation.plan import BASELINE, FEATURES, GRAPH

WIDE = 50
"""The most features of the rows that neighbours are found by; wider rows are projected."""

FEWEST = 1e-3
"""The smallest probability in an answer."""

PIECE = 2_000
"""Rows that are observed at a time."""

NUMBERS = 100_000_000
"""About as many features as all windows may have; with more windows each has fewer."""

RIDGES = (1e-3, 1e5)
"""The least and the most penalty of a ridge over features, of which ten are tried."""


@dataclass(frozen=True, eq=False)
class Pool:
    """The training rows as teachers see them.

    Attributes:
        problem: The problem.
        x: All rows, of training and held out.
        rows: The training rows among them, ascending.
    """

    problem: Problem
    x: store.Array
    rows: store.Indices

    def observed(self, rows: store.Indices) -> Features:
        """The observations of some rows, [n, features]."""
        observer = observations.observer_for(self.problem)
        some = store.Rows(self.x, rows)
        seen: Features = passes.map_rows(observer, observer, some, torch.device("cpu")).numpy()
        return seen

    def encoded(self, rows: store.Indices) -> Features:
        """Features of some training rows, which are images or windows, [n, features]."""
        seen: Features = self._encoded[np.searchsorted(self.rows, rows)]
        return seen

    @cached_property
    def _encoded(self) -> Features:
        """Features of all training rows: they follow from no label, so all folds share them."""
        grid = builder.grid_of(self.problem)
        assert grid is not None
        encode = self._kernels(grid) if self.problem.kind == WINDOWS else self._patches(grid)
        return np.concatenate([encode(self.observed(some)) for some in _pieces(self.rows)])

    def _patches(self, grid: Grid) -> Callable[[Features], Features]:
        sample = torch.from_numpy(self.observed(store.spaced(self.rows, patches.IMAGES)))
        encode = patches.learnt(sample, grid)
        return lambda x: encode(torch.from_numpy(x)).numpy()

    def _kernels(self, grid: Grid) -> Callable[[Features], Features]:
        """Features of mean 0 and deviation 1 over a sample."""
        count = min(classifiers.KERNELS, max(1, NUMBERS // (2 * len(self.rows))))
        encode = classifiers.over_kernels(grid, count)
        sample = encode(self.observed(store.spaced(self.rows, PIECE)))
        mean, scale = sample.mean(0), np.maximum(sample.std(0), FEWEST)
        return lambda x: (encode(x) - mean) / scale


def _pieces(rows: store.Indices) -> Iterator[store.Indices]:
    for start in range(0, len(rows), PIECE):
        yield rows[start : start + PIECE]


def together(said: Sequence[Tensor]) -> Tensor:
    """What several teachers say: the mean of those logarithms that there are.

    Args:
        said: Of each, [n, raw]; NaN where it does not know.
    """
    return torch.stack([*said]).nanmean(0)


def answers(source: str, pool: Pool, y: store.Array, parts: Split, seed: int) -> Tensor:
    """What a teacher of `SOURCES` says of every row, raw numbers [n, raw].

    NaN where it does not know, as of rows that are held out.

    Args:
        source: The teacher.
        pool: The training rows.
        y: The labels of all rows.
        parts: Which are labelled, unlabelled, and held out.
        seed: Of the folds by which its settings are chosen.
    """
    rows, space = np.concatenate([parts.labelled, parts.unlabelled]), pool.problem.labels
    said = torch.full((len(pool.x), space.raw), torch.nan)
    codes = space.codes(store.take(y, parts.labelled))
    assert codes is not None
    shares = SOURCES[source](pool, rows, codes, seed)
    if shares is not None:
        said[torch.from_numpy(rows)] = _raw(*shares, space)
    return said


def _graph(pool: Pool, rows: store.Indices, y: Codes, seed: int) -> Shares | None:
    """Labels spread over a graph of neighbouring rows; zeros for rows that no label reaches."""
    every = np.concatenate([y, np.full(len(rows) - len(y), practice.UNKNOWN)])
    spread = practice.spreading(_narrow(pool.observed(rows)), every, practice.folds(y, seed))
    if spread is None:
        return None
    model: Any = spread[1]
    return model.label_distributions_, model.classes_


def _narrow(x: Features) -> Features:
    """At most `WIDE` features of each row: wider rows are projected."""
    from sklearn.decomposition import PCA

    if x.shape[1] <= WIDE:
        return x
    size = min(WIDE, len(x))
    projected: Features = PCA(size, random_state=0).fit_transform(x).astype(np.float32)
    return projected


def _baseline(pool: Pool, rows: store.Indices, y: Codes, seed: int) -> Shares:
    """The classifier that is taken of those on the labels alone, see `practice`."""
    x, held = pool.observed(rows[: len(y)]), practice.folds(y, seed)
    _, _, best = practice.on_labels(pool.problem, x, y, held)
    model = classifiers.calibrated(best.whole, x, y, held)
    said = [classifiers.shares(model, pool.observed(some)) for some in _pieces(rows)]
    return np.concatenate([probabilities for probabilities, _ in said]), said[0][1]


def _features(pool: Pool, rows: store.Indices, y: Codes, seed: int) -> Shares:
    """A ridge over features."""
    from sklearn.linear_model import RidgeClassifierCV

    x, held = pool.encoded(rows), practice.folds(y, seed)
    ridge = RidgeClassifierCV(np.geomspace(*RIDGES, 10))
    return classifiers.shares(classifiers.calibrated(ridge, x[: len(y)], y, held), x)


SOURCES: dict[str, Callable[[Pool, store.Indices, Codes, int], Shares | None]] = {
    GRAPH: _graph,
    BASELINE: _baseline,
    FEATURES: _features,
}
"""By a teacher's name: from (training rows; which, first those with labels; these; a seed)."""


def _raw(shares: NDArray[np.floating[Any]], classes: NDArray[np.int64], space: Space) -> Tensor:
    """The logarithms of probabilities [n, K]; NaN for rows without any."""
    whole = torch.zeros(len(shares), space.raw)
    whole[:, torch.from_numpy(classes)] = torch.from_numpy(np.asarray(shares, np.float32))
    known = whole.sum(1) > 0
    return torch.where(known[:, None], whole.clamp(min=FEWEST).log(), torch.nan)

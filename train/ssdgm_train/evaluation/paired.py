"""Two classifiers on the same rows: the difference of their errors, and how sure it is.

A run is compared with its baseline, and with what else was tried; the records of that are a part
of `result.json`.

References:
    An Introduction to the Bootstrap (Efron and Tibshirani, 1993), sections 8.3 and 13.3.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ssdgm_train import seeds
from ssdgm_train.evaluation.practice import Tried

DRAWS = 10_000
SQUARE_DRAWS, PIECE = 2_000, 1 << 22
"""Draws where each row has an error of its own, and how many rows are drawn at once."""

LEVEL = (2.5, 97.5)


@dataclass(frozen=True)
class Comparison:
    """A run's classifier and another on the same rows, see `compare`."""

    rows: int
    error: float
    baseline: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Other(Tried):
    """How a run compares with a classifier that is not its baseline; None without such rows.

    Attributes:
        unlabelled: Whether it learns from unlabelled rows too.
        validation: On the validation rows.
        test: On the test rows.
    """

    unlabelled: bool = False
    validation: Comparison | None = None
    test: Comparison | None = None


@dataclass(frozen=True)
class Chosen:
    """How a baseline was chosen, see `runs.choice`.

    Attributes:
        by: "validation" rows or "folds", by which the network and the one
            taken of scikit-learn's were compared; empty where there were neither.
        rows: How many labelled rows scikit-learn's classifiers learnt from.
        folds: In how many parts these were held out in turns.
        candidates: What was tried on the labels alone.
        others: What else the run is compared with.
    """

    by: str
    rows: int
    folds: int
    candidates: tuple[Tried, ...]
    others: tuple[Other, ...]


@dataclass(frozen=True)
class Baseline:
    """How a run compares with its baseline; None where there are no such rows.

    Attributes:
        method: The baseline: the network's method, or a classifier of scikit-learn's.
        steps: Of the network.
        validation: On the validation rows.
        test: On the test rows.
        chosen: How it was chosen; unset where there was the network alone.
        measure: What errors are: "error", shares of wrong labels; "rmse", in deviations of labels.
    """

    method: str
    steps: int
    validation: Comparison | None
    test: Comparison | None
    chosen: Chosen | msgspec.UnsetType = msgspec.UNSET
    measure: str = "error"


def compare(own: NDArray[Any], theirs: NDArray[Any], seed: int, entries: float = 1) -> Comparison:
    """Two classifiers on the same rows.

    Args:
        own: How many entries of each row's label the run's classifier has wrong, [n], as
            integers; of numbers, as floats, the sum of their squared errors.
        theirs: The same of the other.
        seed: Of the bootstrap.
        entries: How many entries of a row's label are known, on average.

    Returns:
        Both errors, the other's less the run's, and that difference's 95 % interval: of
        resampled rows, both classifiers on each of them.
    """
    if own.dtype.kind == "f":
        return _compare_squares(own, theirs, seed, float(entries))
    gains = theirs - own
    most = max(1, int(np.abs(gains).max()))
    shares = np.bincount(gains + most, minlength=2 * most + 1) / len(gains)
    drawn = seeds.generator(seed, seeds.BOOTSTRAP).multinomial(len(gains), shares, size=DRAWS)
    sums = drawn @ np.arange(-most, most + 1)
    low, high = np.percentile(sums / (len(gains) * entries), LEVEL)
    return Comparison(
        rows=len(gains),
        error=float(own.mean()) / entries,
        baseline=float(theirs.mean()) / entries,
        difference=float(gains.mean()) / entries,
        low=float(low),
        high=float(high),
    )


def _compare_squares(
    own: NDArray[np.float64], theirs: NDArray[np.float64], seed: int, entries: float
) -> Comparison:
    """The same of root mean squared errors, whose difference is no mean over rows."""
    rng, rows = seeds.generator(seed, seeds.BOOTSTRAP), len(own)
    size, both = max(1, PIECE // rows), np.stack([own, theirs], 1) / entries
    means = [
        both[rng.integers(rows, size=(min(size, SQUARE_DRAWS - first), rows))].mean(1)
        for first in range(0, SQUARE_DRAWS, size)
    ]
    roots = np.sqrt(np.concatenate(means))
    low, high = np.percentile(roots[:, 1] - roots[:, 0], LEVEL)
    error, baseline = np.sqrt(both.mean(0)).tolist()
    return Comparison(rows, error, baseline, baseline - error, float(low), float(high))

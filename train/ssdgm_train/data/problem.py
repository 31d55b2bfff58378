"""From rows to a `method.Problem`: which likelihood fits them and how they become observations."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_train import labels, likelihoods, method, settings
from ssdgm_train.data import dataset
from ssdgm_train.data.split import Split

AUTO = "auto"
COUNT_LEVELS = 64
"""Images of whole numbers below this are counts, not grey levels out of 255."""

Scaling = tuple[tuple[float, ...], tuple[float, ...], int]


@dataclass(frozen=True)
class DataPlan:
    """How the data is used.

    Attributes:
        validation: Share of the rows held out for validation; 0 for none, from 1 on the number
            of rows.
        likelihood: "auto", or a key of `likelihoods.LIKELIHOODS`.
        total: The largest possible count of a binomial likelihood; 0 for the largest in training.
        prior: p(y), one number a class; empty for a uniform one.
    """

    validation: float = settings.setting(0.1, settings.between(0, math.inf))
    likelihood: str = settings.setting(AUTO, settings.among((AUTO, *likelihoods.LIKELIHOODS)))
    total: int = settings.setting(0, settings.between(0, 256))
    prior: tuple[float, ...] = settings.setting((), settings.above(0))


def problem(data: dataset.Dataset, split: Split, plan: DataPlan) -> method.Problem:
    """State the problem; whatever is fitted is fitted on training rows alone.

    Raises:
        DataError: The likelihood or the prior does not fit the data.
    """
    rows = data.x[np.union1d(split.labelled, split.unlabelled)]
    name = fitting(rows) if plan.likelihood == AUTO else plan.likelihood
    shift, scale, total = SCALINGS[name](rows, plan.total)
    space = _classes(plan.prior, len(data.classes))
    return method.Problem(data.shape, data.x.dtype.name, space, name, shift, scale, total)


def fitting(x: NDArray[np.generic]) -> str:
    """The likelihood that fits rows of this kind: counts, grey levels, or real columns."""
    if x.ndim < 3:
        return "gaussian"
    if x.dtype == np.uint8:
        return "binomial" if int(x.max()) < COUNT_LEVELS else "bernoulli"
    return "bernoulli" if bool(((x >= 0) & (x <= 1)).all()) else "gaussian"  # type: ignore[operator]


def _bernoulli(x: NDArray[np.generic], total: int) -> Scaling:
    if x.dtype == np.uint8:
        return (0.0,), (255.0,), 1
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 1:
        raise errors.DataError(
            f"data.likelihood is bernoulli and x lies in [{low:g}, {high:g}]",
            "float rows in [0, 1], or uint8 rows",
            "Set data.likelihood=gaussian, or scale the rows.",
        )
    return (0.0,), (1.0,), 1


def _binomial(x: NDArray[np.generic], total: int) -> Scaling:
    if x.dtype != np.uint8:
        raise errors.DataError(
            f"data.likelihood is binomial and x is {x.dtype}", "uint8 counts", ""
        )
    largest = max(int(x.max()), 1)
    if total and largest > total:
        raise errors.DataError(
            f"data.total is {total} and a training row holds {largest}", f"at least {largest}"
        )
    total = total or largest
    return (0.0,), (float(total),), total


def _gaussian(x: NDArray[np.generic], total: int) -> Scaling:
    rows = x.reshape(len(x), -1).astype(np.float64)
    spread = rows.std(0)
    spread[spread < 1e-6 * max(float(np.abs(rows).max()), 1.0)] = 1.0
    shift, scale = rows.mean(0).astype(np.float32), spread.astype(np.float32)
    return tuple(shift.tolist()), tuple(scale.tolist()), 1


SCALINGS: dict[str, Callable[[NDArray[np.generic], int], Scaling]] = {
    "bernoulli": _bernoulli,
    "binomial": _binomial,
    "gaussian": _gaussian,
}
assert SCALINGS.keys() == likelihoods.LIKELIHOODS.keys()


def _classes(prior: tuple[float, ...], size: int) -> labels.Classes:
    if not prior:
        return labels.uniform(size)
    if len(prior) != size or min(prior) <= 0 or abs(sum(prior) - 1) > 1e-6:
        raise errors.DataError(
            f"data.prior is {list(prior)}", f"{size} positive numbers that sum to one", ""
        )
    return labels.Classes(prior)

r"""How means over a batch estimate the sums over a data set that a semi-supervised bound has.

.. math:: J^\alpha = \sum_l L(x, y) + \sum_u U(x) + \alpha N \, mean_l \log q(y \mid x)

The same alpha can differ 600-fold in effect between the two weightings; neither depends on the
composition of a batch. A supervision rate states the labelled rows' share instead: labelled rows
count gamma times as much as others, in the bound and in the classifier's term, where

.. math:: \rho = \gamma N_l / (N_u + \gamma N_l)

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), equations 8 and 9.
    Auxiliary Deep Generative Models (Maaløe et al., 2016), whose code is the "balanced" weighting.
    Learning Disentangled Representations with Semi-Supervised Deep Generative Models (Siddharth et
    al., 2017), section 3, the supervision rate.
"""

from collections.abc import Callable
from typing import Any

from ssdgm_train import method


def paper_weights(alpha: float, sizes: method.Sizes) -> dict[str, float]:
    """J^alpha / N: every row counts once, as in the paper's sum and the authors' code."""
    labelled = sizes.labelled / sizes.total
    return {
        "labelled": labelled,
        "unlabelled": 1 - labelled,
        "classifier": alpha,
    }


def balanced_weights(alpha: float, sizes: method.Sizes) -> dict[str, float]:
    """The mean labelled row counts as much as the mean unlabelled one (Maaløe et al., 2016)."""
    return {
        "labelled": 1.0,
        "unlabelled": 1.0,
        "classifier": alpha * sizes.total / max(sizes.labelled, 1),
    }


WEIGHTINGS: dict[str, Callable[[float, method.Sizes], dict[str, float]]] = {
    "paper": paper_weights,
    "balanced": balanced_weights,
}
"""The weights of means over a batch; the same alpha can differ 600-fold between the two."""


def stated(config: Any, sizes: method.Sizes) -> dict[str, float]:  # noqa: ANN401  (a method's own)
    """The weights by hyper-parameters `alpha`, `weighting` and `supervision`.

    A supervision rate above 0 is the labelled rows' share of the bound, whatever the weighting.
    """
    if rate := config.supervision:
        return {"labelled": rate, "unlabelled": 1 - rate, "classifier": config.alpha * rate}
    return WEIGHTINGS[config.weighting](config.alpha, sizes)

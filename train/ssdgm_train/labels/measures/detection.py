r"""Scores of detectors of outliers: how they rank rows, and what their threshold does.

With scores \(s\) of normal rows \(x\) and outliers \(o\),

.. math:: AUROC = P(s(o) > s(x)) + \frac12 P(s(o) = s(x))

and the average precision is the mean precision over the outliers, the strangest rows first.

References:
    An introduction to ROC analysis (Fawcett, 2006).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.labels.measures.scores import Score

Floats = NDArray[np.float64]
Labels = NDArray[Any]
"""1 of an outlier, 0 of a normal row, [n]."""


def measure(values: Floats, said: NDArray[np.bool_], y: Labels, stated: float) -> Score:
    """The score of a detector on rows that are known to be normal or outliers.

    Args:
        values: The rows' scores, higher for stranger ones, in nats, [n].
        said: Which rows are called outliers, [n].
        y: Which are.
        stated: The share of normal rows that may be called outliers.
    """
    outlying, normal = y == 1, y == 0
    both = bool(outlying.any() and normal.any())
    alarms = float(said[normal].mean()) if normal.any() else None
    wrong = float((said != outlying).mean())
    return Score(
        rows=len(y),
        error=wrong,
        nll=float(values[normal].mean() if normal.any() else values.mean()),
        brier=wrong,
        ece=abs(alarms - stated) if alarms is not None else 0.0,
        auroc=auroc(values, outlying) if both else None,
        average_precision=average_precision(values, outlying) if both else None,
        false_alarms=alarms,
        detected=float(said[outlying].mean()) if outlying.any() else None,
    )


def auroc(values: Floats, outlying: Labels) -> float:
    """The area under the ROC curve; both kinds of rows must be there."""
    from sklearn import metrics

    return float(metrics.roc_auc_score(outlying, values))


def average_precision(values: Floats, outlying: Labels) -> float:
    """The area under the curve of precision by recall, by steps."""
    from sklearn import metrics

    return float(metrics.average_precision_score(outlying, values))

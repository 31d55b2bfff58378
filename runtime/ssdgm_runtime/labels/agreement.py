"""When two predictions agree: where they are equal, or the wanted one is not beyond doubt."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def clear(probs: Array, atol: float, rtol: float) -> NDArray[np.bool_]:
    """Which rows of probabilities [n, K] have a best class beyond doubt, bool [n]."""
    if probs.shape[1] < 2:
        return np.ones(len(probs), dtype=np.bool_)
    with np.errstate(invalid="ignore"):  # golden rows may hold anything
        top = np.sort(probs.astype(np.float64), axis=1)[:, -2:]
        sure: NDArray[np.bool_] = top[:, 1] - top[:, 0] > 2 * (atol + rtol * top[:, 1])
    return sure


def disagreements(computed: Array, wanted: Array, atol: float, rtol: float) -> tuple[int, ...]:
    """The rows of two [n, K] of probabilities that predict otherwise though `wanted` is clear."""
    differ = computed.argmax(axis=1) != wanted.argmax(axis=1)
    return tuple(np.flatnonzero(differ & clear(wanted, atol, rtol)).tolist())


def beyond(probs: Array, threshold: Array, atol: float, rtol: float) -> NDArray[np.bool_]:
    """Which probabilities [n, K] are beyond doubt on one side of thresholds [K], bool [n, K]."""
    with np.errstate(invalid="ignore"):
        kept = probs.astype(np.float64)
    sure: NDArray[np.bool_] = np.abs(kept - threshold) > atol + rtol * np.abs(kept)
    return sure

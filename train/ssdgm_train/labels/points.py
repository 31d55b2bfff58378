r"""K places in a picture: 2K numbers, x and y of each in pixels from the picture's top left.

They are numbers as `continuous` has them. Besides their errors the share of correct keypoints is
measured: a point with place \(y_k\) is right if the predicted one is within

.. math:: \| \hat y_k - y_k \| \le \frac{1}{10} \max(height, width)

of the box around all points of the row that are known.

References:
    Articulated Human Detection with Flexible Mixtures of Parts (Yang and Ramanan, 2013), section
    7, PCK.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.labels import continuous
from ssdgm_train.labels.continuous import Continuous
from ssdgm_train.labels.measures import scores
from ssdgm_train.labels.space import Known
from ssdgm_train.probability import shapes

NEAR = 0.1
"""How near a point must be, in longer sides of the box around a row's points."""


@dataclass(frozen=True)
class Points(Continuous):
    """K points, stored as float64 [2K]: x, y of the first, and so on; NaN where one is unknown.

    Bundles have them as the numbers that they are.
    """

    space: str = field(default_factory=lambda: "points", init=False)

    def described(self, values: Sequence[int | str]) -> dict[str, Any]:
        """The numbers' names, and the mean and deviation of each."""
        return {**super().described(values), "space": Continuous((), ()).space}

    def places(self, y: Tensor) -> Tensor:
        """Labels [n, 2K] as points [n, K, 2]."""
        return y.reshape(len(y), -1, 2)

    def own(self, raw: Tensor) -> Tensor:
        """The expected points in pixels, [n, 2K]."""
        return self._shift(raw) + self._scale(raw) * self.mean(raw)

    def stood(self, mean: Tensor, spread: Tensor, factor: Tensor) -> Tensor:
        """Raw numbers of means and deviations in pixels, [n, 2K]; these are times e^factor."""
        scale = self._scale(mean)
        standard = (spread / scale) * factor.exp()
        return torch.cat([(mean - self._shift(mean)) / scale, standard.log()], -1)

    def strayed(self, said: Tensor, moved: Known, raw: Tensor) -> shapes.Nats:
        """The divergence of q from answers whose means were moved, over those that are known.

        Args:
            said: The answers' raw numbers, whose deviations stay.
            moved: Their means elsewhere, standardised.
            raw: Of q.
        """
        (_, target), (mean, scale) = self._q(said), self._q(raw)
        off = (target.square() + (moved.value - mean).square()) / (2 * scale.square())
        return (((scale / target).log() + off - 0.5) * moved.mask).sum(-1)

    def measure(self, raw: Tensor, y: Tensor) -> scores.Score:
        """The score of numbers, and the share of correct keypoints."""
        said = self.outputs(raw.double())["mean"]
        right = correct(said.cpu().numpy(), y.cpu().numpy())
        share = float(np.nanmean(right)) if (~np.isnan(right)).any() else None
        return dataclasses.replace(super().measure(raw, y), pck=share)


def correct(
    said: NDArray[np.floating], y: NDArray[np.floating], near: float = NEAR
) -> NDArray[np.float64]:
    """Which points are right, [n, K]: 1 or 0, NaN where a point is not known.

    Args:
        said: Predicted places [n, 2K].
        y: True ones [n, 2K]; NaN where one is unknown.
        near: How near they must be, in longer sides of the box around a row's known points.
    """
    true = y.reshape(len(y), -1, 2).astype(np.float64)
    known = ~np.any(np.isnan(true), axis=-1, keepdims=True)
    low, high = (np.where(known, true, bound) for bound in (np.inf, -np.inf))
    longer = (high.max(1) - low.min(1)).max(-1)[:, None]
    off = np.linalg.norm(said.reshape(true.shape) - true, axis=-1)
    return np.where(known[..., 0], off <= near * longer, np.nan)


def stated(y: NDArray[np.float64]) -> Points:
    """The space of labelled training rows y [n, 2K], every point of which is known in some."""
    numbers = continuous.stated(y)
    return Points(numbers.shift, numbers.scale)

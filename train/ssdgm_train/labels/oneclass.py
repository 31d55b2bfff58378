r"""Normal rows, perhaps with a few known outliers: how strange a row is, and where to draw a line.

A label is 0 of a normal row, 1 of an outlier, -1 where it is not known. A classifier gives one raw
number, the score \(s(x)\), higher for stranger rows: of a generative model minus a bound of
\(\log p(x)\), in nats. A row is called an outlier where

.. math:: s(x) > t, \quad t = \text{the quantile of } s \text{ among normal validation rows}

above which a share \(\alpha\) of these rows is: the false alarms that are allowed. Nothing is
tried for a row whose label is not known, and no other distribution depends on the label.

References:
    Semi-Supervised Outlier Detection Using Generative and Adversary Framework (Gu, Schubert,
    Tresp, 2018): one class of normal rows, and outliers as the other.
    A review of novelty detection (Pimentel et al., 2014), for scores and their threshold.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.labels.measures import detection, scores
from ssdgm_train.labels.space import Known, Tries
from ssdgm_train.probability import shapes
from ssdgm_train.probability.noise import Noise

NORMAL, OUTLIER = 0, 1
NAMES = ("normal", "outlier")
"""What the two are called, in the order of their numbers."""

LEVELS = (
    *(0.0, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 1.0),
)
"""The shares of validation rows whose scores are kept, by which others are ranked."""


@dataclass(frozen=True)
class OneClass:
    """Normal rows and outliers.

    Attributes:
        false_alarms: The share of normal rows that may be called outliers.
        threshold: The score above which a row is called one; None before `fitted`.
        levels: Shares of normal validation rows, in ascending order; empty before `fitted`.
        values: The score that each share is at most at.
    """

    false_alarms: float
    threshold: float | None = None
    levels: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    space: str = field(default_factory=lambda: "one-class", init=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """[1]."""
        return (1,)

    @property
    def width(self) -> int:
        """One."""
        return 1

    @property
    def raw(self) -> int:
        """The score."""
        return 1

    @property
    def entries(self) -> int:
        """One."""
        return 1

    def fitted(self, raw: Tensor, y: Tensor) -> "OneClass":
        """The space with the threshold and the quantiles of the normal rows among some.

        Args:
            raw: Scores [n, 1].
            y: Labels [n]; a normal one must be among them.
        """
        normal = raw[y == NORMAL, 0].double().numpy()
        values = np.quantile(normal, LEVELS)
        cut = float(np.quantile(normal, 1 - self.false_alarms))
        exact = tuple(float(f"{value:.6g}") for value in values)
        return dataclasses.replace(self, threshold=cut, levels=LEVELS, values=exact)

    def known(self, y: Tensor, like: Tensor) -> Known:
        """Labels [n] as 0 and 1 and the mask, [n, 1] each; unknown ones are zeros."""
        mask = (y >= 0)[:, None]
        return Known((y == OUTLIER)[:, None].to(like.dtype), mask.to(like.dtype))

    def given(self, y: Tensor) -> Tensor:
        """The same."""
        return y

    def outputs(self, raw: Tensor, temperature: float = 1.0) -> dict[str, Tensor]:
        """The score."""
        return {"score": raw}

    def tempered(self, raw: Tensor, temperature: float) -> Tensor:
        """The same: a score is no probability."""
        return raw

    def mean(self, raw: Tensor) -> Tensor:
        """The score, which no encoder takes."""
        return raw

    def pooled(self, raw: Tensor) -> Tensor:
        """The mean score."""
        return raw.mean(-2)

    def every(self, like: Tensor) -> None:
        """None: p(x) has no label to sum over."""

    def tries(self, raw: Tensor, noise: Noise, few: int = 0) -> Tries:
        """One label for all, as nothing depends on it."""
        return Tries(raw.new_zeros(1, 1, 1), raw.new_ones(len(raw), 1))

    def sampled(self, raw: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Normal, surely."""
        return torch.zeros_like(raw), raw.new_zeros(len(raw))

    def completed(self, raw: Tensor, known: Known, noise: Noise) -> Tries:
        """What is known, and normal where nothing is."""
        return Tries(known.value[:, None], raw.new_ones(len(raw), 1))

    def entropy(self, raw: Tensor, known: Known | None = None) -> shapes.Nats:
        """Zero."""
        return raw.new_zeros(len(raw))

    def log_prob(self, raw: Tensor, known: Known) -> shapes.Nats:
        """Zero: there is no q(y | x)."""
        return raw.new_zeros(len(raw))

    def log_prior(self, y: Tensor) -> Tensor:
        """Zero, of y [..., 1]."""
        return torch.zeros_like(y[..., 0])

    def posterior(self, log_joint: Tensor) -> Tensor:
        """There is none, see `every`.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Labels of one class cannot be listed")

    def measure(self, raw: Tensor, y: Tensor) -> scores.Score:
        """How outliers rank above normal rows, and what becomes of both at the threshold.

        Before `fitted` the threshold is that of the normal rows among these.
        """
        known = y != -1
        judge = self if self.threshold is not None else self._judge(raw, y)
        said = (raw[:, 0].double() > (judge.threshold or 0.0))[known]
        values = raw[known, 0].double().numpy()
        return detection.measure(values, said.numpy(), y[known].numpy(), self.false_alarms)

    def _judge(self, raw: Tensor, y: Tensor) -> "OneClass":
        """The threshold of these rows; of outliers alone their least score."""
        if bool((y == NORMAL).any()):
            return self.fitted(raw, y)
        return dataclasses.replace(self, threshold=float(raw.min()))

    def reliability(self, logits: Tensor, y: Tensor) -> scores.Reliability:
        """Nothing: there are no probabilities."""
        empty = torch.zeros(scores.BINS, dtype=torch.float64)
        return scores.Reliability(empty, empty, empty)

    def confusion(self, logits: Tensor, y: Tensor) -> None:
        """None: `measure` has what the threshold does."""

    def wrong(self, raw: Tensor, y: Tensor) -> Tensor:
        """Whether each row is on the wrong side of the threshold, int64 [n]."""
        judge = self if self.threshold is not None else self._judge(raw, y)
        return ((raw[:, 0].double() > (judge.threshold or 0.0)) != (y == OUTLIER)).long()

    def error(self, wrong: NDArray[np.floating]) -> NDArray[np.floating]:
        """The mean itself."""
        return wrong

    def drawn(self, rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
        """Normal labels, which are what a model generates, [rows, 1]."""
        return np.zeros((rows, 1), np.float32)

    def examples(self, rows: int) -> NDArray[np.float32]:
        """Normal labels, [rows, 1]."""
        return np.zeros((rows, 1), np.float32)

    def described(self, values: Sequence[int | str]) -> dict[str, Any]:
        """The names, the threshold and the quantiles."""
        return {
            "space": self.space,
            "names": [str(value) for value in values],
            "unit": "nats",
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            "levels": list(self.levels),
            "values": list(self.values),
        }

    def strata(self, y: NDArray[np.generic]) -> NDArray[np.int64]:
        """0 of normal rows, 1 of outliers."""
        return y.astype(np.int64)

    def codes(self, y: NDArray[np.generic]) -> None:
        """None: a classifier of two classes would need many outliers."""

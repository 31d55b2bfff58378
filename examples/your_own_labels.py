r"""A label space outside the package: levels in order, such as one to five stars.

Classes take no notice of order: one star for five is as wrong as four for five. Here a classifier
gives K - 1 numbers by which, level by level, "at least this much" gets less likely,

.. math:: p(y \ge k \mid x) = \sigma(r_1 - \sum_{j=2}^{k} softplus(r_j)), \quad k = 1 .. K - 1

and a level's probability is a difference of two of them. Everything else is as it is for classes,
and each method that is written over any label space trains, exports and runs with it. Its twin
for devices, `your_own_labels_on_device.py`, needs no torch.

References:
    Regression Models for Ordinal Data (McCullagh, 1980).

    ssdgm-export train DATA --labels-as examples/your_own_labels.py:Levels --method m2 --out levels
    ssdgm-export convert levels -o levels.ssdgm
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ssdgm_runtime.labels import registry
from ssdgm_train import plugins
from ssdgm_train.labels import Classes
from ssdgm_train.labels.measures.scores import Score
from ssdgm_train.labels.space import Known, Tries
from ssdgm_train.probability.noise import Noise

TWIN = plugins.module(Path(__file__).with_name("your_own_labels_on_device.py"))
registry.SPACES[TWIN.NAME] = TWIN.__name__


def log_levels(raw: Tensor) -> Tensor:
    r"""K - 1 raw numbers to the log-probabilities of K levels, [..., K].

    With \(a_k\) for what \(\sigma\) is taken of above, a level in the middle has the probability
    \(\sigma(a_k) - \sigma(a_{k+1}) = \sigma(a_k) \sigma(-a_{k+1}) \sigma(r_{k+1})\).
    """
    falls = raw[..., 1:]
    least = torch.cat([raw[..., :1], -F.softplus(falls)], -1).cumsum(-1)
    zeros = torch.zeros_like(raw[..., :1])
    reached = torch.cat([zeros, -F.softplus(-least)], -1)
    passed = torch.cat([-F.softplus(least), zeros], -1)
    between = torch.cat([zeros, -F.softplus(-falls), zeros], -1)
    return reached + passed + between


def raw_numbers(log_probs: Tensor) -> Tensor:
    """The inverse of `log_levels`; logarithms may lack a common constant."""
    at_least = log_probs.softmax(-1).flip(-1).cumsum(-1).flip(-1)[..., 1:]
    least = torch.logit(at_least, eps=1e-6)
    falls = (least[..., :-1] - least[..., 1:]).clamp_min(1e-6)
    return torch.cat([least[..., :1], falls + torch.log(-torch.expm1(-falls))], -1)


@dataclass(frozen=True)
class Levels(Classes):
    """K levels in order and their prior."""

    space: str = field(default_factory=lambda: str(TWIN.NAME), init=False)

    @classmethod
    def stated(
        cls, y: NDArray[np.generic], names: Sequence[int | str], prior: tuple[float, ...]
    ) -> "Levels":
        """The space of labelled training rows, whose values are in order already."""
        return cls(prior or (1 / len(names),) * len(names))

    @property
    def raw(self) -> int:
        """K - 1."""
        return self.size - 1

    def outputs(self, raw: Tensor, temperature: float = 1.0) -> dict[str, Tensor]:
        """Logits and probabilities of the levels."""
        return super().outputs(log_levels(raw / temperature))

    def mean(self, raw: Tensor) -> Tensor:
        """The probabilities."""
        return super().mean(log_levels(raw))

    def pooled(self, raw: Tensor) -> Tensor:
        """The raw numbers of the mean probabilities."""
        return raw_numbers(super().pooled(log_levels(raw)))

    def posterior(self, log_joint: Tensor) -> Tensor:
        """The raw numbers of p(y | x)."""
        return raw_numbers(log_joint)

    def tries(self, raw: Tensor, noise: Noise, few: int = 0) -> Tries:
        """Every level, as classes are tried."""
        return super().tries(log_levels(raw), noise, few)

    def entropy(self, raw: Tensor, known: Known | None = None) -> Tensor:
        """The entropy over the levels."""
        return super().entropy(log_levels(raw), known)

    def log_prob(self, raw: Tensor, known: Known) -> Tensor:
        """Log q(y | x) of the level."""
        return super().log_prob(log_levels(raw), known)

    def divergence(self, target: Tensor, raw: Tensor) -> Tensor:
        """How far an answer is from another, for regularisers; so are the next three."""
        return super().divergence(log_levels(target), log_levels(raw))

    def aligned(self, raw: Tensor) -> Tensor:
        """Answers moved together to the prior."""
        return raw_numbers(super().aligned(log_levels(raw)))

    def pseudo(self, raw: Tensor, threshold: float) -> Known:
        """Sure levels."""
        return super().pseudo(log_levels(raw), threshold)

    def imbalance(self, raw: Tensor) -> Tensor:
        """How far all answers together are from the prior."""
        return super().imbalance(log_levels(raw))

    def measure(self, raw: Tensor, y: Tensor) -> Score:
        """As of classes."""
        return super().measure(log_levels(raw), y)

    def wrong(self, raw: Tensor, y: Tensor) -> Tensor:
        """One where another level is the most probable one."""
        return super().wrong(log_levels(raw), y)

    def described(self, values: Sequence[int | str]) -> dict[str, Any]:
        """As of classes, under the name of its own."""
        return {**super().described(values), "space": TWIN.NAME}

r"""How strange a row is: minus a lower bound of log p(x), the same whenever a row is asked about.

The importance-weighted bound of `evaluation.evidence` with S draws that were made once and are
constants of a graph, half of them the others with their signs turned:

.. math:: score(x) = -\log \sum_y \frac1S \sum_s \frac{p(x, y, z_s)}{q(z_s \mid x, y)}, \quad
          z_s = \mu(x, y) + \sigma(x, y) \epsilon_s

In expectation over the draws it is at least \(-\log p(x)\), in nats. All rows have the same
\(\epsilon_s\), so differences between rows are more exact than a single value is.

References:
    Importance Weighted Autoencoders (Burda et al., 2016), theorem 1.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train import model
from ssdgm_train.probability.noise import Noise

PAIRS, SEED = 1, 20140620
"""How many pairs of draws there are: each costs what encoding and decoding twice does."""

FAR = 100.0
"""Deviations from the mean beyond which a score that is not a number says that a row is far."""

MOST = 1e30
"""The score in nats of rows so far from the training's that floats cannot hold theirs."""


@dataclass(frozen=True)
class Fixed(Noise):
    """Draws that are the same for every row: numbers of a seed, with their signs turned or not.

    Attributes:
        seed: Of the numbers.
        sign: 1, or -1 for the other half of a pair.
    """

    seed: int = 0
    sign: int = 1
    _count: list[int] = field(default_factory=lambda: [0], repr=False)

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers, one for each feature."""
        return self.sign * self._numbers("standard_normal", like)

    def uniform(self, like: Tensor) -> Tensor:
        """Numbers from 0 to below 1, one for each feature."""
        drawn = self._numbers("random", like)
        return drawn if self.sign > 0 else (1 - drawn).clamp(max=1 - 1e-7)

    def bits(self, probs: Tensor) -> Tensor:
        """Ones where a uniform number is below the probability."""
        return (self.uniform(probs) < probs).to(probs.dtype)

    def _numbers(self, kind: str, like: Tensor) -> Tensor:
        """The next numbers of the seed, as many as there are features."""
        rng = np.random.Generator(np.random.Philox(key=[self.seed, self._count[0]]))
        self._count[0] += 1
        drawn: NDArray[np.float64] = getattr(rng, kind)(like.shape[-1])
        numbers = torch.tensor(drawn.tolist(), dtype=like.dtype, device=like.device)
        return numbers.expand(like.shape)


@dataclass(frozen=True)
class Together(Noise):
    """All draws of a score at once, along the axis before the features: those of `fixed` in turn.

    Attributes:
        pairs: How many pairs of draws there are.
    """

    pairs: int = PAIRS

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers, the same for all that comes before the last two axes."""
        one = like.new_empty(like.shape[-1])
        return torch.stack([noise.normal(one) for noise in fixed(self.pairs)]).expand(like.shape)


def fixed(pairs: int = PAIRS) -> list[Fixed]:
    """The draws of a score, of which each is asked once."""
    return [Fixed(seed=SEED + pair, sign=sign) for pair in range(pairs) for sign in (1, -1)]


def strangeness(scored: Any, x: Tensor) -> Tensor:  # noqa: ANN401
    """The score of raw rows, [n, 1]; the model is a `method.Weighs` with `standardise`."""
    rows = scored.standardise(x)
    each = [scored.log_weights(rows, noise).logsumexp(-1) for noise in fixed()]
    return score(torch.stack(each, -1), rows)


def score(weights: Tensor, rows: Tensor, *, single: bool = False) -> Tensor:
    """The score of each row, [n, 1], from the log weights of its draws.

    Args:
        weights: log p(x, z) - log q(z | x) by draw, [n, draws].
        rows: The standardised rows, [n, features].
        single: Take the mean of the bounds of one draw each, in place of the bound of all draws.
    """
    together = weights.logsumexp(-1) - math.log(weights.shape[-1])
    return bounded(-(weights.mean(-1) if single else together), rows)[:, None]


def bounded(score: Tensor, rows: Tensor) -> Tensor:
    """Scores, `MOST` where one is larger, or is infinity less infinity because its row is far.

    Args:
        score: Of each row, [n].
        rows: The standardised rows, [n, features].
    """
    far = rows.flatten(1).abs().amax(1) > FAR
    return torch.where(score.isnan() & far, MOST, score).clamp(max=MOST)


SCORER = model.Conditional(
    model.SCORER, lambda scored, x: {"score": strangeness(scored, x)}, ("x",)
)

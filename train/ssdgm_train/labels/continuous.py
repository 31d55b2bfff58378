r"""D numbers at once: labels are reparameterised, entries that are known stay as they are.

A label is stored in the user's own units, NaN where a number is not known. Inside of networks it
is standardised by the labelled training rows, \(t = (y - shift) / scale\), and with raw numbers
\((\mu, r)\) of a classifier

.. math:: p(t) = N(0, I), \quad q(t \mid x) = \prod_d N(\mu_d, \sigma_d^2), \quad
          \sigma_d = 0.05 + e^{\min(r_d, 6)}

An unlabelled row tries one label \(t = \mu + \sigma \epsilon\), through which the gradient flows;
so do the missing numbers of a row that has some. Graphs take and give numbers in the user's units.

References:
    Auto-Encoding Variational Bayes (Kingma and Welling, 2014), section 2.4, for the draw.
    Learning Disentangled Representations with Semi-Supervised Deep Generative Models (Siddharth et
    al., 2017), section 3.2: supervised latents of any type, some of them observed.
    Accurate Uncertainties for Deep Learning Using Calibrated Regression (Kuleshov et al., 2018),
    section 3.5, for the calibration of intervals.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.labels.measures import scores
from ssdgm_train.labels.space import Known, Tries
from ssdgm_train.probability import distributions, shapes
from ssdgm_train.probability.noise import Noise

LEAST = 0.05
"""The smallest deviation of q(t | x): with few labels a smaller one is mostly overconfidence."""

MOST = 6.0
"""The largest raw number of a deviation, whose exponential is 400 deviations of all labels."""

TINY = 1e-6
BINS = 10
"""The most strata that splits are balanced by: equal parts of the labels in their order."""


@dataclass(frozen=True)
class Continuous:
    """D numbers, with the mean and the deviation of each among labelled training rows.

    A label is stored as float64 [D] in the user's own units, NaN where a number is not known.
    """

    shift: tuple[float, ...]
    scale: tuple[float, ...]
    space: str = field(default_factory=lambda: "numbers", init=False)

    @property
    def size(self) -> int:
        """How many numbers D a label has."""
        return len(self.shift)

    @property
    def shape(self) -> tuple[int, ...]:
        """[D]."""
        return (self.size,)

    @property
    def width(self) -> int:
        """D."""
        return self.size

    @property
    def raw(self) -> int:
        """A mean and a raw deviation for each."""
        return 2 * self.size

    def known(self, y: Tensor, like: Tensor) -> Known:
        """Labels [n, D] as standardised numbers and the mask [n, D]; unknown ones are zeros."""
        mask = ~y.isnan()
        value = torch.nan_to_num((y - self._shift(y)) / self._scale(y))
        return Known(value.to(like.dtype), mask.to(like.dtype))

    def given(self, y: Tensor) -> Tensor:
        """Numbers of a graph's y, in the user's units, standardised."""
        return (y - self._shift(y)) / self._scale(y)

    def outputs(self, raw: Tensor, temperature: float = 1.0) -> dict[str, Tensor]:
        """Mean and standard deviation in the user's units."""
        mean, scale = self._q(self.tempered(raw, temperature))
        return {
            "mean": self._shift(raw) + self._scale(raw) * mean,
            "scale": self._scale(raw) * scale,
        }

    def tempered(self, raw: Tensor, temperature: float) -> Tensor:
        """The same means with deviations multiplied by a temperature, `LEAST` at least."""
        if temperature == 1:
            return raw
        mean, scale = self._q(raw)
        return self._raw(mean, scale * temperature)

    def mean(self, raw: Tensor) -> Tensor:
        """The means, standardised."""
        return self._q(raw)[0]

    def pooled(self, raw: Tensor) -> Tensor:
        """The normal distribution with the mean and the variance of the mixture."""
        mean, scale = self._q(raw)
        variance = scale.square().mean(-2) + mean.var(-2, correction=0)
        return self._raw(mean.mean(-2), variance.sqrt())

    def every(self, like: Tensor) -> None:
        """None: there are infinitely many."""

    def tries(self, raw: Tensor, noise: Noise, few: int = 0) -> Tries:
        """One draw."""
        mean, scale = self._q(raw)
        drawn = mean + scale * noise.normal(mean.detach())
        return Tries(drawn[:, None], raw.new_ones(len(raw), 1))

    def sampled(self, raw: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Standardised numbers with their log-density."""
        mean, scale = self._q(raw)
        y = mean + scale * noise.normal(mean.detach())
        return y, distributions.normal_log_prob(y, mean, scale)

    def completed(self, raw: Tensor, known: Known, noise: Noise) -> Tries:
        """What is known, and one draw of what is not."""
        tries = self.tries(raw, noise)
        y = torch.where(known.mask[:, None] > 0, known.value[:, None], tries.y)
        return Tries(y, tries.weight)

    def entropy(self, raw: Tensor, known: Known | None = None) -> shapes.Nats:
        """The entropy of the numbers that are not known, standardised ones."""
        entropy = self._q(raw)[1].log() + 0.5 * math.log(2 * math.pi * math.e)
        return (entropy if known is None else entropy * (1 - known.mask)).sum(-1)

    def log_prob(self, raw: Tensor, known: Known) -> shapes.Nats:
        """Log q of the standardised numbers that are known; zero where none is."""
        mean, scale = self._q(raw)
        each = distributions.normal_log_density(known.value, mean, scale)
        return (each * known.mask).sum(-1)

    def log_prior(self, y: Tensor) -> Tensor:
        """The standard normal log-density of standardised numbers."""
        return distributions.normal_log_prob(y, torch.zeros_like(y), torch.ones_like(y))

    def posterior(self, log_joint: Tensor) -> Tensor:
        """There is none of a list of labels, see `every`.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Numbers cannot be listed")

    def reliability(self, logits: Tensor, y: Tensor) -> scores.Reliability:
        """How many labels are in the central intervals of 10, 20 to 90 %."""
        known = self.known(y, like=logits)
        return scores.coverage(*self._q(logits), known.value, known.mask > 0)

    def confusion(self, logits: Tensor, y: Tensor) -> None:
        """None: labels are no classes."""

    @property
    def entries(self) -> int:
        """D."""
        return self.size

    def measure(self, raw: Tensor, y: Tensor) -> scores.Score:
        """Errors in the user's units, proper scores and the calibration of intervals."""
        known = self.known(y, like=raw.double())
        return scores.measure_numbers(
            *self._q(raw.double()), known.value, known.mask > 0, self.scale
        )

    def wrong(self, raw: Tensor, y: Tensor) -> Tensor:
        """The sum of a row's squared errors, in squared deviations of the labels."""
        known = self.known(y, like=raw.double())
        return ((self.mean(raw.double()) - known.value).square() * known.mask).sum(-1)

    def error(self, wrong: NDArray[np.floating]) -> NDArray[np.floating]:
        """The root of a mean squared error."""
        root: NDArray[np.floating] = np.sqrt(wrong)
        return root

    def drawn(self, rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
        """Numbers drawn from the prior, in the user's units."""
        return self._own(rng.standard_normal((rows, self.size)))

    def examples(self, rows: int) -> NDArray[np.float32]:
        """From one and a half deviations below the mean to as many above, over and over."""
        steps = np.linspace(-1.5, 1.5, 4)[np.arange(rows) % 4]
        return self._own(np.repeat(steps[:, None], self.size, axis=1))

    def described(self, values: Sequence[int | str]) -> dict[str, Any]:
        """The numbers' names, and the mean and deviation of each."""
        return {
            "space": self.space,
            "names": [str(value) for value in values],
            "mean": list(self.shift),
            "deviation": list(self.scale),
        }

    def strata(self, y: NDArray[np.generic]) -> NDArray[np.int64]:
        """The part of the labels in their order that a row is in; of several, by their sum."""
        return quantile_bins(y, np.array(self.shift), np.array(self.scale))

    def codes(self, y: NDArray[np.generic]) -> None:
        """None: labels are no classes."""

    def _q(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the deviation of q(t | x), [..., D] each."""
        mean, spread = raw.chunk(2, -1)
        return mean, LEAST + spread.clamp(max=MOST).exp()

    def _raw(self, mean: Tensor, scale: Tensor) -> Tensor:
        """The inverse of `_q`."""
        return torch.cat([mean, (scale - LEAST).clamp(min=TINY).log()], -1)

    def _shift(self, like: Tensor) -> Tensor:
        return torch.tensor(self.shift, dtype=like.dtype, device=like.device)

    def _scale(self, like: Tensor) -> Tensor:
        return torch.tensor(self.scale, dtype=like.dtype, device=like.device)

    def _own(self, standard: NDArray[np.float64]) -> NDArray[np.float32]:
        return (np.array(self.shift) + np.array(self.scale) * standard).astype(np.float32)


def stated(y: NDArray[np.float64]) -> Continuous:
    """The space of labelled training rows y [n, D], every number of which is known in some."""
    spread = np.nanstd(y, axis=0)
    shift = np.nanmean(y, axis=0)
    return Continuous(tuple(shift.tolist()), tuple(np.where(spread > 0, spread, 1).tolist()))


def quantile_bins(
    y: NDArray[Any], shift: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The stratum of each label [n, D]: equal parts in their order; -1 where nothing is known."""
    standard = (y - shift) / scale
    known = ~np.isnan(standard)
    rows = known.any(1)
    sums = np.where(known, standard, 0).sum(1)[rows] / known.sum(1)[rows]
    bins = np.full(len(y), -1, np.int64)
    ranks = np.empty(len(sums), np.int64)
    ranks[np.argsort(sums, kind="stable")] = np.arange(len(sums))
    bins[rows] = ranks * min(BINS, max(len(sums), 1)) // max(len(sums), 1)
    return bins

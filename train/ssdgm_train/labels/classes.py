r"""One of K classes: all of them are tried for an unlabelled row, or the likeliest and one more.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 3.1.2: the
    unknown label is summed out, so every class is evaluated for every unlabelled row.
    Rao-Blackwellized Stochastic Gradients for Discrete Distributions (Liu, Regier, Tripuraneni,
    Jordan, McAuliffe, 2019): only a few of them need to be evaluated.
    On Calibration of Modern Neural Networks (Guo et al., 2017), section 4.2, for the temperature.
    Estimating or Propagating Gradients Through Stochastic Neurons (Bengio, Leonard, Courville,
    2013), section 4, for the gradient of an imputed class.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.labels import space
from ssdgm_train.labels.measures import clusters, scores
from ssdgm_train.labels.space import Known, Tries
from ssdgm_train.probability import distributions, regularisers, shapes
from ssdgm_train.probability.noise import Noise

SMALLEST_LOG = math.log(space.SMALLEST)


@dataclass(frozen=True)
class Classes:
    """K classes and their prior p(y), which sums to one.

    A label is stored as its index, -1 where it is not known; networks take it one-hot.

    Attributes:
        prior: p(y), [K].
        components: How many of the last have no label at all: groups of rows that are found.
    """

    prior: tuple[float, ...]
    components: int = 0
    space: str = field(default_factory=lambda: "classes", init=False)

    @property
    def size(self) -> int:
        """The number of classes K."""
        return len(self.prior)

    @property
    def shape(self) -> tuple[int, ...]:
        """[K]."""
        return (self.size,)

    @property
    def width(self) -> int:
        """K."""
        return self.size

    @property
    def raw(self) -> int:
        """K logits."""
        return self.size

    def known(self, y: Tensor, like: Tensor) -> Known:
        """Class indices [n] as one-hot rows and a mask [n, 1]; unknown ones are zeros."""
        mask = (y >= 0).to(like.dtype)[..., None]
        return Known(self.one_hot(y.clamp(min=0), like) * mask, mask)

    def given(self, y: Tensor) -> Tensor:
        """The same."""
        return y

    def tempered(self, raw: Tensor, temperature: float) -> Tensor:
        """The logits divided by the temperature."""
        return raw / temperature

    def outputs(self, raw: Tensor, temperature: float = 1.0) -> dict[str, Tensor]:
        """Logits and the probabilities of the classes."""
        logits = raw / temperature
        return {"logits": logits, "probs": torch.softmax(logits, -1)}

    def mean(self, raw: Tensor) -> Tensor:
        """The probabilities."""
        return torch.softmax(raw, -1)

    def pooled(self, raw: Tensor) -> Tensor:
        """The logarithm of the mean probabilities."""
        return torch.logsumexp(raw.log_softmax(-1), -2) - math.log(raw.shape[-2])

    def tries(self, raw: Tensor, noise: Noise, few: int = 0) -> Tries:
        """Every class with its probability; or the `few` likeliest and one drawn from the rest."""
        if 0 < few < self.size - 1:
            return self.likeliest(raw, few, noise)
        return Tries(self.every(raw)[None], F.softmax(raw, -1))

    def sampled(self, raw: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """A class with its log-probability."""
        y = noise.category(F.softmax(raw, -1))
        return self.one_hot(y[..., 0], raw), F.log_softmax(raw, -1).gather(-1, y)[..., 0]

    def completed(self, raw: Tensor, known: Known, noise: Noise) -> Tries:
        """The class that is known."""
        return Tries(known.value[:, None], known.value.new_ones(len(known.value), 1))

    def likeliest(self, raw: Tensor, k: int, noise: Noise) -> Tries:
        """Each row's k likeliest classes and one drawn from the others, as `space.likeliest`."""
        chosen, weight = space.likeliest(F.softmax(raw, -1), k, noise)
        return Tries(self.one_hot(chosen, raw), weight, drawn=True)

    def imputed(self, raw: Tensor, slope: float = 0.0) -> Tries:
        r"""Each row's most probable class, with a gradient that passes straight through.

        The label is one-hot, and \(\partial y / \partial raw\) is taken to be `slope` times that
        of the probabilities, since the choice of a class itself has no gradient.
        """
        q = self.mean(raw)
        y = self.one_hot(q.argmax(-1), raw) + slope * (q - q.detach())
        return Tries(y[:, None], raw.new_ones(len(raw), 1))

    def hinge(self, raw: Tensor, known: Known) -> Tensor:
        """The hinge of margins, one number of each row, [n]; zero where the class is not known."""
        return regularisers.hinge(raw, known.value.argmax(-1)) * known.mask[..., 0]

    def entropy(self, raw: Tensor, known: Known | None = None) -> shapes.Nats:
        """The entropy of q(y | x); zero for rows whose class is known."""
        if known is not None:
            return raw.new_zeros(len(raw))
        return distributions.categorical_entropy(raw)

    def log_prob(self, raw: Tensor, known: Known) -> shapes.Nats:
        """Log q(y | x) of the class; zero where it is not known."""
        return -F.cross_entropy(raw, known.value, reduction="none")

    def log_prior(self, y: Tensor) -> Tensor:
        """The log-prior of the class, kept even when it is uniform so that bounds are right."""
        prior = torch.tensor(self.prior, dtype=y.dtype, device=y.device)
        return (y * prior.log()).sum(-1)

    def divergence(self, target: Tensor, raw: Tensor) -> shapes.Nats:
        r"""\(KL(t \| q)\) of softmax distributions."""
        log_target = F.log_softmax(target, -1)
        return (log_target.exp() * (log_target - F.log_softmax(raw, -1))).sum(-1)

    def aligned(self, raw: Tensor) -> Tensor:
        """The probabilities times prior / mean probability, as logarithms."""
        log_q = F.log_softmax(raw, -1)
        prior = torch.tensor(self.prior, dtype=raw.dtype, device=raw.device)
        log_mean = (log_q.logsumexp(0) - math.log(len(log_q))).clamp(min=SMALLEST_LOG)
        return F.log_softmax(log_q + prior.log() - log_mean, -1)

    def pseudo(self, raw: Tensor, threshold: float) -> Known:
        """The most probable class, where it is probable enough."""
        probability, y = F.softmax(raw, -1).max(-1)
        mask = (probability >= threshold).to(raw.dtype)[..., None]
        return Known(self.one_hot(y, raw) * mask, mask)

    def imbalance(self, raw: Tensor) -> Tensor:
        r"""\(KL(\bar q \| p)\)."""
        prior = torch.tensor(self.prior, dtype=raw.dtype, device=raw.device)
        return regularisers.imbalance(raw, prior.log())

    def one_hot(self, y: Tensor, like: Tensor) -> Tensor:
        """Class indices [...] as float one-hot rows, [..., K]."""
        return F.one_hot(y, self.size).to(like.dtype)

    def every(self, like: Tensor) -> Tensor:
        """Every class once, one-hot: the identity [K, K], to broadcast against [batch, 1, ...]."""
        return torch.eye(self.size, dtype=like.dtype, device=like.device)

    def posterior(self, log_joint: Tensor) -> Tensor:
        """The logarithms themselves."""
        return log_joint

    def reliability(self, logits: Tensor, y: Tensor) -> scores.Reliability:
        """Of the most probable class."""
        return scores.reliability(self._named(logits, y), y)

    def confusion(self, logits: Tensor, y: Tensor) -> NDArray[np.int64]:
        """Rows by class and by the most probable one; components count as what they hold."""
        return scores.confusion(self._named(logits, y), y)

    @property
    def entries(self) -> int:
        """One."""
        return 1

    def measure(self, raw: Tensor, y: Tensor) -> scores.Score:
        """The error, the proper scores and the calibration of the predicted classes.

        Where there are components, they count as the classes that they hold, see `clusters`.
        """
        return scores.measure(self._named(raw, y), y)

    def wrong(self, raw: Tensor, y: Tensor) -> Tensor:
        """One where another class is the most probable one."""
        return (self._named(raw, y).argmax(-1) != y).long()

    def _named(self, raw: Tensor, y: Tensor) -> Tensor:
        """Log-probabilities of classes, where components stand for those that they hold."""
        if not self.components or not len(y):
            return raw
        named = clusters.by_class(raw, clusters.held(raw, y))
        lacking = max(int(y.max()) + 1 - named.shape[1], 0)
        return F.pad(named, (0, lacking), value=SMALLEST_LOG)

    def error(self, wrong: NDArray[np.floating]) -> NDArray[np.floating]:
        """The same: a share."""
        return wrong

    def drawn(self, rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
        """One-hot classes drawn from the prior."""
        return self._one_hot(rng.choice(self.size, rows, p=self.prior))

    def examples(self, rows: int) -> NDArray[np.float32]:
        """The first class, the second, and so on, over and over."""
        return self._one_hot(np.arange(rows) % self.size)

    def _one_hot(self, y: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.eye(self.size, dtype=np.float32)[y]

    def described(self, values: Sequence[int | str]) -> dict[str, Any]:
        """The classes' names, their own values, the prior, and how many have labels."""
        others = [f"unlabelled {i + 1}" for i in range(self.components)]
        labelled = {"labelled": self.size - self.components} if self.components else {}
        return {
            "space": self.space,
            "names": [*map(str, values), *others],
            "values": [*values, *others],
            "prior": list(self.prior),
            **labelled,
        }

    def strata(self, y: NDArray[np.generic]) -> NDArray[np.int64]:
        """The class."""
        return y.astype(np.int64, copy=False)

    def codes(self, y: NDArray[np.generic]) -> NDArray[np.int64] | None:
        """The class; None where there are components, which no label shows."""
        return None if self.components else self.strata(y)


def uniform(size: int) -> Classes:
    """K equally likely classes.

    Example:
        >>> uniform(4).prior
        (0.25, 0.25, 0.25, 0.25)
    """
    return Classes((1 / size,) * size)

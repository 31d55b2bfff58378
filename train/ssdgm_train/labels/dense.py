r"""A class for every place of a picture: masks, of which places or whole pictures may be unknown.

With one-hot labels \(y_p\) of the places p and raw numbers \(r_p\) of a classifier,

.. math:: p(y) = \prod_p Cat(\pi), \quad q(y \mid x) = \prod_p Cat(softmax(r_p))

A place that is known stays as it is; all others are tried by one relaxed draw,
\(y_p = softmax((r_p - \log(-\log u_p)) / t)\), u uniform, through which the gradient flows. That
neighbouring places depend on one another is left to the network of q(y | x), which sees them all.

References:
    Categorical Reparameterization with Gumbel-Softmax (Jang, Gu, Poole, 2017).
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), equation 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.labels import continuous
from ssdgm_train.labels.measures import overlaps, scores
from ssdgm_train.labels.space import SMALLEST, Known, Tries
from ssdgm_train.probability import shapes
from ssdgm_train.probability.noise import Noise

UNKNOWN = 255
"""Stands for a place of which no class is known."""

STRIDE = 16
"""The sides of pictures are multiples of this."""

DISC = 0.35
"""The radius of the disc of an example, as a share of its side."""

SIDE = 4 * STRIDE
"""The side of examples."""


@dataclass(frozen=True)
class Dense:
    """K classes, one for every place of a picture of any size that is a multiple of `stride`.

    A label is stored as uint8 [height, width]: the number of a class, 255 where none is known.

    Attributes:
        prior: The share of each class among the known places of training rows.
        stride: What the sides of pictures are multiples of.
        cut: The side of the random cuts that training sees; 0 for whole pictures.
        turned: Whether a picture that is turned or mirrored is as likely as it was.
        heat: Of relaxed draws.
    """

    prior: tuple[float, ...]
    stride: int = STRIDE
    cut: int = 128
    turned: bool = False
    heat: float = 0.5
    space: str = field(default_factory=lambda: "masks", init=False)

    @property
    def size(self) -> int:
        """The number of classes K."""
        return len(self.prior)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the smallest picture, [K, stride, stride]."""
        return (self.size, self.stride, self.stride)

    @property
    def width(self) -> int:
        """K, of every place."""
        return self.size

    @property
    def raw(self) -> int:
        """K logits, of every place."""
        return self.size

    def known(self, y: Tensor, like: Tensor) -> Known:
        """Masks [n, h, w] as one-hot labels [n, K, h, w] and the mask [n, 1, h, w]."""
        mask = (y != UNKNOWN)[:, None]
        classes = torch.arange(self.size, device=y.device)[:, None, None]
        return Known((y[:, None] == classes).to(like.dtype), mask.to(like.dtype))

    def given(self, y: Tensor) -> Tensor:
        """The same."""
        return y

    def outputs(self, raw: Tensor, temperature: float = 1.0) -> dict[str, Tensor]:
        """The probability of each class at every place, [n, K, h, w]."""
        return {"probs": (raw / temperature).softmax(1)}

    def tempered(self, raw: Tensor, temperature: float) -> Tensor:
        """The logits divided by the temperature."""
        return raw / temperature

    def mean(self, raw: Tensor) -> Tensor:
        """The probabilities."""
        return raw.softmax(1)

    def pooled(self, raw: Tensor) -> Tensor:
        """The log of the mean probabilities, [..., S, K, h, w] to [..., K, h, w]."""
        return raw.log_softmax(-3).logsumexp(-4)

    def every(self, like: Tensor) -> None:
        """None: there are too many."""

    def tries(self, raw: Tensor, noise: Noise, few: int = 0) -> Tries:
        """One relaxed draw, [n, 1, K, h, w]."""
        uniform = noise.uniform(raw.detach()).clamp(SMALLEST, 1 - 1e-6)
        relaxed = ((raw - torch.log(-torch.log(uniform))) / self.heat).softmax(1)
        return Tries(relaxed[:, None], raw.new_ones(len(raw), 1))

    def sampled(self, raw: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """A class of every place, one-hot, and the log-probability of the whole mask, [n]."""
        uniform = noise.uniform(raw.detach()).clamp(SMALLEST, 1 - 1e-6)
        chosen = (raw - torch.log(-torch.log(uniform))).argmax(1)
        y = F.one_hot(chosen, self.size).movedim(-1, 1).to(raw.dtype)
        return y, (y * raw.log_softmax(1)).flatten(1).sum(-1)

    def completed(self, raw: Tensor, known: Known, noise: Noise) -> Tries:
        """What is known, and one relaxed draw of what is not."""
        tries = self.tries(raw, noise)
        y = torch.where(known.mask[:, None] > 0, known.value[:, None], tries.y)
        return Tries(y, tries.weight)

    def entropy(self, raw: Tensor, known: Known | None = None) -> shapes.Nats:
        """The entropy of the places that are not known."""
        log_q = raw.log_softmax(1)
        each = -(log_q.exp() * log_q).sum(1, keepdim=True)
        return (each if known is None else each * (1 - known.mask)).flatten(1).sum(-1)

    def log_prob(self, raw: Tensor, known: Known) -> shapes.Nats:
        """Log q(y | x) of the places that are known; zero where none is."""
        return (known.value * raw.log_softmax(1)).flatten(1).sum(-1)

    def log_prior(self, y: Tensor) -> Tensor:
        """Log p(y), linear in y."""
        prior = torch.tensor(self.prior, dtype=y.dtype, device=y.device)
        return (y * prior.log()[:, None, None]).flatten(-3).sum(-1)

    def posterior(self, log_joint: Tensor) -> Tensor:
        """Not for masks, which cannot be listed."""
        raise NotImplementedError("masks cannot be listed")

    def divergence(self, target: Tensor, raw: Tensor) -> shapes.Nats:
        r"""\(KL(t \| q)\), summed over the places."""
        t = target.log_softmax(1)
        return (t.exp() * (t - raw.log_softmax(1))).flatten(1).sum(-1)

    def aligned(self, raw: Tensor) -> Tensor:
        """The same: what share of a few pictures a class has tells little."""
        return raw

    def pseudo(self, raw: Tensor, threshold: float) -> Known:
        """The places whose class is probable enough."""
        sure, best = raw.softmax(1).max(1, keepdim=True)
        mask = (sure >= threshold).to(raw.dtype)
        return Known(torch.zeros_like(raw).scatter(1, best, 1.0) * mask, mask)

    def imbalance(self, raw: Tensor) -> Tensor:
        r"""\(KL(p \| \bar q)\) over all places of the rows."""
        prior = torch.tensor(self.prior, dtype=raw.dtype, device=raw.device)
        mean = raw.softmax(1).mean((0, 2, 3)).clamp(min=1e-6)
        return (prior * (prior.log() - mean.log())).sum()[None]

    def measure(self, raw: Tensor, y: Tensor) -> scores.Score:
        """Errors, proper scores and calibration over known places; IoU of each class."""
        return overlaps.measure(raw, y, UNKNOWN)

    def reliability(self, logits: Tensor, y: Tensor) -> scores.Reliability:
        """Of the answer at each known place, from the probabilities that a graph gives."""
        return overlaps.reliability(logits.clamp(min=SMALLEST).log(), y, UNKNOWN)

    def confusion(self, logits: Tensor, y: Tensor) -> NDArray[np.int64]:
        """Places by class (down) and prediction (across), [K, K]."""
        return overlaps.confusion(logits, y, UNKNOWN).numpy()

    @property
    def entries(self) -> int:
        """One for a place."""
        return 1

    def wrong(self, raw: Tensor, y: Tensor) -> Tensor:
        """How many of each row's known places are predicted wrongly, [n]."""
        return ((raw.argmax(1) != y) & (y != UNKNOWN)).flatten(1).sum(-1)

    def error(self, wrong: NDArray[np.floating]) -> NDArray[np.floating]:
        """The same: a share."""
        return wrong

    def drawn(self, rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
        """Examples in turn: independent places would be no picture."""
        return self.examples(rows)

    def examples(self, rows: int) -> NDArray[np.float32]:
        """A disc of each class but the first, on the first, over and over."""
        return discs(self.size, rows)

    def described(self, values: Sequence[int | str]) -> dict[str, Any]:
        """The classes' names, the numbers that stand for them in files, and the stride."""
        whole = all(isinstance(value, int) for value in values)
        return {
            "space": self.space,
            "names": [str(value) for value in values],
            "values": [int(v) for v in values] if whole else list(range(self.size)),
            "stride": self.stride,
        }

    def strata(self, y: NDArray[np.generic]) -> NDArray[np.int64]:
        """Tenths of the rows by how much of a picture is of other classes than the commonest."""
        counts = overlaps.counted(y, self.size)
        known = counts.sum(1)
        common = int(counts.sum(0).argmax())
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(known > 0, 1 - counts[:, common] / known, np.nan)
        return continuous.quantile_bins(share[:, None], np.zeros(1), np.ones(1))

    def codes(self, y: NDArray[np.generic]) -> None:
        """None: a row has many classes."""


def discs(size: int, rows: int, side: int = SIDE) -> NDArray[np.float32]:
    """A disc of class 1, 2 and so on, on class 0, over and over, one-hot [rows, size, s, s]."""
    places = (np.arange(side) + 0.5) / side - 0.5
    inside = places[:, None] ** 2 + places[None] ** 2 < DISC**2
    kinds = 1 + np.arange(rows) % max(size - 1, 1)
    classes = np.where(inside, kinds[:, None, None], 0)
    drawn: NDArray[np.float32] = (classes[:, None] == np.arange(size)[:, None, None]).astype(
        np.float32
    )
    return drawn


def stated(y: NDArray[np.generic], size: int, cut: int, turned: bool) -> Dense:
    """The space of labelled training masks [n, h, w]."""
    counts = overlaps.counted(y, size).sum(0) + 1
    return Dense(tuple((counts / counts.sum()).tolist()), cut=cut, turned=turned)

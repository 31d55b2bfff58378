r"""What a label is, as a value: how it is tried, scored and given to networks.

A label space is the same for every method, and every method is written over it once. With
\(q = q(y \mid x)\), the raw numbers of a classifier stand for \(q\), and

.. math:: E_{q(y \mid x)} f(y) \approx \sum_e w_e f(y_e)

where the space decides which labels \(y_e\) are tried: all classes, the likeliest of them, or one
relaxed draw where there are too many. Entries of a label that are known are never tried.

A new space is a file with such a class and a line in `labels.SPACES`; what answers to users it
gives is in its twin in `ssdgm_runtime.labels`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.labels.measures.scores import Reliability, Score
from ssdgm_train.probability import shapes
from ssdgm_train.probability.noise import Noise

SMALLEST = 1e-30
"""The smallest probability in a draw, so that none is exactly zero."""


class Known(NamedTuple):
    """Labels of rows as networks take them.

    Attributes:
        value: [n, *shape]; entries that are not known are zero.
        mask: 1 where an entry is known, else 0; it broadcasts against the value.
    """

    value: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Tries:
    """Labels to try and their weights, so that a weighted sum estimates an expectation over q.

    Attributes:
        y: [n or 1, E, *shape].
        weight: [n or 1, E].
        drawn: Whether the last one was drawn from what the others leave: the mean over the others
            then serves as a baseline, without which its gradient would be mostly noise.
    """

    y: Tensor
    weight: Tensor
    drawn: bool = False

    def expect(self, values: Tensor) -> Tensor:
        """The weighted sum of a function's values at the labels, [n, E] to [n]."""
        if not self.drawn:
            return (self.weight * values).sum(-1)
        baseline = values[..., :-1].mean(-1).detach()
        return (self.weight * (values - baseline[..., None])).sum(-1) + baseline


@runtime_checkable
class Space(Protocol):
    """What a label is.

    Attributes:
        space: The space's name, as run records and manifests write it.
    """

    @property
    def space(self) -> str:
        """The space's name, as run records and manifests write it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one label as networks and graphs take it."""

    @property
    def width(self) -> int:
        """How many numbers that are."""

    @property
    def raw(self) -> int:
        """How many raw numbers a classifier gives for a row."""

    def known(self, y: Tensor, like: Tensor) -> Known:
        """Labels as a data set stores them, [n, ...], of the type and device of `like`."""

    def given(self, y: Tensor) -> Tensor:
        """Labels as graphs take them, [n, *shape], as networks take them."""

    def outputs(self, raw: Tensor, temperature: float = 1.0) -> dict[str, Tensor]:
        """What a bundle's classifier gives for raw numbers at a temperature, by name."""

    def tempered(self, raw: Tensor, temperature: float) -> Tensor:
        """The raw numbers of the same predictions, less sure the higher the temperature."""

    def mean(self, raw: Tensor) -> Tensor:
        """The expected label of q, [n, raw] to [n, *shape], as an encoder takes it."""

    def pooled(self, raw: Tensor) -> Tensor:
        """The raw numbers of the equal mixture of several q, [..., S, raw] to [..., raw]."""

    def every(self, like: Tensor) -> Tensor | None:
        """Every label once, [E, *shape]; None where there are too many."""

    def tries(self, raw: Tensor, noise: Noise, few: int = 0) -> Tries:
        """Labels to try for rows of which nothing is known.

        Args:
            raw: The raw numbers of q, [n, raw].
            noise: The source of draws.
            few: How many labels may be tried exactly, where the space can choose; 0 for all.
        """

    def sampled(self, raw: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """A label drawn from q(y | x) of each row, [n, *shape], and log q of it, [n], in nats."""

    def completed(self, raw: Tensor, known: Known, noise: Noise) -> Tries:
        """Labels to try for rows of which something is known; known entries stay as they are."""

    def entropy(self, raw: Tensor, known: Known | None = None) -> shapes.Nats:
        """The entropy of q over the entries that are not known, in nats."""

    def log_prob(self, raw: Tensor, known: Known) -> shapes.Nats:
        """The log-probability of the known entries under q, in nats."""

    def log_prior(self, y: Tensor) -> Tensor:
        """Log p(y) in nats, [..., *shape] to [...]; linear in y where y is a probability."""

    def posterior(self, log_joint: Tensor) -> Tensor:
        """Raw numbers of p(y | x) from log p(x, y) of every label, [n, E] to [n, raw]."""

    def measure(self, raw: Tensor, y: Tensor) -> Score:
        """The quality of raw numbers [n, raw] for labels as a data set stores them, [n, ...]."""

    def reliability(self, logits: Tensor, y: Tensor) -> Reliability:
        """How often answers are right by how sure they are, from logits as `outputs` has them."""

    def confusion(self, logits: Tensor, y: Tensor) -> NDArray[np.int64] | None:
        """Rows by label (down) and prediction (across), [K, K]; None where labels are several."""

    @property
    def entries(self) -> int:
        """How many separate answers a label has: one for a class, K for K tags."""

    def wrong(self, raw: Tensor, y: Tensor) -> Tensor:
        """How many entries of each row's label are predicted wrongly, int64 [n].

        Of numbers it is the sum of their squared errors, float64 [n].
        """

    def error(self, wrong: NDArray[np.floating]) -> NDArray[np.floating]:
        """What the mean of `wrong` over the known entries of some rows comes to, as an error."""

    def drawn(self, rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
        """Labels drawn from the prior, [rows, *shape]."""

    def examples(self, rows: int) -> NDArray[np.float32]:
        """Labels that take turns, so that a few show all there is, [rows, *shape]."""

    def described(self, values: Sequence[int | str]) -> dict[str, Any]:
        """The object `labels` of a manifest, for labels of these names or values."""

    def strata(self, y: NDArray[np.generic]) -> NDArray[np.int64]:
        """A number of each row's label that splits are stratified by; -1 where none is known."""

    def codes(self, y: NDArray[np.generic]) -> NDArray[np.int64] | None:
        """The class of each row, for classifiers that know of nothing but classes, [n].

        None where a label is more than one class that is right or wrong, or may be one that no
        label shows.
        """


@runtime_checkable
class Regular(Space, Protocol):
    """A space whose q(y | x) can be shaped by unlabelled rows without a model of them."""

    def divergence(self, target: Tensor, raw: Tensor) -> shapes.Nats:
        """The divergence of q from a target, both as raw numbers [n, raw], in nats."""

    def aligned(self, raw: Tensor) -> Tensor:
        """Raw numbers [n, raw] moved together so that their mean answer is the prior's."""

    def pseudo(self, raw: Tensor, threshold: float) -> Known:
        """The predicted entries that are at least so probable, as if they were known."""

    def imbalance(self, raw: Tensor) -> Tensor:
        """The divergence of the prior from the mean answer over the rows, in nats, [1]."""


def likeliest(q: Tensor, k: int, noise: Noise) -> tuple[Tensor, Tensor]:
    r"""Each row's k likeliest labels and one drawn from the others, with their weights.

    \(\sum_j w_j f(y_j)\) and its gradient are unbiased estimates of \(\sum_y q(y) f(y)\) and of
    its gradient, at the cost of k + 1 labels.

    Args:
        q: The probability of every label, [n, E].
        k: From 0 to E - 1.
        noise: The source of the drawn label.

    Returns:
        Indices and weights, [n, k + 1] each.

    References:
        Rao-Blackwellized Stochastic Gradients for Discrete Distributions (Liu et al., 2019),
        equation 4.
    """
    top = q.topk(k, -1).indices
    rest = q.detach().clamp_min(SMALLEST).scatter(-1, top, 0.0)
    drawn = noise.category(rest)
    share = rest.gather(-1, drawn) / rest.sum(-1, keepdim=True)
    weight = torch.cat([q.gather(-1, top), q.gather(-1, drawn) / share], -1)
    return torch.cat([top, drawn], -1), weight


def bound_over(
    space: Space,
    raw: Tensor,
    bound: Callable[[Tensor], Tensor],
    noise: Noise,
    known: Known | None = None,
    few: int = 0,
) -> shapes.Nats:
    r"""The bound of a row whose label is not known, or only in part, in nats, [n].

    .. math:: U(x) = E_{q(y \mid x)} L(x, y) + H[q(y \mid x)]

    It is largest at \(q(y \mid x) \propto e^{L(x, y)}\), where it is the log-sum-exp of \(L\).

    Args:
        space: The label space.
        raw: The raw numbers of q, [n, raw].
        bound: From labels [n or 1, E, *shape] to L(x, y) of each, [n, E].
        noise: The source of draws.
        known: What is known of the labels; nothing if left out.
        few: As for `Space.tries`.

    References:
        Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), equation 7.
    """
    if known is None:
        tries = space.tries(raw, noise, few)
        return tries.expect(bound(tries.y)) + space.entropy(raw)
    tries = space.completed(raw, known, noise)
    return tries.expect(bound(tries.y)) + space.entropy(raw, known)

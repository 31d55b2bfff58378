r"""The terms of regularisers, each from a model, a batch of observations and noise.

References:
    FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence (Sohn et al.,
    2020), equations 3 and 4; ReMixMatch (Berthelot et al., 2020), section 3.1, for the alignment.
    Virtual Adversarial Training (Miyato, Maeda, Koyama, Ishii, 2018), equations 5 to 12.
    Semi-Supervised Learning by Entropy Minimization (Grandvalet and Bengio, 2005).
    Discriminative Clustering by Regularized Information Maximization (Krause, Perona, Gomes,
    2010): a low entropy of each answer, a high one of their mean.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from ssdgm_train.augmentation.choice import STRONG, WEAK, Augment
from ssdgm_train.labels.space import Regular, Space
from ssdgm_train.networks.perceptrons import averages_kept
from ssdgm_train.probability.noise import Noise
from ssdgm_train.regularisation.plan import Regularisation

FIRST = 1e-2
"""The length of the first step towards the adversarial direction, in the same unit as radius."""


@runtime_checkable
class Judges(Protocol):
    """A model that regularisers can ask.

    Attributes:
        labels: The label space.
        standardise: From raw rows to observations.
    """

    labels: Space
    standardise: Callable[[Tensor], Tensor]

    def judge(self, x: Tensor) -> Tensor:
        """The raw numbers of q(y | x) for observations, [n, features] to [n, raw]."""


@dataclass(frozen=True)
class Rows:
    """What terms are computed from.

    Attributes:
        model: A `Judges` module.
        x: Labelled observations [n, features].
        y: Their labels as the data set stores them.
        u: Unlabelled observations [m, features].
        taught: As of `method.Batch`.
        noise: The source of draws.
        plan: The settings.
        augment: The augmentation of such rows.
    """

    model: Any
    x: Tensor
    y: Tensor
    u: Tensor
    taught: Tensor | None
    noise: Noise
    plan: Regularisation
    augment: Augment

    @property
    def space(self) -> Regular:
        """The model's label space."""
        space: Regular = self.model.labels
        return space


def answered(rows: Rows) -> dict[str, Tensor]:
    """The terms whose answers are computed in one pass: all but the adversarial one."""
    used = rows.plan.weights.keys() & TERMS.keys()
    if not used:
        return {}
    weak = _changed(rows, rows.u, WEAK)
    views = {
        name: make(rows, weak)
        for name, make in VIEWS.items()
        if used & {term for term, (view, _) in TERMS.items() if view == name}
    }
    target = _target(rows, weak) if "consistency" in used else weak
    with averages_kept(rows.model):
        raw = rows.model.judge(torch.cat([*views.values()]))
    parts = torch.split(raw, [len(view) for view in views.values()])
    answers = dict(zip(views, parts, strict=True))
    terms = ((name, *TERMS[name]) for name in TERMS if name in used)
    return {name: term(rows, answers[view], target) for name, view, term in terms}


def _changed(rows: Rows, x: Tensor, strength: float) -> Tensor:
    """Augmented observations; a batch without labelled rows stays empty."""
    return rows.augment(x, strength, rows.noise) if len(x) else x


def _target(rows: Rows, weak: Tensor) -> Tensor:
    """The answers to weakly augmented rows that others are compared with, without gradient.

    Of all augmented rows they alone count in running averages, being most like rows as they are.
    """
    with torch.no_grad():
        raw: Tensor = rows.model.judge(weak)
    return rows.space.aligned(raw) if rows.plan.align and len(raw) else raw


VIEWS: dict[str, Callable[[Rows, Tensor], Tensor]] = {
    "labelled": lambda rows, weak: _changed(rows, rows.x, STRONG),
    "strong": lambda rows, weak: _changed(rows, rows.u, STRONG),
    "weak": lambda rows, weak: weak,
}
"""The rows that are answered, from the batch and its weakly augmented unlabelled rows."""


def _augmented(rows: Rows, raw: Tensor, target: Tensor) -> Tensor:
    return -rows.space.log_prob(raw, rows.space.known(rows.y, like=raw))


def _consistency(rows: Rows, raw: Tensor, target: Tensor) -> Tensor:
    if not rows.plan.threshold:
        return rows.space.divergence(target, raw)
    return -rows.space.log_prob(raw, rows.space.pseudo(target, rows.plan.threshold))


def _taught(rows: Rows, raw: Tensor, target: Tensor) -> Tensor:
    """The divergence from what the teacher says, zero where it does not know or there is none."""
    if rows.taught is None:
        return raw.new_zeros(len(raw))
    known = ~rows.taught.isnan().any(-1)
    said = torch.where(known[:, None], rows.taught.to(raw.dtype), raw.detach())
    return rows.space.divergence(said, raw) * known


def _entropy(rows: Rows, raw: Tensor, target: Tensor) -> Tensor:
    return rows.space.entropy(raw)


def _balance(rows: Rows, raw: Tensor, target: Tensor) -> Tensor:
    return rows.space.imbalance(raw)


TERMS: dict[str, tuple[str, Callable[[Rows, Tensor, Tensor], Tensor]]] = {
    "augmented": ("labelled", _augmented),
    "consistency": ("strong", _consistency),
    "taught": ("weak", _taught),
    "entropy": ("weak", _entropy),
    "balance": ("weak", _balance),
}
"""From a term's name to the view that is answered and to (rows, raw numbers, target) to nats."""


def adversarial(
    model: Any,  # noqa: ANN401  (a `Judges` module)
    space: Regular,
    x: Tensor,
    radius: float,
    noise: Noise,
) -> Tensor:
    r"""\(KL(q(y | x) \| q(y | x + r))\) in nats, [n], r the step that changes q most.

    Its direction is found by one step of power iteration from a random one.

    Args:
        model: A `Judges` module.
        space: Its label space.
        x: Observations [n, features].
        radius: The length of r, as `Regularisation.radius` has it.
        noise: The source of the first direction.
    """
    root = x.shape[1] ** 0.5
    with torch.no_grad(), averages_kept(model):
        target = model.judge(x)
    step = _unit(noise.normal(x)) * (FIRST * root)
    with torch.enable_grad(), averages_kept(model):
        step.requires_grad_()
        change = space.divergence(target, model.judge(x + step))
        (slope,) = torch.autograd.grad(change.sum(), step)
    with averages_kept(model):
        return space.divergence(target, model.judge(x + radius * root * _unit(slope)))


def _unit(x: Tensor) -> Tensor:
    """Rows of length one; a row of zeros stays."""
    return F.normalize(x, dim=-1)

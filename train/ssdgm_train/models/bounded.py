"""The loss of models with a classifier q(y | x) and a bound L(x, y): m2 and its relatives.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), equations 6 to 9.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from ssdgm_train import method
from ssdgm_train.labels.space import Space, bound_over
from ssdgm_train.networks.perceptrons import averages_kept
from ssdgm_train.probability.noise import Noise


class Bounded(Protocol):
    """A model whose unlabelled rows are bounded by trying labels.

    Attributes:
        config: Hyper-parameters, among them `settle` and `likeliest`.
        labels: The label space.
        standardise: From raw rows to observations.
        draw: From observations to what training sees.
        classifier: From observations to the raw numbers of q(y | x).
        sees_greys: Whether the classifier learns from observations as they are.
    """

    config: Any
    labels: Space
    standardise: Callable[[Tensor], Tensor]
    draw: Callable[[Tensor, Noise], Tensor]
    classifier: Callable[[Tensor], Tensor]
    sees_greys: bool

    def bound(self, x: Tensor, y: Tensor, noise: Noise) -> Tensor:
        """L(x, y) in nats; x [n, 1, features] and y [n or 1, E, *shape] broadcast."""


def loss(model: Any, batch: method.Batch, context: method.Context) -> method.Terms:  # noqa: ANN401
    """-L of labelled rows, -U of unlabelled ones, -log q(y | x) of labelled ones, in nats.

    Until a share `settle` of the phase is over, unlabelled rows do not train q(y | x).

    Args:
        model: A `Bounded` module.
        batch: Raw rows.
        context: The phase.
    """
    noise, labelled = context.noise, len(batch.x)
    rows = model.standardise(torch.cat([batch.x, batch.u]))
    both = model.draw(rows, noise)
    raw = model.classifier(rows if model.sees_greys else both)
    y = model.labels.known(batch.y, like=both)
    own, others = raw[:labelled], raw[labelled:]
    if context.progress < model.config.settle:
        others = others.detach()

    def bound(x: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda y: model.bound(x[:, None], y, noise)

    few, space = model.config.likeliest, model.labels
    with averages_kept(model):
        unlabelled = bound_over(space, others, bound(both[labelled:]), noise, few=few)
    return {
        "labelled": -bound_over(space, own, bound(both[:labelled]), noise, y),
        "unlabelled": -unlabelled,
        "classifier": -space.log_prob(own, y),
    }

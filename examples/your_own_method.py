"""A method in sixty lines, outside the package: entropy minimisation.

A confident classifier has found a gap in the data: next to -log q(y | x) of the labelled rows,
minimise the entropy of q(y | x) on the unlabelled ones. The label space says what both are, so
the method serves classes and several labels at once.

References:
    Semi-supervised Learning by Entropy Minimization (Grandvalet and Bengio, 2005).

    ssdgm-export train digits --method examples/your_own_method.py:METHOD --labels 100 --out own
    ssdgm-export convert own -o own.ssdgm
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssdgm_train import labels, method, model
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks.perceptrons import MLP
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, setting


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the hidden layers.
        entropy: Weight of the unlabelled rows' entropy.
    """

    hidden: tuple[int, ...] = setting((200,), above(0))
    entropy: float = setting(0.3, above(0))


class Model(model.Model):
    """q(y | x): the one distribution that it declares makes it exportable as a classifier."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.labels, self.widths = problem.labels, {}
        self.standardise = observations.observer_for(problem)
        self.classifier = MLP([self.standardise.width], config.hidden, self.labels.raw)

    def classify(self, x: Tensor) -> Tensor:
        """Raw rows to the raw numbers of q(y | x)."""
        raw: Tensor = self.classifier(self.standardise(x))
        return raw

    conditionals = (model.classifier(classify),)


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """One number per example and term, in nats; the training loop averages and weighs them."""
    space, raw = model.labels, model.classify(torch.cat([batch.x, batch.u]))
    own, others = raw[: len(batch.x)], raw[len(batch.x) :]
    known = space.known(batch.y, like=own)
    return {"classifier": -space.log_prob(own, known), "entropy": space.entropy(others)}


def phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    """One phase, one player."""
    weights = {"classifier": 1.0, "entropy": config.entropy}
    return (method.Phase("joint", (method.Player("all", loss, weights),), steps=2000),)


METHOD = method.Method(
    name="entropy",
    summary="-log q(y | x) and the entropy of the unlabelled rows",
    paper=method.Paper(
        "Grandvalet, Bengio",
        2005,
        "Semi-supervised Learning by Entropy Minimization",
        "https://papers.nips.cc/paper/2740",
    ),
    Config=Config,
    build=Model,
    phases=phases,
    spaces=labels.ANY,
)

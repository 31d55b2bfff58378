"""A model that is q(y | x) and nothing else: what supervised and vat train.

It has no p(x | ...), so its bundles classify and do no more.
"""

from typing import Any

from torch import Tensor

from ssdgm_train import likelihoods, model
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks import builder
from ssdgm_train.probability import shapes
from ssdgm_train.problems import Problem


class Discriminative(model.Model):
    """q(y | x).

    Args:
        config: A method's hyper-parameters: hidden, activation, batch_norm, binarise, and what
            networks are chosen by.
        problem: The problem.
    """

    def __init__(self, config: Any, problem: Problem) -> None:  # noqa: ANN401
        super().__init__()
        self.labels, self.widths = problem.labels, {}
        self.standardise = observations.observer_for(problem)
        self.classifier = builder.classifier_for(
            problem, builder.fitted(config, problem)
        ).classifier(config.hidden, problem.labels.raw, config.activation, config.batch_norm)
        bits = config.binarise and not builder.sees_greys(problem, config)
        self.draw = likelihoods.likelihood_for(problem).draw if bits else likelihoods.same

    def judge(self, x: Tensor) -> Tensor:
        """The raw numbers of q(y | x) for observations, [n, features] or maps of pictures."""
        raw: Tensor = self.classifier(x)
        return raw

    def classify(self, x: shapes.Rows) -> Tensor:
        """The raw numbers of q(y | x) for raw rows."""
        return self.judge(self.standardise(x))

    conditionals = (model.classifier(classify),)

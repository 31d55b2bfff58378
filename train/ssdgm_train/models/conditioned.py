"""A model of rows given labels: q(y | x), q(z | x, y) and p(x | y, z), three separate networks.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 2, of M2.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ssdgm_train import likelihoods, model
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks import builder
from ssdgm_train.networks.builder import Builder
from ssdgm_train.networks.perceptrons import MLP, initialise
from ssdgm_train.probability import distributions, objectives, shapes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem


class Conditioned(model.Model):
    """What m2, mmdgm and baseline have in common; they differ in q(y | x) and how it learns.

    Args:
        config: A method's hyper-parameters, fitted to the problem: hidden, latent, activation,
            binarise, initial, and what networks are chosen by.
        problem: The problem.
        classifier: From the builder of networks to q(y | x), of observations.
    """

    def __init__(
        self,
        config: Any,  # noqa: ANN401  (a method's own)
        problem: Problem,
        classifier: Callable[[Builder], nn.Module],
    ) -> None:
        super().__init__()
        self.config = config
        self.labels, self.widths = problem.labels, {"z": config.latent}
        self.likelihood = likelihoods.likelihood_for(problem)
        self.draw = self.likelihood.draw if config.binarise else likelihoods.same
        self.sees_greys = builder.sees_greys(problem, config)
        self.standardise = observations.observer_for(problem)
        build, width = builder.builder_for(problem, config), self.labels.width
        hidden, act = config.hidden, config.activation
        self.classifier = classifier(build)
        self.encoder = build.encoder([width], hidden, config.latent, act)
        self.decoder = build.decoder([config.latent, width], hidden, act)
        if isinstance(self.classifier, MLP):
            initialise(self.classifier, config.initial)
        initialise(self.encoder, config.initial, spreads=config.latent)
        initialise(self.decoder, config.initial, spreads=self.likelihood.spreads)

    def judge(self, x: shapes.Flat) -> shapes.Logits:
        """The raw numbers of q(y | x) for observations."""
        raw: Tensor = self.classifier(x)
        return raw

    def classify(self, x: shapes.Rows) -> shapes.Logits:
        """The raw numbers of q(y | x) for raw rows."""
        return self.judge(self.standardise(x))

    def encode(self, x: shapes.Rows, y: shapes.Given) -> distributions.Normal:
        """q(z | x, y) for raw rows and label probabilities."""
        posterior: distributions.Normal = self.encoder(self.standardise(x), y)
        return posterior

    def decode(self, y: shapes.Given, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | y, z) as "x" and its parameters, in the data's own units."""
        return self.likelihood.decoded(self.decoder(z, y), self.standardise)

    conditionals = (
        model.classifier(classify),
        model.encoder(encode, "x", "y"),
        model.decoder(decode, "y", "z"),
    )

    def bound(self, x: shapes.Features, y: Tensor, noise: Noise) -> shapes.Nats:
        """L(x, y) in nats from one draw of z; x [..., features] and y [..., K] broadcast."""
        posterior = self.encoder(x, y)
        log_px = self.likelihood.log_prob(x, self.decoder(posterior.sample(noise), y))
        log_py = self.labels.log_prior(y)
        return objectives.labelled_bound(log_px, log_py, distributions.normal_kl(*posterior))

    def log_weights(self, x: shapes.Flat, noise: Noise) -> Tensor:
        """Log p(x, y, z) - log q(z | x, y) with one draw of z for each label, [batch, E].

        Where labels cannot be listed one is drawn too, and log q(y | x) taken off, [batch, 1].
        """
        every, log_qy = self.labels.every(like=x), x.new_zeros(())
        if every is None:
            drawn, log_qy = self.labels.sampled(self.classifier(x), noise)
            every, log_qy = drawn[:, None], log_qy[:, None]
        posterior = self.encoder(x[:, None], every)
        z = posterior.sample(noise)
        log_px = self.likelihood.log_prob(x[:, None], self.decoder(z, every))
        log_pz = distributions.normal_log_prob(z, torch.zeros_like(z), torch.ones_like(z))
        log_q = distributions.normal_log_prob(z, *posterior) + log_qy
        return log_px + self.labels.log_prior(every) + log_pz - log_q

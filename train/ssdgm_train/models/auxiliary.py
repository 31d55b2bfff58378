r"""The models of adgm and sdgm: an auxiliary latent a beside z makes q(y | x) and q(z | x) richer.

.. math::
    q(a, y, z \mid x) = q(a \mid x) \, q(y \mid a, x) \, q(z \mid a, x, y)

and p(x, y, z, a) is p(y) p(z) p(x | y, z) p(a | x, y, z) in adgm, where a is no part of the model
of x, or p(y) p(z) p(a | z, y) p(x | a, z, y) in sdgm, where a is a second layer. In both,

.. math::
    L(x, y) = E_{q(a \mid x) q(z \mid a, x, y)} [ \log p(x \mid \cdot) + \log p(y)
    + \log p(a \mid \cdot) - \log q(a \mid x) ] - KL(q(z \mid a, x, y) \| p(z))

and the unknown label is summed out under q(y | a, x). One draw of a serves the classifier and
every class of the bound. A trained classifier is the mean of q(y | a, x) over S draws of a that
were made once, the same for every row, so a row has one answer, alone or in company.

References:
    Auxiliary Deep Generative Models (Maaløe et al., 2016), sections 3 and 4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ssdgm_train import likelihoods, method, model
from ssdgm_train.labels.space import bound_over
from ssdgm_train.likelihoods import observations
from ssdgm_train.models.weighting import WEIGHTINGS
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import (
    ACTIVATIONS,
    INITIALISERS,
    GaussianMLP,
    averages_kept,
    initialise,
)
from ssdgm_train.probability import distributions, objectives, shapes
from ssdgm_train.probability.distributions import Normal
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, among, between, setting, within

PAPER = method.Paper(
    authors="Maaløe, Sønderby, Sønderby, Winther",
    year=2016,
    title="Auxiliary Deep Generative Models",
    link="https://arxiv.org/abs/1602.05473",
)


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the hidden layers of each of the five networks.
        network: "mlp"; "conv" for images and windows; "auto" chooses by the kind of rows.
        channels: Widths of its convolutions; if empty, as many layers as leave a small map.
        pooled: Channels of convolutions that are the classifier's alone, such as 32, 32, 64, 64,
            128, with batch normalisation and a mean over the map at the end; if empty, it has
            layers like the other networks'.
        latent: Dimensions of z.
        auxiliary: Dimensions of a.
        activation: The paper's is "relu".
        batch_norm: Normalise all hidden layers over the batch, as the authors do.
        binarise: Train Bernoulli data on freshly drawn bits; evaluation is always on grey levels,
            and so is a classifier with convolutions of its own, see `pooled`.
        alpha: Weight of log q(y | a, x) of the labelled rows against the sum over the data set.
        weighting: That weight is alpha * N / N_l if "balanced", as in the authors' code, and
            alpha if "paper".
        initial: The first weights, as in m2.
        likeliest: The number of a row's likeliest classes that are summed exactly, as in m2.
        settle: The share of the phase in which unlabelled rows do not train q(y | a, x), as in m2.
        samples: Draws of a for each row in training.
        draws: Draws of a over which the trained classifier averages; 0 for the mean of a alone.
            An exported classifier takes about as many times longer.
    """

    hidden: tuple[int, ...] = setting((500, 500), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    pooled: tuple[int, ...] = setting((), above(0))
    latent: int = setting(100, above(0))
    auxiliary: int = setting(100, above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    batch_norm: bool = True
    binarise: bool = True
    alpha: float = setting(0.1, between(0, 1e9))
    weighting: str = setting("balanced", among(WEIGHTINGS))
    initial: str = setting("torch", among(INITIALISERS))
    likeliest: int = setting(0, between(0, 1e9))
    settle: float = setting(0.0, within(0, 1))
    samples: int = setting(1, between(1, 1e4))
    draws: int = setting(10, between(0, 1e4))


class Auxiliary(model.Model):
    """q(a | x), q(y | a, x), q(z | a, x, y), p(a | ...) and p(x | ...), five networks.

    Attributes:
        skip: Whether p(x | ...) takes a, and p(a | ...) does not take x.
    """

    skip: ClassVar[bool]
    frozen: Tensor

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.config = config = builder.fitted(config, problem)
        self.labels = problem.labels
        self.widths = {"z": config.latent, "eps_a": config.auxiliary}
        self.likelihood = likelihoods.likelihood_for(problem)
        self.draw = self.likelihood.draw if config.binarise else likelihoods.same
        self.sees_greys = builder.sees_greys(problem, config)
        self.standardise = observations.observer_for(problem)
        self._build(builder.builder_for(problem, config), config)
        half = torch.randn(-(-config.draws // 2), config.auxiliary)
        self.register_buffer("frozen", torch.cat([half, -half])[: config.draws])

    def _build(self, build: builder.Builder, config: Config) -> None:
        width, a, z = self.labels.width, config.auxiliary, config.latent
        how = config.hidden, config.activation, config.batch_norm
        hidden, act, norm = how
        self.auxiliary = build.encoder([], hidden, a, act, norm)
        self.classifier = build.classifier(hidden, self.labels.raw, act, norm, [a])
        self.encoder = build.encoder([a, width], hidden, z, act, norm)
        inputs = [z, width]
        self.decoder = build.decoder([*inputs, a] if self.skip else inputs, *how)
        self.relation = (
            GaussianMLP(inputs, hidden, a, act, norm)
            if self.skip
            else build.encoder(inputs, hidden, a, act, norm)
        )
        initialise(self.classifier, config.initial)
        initialise(self.decoder, config.initial, spreads=self.likelihood.spreads)
        for net, size in ((self.auxiliary, a), (self.encoder, z), (self.relation, a)):
            initialise(net, config.initial, spreads=size)

    def classify(self, x: shapes.Rows) -> shapes.Logits:
        """The raw numbers of the mean of q(y | a, x) over the frozen draws of a."""
        rows = self.standardise(x)
        mean, scale = self.auxiliary(rows)
        if not len(self.frozen):
            raw: Tensor = self.classifier(rows, mean)
            return raw
        a = torch.addcmul(mean[:, None], scale[:, None], self.frozen)
        return self.labels.pooled(self.classifier(rows[:, None], a))

    def judge(self, x: shapes.Flat) -> shapes.Logits:
        """The raw numbers of q(y | a, x) for observations, at the mean of q(a | x)."""
        raw: Tensor = self.classifier(x, self.auxiliary(x).mean)
        return raw

    def encode(self, x: shapes.Rows, y: shapes.Given, eps_a: shapes.Codes) -> Normal:
        """q(z | a, x, y) for raw rows, label probabilities and the noise of a."""
        rows = self.standardise(x)
        mean, scale = self.auxiliary(rows)
        posterior: Normal = self.encoder(rows, torch.addcmul(mean, scale, eps_a), y)
        return posterior

    def related(self, x: Tensor, z: Tensor, y: Tensor) -> Normal:
        """p(a | x, z, y); without x in sdgm."""
        relation: Normal = self.relation(z, y) if self.skip else self.relation(x, z, y)
        return relation

    def bound(self, x: Tensor, a: Tensor, q: Normal, y: Tensor, noise: Noise) -> shapes.Nats:
        """L(x, y) in nats from one draw of z, for a drawn from q(a | x); all broadcast."""
        posterior = self.encoder(x, a, y)
        log_weight = self._log_weight(x, a, q, y, posterior.sample(noise))
        log_py = self.labels.log_prior(y)
        return objectives.labelled_bound(log_weight, log_py, distributions.normal_kl(*posterior))

    def log_weights(self, x: shapes.Flat, noise: Noise) -> Tensor:
        """Log p(x, y, z, a) - log q(a, z | x, y), one draw for each label, [batch, E]."""
        every, q = self.labels.every(like=x), self.auxiliary(x)
        assert every is not None
        q = Normal(q.mean[:, None], q.scale[:, None])
        a = q.sample(noise)
        posterior = self.encoder(x[:, None], a, every)
        z = posterior.sample(noise)
        log_pz = distributions.normal_log_prob(z, torch.zeros_like(z), torch.ones_like(z))
        log_qz = distributions.normal_log_prob(z, *posterior)
        log_weight = self._log_weight(x[:, None], a, q, every, z)
        return log_weight + self.labels.log_prior(every) + log_pz - log_qz

    def _log_weight(self, x: Tensor, a: Tensor, q: Normal, y: Tensor, z: Tensor) -> shapes.Nats:
        """Log p(x | ...) + log p(a | ...) - log q(a | x) in nats."""
        raw = self.decoder(z, y, a) if self.skip else self.decoder(z, y)
        log_pa = distributions.normal_log_prob(a, *self.related(x, z, y))
        log_qa = distributions.normal_log_prob(a, *q)
        return self.likelihood.log_prob(x, raw) + log_pa - log_qa


def loss(model: Auxiliary, batch: method.Batch, context: method.Context) -> method.Terms:
    """-L of labelled rows, -U of unlabelled ones, -log q(y | a, x) of labelled ones, in nats.

    With several draws of a per row, each draw counts as a row of its own.
    """
    noise, labels, samples = context.noise, model.labels, model.config.samples
    greys = model.standardise(torch.cat([batch.x, batch.u]))
    rows = model.draw(greys, noise)
    seen = greys if model.sees_greys else rows
    rows, seen = (part.repeat_interleave(samples, 0) for part in (rows, seen))
    end = samples * len(batch.x)
    y = labels.known(batch.y.repeat_interleave(samples, 0), like=rows)
    q = model.auxiliary(rows)
    a = q.sample(noise)
    raw = model.classifier(seen, a)

    def bound(part: slice) -> Callable[[Tensor], Tensor]:
        x, own, mean, scale = (each[part, None] for each in (rows, a, *q))
        return lambda t: model.bound(x, own, Normal(mean, scale), t, noise)

    first, others, few = slice(0, end), slice(end, None), model.config.likeliest
    settled = context.progress >= model.config.settle
    guess = raw[others] if settled else raw[others].detach()
    with averages_kept(model):
        unlabelled = bound_over(labels, guess, bound(others), noise, few=few)
    return {
        "labelled": -bound_over(labels, raw[first], bound(first), noise, y),
        "unlabelled": -unlabelled,
        "classifier": -labels.log_prob(raw[first], y),
    }


def phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    """One phase, in which all five networks are trained."""
    weights = WEIGHTINGS[config.weighting](config.alpha, sizes)
    player = method.Player("all", loss, weights)
    return (method.Phase("joint", (player,), steps=builder.STEPS[config.network]),)

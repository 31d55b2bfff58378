r"""M1: a variational autoencoder learns features from all rows, a small head classifies them.

.. math::
    p(z) = N(0, I), \quad p(x \mid z) = f(x; z, \theta), \quad q(z \mid x) = N(\mu_\phi(x),
    \sigma_\phi^2(x))

.. math:: \max_{\theta, \phi} \; E_{q(z \mid x)} \log p(x \mid z) - KL(q(z \mid x) \| p(z))

Then a classifier of z is fitted to the labels: by its cross-entropy ("logistic"), or as a
semi-supervised support vector machine ("s3vm": hinge on labelled rows, hat on unlabelled ones,
classes in balance), on random Fourier features of a Gaussian kernel if `kernel` is above zero.
It is trained on *draws* from q(z | x), fresh ones at every step, and used on means. Unlike the
transductive machine of the paper it is inductive: it classifies rows it has never seen.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), sections 2.1 and 4.
    Random Features for Large-Scale Kernel Machines (Rahimi and Recht, 2007).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from ssdgm_train import distributions, likelihoods, method, objectives, regularisers, shapes
from ssdgm_train.nn import (
    ACTIVATIONS,
    INITIALISERS,
    MLP,
    Fourier,
    GaussianMLP,
    Standardise,
    initialise,
)
from ssdgm_train.settings import above, among, between, setting

ROWS = 1000
"""Rows a pass where posteriors are computed, and rows by which latents are measured."""


@dataclass(frozen=True)
class Features:
    """Hyper-parameters of the autoencoder.

    Attributes:
        hidden: Widths of the hidden layers of the encoder; the decoder's are these in reverse.
        latent: Dimensions of z.
        activation: "relu", "silu", "softplus" or "tanh".
        binarise: Train Bernoulli data on freshly drawn bits; features are always of grey levels.
        initial: "torch", "small" or "fan_in", a key of `nn.INITIALISERS`.
        warm_up: The share of the phase over which the divergence's weight grows from 0 to 1, so
            that more latents come into use (Sønderby et al., 2016); 0 weighs it fully throughout.
        threshold: A latent whose posterior mean deviates less than this over the rows carries
            nothing and is dropped from the features.
    """

    hidden: tuple[int, ...] = setting((500, 500), above(0))
    latent: int = setting(50, above(0))
    activation: str = setting("softplus", among(ACTIVATIONS))
    binarise: bool = True
    initial: str = setting("torch", among(INITIALISERS))
    warm_up: float = setting(0.0, between(0, 1.0))
    threshold: float = setting(0.1, between(0, 1e9))


@dataclass(frozen=True)
class Head:
    """Hyper-parameters of the classifier of z.

    Attributes:
        loss: "logistic" or "s3vm".
        kernel: How many random Fourier features; 0 for a linear classifier.
        length: The Gaussian kernel's length scale, in units of z.
        hat: Weight of the unlabelled rows' hat loss at the end; it grows from zero.
        balance: Weight of the class balance.
    """

    loss: str = setting("s3vm", among(("logistic", "s3vm")))
    kernel: int = setting(2000, between(0, 1e6))
    length: float = setting(4.0, above(0))
    hat: float = setting(1.0, between(0, 1e9))
    balance: float = setting(1.0, between(0, 1e9))


@dataclass(frozen=True)
class Config:
    """Hyper-parameters of both parts."""

    features: Features = field(default_factory=Features)
    head: Head = field(default_factory=Head)


class VAE(nn.Module):
    """p(x | z) and q(z | x), and which latents are in use."""

    kept: Tensor

    def __init__(self, config: Features, problem: method.Problem) -> None:
        super().__init__()
        self.config, act = config, config.activation
        self.likelihood = likelihoods.LIKELIHOODS[problem.likelihood](problem.total)
        self.draw = self.likelihood.draw if config.binarise else likelihoods.same
        self.standardise = Standardise(problem.shape, problem.shift, problem.scale)
        self.encoder = GaussianMLP([problem.width], config.hidden, config.latent, act)
        outputs, heads = problem.width * self.likelihood.heads, self.likelihood.heads
        self.decoder = MLP([config.latent], config.hidden[::-1], outputs, act)
        initialise(self.encoder, config.initial, spreads=config.latent)
        initialise(self.decoder, config.initial, spreads=problem.width * (heads - 1))
        self.register_buffer("kept", torch.ones(config.latent))

    def embed(self, x: shapes.Rows) -> distributions.Normal:
        """q(z | x) for raw rows."""
        posterior: distributions.Normal = self.encoder(self.standardise(x))
        return posterior

    def render(self, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | z) as "x" and its parameters, in the data's own units."""
        found = self.likelihood.parameters(self.decoder(z))
        x = self.standardise.inverse(self.likelihood.mean(found))
        return {"x": x, **self.standardise.in_units(found)}

    def bound(
        self, x: shapes.Flat, generator: torch.Generator | None, beta: float = 1.0
    ) -> shapes.Nats:
        """The evidence lower bound of observations in nats, from one draw of z.

        With the divergence weighted by a `beta` below one it is no bound.
        """
        posterior = self.encoder(x)
        log_px = self.likelihood.log_prob(x, self.decoder(posterior.sample(generator)))
        return log_px - beta * distributions.normal_kl(*posterior)

    def log_weights(self, x: shapes.Flat, z: shapes.Codes) -> shapes.Nats:
        """Log p(x | z) - log q(z | x) for given draws, in nats."""
        log_q = distributions.normal_log_prob(z, *self.encoder(x))
        return self.likelihood.log_prob(x, self.decoder(z)) - log_q

    def posteriors(self, rows: Tensor) -> Tensor:
        """The mean and scale of q(z | x) of raw rows, [n, 2, latent], some rows at a time."""
        with torch.no_grad():
            parts = torch.split(rows, ROWS)
            return torch.cat([torch.stack(self.embed(part), 1) for part in parts])

    def measure(self, rows: Tensor) -> None:
        """Set which latents are kept by the spread of their means over some rows."""
        spread = self.posteriors(rows[:ROWS])[:, 0].std(0)
        self.kept.copy_((spread > self.config.threshold).to(self.kept.dtype))

    def codes(self, posteriors: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draws of the kept latents, [n, latent], zero where they are dropped."""
        return distributions.Normal(*posteriors.unbind(1)).sample(generator) * self.kept


class Model(nn.Module):
    """The autoencoder and its head."""

    def __init__(self, config: Config, problem: method.Problem) -> None:
        super().__init__()
        latent, head = config.features.latent, config.head
        self.labels, self.latent = problem.labels, latent
        self.features = VAE(config.features, problem)
        mapping = [Fourier(latent, head.kernel, head.length)] if head.kernel else []
        self.head = nn.Sequential(*mapping, nn.Linear(head.kernel or latent, problem.labels.size))

    def classify(self, x: shapes.Rows) -> shapes.Logits:
        """The head's logits for raw rows, from the means of the latents that are kept."""
        logits: Tensor = self.head(self.features.embed(x).mean * self.features.kept)
        return logits

    def embed(self, x: shapes.Rows) -> distributions.Normal:
        """q(z | x) for raw rows."""
        return self.features.embed(x)

    def render(self, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | z) as "x" and its parameters, in the data's own units."""
        return self.features.render(z)

    def log_weights(self, x: shapes.Flat, generator: torch.Generator | None) -> Tensor:
        """Log p(x, z) - log q(z | x) with one draw of z, [batch, 1]."""
        z = self.features.encoder(x).sample(generator)
        zeros, ones = torch.zeros_like(z), torch.ones_like(z)
        log_pz = distributions.normal_log_prob(z, zeros, ones)
        return (self.features.log_weights(x, z) + log_pz)[:, None]

    def trunk(self) -> MLP:
        """The encoder."""
        return self.features.encoder


def features_loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """The negative bound of all rows, labelled or not, in nats."""
    return {"features": -bounds(model.features, batch, context)}


def bounds(vae: VAE, batch: method.Batch, context: method.Context) -> Tensor:
    """The bound of the batch's rows, labelled or not, in nats; warmed up with the progress."""
    rows = vae.standardise(torch.cat([batch.x, batch.u]))
    warm_up = vae.config.warm_up
    beta = min(context.progress / warm_up, 1.0) if warm_up else 1.0
    return vae.bound(vae.draw(rows, context.generator), context.generator, beta)


def logistic_loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """Cross-entropy of the labelled rows' draws of z, in nats."""
    logits = model.head(model.features.codes(batch.x, context.generator))
    return {"classifier": objectives.cross_entropy(logits, batch.y)}


def s3vm_loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """Hinge, hat and balance of draws of z; the hat grows with the phase's progress."""
    codes = model.features.codes(torch.cat([batch.x, batch.u]), context.generator)
    labelled, unlabelled = model.head(codes).split([len(batch.x), len(batch.u)])
    return {
        "hinge": regularisers.hinge(labelled, batch.y),
        "hat": context.progress * regularisers.hat(unlabelled),
        "balance": regularisers.imbalance(unlabelled, model.labels.log_prior(like=unlabelled)),
    }


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    features = method.Player("features", features_loss, {"features": 1.0}, _features)
    losses = {
        "logistic": method.Player("head", logistic_loss, {"classifier": 1.0}, _head),
        "s3vm": method.Player("head", s3vm_loss, _margins(config.head), _head),
    }
    head = losses[config.head.loss]
    return (
        method.Phase("features", (features,), classifies=False),
        method.Phase("head", (head,), enter=_measure, prepare=_posteriors),
    )


def _margins(head: Head) -> dict[str, float]:
    return {"hinge": 1.0, "hat": head.hat, "balance": head.balance}


def _features(model: Model) -> Iterator[nn.Parameter]:
    return model.features.parameters()


def _head(model: Model) -> Iterator[nn.Parameter]:
    return model.head.parameters()


def _measure(model: Model, rows: Tensor) -> None:
    model.features.measure(rows)


def _posteriors(model: Model, rows: Tensor) -> Tensor:
    return model.features.posteriors(rows)


def adopt_features(config: Any, donor: nn.Module) -> method.Adoption | None:  # noqa: ANN401
    """Take over the autoencoder of a trained m1 or m1m2, so that its phase need not be run.

    Args:
        config: Hyper-parameters with a field `features`.
        donor: The trained model.
    """
    features = getattr(donor, "features", None)
    if not isinstance(features, VAE):
        return None
    weights = {f"features.{name}": value for name, value in features.state_dict().items()}
    return method.Adoption(replace(config, features=features.config), weights, ("features",))


METHOD = method.Method(
    name="m1",
    summary="features of a variational autoencoder, and a head on them",
    paper=method.Paper(
        authors="Kingma, Rezende, Mohamed, Welling",
        year=2014,
        title="Semi-Supervised Learning with Deep Generative Models",
        link="https://arxiv.org/abs/1406.5298",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    tasks=("classify", "encode", "reconstruct", "generate"),
    adopt=adopt_features,
)

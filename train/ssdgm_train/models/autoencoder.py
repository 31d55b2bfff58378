r"""The autoencoder of m1 and m1m2, the phases that train it, and phases on its features.

.. math::
    p(z) = N(0, I), \quad p(x \mid z) = f(x; z, \theta), \quad q(z \mid x) = N(\mu_\phi(x),
    \sigma_\phi^2(x))

.. math:: \max_{\theta, \phi} \; E_{q(z \mid x)} \log p(x \mid z) - KL(q(z \mid x) \| p(z))

Models that use it have it as their attribute `features`.

References:
    Auto-Encoding Variational Bayes (Kingma and Welling, 2014).
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 2.1.
    Ladder Variational Autoencoders (Sønderby et al., 2016), section 2.2: warm-up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ssdgm_runtime import errors
from ssdgm_train import likelihoods, method
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import ACTIVATIONS, INITIALISERS, initialise
from ssdgm_train.probability import distributions, shapes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, among, between, setting

ROWS = 1000
"""Rows per pass when posteriors are computed, and rows on which latents are measured."""


class Collapsed(errors.SsdgmError, ArithmeticError):
    """The latents of an autoencoder carry no information about rows."""


@dataclass(frozen=True)
class Features:
    """Hyper-parameters of the autoencoder.

    Attributes:
        hidden: Widths of the hidden layers of the encoder; the decoder's are these in reverse.
        network: "auto", "mlp" or "conv", as in m2.
        channels: Widths of its convolutions; if empty, as many layers as leave a small map.
        latent: Dimensions of z.
        activation: The paper's is "softplus".
        binarise: Train Bernoulli data on freshly drawn bits; features are always of grey levels.
        initial: The first weights: torch's own; "fan_in" is the authors'.
        warm_up: The share of the phase over which the divergence's weight grows from 0 to 1, so
            that more latents come into use (Sønderby et al., 2016); 0 weights it fully throughout.
        polish: Continue in a phase of that name on rows as they are, from which features are
            computed; useful with `binarise`, which trains the encoder only on bits.
        threshold: A latent whose posterior mean has a smaller standard deviation over the rows
            carries no information and is dropped from the features.
    """

    hidden: tuple[int, ...] = setting((500, 500), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    latent: int = setting(50, above(0))
    activation: str = setting("softplus", among(ACTIVATIONS))
    binarise: bool = True
    initial: str = setting("torch", among(INITIALISERS))
    warm_up: float = setting(0.0, between(0, 1.0))
    polish: bool = False
    threshold: float = setting(0.1, between(0, 1e9))


class VAE(nn.Module):
    """p(x | z) and q(z | x), and which latents are in use."""

    kept: Tensor

    def __init__(self, config: Features, problem: Problem) -> None:
        super().__init__()
        self.config = config = builder.fitted(config, problem)
        self.likelihood = likelihoods.likelihood_for(problem)
        self.draw = self.likelihood.draw if config.binarise else likelihoods.same
        self.standardise = observations.observer_for(problem)
        build, act = builder.builder_for(problem, config), config.activation
        self.encoder = build.encoder([], config.hidden, config.latent, act)
        self.decoder = build.decoder([config.latent], config.hidden[::-1], act)
        initialise(self.encoder, config.initial, spreads=config.latent)
        initialise(self.decoder, config.initial, spreads=self.likelihood.spreads)
        self.register_buffer("kept", torch.ones(config.latent))

    def embed(self, x: shapes.Rows) -> distributions.Normal:
        """q(z | x) for raw rows."""
        posterior: distributions.Normal = self.encoder(self.standardise(x))
        return posterior

    def render(self, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | z) as "x" and its parameters, in the data's own units."""
        return self.likelihood.decoded(self.decoder(z), self.standardise)

    def bound(self, x: shapes.Flat, noise: Noise, beta: float = 1.0) -> shapes.Nats:
        """The evidence lower bound of observations in nats, from one draw of z.

        With the divergence weighted by a `beta` below one it is not a bound.
        """
        posterior = self.encoder(x)
        log_px = self.likelihood.log_prob(x, self.decoder(posterior.sample(noise)))
        return log_px - beta * distributions.normal_kl(*posterior)

    def weighed(self, x: shapes.Flat, noise: Noise) -> tuple[shapes.Codes, shapes.Nats]:
        """One draw of z for observations, and log p(x | z) - log q(z | x) in nats."""
        posterior = self.encoder(x)
        z = posterior.sample(noise)
        log_q = distributions.normal_log_prob(z, *posterior)
        return z, self.likelihood.log_prob(x, self.decoder(z)) - log_q

    def posteriors(self, rows: Tensor) -> Tensor:
        """The mean and scale of q(z | x) of raw rows, [n, 2, latent], some rows at a time."""
        with torch.no_grad():
            parts = torch.split(rows, ROWS)
            return torch.cat([torch.stack(self.embed(part), 1) for part in parts])

    def measure(self, rows: Tensor) -> None:
        """Decide which latents are kept, by the spread of their means over evenly spaced rows.

        Raises:
            Collapsed: No latent is kept.
        """
        sample = rows[:: max(len(rows) // ROWS, 1)]
        spread = self.posteriors(sample)[:, 0].std(0)
        if not (spread > self.config.threshold).any():
            raise Collapsed(
                "All latents have collapsed: the largest deviation of a posterior mean over rows "
                f"is {float(spread.max()):.2g}, not above {self.config.threshold:g}",
                mend="Train phases.features longer, raise model.features.warm_up, or start a run "
                "with --init-from this one and a lower model.features.threshold.",
            )
        self.kept.copy_((spread > self.config.threshold).to(self.kept.dtype))

    def codes(self, posteriors: Tensor, noise: Noise, factor: float = 1.0) -> Tensor:
        """Draws of the latents, [n, latent]; dropped ones are zero.

        Args:
            posteriors: Means and scales [n, 2, latent], as returned by `posteriors`.
            noise: The source of the draws.
            factor: Factor on the scales.
        """
        mean, scale = posteriors.unbind(1)
        return distributions.Normal(mean, factor * scale).sample(noise) * self.kept


def phases(config: Features) -> tuple[method.Phase, ...]:
    """The phases that train the autoencoder, on all rows, labelled or not."""
    losses = {"features": loss, **({"polish": polish_loss} if config.polish else {})}
    steps = builder.STEPS[config.network]
    players = (
        method.Player(name, each, {name: 1.0}, _parameters) for name, each in losses.items()
    )
    return tuple(
        method.Phase(player.name, (player,), classifies=False, steps=steps) for player in players
    )


def after(name: str, player: method.Player) -> method.Phase:
    """A phase on features: its batches are posteriors [n, 2, latent]."""
    return method.Phase(name, (player,), enter=_measure, prepare=_posteriors)


def loss(model: Any, batch: method.Batch, context: method.Context) -> method.Terms:  # noqa: ANN401
    """The negative bound of observations in nats, with the divergence warmed up.

    Rows are weighted so that the batch mean estimates the mean of the data set, whatever the share
    of labelled rows in the batch.
    """
    vae: VAE = model.features
    warm_up, rows = vae.config.warm_up, _rows(vae, batch)
    beta = min(context.progress / warm_up, 1.0) if warm_up else 1.0
    bound = vae.bound(vae.draw(rows, context.noise), context.noise, beta)
    return {"features": -bound * _weights(batch, context.sizes, like=bound)}


def polish_loss(model: Any, batch: method.Batch, context: method.Context) -> method.Terms:  # noqa: ANN401
    """The negative bound of rows as they are, weighted as in `loss`."""
    vae: VAE = model.features
    bound = vae.bound(_rows(vae, batch), context.noise)
    return {"polish": -bound * _weights(batch, context.sizes, like=bound)}


def _rows(vae: VAE, batch: method.Batch) -> Tensor:
    rows: Tensor = vae.standardise(torch.cat([batch.x, batch.u]))
    return rows


def _weights(batch: method.Batch, sizes: method.Sizes, like: Tensor) -> Tensor:
    """The weight of each row with which the batch mean estimates the mean of the data set, [n]."""
    parts = ((len(batch.x), sizes.labelled), (len(batch.u), sizes.unlabelled))
    shares = [(n, len(like) / max(n, 1) * size / sizes.total) for n, size in parts]
    return torch.cat([like.new_full((n,), share) for n, share in shares])


def fitted(config: Any, problem: Problem) -> Any:  # noqa: ANN401
    """Hyper-parameters with a field `features`, its networks chosen by the rows."""
    return replace(config, features=builder.fitted(config.features, problem))


def adopt(config: Any, donor: nn.Module) -> method.Adoption | None:  # noqa: ANN401
    """Take over the autoencoder of a trained m1 or m1m2, so that its phases are skipped.

    Args:
        config: Hyper-parameters with a field `features`.
        donor: The trained model.
    """
    features = getattr(donor, "features", None)
    if not isinstance(features, VAE):
        return None
    weights = {f"features.{name}": value for name, value in features.state_dict().items()}
    own, done = config.features, [phase.name for phase in phases(features.config)]
    taken = replace(features.config, threshold=own.threshold, polish=own.polish)
    return method.Adoption(replace(config, features=taken), weights, tuple(done))


def _parameters(model: Any) -> Iterator[nn.Parameter]:  # noqa: ANN401
    vae: VAE = model.features
    return vae.parameters()


def _measure(model: Any, rows: Tensor) -> None:  # noqa: ANN401
    model.features.measure(rows)


def _posteriors(model: Any, rows: Tensor) -> Tensor:  # noqa: ANN401
    posteriors: Tensor = model.features.posteriors(rows)
    return posteriors

r"""GM-DGM: every class has a Gaussian of its own in the latent space, also classes without labels.

.. math::
    p(y) = Cat(\pi), \quad p(z \mid y) = N(\mu_y, \sigma_y^2), \quad p(x \mid z) = f(x; z, \theta)

    q(y \mid x) = Cat(\pi_\phi(x)), \quad q(z \mid x, y) = N(\mu_\phi(x, y), \sigma_\phi^2(x, y))

The means and scales of p(z | y) are learnt, and the decoder sees z alone. Where some classes have
no label, m2 gives their rows to those that have; here a component that no label claims is free to
take them.

References:
    Semi-Unsupervised Learning: Clustering and Classifying using Ultra-Sparse Labels (Willetts,
    Roberts, Holmes, 2019), section 4.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssdgm_train import likelihoods, method, model
from ssdgm_train.likelihoods import observations
from ssdgm_train.models import bounded
from ssdgm_train.models.weighting import WEIGHTINGS
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import ACTIVATIONS, INITIALISERS, GaussianMLP, initialise
from ssdgm_train.probability import distributions, objectives, shapes
from ssdgm_train.probability.distributions import Normal
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, among, between, setting, within


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the hidden layers of each of the three networks.
        network: "mlp"; "conv" for images and windows; "auto" chooses by the kind of rows.
        channels: Widths of its convolutions; if empty, as many layers as leave a small map.
        pooled: Channels of convolutions that are the classifier's alone, such as 32, 32, 64, 64,
            128, with batch normalisation and a mean over the map at the end; if empty, it has
            layers like the other networks'.
        latent: Dimensions of z.
        activation: The paper's is "relu".
        batch_norm: Normalise all hidden layers over the batch, as the authors do.
        binarise: Train Bernoulli data on freshly drawn bits; evaluation is always on grey levels,
            and so is a classifier with convolutions of its own, see `pooled`.
        alpha: Weight of log q(y | x) of the labelled rows against the sum over the data set.
        weighting: That weight is alpha * N / N_l if "balanced", as in the authors' code, and
            alpha if "paper".
        initial: The first weights, as in m2.
        spread: The standard deviation of the first means of p(z | y), so that components differ.
        likeliest: The number of a row's likeliest classes that are summed exactly, as in m2.
        settle: The share of the phase in which unlabelled rows do not train q(y | x), as in m2.
    """

    hidden: tuple[int, ...] = setting((500, 500), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    pooled: tuple[int, ...] = setting((), above(0))
    latent: int = setting(100, above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    batch_norm: bool = True
    binarise: bool = True
    alpha: float = setting(1.1, between(0, 1e9))
    weighting: str = setting("balanced", among(WEIGHTINGS))
    initial: str = setting("torch", among(INITIALISERS))
    spread: float = setting(1.0, between(0, 1e9))
    likeliest: int = setting(0, between(0, 1e9))
    settle: float = setting(0.0, within(0, 1))


class Mixture(nn.Module):
    """p(z | y): a mean and a log-variance for every class; y may be probabilities."""

    def __init__(self, classes: int, latent: int, spread: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2 * latent, classes))
        nn.init.normal_(self.weight[:latent].data, std=spread)

    def forward(self, y: Tensor) -> Normal:
        """[..., K] to a Normal [..., latent]."""
        mean, log_variance = nn.functional.linear(y, self.weight).chunk(2, -1)
        return Normal(mean, torch.exp(0.5 * log_variance))


class Model(model.Model):
    """q(y | x), q(z | x, y), p(z | y) and p(x | z)."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.config = config = builder.fitted(config, problem)
        self.labels = problem.labels
        self.widths = {"z": config.latent, "eps_z": config.latent}
        self.likelihood = likelihoods.likelihood_for(problem)
        self.draw = self.likelihood.draw if config.binarise else likelihoods.same
        self.sees_greys = builder.sees_greys(problem, config)
        self.standardise = observations.observer_for(problem)
        build, width = builder.builder_for(problem, config), self.labels.width
        hidden, act, norm = how = config.hidden, config.activation, config.batch_norm
        self.classifier = build.classifier(hidden, self.labels.raw, act, norm)
        self.encoder: GaussianMLP = build.encoder([width], hidden, config.latent, act, norm)
        self.mixture = Mixture(width, config.latent, config.spread)
        self.decoder = build.decoder([config.latent], *how)
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

    def encode(self, x: shapes.Rows, y: shapes.Given) -> Normal:
        """q(z | x, y) for raw rows and label probabilities."""
        posterior: Normal = self.encoder(self.standardise(x), y)
        return posterior

    def latent(self, y: shapes.Given, eps_z: shapes.Codes) -> Tensor:
        """A z of p(z | y), from noise."""
        mean, scale = self.mixture(y)
        return torch.addcmul(mean, scale, eps_z)

    def decode(self, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | z) as "x" and its parameters, in the data's own units."""
        return self.likelihood.decoded(self.decoder(z), self.standardise)

    conditionals = (
        model.classifier(classify),
        model.encoder(encode, "x", "y"),
        model.prior(latent, "eps_z"),
        model.decoder(decode, "z"),
    )

    def bound(self, x: shapes.Features, y: Tensor, noise: Noise) -> shapes.Nats:
        """L(x, y) in nats from one draw of z; x [..., features] and y [..., K] broadcast."""
        posterior = self.encoder(x, y)
        log_px = self.likelihood.log_prob(x, self.decoder(posterior.sample(noise)))
        divergence = distributions.normal_divergence(posterior, self.mixture(y))
        return objectives.labelled_bound(log_px, self.labels.log_prior(y), divergence)

    def log_weights(self, x: shapes.Flat, noise: Noise) -> Tensor:
        """Log p(x, y, z) - log q(z | x, y) with one draw of z for each class, [batch, K]."""
        every = self.labels.every(like=x)
        assert every is not None
        posterior = self.encoder(x[:, None], every)
        z = posterior.sample(noise)
        log_px = self.likelihood.log_prob(x[:, None], self.decoder(z))
        log_pz = distributions.normal_log_prob(z, *self.mixture(every))
        log_q = distributions.normal_log_prob(z, *posterior)
        return log_px + self.labels.log_prior(every) + log_pz - log_q


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    player = method.Player("all", bounded.loss, WEIGHTINGS[config.weighting](config.alpha, sizes))
    return (method.Phase("joint", (player,), steps=builder.STEPS[config.network]),)


METHOD = method.Method(
    name="gmdgm",
    summary="a Gaussian per class in the latent space, also for classes without labels",
    paper=method.Paper(
        authors="Willetts, Roberts, Holmes",
        year=2019,
        title="Semi-Unsupervised Learning: Clustering and Classifying using Ultra-Sparse Labels",
        link="https://arxiv.org/abs/1901.08560",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    finds=True,
    fitted=builder.fitted,
)

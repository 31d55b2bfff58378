r"""One class: a generative model of normal rows, by whose bound rows are found that are not.

.. math:: p(z) = N(0, I), \quad p(x \mid z) = f(x; z, \theta), \quad q(z \mid x) = N(\mu_\phi(x),
    \sigma_\phi^2(x))

With \(S\) draws that are constants of the model, the score of a row is

.. math:: s(x) = -\log \frac1S \sum_s \frac{p(x, z_s)}{q(z_s \mid x)} \quad or \quad
    s(x) = -\frac1S \sum_s \log \frac{p(x, z_s)}{q(z_s \mid x)}

the importance-weighted bound or the evidence lower bound of \(-\log p(x)\), in nats. Rows that are
normal, or of which nothing is known, make the bound \(B(x)\) large; outliers that are known are
pushed past the threshold,

.. math::
    \min_{\theta, \phi} \; - mean_n \, B(x_n) + \gamma \, mean_o \,
    \log\left(1 + e^{B(x_o) - (Q_\alpha - m)}\right)

with the quantile \(Q_\alpha\) of the bounds of the normal rows of a batch that the share
\(\alpha\) of false alarms is below, through which no gradient flows: outliers that are \(m\)
nats below it are left alone. A row is called normal if its score is at most that of all but this
share of the normal rows that were held out (`labels.oneclass`).

Numbers are seen with noise \(\tau \epsilon\) in training, \(\epsilon\) standard normal, in
deviations of their column: the density is that of the rows smoothed by a Gaussian kernel. Columns
in which values come again and again, such as counts, have no density of their own; without noise
a single rare value of such a column would outweigh all others.

Where the likelihood has scales, one for each value of a row is learnt for all rows ("shared"):
those that the decoder gives for a row ("own") let strange rows explain themselves by large ones.

What differs from the paper: its one-class classifier is the discriminator of an adversarial pair,
whose generator makes up the outliers that it is trained on. Here the classifier is the bound of
the generative model itself, and the outliers are those that the user knows, if any; so the score
has a unit, and the same model encodes, reconstructs and generates normal rows.

References:
    Semi-Supervised Outlier Detection Using Generative and Adversary Framework (Gu, Schubert,
    Tresp, 2018): a generative model of normal rows, trained against outliers.
    Variational Autoencoder based Anomaly Detection using Reconstruction Probability (An and Cho,
    2015): scores of a variational autoencoder; here they include the divergence.
    Importance Weighted Autoencoders (Burda et al., 2016), theorem 1.
    Do Deep Generative Models Know What They Don't Know? (Nalisnick et al., 2019): simple rows may
    be more probable than all that the model has seen, and pass as normal.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssdgm_train import likelihoods, method, model
from ssdgm_train.labels import OneClass, oneclass
from ssdgm_train.likelihoods import observations
from ssdgm_train.models import scoring
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import (
    ACTIVATIONS,
    INITIALISERS,
    MLP,
    GaussianMLP,
    initialise,
)
from ssdgm_train.probability import distributions, shapes
from ssdgm_train.probability.distributions import Normal
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, among, between, setting

SCORES = ("importance", "bound")
"""Which bound a score is."""

SCALES = ("shared", "own")
"""Whose the scales of a likelihood are."""

NUMBERS = ("gaussian", "columns")
"""Likelihoods of numbers, which come first in observations."""


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the hidden layers of the encoder; the decoder's are these in reverse.
        network: "mlp"; "conv" for images and windows; "auto" chooses by the kind of rows.
        channels: Widths of its convolutions; if empty, as many layers as leave a small map.
        latent: Dimensions of z.
        activation: Of the hidden layers.
        binarise: Train Bernoulli data on freshly drawn bits; scores are always of grey levels.
        initial: The first weights, as in m2.
        score: "importance" is the bound of all draws together, the tighter one; "bound" the mean
            of the bounds of one draw each.
        pairs: Half of the number of draws: each is there with both signs.
        smooth: The deviation of the noise on numbers in training, in deviations of their column;
            rows of other likelihoods than "gaussian" and "columns" have none.
        scales: Of the likelihood, where it has some: "shared" by all rows, or each row's "own".
        gamma: Weight of the term of known outliers.
        margin: How many nats these are pushed past the threshold.
    """

    hidden: tuple[int, ...] = setting((100,), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    latent: int = setting(8, above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    binarise: bool = True
    initial: str = setting("torch", among(INITIALISERS))
    score: str = setting("importance", among(SCORES))
    pairs: int = setting(4, between(1, 1000))
    smooth: float = setting(0.3, between(0, 1e9))
    scales: str = setting("shared", among(SCALES))
    gamma: float = setting(1.0, between(0, 1e9))
    margin: float = setting(5.0, between(0, 1e9))


class Model(model.Model):
    """q(z | x), p(x | z) and the score."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.config = config = builder.fitted(config, problem)
        assert isinstance(problem.labels, OneClass)
        self.labels, self.widths = problem.labels, {"z": config.latent}
        self.false_alarms = problem.labels.false_alarms
        self.noisy = problem.numbers if problem.likelihood in NUMBERS else 0
        self.likelihood = likelihoods.likelihood_for(problem)
        self.draw = self.likelihood.draw if config.binarise else likelihoods.same
        self.standardise = observations.observer_for(problem)
        build, act = builder.builder_for(problem, config), config.activation
        self.encoder: GaussianMLP = build.encoder([], config.hidden, config.latent, act)
        self.decoder = build.decoder([config.latent], config.hidden[::-1], act)
        initialise(self.encoder, config.initial, spreads=config.latent)
        initialise(self.decoder, config.initial, spreads=self.likelihood.spreads)
        if config.scales == "shared" and self.likelihood.spreads:
            self.spread = nn.Parameter(torch.zeros(self.likelihood.spreads))

    def classify(self, x: shapes.Rows) -> Tensor:
        """The score of raw rows in nats, [n, 1], higher for stranger ones."""
        rows, pairs = self.standardise(x), self.config.pairs
        weights = self.log_weights(rows, scoring.Together(pairs=pairs), 2 * pairs)
        return scoring.score(weights, rows, single=self.config.score == "bound")

    def embed(self, x: shapes.Rows) -> Normal:
        """q(z | x) for raw rows."""
        posterior: Normal = self.encoder(self.standardise(x))
        return posterior

    def render(self, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | z) as "x" and its parameters, in the data's own units."""
        return self.likelihood.decoded(self.drawn(z), self.standardise)

    def drawn(self, z: Tensor) -> Tensor:
        """The raw outputs of p(x | z), with the scales that all rows share, if they do."""
        raw: Tensor = self.decoder(z)
        if not hasattr(self, "spread"):
            return raw
        spread = self.spread.expand(*raw.shape[:-1], -1)
        return torch.cat([raw[..., : -len(self.spread)], spread], -1)

    conditionals = (
        model.classifier(classify),
        model.encoder(embed, "x"),
        model.decoder(render, "z"),
    )

    def seen(self, x: shapes.Flat, noise: Noise) -> shapes.Flat:
        """Observations as training sees them: bits drawn, or numbers with noise."""
        drawn: Tensor = self.draw(x, noise)
        if not self.noisy or not self.config.smooth:
            return drawn
        which = torch.arange(x.shape[1], device=x.device) < self.noisy
        moved: Tensor = drawn + self.config.smooth * noise.normal(drawn) * which
        return moved

    def bound(self, x: shapes.Flat, noise: Noise) -> shapes.Nats:
        """The evidence lower bound of observations in nats, from one draw of z."""
        posterior = self.encoder(x)
        log_px = self.likelihood.log_prob(x, self.drawn(posterior.sample(noise)))
        return log_px - distributions.normal_kl(*posterior)

    def log_weights(self, x: shapes.Flat, noise: Noise, draws: int = 1) -> Tensor:
        """Log p(x, z) - log q(z | x) of each draw of z, [batch, draws]."""
        posterior = Normal(*(each[:, None].expand(-1, draws, -1) for each in self.encoder(x)))
        z = posterior.sample(noise)
        rows = x[:, None].expand(-1, draws, -1).flatten(0, 1)
        log_px = self.likelihood.log_prob(rows, self.drawn(z.flatten(0, 1))).view(-1, draws)
        log_pz = distributions.normal_log_prob(z, torch.zeros_like(z), torch.ones_like(z))
        return log_px + log_pz - distributions.normal_log_prob(z, *posterior)

    def trunk(self) -> MLP:
        """The encoder."""
        return self.encoder


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """-B of rows that may be normal, and how far outliers are not past the threshold, in nats.

    Each is over all rows of the batch, zero for rows of the other kind, and weighted so that its
    mean is that over the rows that it is of.
    """
    noise, rows = context.noise, torch.cat([batch.x, batch.u])
    bound = model.bound(model.seen(model.standardise(rows), noise), noise)
    unknown = batch.y.new_full((len(batch.u),), -1)
    out = torch.cat([batch.y, unknown]) == oneclass.OUTLIER
    usual = bound[~out].detach()
    edge = usual.quantile(model.false_alarms) if len(usual) else bound.new_zeros(())
    above = F.softplus(bound - edge + model.config.margin)
    return {"normal": -bound * _share(~out), "outliers": above * _share(out)}


def _share(chosen: Tensor) -> Tensor:
    """Weights by which a mean over all rows is that over some of them, [n]."""
    return chosen * (len(chosen) / chosen.sum().clamp(min=1))


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    player = method.Player("all", loss, {"normal": 1.0, "outliers": config.gamma})
    return (method.Phase("joint", (player,), steps=builder.STEPS[config.network]),)


METHOD = method.Method(
    name="oneclass",
    summary="a variational autoencoder of normal rows, whose bound tells outliers",
    paper=method.Paper(
        authors="Gu, Schubert, Tresp",
        year=2018,
        title="Semi-Supervised Outlier Detection Using Generative and Adversary Framework",
        link="https://openreview.net/forum?id=BkS3fnl0W",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=(OneClass,),
    fitted=builder.fitted,
)

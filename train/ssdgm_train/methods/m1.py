r"""M1: a variational autoencoder learns features from all rows, a small head classifies them.

The autoencoder is that of `models.autoencoder`. Then a classifier of z is fitted to the labels: by
its cross-entropy ("logistic"; of numbers the likelihood of a normal distribution), or as a
semi-supervised support vector machine ("s3vm"),

.. math::
    \min_f \; mean_l \, hinge(f(z), y) + \lambda \, mean_u \, hat(f(z))
    + \kappa \, KL(mean_u \, softmax f(z) \| p(y))

linear in z or in random Fourier features of a Gaussian kernel. It is trained on *draws* from
q(z | x), fresh ones at every step, and used on means. Unlike the transductive machine of the paper
it is inductive: it classifies rows it has never seen.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), sections 2.1 and 4.
    Random Features for Large-Scale Kernel Machines (Rahimi and Recht, 2007).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ssdgm_train import method, model
from ssdgm_train.labels import Classes, Continuous, Tags
from ssdgm_train.likelihoods import observations
from ssdgm_train.models import autoencoder
from ssdgm_train.networks.perceptrons import MLP, Fourier
from ssdgm_train.probability import distributions, regularisers, shapes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.settings import RecipeError, above, among, between, setting


@dataclass(frozen=True)
class Head:
    """Hyper-parameters of the classifier of z.

    Attributes:
        loss: "s3vm" has a hinge for labelled rows, a hat for unlabelled ones, and class balance;
            "logistic" uses the labelled rows alone; it is the one for tags, and for numbers, of
            which it is the likelihood of a normal distribution.
        kernel: The number of random Fourier features; 0 for a linear classifier.
        length: The Gaussian kernel's length scale, in units of z.
        noise: Training sees draws from q(z | x) whose scale is multiplied by this.
        hat: Weight of the unlabelled rows' hat loss, reached at half of the phase; it grows from
            zero, since the first boundaries are too poor to push rows away from.
        balance: Weight of the class balance.
    """

    loss: str = setting("s3vm", among(("logistic", "s3vm")))
    kernel: int = setting(2000, between(0, 1e6))
    length: float = setting(3.2, above(0))
    noise: float = setting(0.5, between(0, 1e9))
    hat: float = setting(3.0, between(0, 1e9))
    balance: float = setting(1.0, between(0, 1e9))


@dataclass(frozen=True)
class Config:
    """Hyper-parameters of both parts.

    Attributes:
        features: The variational autoencoder.
        head: The classifier of z.
    """

    features: autoencoder.Features = field(default_factory=autoencoder.Features)
    head: Head = field(default_factory=Head)


class Model(model.Model):
    """The autoencoder and its head."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        latent, head = config.features.latent, config.head
        self.labels, self.widths, self.noise = problem.labels, {"z": latent}, head.noise
        self.features = autoencoder.VAE(config.features, problem)
        mapping = [Fourier(latent, head.kernel, head.length)] if head.kernel else []
        self.head = nn.Sequential(*mapping, nn.Linear(head.kernel or latent, problem.labels.raw))

    def classify(self, x: shapes.Rows) -> shapes.Logits:
        """The head's logits for raw rows, from the means of the latents that are kept."""
        logits: Tensor = self.head(self.features.embed(x).mean * self.features.kept)
        return logits

    @property
    def standardise(self) -> observations.Observes:
        """From raw rows to observations."""
        return self.features.standardise

    def judge(self, x: shapes.Flat) -> shapes.Logits:
        """The head's logits for observations, from the means of the latents that are kept."""
        return _judge(self, self.features.encoder(x).mean * self.features.kept)

    def embed(self, x: shapes.Rows) -> distributions.Normal:
        """q(z | x) for raw rows."""
        return self.features.embed(x)

    def render(self, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | z) as "x" and its parameters, in the data's own units."""
        return self.features.render(z)

    conditionals = (
        model.classifier(classify),
        model.encoder(embed, "x"),
        model.decoder(render, "z"),
    )

    def log_weights(self, x: shapes.Flat, noise: Noise) -> Tensor:
        """Log p(x, z) - log q(z | x) with one draw of z, [batch, 1]."""
        z, log_weights = self.features.weighed(x, noise)
        zeros, ones = torch.zeros_like(z), torch.ones_like(z)
        log_pz = distributions.normal_log_prob(z, zeros, ones)
        return (log_weights + log_pz)[:, None]

    def trunk(self) -> MLP:
        """The encoder."""
        return self.features.encoder


def _judge(model: Model, codes: shapes.Codes) -> shapes.Logits:
    """The head's logits; never in mixed precision, in which a kernel's cosines are too coarse."""
    with torch.autocast(codes.device.type, enabled=False):
        logits: Tensor = model.head(codes)
    return logits


def logistic_loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """-log q(y | z) of the labelled rows' draws of z, in nats."""
    codes = model.features.codes(batch.x, context.noise, model.noise)
    known = model.labels.known(batch.y, like=codes)
    return {"classifier": -model.labels.log_prob(_judge(model, codes), known)}


def s3vm_loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """Hinge, hat and balance of draws of z; the hat grows to half of the phase."""
    rows = torch.cat([batch.x, batch.u])
    codes = model.features.codes(rows, context.noise, model.noise)
    labelled, unlabelled = torch.split(_judge(model, codes), [len(batch.x), len(batch.u)])
    every = model.labels.every(like=unlabelled)
    assert every is not None
    return {
        "hinge": regularisers.hinge(labelled, batch.y),
        "hat": min(2 * context.progress, 1.0) * regularisers.hat(unlabelled),
        "balance": regularisers.imbalance(unlabelled, model.labels.log_prior(every)),
    }


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    losses = {
        "logistic": method.Player("head", logistic_loss, {"classifier": 1.0}, _head),
        "s3vm": method.Player("head", s3vm_loss, _margins(config.head), _head),
    }
    return (
        *autoencoder.phases(config.features),
        autoencoder.after("head", losses[config.head.loss]),
    )


def _margins(head: Head) -> dict[str, float]:
    return {"hinge": 1.0, "hat": head.hat, "balance": head.balance}


def _head(model: Model) -> Iterator[nn.Parameter]:
    return model.head.parameters()


def _fitted(config: Config, problem: Problem) -> Config:
    """The config with chosen networks; the s3vm head is for classes alone."""
    if config.head.loss == "s3vm" and type(problem.labels) is not Classes:
        raise RecipeError(
            f"model.head.loss is s3vm, which separates classes, and the labels are "
            f"{problem.labels.space}",
            mend="Set model.head.loss=logistic.",
        )
    fitted: Config = autoencoder.fitted(config, problem)
    return fitted


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
    spaces=(Classes, Tags, Continuous),
    adopt=autoencoder.adopt,
    fitted=_fitted,
)

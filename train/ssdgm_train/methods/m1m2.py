r"""M1+M2: the features of M1 are the data of M2.

.. math::
    p(x, y, z_1, z_2) = p(y) \, p(z_2) \, p(z_1 \mid y, z_2) \, p(x \mid z_1)

    q(z_1, z_2, y \mid x) = q(z_1 \mid x) \, q(y \mid z_1) \, q(z_2 \mid z_1, y)

M1 is trained first and then frozen; M2 is trained on draws \(z_1 \sim q(z_1 \mid x)\), fresh ones
at every step, under a Gaussian likelihood with a learned variance. Classification uses the mean of
\(z_1\). Latents of M1 that carry no information are dropped: M2 neither sees nor models them, they
are zero when rows are generated, and the exported graphs lack them.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), sections 2.3 and 4;
    the dropping of latents is in the authors' code (learn_yz_x_ss.py).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from ssdgm_train import method, model
from ssdgm_train.labels.space import Space
from ssdgm_train.likelihoods import observations
from ssdgm_train.methods import m2
from ssdgm_train.models import autoencoder, bounded, weighting
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import MLP
from ssdgm_train.probability import distributions, shapes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.settings import RecipeError

NEUTRAL = 1 / math.sqrt(2 * math.pi)
"""The scale of the normal whose log-density is zero at its mean."""


@dataclass(frozen=True)
class Config:
    """Hyper-parameters of both models.

    Attributes:
        features: M1's variational autoencoder.
        joint: M2, whose data are the features. As these are real numbers without neighbours, and
            the classifier is not pretrained, `network`, `channels`, `binarise` and `trunk_rate`
            have no effect.
    """

    features: autoencoder.Features = field(default_factory=autoencoder.Features)
    joint: m2.Config = field(default_factory=m2.Config)


class Model(model.Model):
    """M1's autoencoder under M2."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.config, self.problem = config, problem
        self.labels, self.widths = problem.labels, {"z": config.joint.latent}
        self.features = autoencoder.VAE(config.features, problem)
        self.joint = m2.Model(config.joint, _on_codes(config.features.latent, problem.labels))
        self.joint.likelihood = replace(self.joint.likelihood, log_prob=self.log_prob)

    def log_prob(self, z: shapes.Features, raw: Tensor) -> shapes.Nats:
        """Log p(z1 | y, z2) of the kept latents, in nats."""
        parameters, kept = self.joint.likelihood.parameters(raw), self.features.kept
        scale = torch.where(kept > 0, parameters["scale"], NEUTRAL)
        return distributions.normal_log_prob(z, parameters["mean"] * kept, scale)

    def codes(self, x: shapes.Rows) -> shapes.Codes:
        """The mean of q(z1 | x), zero where latents are dropped."""
        return self.features.embed(x).mean * self.features.kept

    @property
    def standardise(self) -> observations.Observes:
        """From raw rows to observations."""
        return self.features.standardise

    def judge(self, x: shapes.Flat) -> shapes.Logits:
        """Logits of q(y | z1) for observations, at the mean of q(z1 | x)."""
        return self.joint.judge(self.features.encoder(x).mean * self.features.kept)

    def classify(self, x: shapes.Rows) -> shapes.Logits:
        """Logits of q(y | z1) at the mean of q(z1 | x)."""
        return self.joint.classify(self.codes(x))

    def encode(self, x: shapes.Rows, y: shapes.Given) -> distributions.Normal:
        """q(z2 | z1, y) at the mean of q(z1 | x)."""
        return self.joint.encode(self.codes(x), y)

    def decode(self, y: shapes.Given, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | z1) as "x" and its parameters, at the mean of p(z1 | y, z2)."""
        return self.features.render(self.joint.decode(y, z)["mean"] * self.features.kept)

    conditionals = (
        model.classifier(classify),
        model.encoder(encode, "x", "y"),
        model.decoder(decode, "y", "z"),
    )

    def log_weights(self, x: shapes.Flat, noise: Noise) -> Tensor:
        """Log p(x, y, z1, z2) - log q(z1, z2 | x, y), one draw for each class, [batch, K]."""
        if not torch.compiler.is_exporting() and not self.features.kept.all():
            return self.slim().log_weights(x, noise)
        z, log_weights = self.features.weighed(x, noise)
        return log_weights[:, None] + self.joint.log_weights(z, noise)

    def trunk(self) -> MLP:
        """M1's encoder."""
        return self.features.encoder

    @property
    def kept(self) -> list[int]:
        """Which latents of M1 are features."""
        indices: list[int] = self.features.kept.nonzero()[:, 0].tolist()
        return indices

    def slim(self) -> "Model":
        """The same model with the dropped latents cut out of every weight."""
        kept = self.features.kept.bool()
        features = replace(self.config.features, latent=len(self.kept))
        model = Model(replace(self.config, features=features), self.problem).to(self.features.kept)
        model.load_state_dict(self._cut(kept))
        return model.eval()

    def _cut(self, kept: Tensor) -> dict[str, Tensor]:
        """All weights, with the dropped latents removed from inputs and outputs."""
        both, encoder, decoder = torch.cat([kept, kept]), self.features.encoder, self.joint.decoder
        outputs = (f"features.encoder.{encoder.last}", f"joint.decoder.{decoder.last}")

        def cut(name: str, value: Tensor) -> Tensor:
            if name in INPUTS:
                return value[:, kept]
            if name == "features.kept":
                return value[kept]
            return value[both] if name.startswith(outputs) else value

        return {name: cut(name, value) for name, value in self.state_dict().items()}


INPUTS = (
    "features.decoder.first.weights.0",
    "joint.classifier.first.weights.0",
    "joint.encoder.first.weights.0",
)
"""The weights whose columns are latents of M1."""


def _on_codes(latent: int, space: Space) -> Problem:
    """M2's problem: rows are latents of M1, without scaling."""
    return Problem((latent,), "float32", space, "gaussian", (0.0,), (1.0,))


def joint_loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """M2's terms of draws of z1; x and u hold posteriors [n, 2, latent]."""
    x, u = (model.features.codes(part, context.noise) for part in (batch.x, batch.u))
    return bounded.loss(model.joint, method.Batch(x, batch.y, u), context)


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    weights = weighting.stated(config.joint, sizes)
    player = method.Player("joint", joint_loss, weights, _joint, lambda m: m2.rates(m.joint))
    return (*autoencoder.phases(config.features), autoencoder.after("joint", player))


def _fitted(config: Config, problem: Problem) -> Config:
    """The config with chosen networks: M1's suit the rows; M2's are perceptrons of features.

    Raises:
        RecipeError: M2 asks for periodic features, which latents that are dropped would lack.
    """
    if config.joint.periodic:
        raise RecipeError(
            f"joint.periodic is {config.joint.periodic}, and the rows of joint are latents",
            mend="Leave joint.periodic 0.",
        )
    joint = builder.fitted(config.joint, _on_codes(config.features.latent, problem.labels))
    fitted: Config = autoencoder.fitted(replace(config, joint=joint), problem)
    return fitted


def _joint(model: Model) -> Iterator[nn.Parameter]:
    return model.joint.parameters()


METHOD = method.Method(
    name="m1m2",
    summary="m2 on the features of m1: the paper's best",
    paper=m2.METHOD.paper,
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=m2.METHOD.spaces,
    adopt=autoencoder.adopt,
    fitted=_fitted,
)

r"""A generative model of pictures given masks, with masks that are not known drawn by a U-Net.

A label is a class for every place of a picture; z is one vector for a whole picture, such as how
it was stained and lit, so that what is where must be said by the mask:

.. math::
    p(y) = \prod_p Cat(\pi), \quad p(z) = N(0, I), \quad p(x \mid y, z) = f(x; y, z, \theta)

    q(y \mid x) = \prod_p Cat(\pi_\phi(x)_p), \quad q(z \mid x, y) = N(\mu_\phi, \sigma_\phi^2)

The run maximises, with one relaxed draw of the places that are not known,

.. math:: \beta \sum_l L(x, y) + \beta \sum_u (E_q L(x, y) + H[q(y \mid x)])
          + \sum_l \log q(y \mid x)

All networks are convolutions, so pictures may have any size that is a multiple of `dense.STRIDE`;
training sees random cuts of them.

References:
    Learning Disentangled Representations with Semi-Supervised Deep Generative Models (Siddharth et
    al., 2017), section 3.2: labels of any structure, relaxed where they are not known.
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), equations 6 to 9.
    U-Net (Ronneberger, Fischer, Brox, 2015), for q(y | x).
    Semi Supervised Semantic Segmentation Using Generative Adversarial Network (Souly, Spampinato,
    Shah, 2017) has a discriminator in the place of the bound, which this does not have.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ssdgm_train import labels, likelihoods, method, model
from ssdgm_train.labels.space import Known
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks import builder, places
from ssdgm_train.networks.perceptrons import ACTIVATIONS
from ssdgm_train.probability import distributions, objectives, shapes
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, among, between, setting, within


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        network: "conv", which "auto" is too.
        channels: Those of the levels of q(y | x), four at most, each of which but the first
            halves the sides; if empty, 16, 32, 64, 64.
        painting: The same of p(x | y, z).
        summary: The channels of the layers of q(z | x, y), all but the first of which halve the
            sides.
        latent: Dimensions of z.
        activation: The activation of all layers.
        bound: Weight of the bounds, that of log q(y | x) of labelled places being 1.
        settle: The share of the phase in which unlabelled pictures do not train q(y | x), so that
            the other networks learn the meaning of labels first.
    """

    network: str = setting(builder.AUTO, among((builder.AUTO, "conv")))
    channels: tuple[int, ...] = setting((), above(0))
    painting: tuple[int, ...] = setting((16, 32), above(0))
    summary: tuple[int, ...] = setting((16, 32, 32), above(0))
    latent: int = setting(8, above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    bound: float = setting(0.1, between(0, 1e9))
    settle: float = setting(0.25, within(0, 1))


class Model(model.Model):
    """q(y | x), q(z | x, y) and p(x | y, z)."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.config = config = builder.fitted(config, problem)
        self.labels, self.widths = problem.labels, {"z": config.latent}
        self.likelihood = likelihoods.likelihood_for(problem)
        self.standardise = observations.observer_for(problem)
        inputs, act = math.prod(problem.shape[2:]), config.activation
        outputs = inputs * self.likelihood.outputs // problem.numbers
        size = self.labels.width
        self.classifier = builder.classifier_for(problem, config).classifier(
            (), self.labels.raw, act
        )
        self.encoder = places.Summary(inputs + size, config.summary, config.latent, act)
        self.decoder = places.UNet(size, config.painting, outputs, act, config.latent)

    def judge(self, x: Tensor) -> Tensor:
        """The raw numbers of q(y | x) for maps of observations."""
        raw: Tensor = self.classifier(x)
        return raw

    def classify(self, x: shapes.Rows) -> Tensor:
        """The raw numbers of q(y | x) for pictures, [n, K, h, w]."""
        return self.judge(self.standardise(x))

    def encode(self, x: shapes.Rows, y: Tensor) -> distributions.Normal:
        """q(z | x, y) for pictures and the probabilities of classes at every place."""
        posterior: distributions.Normal = self.encoder(torch.cat([self.standardise(x), y], 1))
        return posterior

    def decode(self, y: Tensor, z: shapes.Codes) -> dict[str, Tensor]:
        """The mean of p(x | y, z) as "x" and its parameters, in the data's own units."""
        raw = self.decoder(y, z).movedim(1, -1)
        parameters = self.likelihood.parameters(raw)
        natural = {**parameters, "x": self.likelihood.mean(parameters)}
        maps = {name: value.movedim(-1, 1) for name, value in natural.items()}
        mean = maps.pop("x")
        return {"x": self.standardise.inverse(mean), **self.standardise.in_units(maps)}

    conditionals = (
        model.classifier(classify),
        model.encoder(encode, "x", "y"),
        model.decoder(decode, "y", "z"),
    )

    def bound(self, x: Tensor, y: Tensor, noise: Noise) -> shapes.Nats:
        """L(x, y) in nats from one draw of z; x [n, channels, h, w] and y [n, K, h, w]."""
        posterior = self.encoder(torch.cat([x, y], 1))
        raw = self.decoder(y, posterior.sample(noise))
        each = self.likelihood.log_prob(x.movedim(1, -1), raw.movedim(1, -1))
        log_py = self.labels.log_prior(y)
        return objectives.labelled_bound(
            each.flatten(1).sum(-1), log_py, distributions.normal_kl(*posterior)
        )


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """-L of labelled pictures, -U of others, -log q(y | x) of labelled places, in nats."""
    space, count = model.labels, len(batch.x)
    x = model.standardise(torch.cat([batch.x, batch.u]))
    raw = model.classifier(x)
    y = space.known(batch.y, like=x)
    blank = raw.new_zeros(raw[count:].shape)
    known = Known(torch.cat([y.value, blank]), torch.cat([y.mask, blank[:, :1]]))
    settled = context.progress >= model.config.settle
    own = raw if settled else torch.cat([raw[:count], raw[count:].detach()])
    drawn = space.completed(own, known, context.noise).y[:, 0]
    bound = model.bound(x, drawn, context.noise) + space.entropy(own, known)
    return {
        "labelled": -bound[:count],
        "unlabelled": -bound[count:],
        "classifier": -space.log_prob(raw[:count], y),
    }


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    weights = {"labelled": config.bound, "unlabelled": config.bound, "classifier": 1.0}
    player = method.Player("all", loss, weights)
    return (method.Phase("joint", (player,), steps=builder.STEPS["conv"]),)


METHOD = method.Method(
    name="segment",
    summary="a class for every place: pictures from masks, unknown masks drawn",
    paper=method.Paper(
        authors="Siddharth, Paige, van de Meent, Desmaison, Goodman, Kohli, Wood, Torr",
        year=2017,
        title="Learning Disentangled Representations with Semi-Supervised Deep Generative Models",
        link="https://arxiv.org/abs/1706.00400",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=(labels.Dense,),
    fitted=builder.fitted,
)

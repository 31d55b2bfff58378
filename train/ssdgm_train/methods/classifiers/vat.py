r"""VAT: a classifier whose answer stays the same in the direction in which it would change most.

.. math::
    \min_\phi \; -mean_l \log q(y \mid x) + \lambda \, mean_{l, u} \, KL(q(\cdot \mid x) \|
    q(\cdot \mid x + r_x)) + \eta \, mean_u H[q(y \mid x)]

    r_x = \arg\max_{\|r\| = \epsilon} KL(q(\cdot \mid x) \| q(\cdot \mid x + r))

r is found by one step of power iteration, and no gradient flows through it or the first q. There
is no model of x, so a bundle classifies and does no more. As a term of another method it is the
setting regularise.adversarial.

References:
    Virtual Adversarial Training: A Regularization Method for Supervised and Semi-Supervised
    Learning (Miyato, Maeda, Koyama and Ishii, 2018), sections 3.2 to 3.4 and 4.1.
"""

from dataclasses import dataclass

import torch

from ssdgm_train import labels, method
from ssdgm_train.labels.space import Regular
from ssdgm_train.models.discriminative import Discriminative
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import ACTIVATIONS
from ssdgm_train.problems import Problem
from ssdgm_train.regularisation import terms
from ssdgm_train.settings import RecipeError, above, among, between, setting


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the classifier's hidden layers; the authors' are 1200 and 1200.
        network: "auto", "mlp" or "conv", as in m2.
        channels: Widths of its convolutions; if empty, as many layers as leave a small map.
        pooled: Channels of convolutions that are used instead, as in supervised.
        activation: The authors' is "relu".
        batch_norm: Normalise the hidden layers over the batch, as the authors do.
        binarise: Train Bernoulli data on freshly drawn bits, as m2 does.
        radius: The length of r, in units of a row's standard deviation times the root of its
            width: the authors' 0.3 on MNIST is 0.3 / 28.
        weight: That of the divergence, lambda; the authors' is 1.
        entropy: That of the entropy, eta; the authors add it on images in colour.
    """

    hidden: tuple[int, ...] = setting((500, 500), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    pooled: tuple[int, ...] = setting((), above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    batch_norm: bool = True
    binarise: bool = False
    radius: float = setting(0.05, above(0))
    weight: float = setting(1.0, between(0, 1e9))
    entropy: float = setting(0.0, between(0, 1e9))


class Model(Discriminative):
    """q(y | x), and the length of its adversarial step."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__(config, problem)
        self.radius = config.radius


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """-log q(y | x) of labelled rows, the divergence of all, the entropy of others, in nats."""
    rows = model.draw(model.standardise(torch.cat([batch.x, batch.u])), context.noise)
    own, others = torch.split(model.judge(rows), [len(batch.x), len(batch.u)])
    space = model.labels
    assert isinstance(space, Regular)
    return {
        "classifier": -space.log_prob(own, space.known(batch.y, like=own)),
        "adversarial": terms.adversarial(model, space, rows, model.radius, context.noise),
        "entropy": space.entropy(others),
    }


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    weights = {"classifier": 1.0, "adversarial": config.weight, "entropy": config.entropy}
    player = method.Player("all", loss, weights)
    return (method.Phase("joint", (player,), steps=builder.STEPS[config.network]),)


def _fitted(config: Config, problem: Problem) -> Config:
    """The config with a chosen network; labels must know how far two answers are apart."""
    if not isinstance(problem.labels, Regular):
        raise RecipeError(
            f"The method is vat, which compares answers, and {problem.labels.space} cannot",
            "labels that have a divergence",
            "Use another method, or add the functions of `labels.space.Regular` to the space.",
        )
    chosen: Config = builder.fitted(config, problem)
    return chosen


METHOD = method.Method(
    name="vat",
    summary="a classifier that is smooth in the direction in which it changes most",
    paper=method.Paper(
        authors="Miyato, Maeda, Koyama, Ishii",
        year=2018,
        title="Virtual Adversarial Training",
        link="https://arxiv.org/abs/1704.03976",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=labels.ANY,
    fitted=_fitted,
)

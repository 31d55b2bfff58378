r"""MM-DGM: m2's generative model beside a max-margin classifier that imputes the labels it lacks.

.. math:: p(x, y, z) = p(y) \, p(z) \, p(x \mid y, z), \quad
          q(z \mid x, y) = N(\mu_\phi(x, y), \sigma_\phi^2(x, y))

A classifier gives margins \(f(x) \in R^K\). The label of an unlabelled row is the class of the
largest, \(\hat y = \arg\max_k f_k(x)\), so a row costs one generative pass whatever K is. With
the bound L(x, y) of `objectives` the run minimises

.. math:: -w \, mean_l L(x, y) - (1 - w) \, mean_u L(x, \hat y)
    + \alpha (mean_l \, hinge + c_u \, mean_u \, hat + c_b \, balance + c_w \| W \|^2)

where the hinge asks the margin of the known class, and the hat that of the imputed one, to lead
by one; the balance keeps the hat from putting all rows into one class; and W is the classifier's
last layer. The choice of \(\hat y\) has no gradient. A straight-through estimate passes
\(\beta \, \partial L / \partial \hat y\) on to the classifier as though \(\hat y\) were
softmax(f), so the generative model has a say in what is imputed.

Margins are no log-probabilities: a hinge is content once a class leads by one. The probabilities
of a run and of its bundle are softmax(f / T) with the temperature T that is fitted on validation
rows at the end of a run (`evaluation.calibration`). Without at least a hundred of these rows T is
1, and the order of classes is all that should be relied on.

References:
    Max-Margin Deep Generative Models (Li, Zhu, Shi, Zhang, 2015), section 3, for the hinge beside
    a bound.
    Max-Margin Deep Generative Models for (Semi-)Supervised Learning (Li, Zhu, Zhang, 2018),
    section 4, for unlabelled rows; the estimate and the balance are those of the authors' code.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssdgm_train import labels, method
from ssdgm_train.models.conditioned import Conditioned
from ssdgm_train.networks import builder
from ssdgm_train.networks.builder import Builder
from ssdgm_train.networks.perceptrons import ACTIVATIONS, INITIALISERS, MLP
from ssdgm_train.probability import regularisers
from ssdgm_train.problems import Problem
from ssdgm_train.settings import RecipeError, above, among, between, setting


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the hidden layers of each of the three networks.
        network: "mlp"; "conv" for images and windows; "auto" chooses by the kind of rows.
        channels: Widths of its convolutions; if empty, as many layers as leave a small map.
        latent: Dimensions of z.
        activation: The paper's is "relu".
        batch_norm: Normalise the classifier's hidden layers over the batch, as the authors do.
        binarise: Train Bernoulli data on freshly drawn bits; evaluation is always on grey levels.
        initial: The first weights, as in m2; the authors' are "glorot".
        share: The share of labelled rows in the mean of the bounds; the authors' is that of their
            batches, a sixth.
        alpha: Weight of the hinge of labelled rows against the bound of a row in nats; the
            authors' is 0.1.
        hat: Weight of the hat of unlabelled rows against the hinge; the authors' is 0.3.
        balance: Weight of the balance between labelled and unlabelled rows against the hinge.
        decay: Weight of the squared weights of the classifier's last layer against the hinge.
        straight: Factor on the gradient that passes through an imputed label straight to the
            classifier; 0 for none. What counts is its ratio to alpha, and the authors' is 3e-4
            to 0.1.
    """

    hidden: tuple[int, ...] = setting((500,), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    latent: int = setting(100, above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    batch_norm: bool = True
    binarise: bool = True
    initial: str = setting("torch", among(INITIALISERS))
    share: float = setting(0.5, between(0, 1))
    alpha: float = setting(50.0, between(0, 1e9))
    hat: float = setting(0.1, between(0, 1e9))
    balance: float = setting(1e-3, between(0, 1e9))
    decay: float = setting(1e-4, between(0, 1e9))
    straight: float = setting(1.0, between(0, 1e9))


def fitted(config: Config, problem: Problem) -> Config:
    """The settings for a problem.

    Raises:
        RecipeError: As of `builder.fitted`, or labels have no margin for each class.
    """
    space = problem.labels
    if space.raw != space.width:
        raise RecipeError(
            f"A classifier of {space.space} gives {space.raw} numbers for {space.width} classes",
            "a margin for each class, which mmdgm is made of",
        )
    chosen: Config = builder.fitted(config, problem)
    return chosen


class Model(Conditioned):
    """f(x), q(z | x, y) and p(x | y, z), three separate networks."""

    labels: labels.Classes

    def __init__(self, config: Config, problem: Problem) -> None:
        chosen = fitted(config, problem)

        def classifier(build: Builder) -> MLP:
            raw = problem.labels.raw
            return build.classifier(chosen.hidden, raw, chosen.activation, chosen.batch_norm)

        super().__init__(chosen, problem, classifier)
        assert isinstance(self.labels, labels.Classes)

    def last(self) -> Tensor:
        """W, the weights of the classifier's last layer, [K, hidden]."""
        return self.classifier.get_parameter(f"{self.classifier.last}.weight")


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """-L(x, y) and the hinge of labelled rows, -L(x, y imputed) and the hat of unlabelled ones.

    Bounds are in nats, the hinge and the hat in margins; the balance and the squared weights are
    of the whole batch.
    """
    space, labelled = model.labels, len(batch.x)
    rows = model.draw(model.standardise(torch.cat([batch.x, batch.u])), context.noise)
    margins = model.classifier(rows)
    own, others = margins[:labelled], margins[labelled:]
    known = space.known(batch.y, like=rows)
    imputed = space.imputed(others, model.config.straight).y[:, 0]
    bounds = model.bound(rows, torch.cat([known.value, imputed]), context.noise)
    return {
        "labelled": -bounds[:labelled],
        "unlabelled": -bounds[labelled:],
        "hinge": space.hinge(own, known),
        "hat": regularisers.hat(others),
        "balance": regularisers.mismatch(own * known.value, others * imputed.detach()),
        "decay": model.last().square().sum()[None],
    }


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    weights = {
        "labelled": config.share,
        "unlabelled": 1 - config.share,
        "hinge": config.alpha,
        "hat": config.alpha * config.hat,
        "balance": config.alpha * config.balance,
        "decay": config.alpha * config.decay,
    }
    player = method.Player("all", loss, weights)
    return (method.Phase("joint", (player,), steps=builder.STEPS[config.network]),)


METHOD = method.Method(
    name="mmdgm",
    summary="a max-margin classifier imputes labels for a generative model",
    paper=method.Paper(
        authors="Li, Zhu, Zhang",
        year=2018,
        title="Max-Margin Deep Generative Models for (Semi-)Supervised Learning",
        link="https://arxiv.org/abs/1611.07119",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    fitted=fitted,
)

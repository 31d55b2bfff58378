r"""M2: a generative model of rows and labels, with the unknown label summed out.

Generative model and inference networks:

.. math::
    p(y) = Cat(\pi), \quad p(z) = N(0, I), \quad p(x \mid y, z) = f(x; y, z, \theta)

    q(y \mid x) = Cat(\pi_\phi(x)), \quad q(z \mid x, y) = N(\mu_\phi(x, y), \sigma_\phi^2(x, y))

With the bounds of `objectives` the run maximises, over N = N_l + N_u training rows,

.. math:: J^\alpha = \sum_l L(x, y) + \sum_u U(x) + \alpha N \, mean_l \log q(y \mid x)

because without the last term no label would ever reach q(y | x). The two weightings below define
how means over a batch estimate these sums; neither depends on the composition of a batch.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), sections 2 and 3,
    equations 6 to 9.
    Auxiliary Deep Generative Models (Maaløe et al., 2016), whose code is the "balanced" weighting.
    Learning Disentangled Representations with Semi-Supervised Deep Generative Models (Siddharth et
    al., 2017): `supervision`, and labels that are numbers, for which it is M2 where q factorises.
"""

from dataclasses import dataclass, replace

from torch import nn

from ssdgm_train import labels, method
from ssdgm_train.models import bounded, weighting
from ssdgm_train.models.conditioned import Conditioned
from ssdgm_train.models.weighting import WEIGHTINGS
from ssdgm_train.networks import builder
from ssdgm_train.networks.builder import Builder
from ssdgm_train.networks.perceptrons import ACTIVATIONS, INITIALISERS
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, among, between, setting, within


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the hidden layers of each of the three networks.
        classifier: Widths of the classifier's hidden layers, if they differ from `hidden`.
        network: "mlp"; "conv" for images and windows; "auto" chooses by the kind of rows.
        channels: Widths of its convolutions; if empty, as many layers as leave a small map.
        pooled: Channels of convolutions that are the classifier's alone, such as 32, 32, 64, 64,
            128, with batch normalisation and a mean over the map at the end; if empty, it has
            layers like the other networks'.
        kernels: How many random kernels over time, which are not trained, the classifier has
            instead, such as 200; 0 for none.
        periodic: How many frequencies the classifier has for each number of a row or a table, of
            which it learns periodic features, such as 16; 0 for none, and in m1m2.
        latent: Dimensions of z.
        activation: The paper's is "softplus".
        classifier_activation: The classifier's, if it differs.
        batch_norm: Normalise the classifier's hidden layers over the batch. With few labels it
            hurt on pixels and helped on features.
        binarise: Train Bernoulli data on freshly drawn bits; evaluation is always on grey levels,
            and so is a classifier with convolutions of its own, see `pooled`.
        alpha: Weight of log q(y | x) of the labelled rows against the sum over the data set.
        weighting: That weight is alpha * N / N_l if "balanced" (about 50 is a good value) and
            alpha if "paper".
        supervision: The labelled rows' share of the bound, the supervision rate of Siddharth et
            al. (2017), in place of what `weighting` makes of their number; the weight of the
            classifier is then alpha times it. 0: as `weighting` has it.
        initial: The first weights: torch's own; "small" is the paper's.
        likeliest: The number of a row's likeliest classes that are summed exactly, while one of
            the others is drawn: unbiased, and cheaper than 0, which sums all classes.
        settle: The share of the phase in which unlabelled rows do not train q(y | x), so that the
            other two networks learn the meaning of labels first.
        trunk_rate: Factor on the learning rate of the classifier's hidden layers; below one it
            preserves pretrained weights.
    """

    hidden: tuple[int, ...] = setting((500,), above(0))
    classifier: tuple[int, ...] = setting((), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    pooled: tuple[int, ...] = setting((), above(0))
    kernels: int = setting(0, between(0, 1e6))
    periodic: int = setting(0, between(0, 1e6))
    latent: int = setting(50, above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    classifier_activation: str = setting("", among(("", *ACTIVATIONS)))
    batch_norm: bool = False
    binarise: bool = True
    alpha: float = setting(0.1, between(0, 1e9))
    weighting: str = setting("balanced", among(WEIGHTINGS))
    supervision: float = setting(0.0, within(0, 1))
    initial: str = setting("torch", among(INITIALISERS))
    likeliest: int = setting(0, between(0, 1e9))
    settle: float = setting(0.0, within(0, 1))
    trunk_rate: float = setting(1.0, between(0, 1e9))


TRAINING = (
    "binarise",
    "alpha",
    "weighting",
    "supervision",
    "likeliest",
    "settle",
    "trunk_rate",
)
"""The settings that are kept from the recipe when the networks of another m2 are taken over."""


class Model(Conditioned):
    """q(y | x), q(z | x, y) and p(x | y, z), three separate networks."""

    def __init__(self, config: Config, problem: Problem) -> None:
        chosen: Config = builder.fitted(config, problem)
        hidden = chosen.classifier or chosen.hidden
        act = chosen.classifier_activation or chosen.activation

        def classifier(_: Builder) -> nn.Module:
            made = builder.classifier_for(problem, chosen)
            return made.classifier(hidden, problem.labels.raw, act, chosen.batch_norm)

        super().__init__(chosen, problem, classifier)


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    weights = weighting.stated(config, sizes)
    player = method.Player("all", bounded.loss, weights, rates=rates)
    return (method.Phase("joint", (player,), steps=builder.STEPS[config.network]),)


def rates(model: Model) -> dict[nn.Parameter, float]:
    """The factors on the learning rate: `trunk_rate` for the classifier's hidden layers."""
    *hidden, _, _ = model.classifier.parameters()
    return dict.fromkeys(hidden, model.config.trunk_rate)


def _adopt(config: Config, donor: nn.Module) -> method.Adoption | None:
    """Take over all three networks of an m2, or an encoder as the classifier's hidden layers."""
    if isinstance(donor, Model):
        kept = {name: getattr(config, name) for name in TRAINING}
        return method.Adoption(replace(donor.config, **kept), donor.state_dict(), labelled=True)
    if not isinstance(donor, method.Pretrains):
        return None
    trunk = donor.trunk()
    weights = {f"classifier.{name}": value for name, value in trunk.hidden_state().items()}
    fitting = replace(
        config,
        classifier=trunk.hidden,
        classifier_activation=trunk.activation,
        batch_norm=False,
        periodic=0,
        **builder.like(trunk),
    )
    return method.Adoption(fitting, weights)


METHOD = method.Method(
    name="m2",
    summary="generative semi-supervised model; the unknown label is summed out",
    paper=method.Paper(
        authors="Kingma, Rezende, Mohamed, Welling",
        year=2014,
        title="Semi-Supervised Learning with Deep Generative Models",
        link="https://arxiv.org/abs/1406.5298",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=labels.ANY,
    adopt=_adopt,
    fitted=builder.fitted,
)

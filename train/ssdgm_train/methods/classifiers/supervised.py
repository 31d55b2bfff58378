r"""The baseline: the same classifier, trained only on labelled rows.

.. math:: \min_\phi \; -\frac{1}{N_l} \sum_{(x, y)} \log q_\phi(y \mid x)

Semi-supervised methods are compared with this network trained on the same labels.
"""

from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from ssdgm_train import labels, method
from ssdgm_train.models.discriminative import Discriminative
from ssdgm_train.networks import builder
from ssdgm_train.networks.perceptrons import ACTIVATIONS
from ssdgm_train.settings import above, among, between, setting


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the classifier's hidden layers.
        network: "auto", "mlp" or "conv", as in m2.
        channels: Widths of its convolutions; if empty, as many layers as leave a small map.
        pooled: Channels of convolutions that are used instead, such as 32, 32, 64, 64, 128, with
            batch normalisation and a mean over the map at the end; if empty, those of `channels`.
        kernels: How many random kernels over time, which are not trained, are used instead, as
            in m2; 0 for none.
        periodic: How many frequencies for each number of a row or a table, as in m2; 0 for none.
        activation: The activation of the hidden layers.
        batch_norm: Normalise the classifier's hidden layers over the batch, which hurt with few
            labels.
        binarise: Train Bernoulli data on freshly drawn bits, as m2 does.
    """

    hidden: tuple[int, ...] = setting((500,), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    pooled: tuple[int, ...] = setting((), above(0))
    kernels: int = setting(0, between(0, 1e6))
    periodic: int = setting(0, between(0, 1e6))
    activation: str = setting("relu", among(ACTIVATIONS))
    batch_norm: bool = False
    binarise: bool = True


class Model(Discriminative):
    """q(y | x)."""


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """-log q(y | x) of the labelled rows, in nats."""
    x = model.draw(model.standardise(batch.x), context.noise)
    known = model.labels.known(batch.y, like=x)
    return {"classifier": -model.labels.log_prob(model.classifier(x), known)}


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    player = method.Player("all", loss, {"classifier": 1.0})
    return (method.Phase("joint", (player,), steps=builder.STEPS[config.network]),)


def _adopt(config: Config, donor: nn.Module) -> method.Adoption | None:
    """Take over an encoder as the hidden layers, the simplest use of unlabelled rows."""
    if not isinstance(donor, method.Pretrains):
        return None
    trunk = donor.trunk()
    weights = {f"classifier.{name}": value for name, value in trunk.hidden_state().items()}
    own: dict[str, Any] = {
        "hidden": trunk.hidden,
        "activation": trunk.activation,
        "batch_norm": False,
        "periodic": 0,
    }
    fitting = replace(config, **own, **builder.like(trunk))
    return method.Adoption(fitting, weights)


METHOD = method.Method(
    name="supervised",
    summary="the same classifier on the labels alone: the baseline",
    paper=method.Paper(
        authors="Rumelhart, Hinton, Williams",
        year=1986,
        title="Learning representations by back-propagating errors",
        link="https://doi.org/10.1038/323533a0",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=(*labels.ANY, labels.Dense),
    unlabelled=False,
    adopt=_adopt,
    fitted=builder.fitted,
)

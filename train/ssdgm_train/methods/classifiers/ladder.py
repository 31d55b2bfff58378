r"""Ladder network: a classifier that also learns to take noise out of each of its own layers.

A row passes an encoder of L layers twice, clean and with Gaussian noise \(n\) at every layer,

.. math:: \tilde z^{(l)} = N_B(W^{(l)} \tilde h^{(l-1)}) + n^{(l)}, \quad
          \tilde h^{(l)} = \phi(\gamma^{(l)} (\tilde z^{(l)} + \beta^{(l)}))

where \(N_B\) makes each feature's mean over the batch 0 and its variance 1; \(z\) and \(h\) are
the same without noise, and \(z^{(0)} = h^{(0)} = x\). The last layer gives the raw numbers of
\(q(y \mid x)\). A decoder goes back down, and at each layer takes what is above it and, by a
lateral connection, the noisy values of the layer itself:

.. math:: u^{(l)} = N_B(V^{(l+1)} \hat z^{(l+1)}), \quad u^{(L)} = N_B(\tilde y), \quad
          \hat z^{(l)} = g(\tilde z^{(l)}, u^{(l)}) =
          (\tilde z^{(l)} - \mu(u)) \, \upsilon(u) + \mu(u)

.. math:: \mu(u) = a_1 \sigma(a_2 u + a_3) + a_4 u + a_5, \quad
          \upsilon(u) = a_6 \sigma(a_7 u + a_8) + a_9 u + a_{10}

which is how a Gaussian with Gaussian noise is denoised, if u tells its mean and variance. With m
and s, the mean and deviation by which the clean layer was normalised, the run minimises

.. math:: -mean_l \log q(y \mid \tilde x) + \sum_l \lambda_l \, mean_u
          \| (\hat z^{(l)} - m^{(l)}) / s^{(l)} - z^{(l)} \|^2 / d_l

Labelled and unlabelled rows of a batch are normalised each by themselves. A row is classified by
the clean encoder, with running averages of the unlabelled rows' clean statistics in place of a
batch's. (The authors keep those of labelled rows, which with few labels stand for less.)

A bundle offers to classify, and no more. A ladder has no prior over its layers to generate from,
and its decoder reconstructs a row from the noisy values of every layer, the row itself among
them, not from a code.

References:
    Semi-Supervised Learning with Ladder Networks (Rasmus, Valpola, Honkala, Berglund, Raiko,
    2015), sections 2 and 3, algorithm 1; section 4.1 for MNIST.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from ssdgm_train import labels, method, model
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks import builder, rungs
from ssdgm_train.networks.perceptrons import ACTIVATIONS
from ssdgm_train.probability import shapes
from ssdgm_train.problems import Problem
from ssdgm_train.settings import RecipeError, above, among, between, setting


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Attributes:
        hidden: Widths of the encoder's hidden layers; the decoder has the same.
        network: "mlp" or "auto", which is the same: there is no ladder of convolutions here.
        activation: The paper's is "relu".
        noise: The standard deviation of the noise at every layer, rows included; layers have a
            variance of one.
        costs: Weights of the mean squared errors of denoising: of rows, of the first hidden
            layer, and so on; the last one holds for all layers that follow.
    """

    hidden: tuple[int, ...] = setting((1000, 500, 250, 250, 250), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    activation: str = setting("relu", among(ACTIVATIONS))
    noise: float = setting(0.3, between(0, 1e9))
    costs: tuple[float, ...] = setting((1000.0, 10.0, 0.1), between(0, 1e9))


def fitted(config: Config, problem: Problem) -> Config:
    """The settings with the network's name written out.

    Raises:
        RecipeError: Convolutions are requested, or more costs than there are layers.
    """
    if config.network == "conv":
        raise RecipeError("network is conv", "auto or mlp: a ladder here is made of perceptrons")
    layers = len(config.hidden) + 2
    if len(config.costs) > layers:
        raise RecipeError(
            f"costs has {len(config.costs)} weights",
            f"{layers} or fewer: one for rows, {layers - 2} for hidden layers, one for the last",
        )
    return replace(config, network="mlp")


Disturb = Callable[[Tensor], Tensor]
"""From values of a layer to those with noise; or the same, on the clean path."""


class Path(NamedTuple):
    """What a batch became on its way up.

    Attributes:
        codes: z of every layer, rows first, [n, width] each.
        moments: What each layer above them was normalised by, in the last part of the batch.
        raw: The raw numbers of q(y | x), [n, raw].
    """

    codes: list[Tensor]
    moments: list[rungs.Moments]
    raw: Tensor

    def scaled(self, estimates: list[Tensor]) -> Iterator[Tensor]:
        """Estimates of the codes, normalised as the codes themselves were; rows were not."""
        first, *others = estimates
        yield first
        for by, estimate in zip(self.moments, others, strict=True):
            yield by.normalised(estimate)


class Model(model.Model):
    """The encoder, whose clean path is q(y | x), and the decoder, which only training needs."""

    def __init__(self, config: Config, problem: Problem) -> None:
        super().__init__()
        self.config = config = fitted(config, problem)
        self.labels, self.widths = problem.labels, {}
        self.standardise = observations.observer_for(problem)
        widths = (self.standardise.width, *config.hidden, self.labels.raw)
        acts = [*(ACTIVATIONS[config.activation]() for _ in config.hidden), nn.Identity()]
        pairs = zip(pairwise(widths), acts, strict=True)
        layers = nn.ModuleList(rungs.Layer(*pair, act) for pair, act in pairs)
        self.layers = cast(Sequence[rungs.Layer], layers)
        last = rungs.Rung(self.labels.width, widths[-1], self.labels.width != widths[-1])
        down = (rungs.Rung(upper, width) for upper, width in pairwise(reversed(widths)))
        self.rungs = cast(Sequence[rungs.Rung], nn.ModuleList([last, *down]))

    def classify(self, x: shapes.Rows) -> shapes.Logits:
        """The raw numbers of q(y | x) of the clean encoder for raw rows."""
        return self.judge(self.standardise(x))

    def judge(self, x: shapes.Flat) -> shapes.Logits:
        """The raw numbers of q(y | x) of the clean encoder for observations."""
        h: Tensor = x
        for layer in self.layers:
            h = layer(h)
        return h

    conditionals = (model.classifier(classify),)

    def climb(self, x: shapes.Flat, parts: list[int], disturb: Disturb, keep: bool) -> Path:
        """Observations through the encoder by the statistics of the batch.

        Args:
            x: Observations.
            parts: The numbers of rows that are normalised by themselves, one part after another.
            disturb: What is done to the values of every layer.
            keep: Whether the last part's statistics go into the running averages.
        """
        path = Path([disturb(x)], [], x)
        h = path.codes[0]
        for layer in self.layers:
            each = torch.split(layer.project(h), parts)
            if keep:
                layer.keep(each[-1])
            by = [layer.moments(part) for part in each]
            z = torch.cat([m.normalised(part) for m, part in zip(by, each, strict=True)])
            path.codes.append(disturb(z))
            path.moments.append(by[-1])
            h = layer.activate(path.codes[-1])
        return path._replace(raw=h)

    def denoise(self, path: Path, rows: int) -> list[Tensor]:
        """Estimates of the clean codes of the last `rows` rows of a noisy path, rows first."""
        upper, estimates = self.labels.mean(path.raw[-rows:]).flatten(1), list[Tensor]()
        for rung, code in zip(self.rungs, reversed(path.codes), strict=True):
            upper = rung(code[-rows:], upper)
            estimates.insert(0, upper)
        return estimates


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """-log q(y | x) of noisy labelled rows in nats, and the squared error of every layer.

    Errors are of unlabelled rows, [m], the mean over a layer's features. If there are none, they
    are of labelled ones. All statistics are the batch's own, also when held-out rows are scored.
    """
    sizes = [len(part) for part in (batch.x, batch.u) if len(part)]
    x = model.standardise(torch.cat([batch.x, batch.u]))
    known = model.labels.known(batch.y, like=x)

    def disturb(z: Tensor) -> Tensor:
        return z + model.config.noise * context.noise.normal(z)

    clean = model.climb(x, sizes, lambda z: z, keep=model.training)
    noisy = model.climb(x, sizes, disturb, keep=False)
    estimates = model.denoise(noisy, sizes[-1])
    errors = {
        f"layer{i}": (estimate - code[-sizes[-1] :]).square().mean(-1)
        for i, (estimate, code) in enumerate(
            zip(clean.scaled(estimates), clean.codes, strict=True)
        )
    }
    return {"classifier": -model.labels.log_prob(noisy.raw[: len(batch.x)], known), **errors}


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    layers = len(config.hidden) + 2
    costs = (*config.costs, *[config.costs[-1]] * layers)[:layers]
    weights = {f"layer{i}": cost for i, cost in enumerate(costs)}
    player = method.Player("all", loss, {"classifier": 1.0, **weights})
    return (method.Phase("joint", (player,), steps=builder.STEPS["mlp"]),)


METHOD = method.Method(
    name="ladder",
    summary="a classifier that learns to take noise out of each of its layers",
    paper=method.Paper(
        authors="Rasmus, Valpola, Honkala, Berglund, Raiko",
        year=2015,
        title="Semi-Supervised Learning with Ladder Networks",
        link="https://arxiv.org/abs/1507.02672",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=labels.ANY,
    fitted=fitted,
)

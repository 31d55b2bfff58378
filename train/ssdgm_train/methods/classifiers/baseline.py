r"""Baseline: one of scikit-learn's classifiers on the labels alone, and a decoder beside it.

q(y | x) is not trained by steps. Before the first one the classifiers of `evaluation.practice`
are cross-validated on the labelled rows, and the one to take is fitted to all of them and turned
into a module that answers as it does, so a bundle has it without scikit-learn. Beside it m2's two
other networks maximise

.. math:: \sum_l L(x, y) + \sum_u U(x)

with the bounds of `objectives`, where the labels of unlabelled rows are what q(y | x) says; no
gradient goes there. So the bundle also encodes, reconstructs and generates.

A machine of support vectors and one of neighbours hold labelled training rows, in units of
observations, and so does their bundle.

References:
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), section 2, whose
    section 4 compares with such classifiers too.
    API design for machine learning software: experiences from the scikit-learn project (Buitinck
    et al., 2013), for the classifiers.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssdgm_train import labels, method
from ssdgm_train.evaluation import classifiers, practice, translation
from ssdgm_train.labels.space import bound_over
from ssdgm_train.models.conditioned import Conditioned
from ssdgm_train.models.weighting import WEIGHTINGS
from ssdgm_train.networks import builder
from ssdgm_train.networks.fixed import Fixed
from ssdgm_train.networks.perceptrons import ACTIVATIONS, INITIALISERS
from ssdgm_train.problems import Problem
from ssdgm_train.settings import above, among, between, setting

PIECE = 200
"""Rows that are observed and answered at a time."""


@dataclass(frozen=True)
class Config:
    """Hyper-parameters of the encoder and the decoder.

    Attributes:
        hidden: Widths of the hidden layers of both networks.
        network: "auto", "mlp" or "conv", as in m2.
        channels: Widths of convolutions; if empty, as many layers as leave a small map.
        latent: Dimensions of z.
        activation: The paper's is "softplus".
        binarise: Train Bernoulli data on freshly drawn bits; evaluation is always on grey levels.
        weighting: How labelled rows weigh against the others, as in m2.
        initial: The first weights, as in m2.
        likeliest: The number of a row's likeliest classes that are summed exactly, as in m2.
    """

    hidden: tuple[int, ...] = setting((500,), above(0))
    network: str = setting(builder.AUTO, among(builder.CHOICES))
    channels: tuple[int, ...] = setting((), above(0))
    latent: int = setting(50, above(0))
    activation: str = setting("relu", among(ACTIVATIONS))
    binarise: bool = True
    weighting: str = setting("paper", among(WEIGHTINGS))
    initial: str = setting("torch", among(INITIALISERS))
    likeliest: int = setting(0, between(0, 1e9))


class Model(Conditioned):
    """A fixed q(y | x), q(z | x, y) and p(x | y, z)."""

    classifier: Fixed

    def __init__(self, config: Config, problem: Problem) -> None:
        raw, grid = problem.labels.raw, builder.grid_of(problem)
        super().__init__(builder.fitted(config, problem), problem, lambda _: Fixed(raw, grid))
        self.problem = problem

    @property
    def remarks(self) -> tuple[str, ...]:
        """What q(y | x) is, and how many labelled training rows are in it."""
        own = self.classifier
        if not own.kept:
            return (f"q(y given x) is {own.title} that scikit-learn fitted.",)
        return (
            f"q(y given x) is {own.title} that scikit-learn fitted: this bundle holds "
            f"{own.kept} labelled training rows, standardised, which whoever has it can read.",
        )


def learn(
    model: Model,
    x: Tensor,
    y: Tensor,
    seed: int,
    weights: classifiers.Weights | None = None,
) -> None:
    """Fit q(y | x): the classifier that cross-validation takes, see `practice`."""
    codes = model.labels.codes(y.cpu().numpy())
    assert codes is not None
    rows = model.standardise(x).float().cpu().numpy()
    held = practice.folds(codes, seed)
    _, _, best = practice.on_labels(model.problem, rows, codes, held, weights)
    fitted = classifiers.calibrated(best.whole, rows, codes, held, weights)
    translation.put(fitted, model.classifier)
    model.to(x.device)


def prepared(model: Model, x: Tensor) -> Tensor:
    """Observations and, since they stay the same, the raw numbers of q(y | x) beside them."""
    seen = (model.standardise(part) for part in torch.split(x, PIECE))
    return torch.cat([torch.cat([part, model.judge(part)], -1) for part in seen])


def loss(model: Model, batch: method.Batch, context: method.Context) -> method.Terms:
    """-L of labelled rows and -U of unlabelled ones, in nats."""
    space, few, noise = model.labels, model.config.likeliest, context.noise
    x, u = (rows[..., : -space.raw] for rows in (batch.x, batch.u))
    both = model.draw(torch.cat([x, u]), noise)
    x, u = torch.split(both, [len(x), len(u)])
    y = space.known(batch.y, like=both)

    def bound(every: Tensor) -> Tensor:
        return model.bound(u[:, None], every, noise)

    return {
        "labelled": -model.bound(x, y.value, noise),
        "unlabelled": -bound_over(space, batch.u[..., -space.raw :], bound, noise, few=few),
    }


def _trained(model: Model) -> list[nn.Parameter]:
    return [*model.encoder.parameters(), *model.decoder.parameters()]


def _phases(config: Config, sizes: method.Sizes) -> tuple[method.Phase, ...]:
    every = WEIGHTINGS[config.weighting](0.0, sizes)
    weights = {name: every[name] for name in ("labelled", "unlabelled")}
    player = method.Player("all", loss, weights, _trained)
    steps = builder.STEPS[config.network]
    return (method.Phase("joint", (player,), learn=learn, prepare=prepared, steps=steps),)


METHOD = method.Method(
    name="baseline",
    summary="scikit-learn's classifier for such labels alone, with a decoder beside it",
    paper=method.Paper(
        authors="Pedregosa et al.",
        year=2011,
        title="Scikit-learn: Machine Learning in Python",
        link="https://jmlr.org/papers/v12/pedregosa11a.html",
    ),
    Config=Config,
    build=Model,
    phases=_phases,
    spaces=(labels.Classes,),
    trains=False,
    fitted=builder.fitted,
)

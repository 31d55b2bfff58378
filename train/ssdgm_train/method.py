"""The contract: a method is a value that says how to build a model and what each player minimises.

Nothing here computes. A `Method` builds a model for a `Problem` and lists its `Phase`s; in a phase
`Player`s take turns, each with a loss that maps (model, batch, context) to named terms, one number
an example, and with the weight of every term. `fit` alone averages, steps and schedules.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ssdgm_train import distributions, labels


@dataclass(frozen=True)
class Problem:
    """What the data set fixes, before any method is chosen.

    Attributes:
        shape: The shape of one row.
        dtype: The rows' own numpy dtype, which the exported graph eats.
        labels: The label space with its prior.
        likelihood: A key of `likelihoods.LIKELIHOODS`.
        shift: Subtracted from a raw row; one number, or one a feature.
        scale: Divided by afterwards; one number, or one a feature.
        total: The largest count where rows are counts, else 1.
    """

    shape: tuple[int, ...]
    dtype: str
    labels: labels.Classes
    likelihood: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    total: int = 1

    @property
    def width(self) -> int:
        """The number of features of one flattened row."""
        return int(torch.Size(self.shape).numel())


@dataclass(frozen=True)
class Batch:
    """Labelled rows x [n, *shape] with class indices y [n], unlabelled rows u [m, *shape], raw."""

    x: Tensor
    y: Tensor
    u: Tensor


@dataclass(frozen=True)
class Sizes:
    """How many labelled and unlabelled training rows there are."""

    labelled: int
    unlabelled: int

    @property
    def total(self) -> int:
        """N, all training rows."""
        return self.labelled + self.unlabelled


@dataclass(frozen=True)
class Context:
    """How far the phase is (0 to 1), the data's sizes, and the one source of randomness."""

    progress: float
    sizes: Sizes
    generator: torch.Generator | None


Terms = dict[str, Tensor]
Loss = Callable[[Any, Batch, Context], Terms]


@dataclass(frozen=True)
class Player:
    """Who minimises what.

    Attributes:
        name: Unique within the method.
        loss: (model, batch, context) to terms in nats, [n] each; a term of the whole batch is [1].
        weights: The factor of every term's mean in the number that is minimised.
        parameters: The parameters this player moves.
    """

    name: str
    loss: Loss
    weights: Mapping[str, float]
    parameters: Callable[[Any], Iterable[nn.Parameter]] = nn.Module.parameters


@dataclass(frozen=True)
class Phase:
    """Players that take turns at every step, for a share of the run's steps."""

    name: str
    players: tuple[Player, ...]
    share: float = 1.0


@dataclass(frozen=True)
class Paper:
    """Where a method comes from."""

    authors: str
    year: int
    title: str
    link: str


@dataclass(frozen=True)
class Method:
    """A member of the family.

    Attributes:
        name: As the command line writes it.
        summary: One line for lists.
        paper: Its source.
        Config: A frozen dataclass of hyper-parameters, every one with a default.
        build: (config, problem) to a model; its structural protocols below decide the tasks.
        phases: (config, sizes) to the phases of a run.
        tasks: What its bundle offers: "classify", "encode", "reconstruct", "generate".
    """

    name: str
    summary: str
    paper: Paper
    Config: type
    build: Callable[[Any, Problem], nn.Module]
    phases: Callable[[Any, Sizes], tuple[Phase, ...]]
    tasks: tuple[str, ...]


@runtime_checkable
class Classifies(Protocol):
    """A model with q(y | x)."""

    def classify(self, x: Tensor) -> Tensor:
        """Raw rows [batch, *shape] to logits [batch, K]."""


@runtime_checkable
class Encodes(Protocol):
    """A model with q(z | x, y)."""

    def encode(self, x: Tensor, y: Tensor) -> distributions.Normal:
        """Raw rows and label probabilities [batch, K] to a Gaussian [batch, latent]."""


@runtime_checkable
class Decodes(Protocol):
    """A model with p(x | y, z)."""

    latent: int

    def decode(self, y: Tensor, z: Tensor) -> dict[str, Tensor]:
        """Label probabilities and latents to "x", its mean, and the likelihood's parameters.

        All are [batch, *shape] in the data's own units.
        """

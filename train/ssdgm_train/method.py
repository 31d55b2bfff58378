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

from ssdgm_train.networks.perceptrons import MLP
from ssdgm_train.probability import distributions
from ssdgm_train.problems import Problem


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


def _whole(model: nn.Module) -> Mapping[nn.Parameter, float]:
    """The whole learning rate for every parameter."""
    return {}


@dataclass(frozen=True)
class Player:
    """Who minimises what.

    Attributes:
        name: Unique within the method.
        loss: (model, batch, context) to terms in nats, [n] each; a term of the whole batch is [1].
        weights: The factor of every term's mean in the number that is minimised.
        parameters: The parameters this player moves.
        rates: Factors on the learning rate of some of them.
    """

    name: str
    loss: Loss
    weights: Mapping[str, float]
    parameters: Callable[[Any], Iterable[nn.Parameter]] = nn.Module.parameters
    rates: Callable[[Any], Mapping[nn.Parameter, float]] = _whole


def _nothing(model: nn.Module, rows: Tensor) -> None:
    """A phase that needs no measurements."""


def raw(model: nn.Module, rows: Tensor) -> Tensor:
    """A phase whose batches are raw rows."""
    return rows


@dataclass(frozen=True)
class Phase:
    """Players that take turns at every step.

    Attributes:
        name: Unique within the method.
        players: Who minimises what.
        classifies: Whether it trains q(y | x), so that its error means something.
        enter: (model, raw training rows): measure what the phase needs into buffers. It is called
            before the phase's first step and again after an interruption, with the same outcome.
        prepare: (model, raw rows [n, *shape]) to what batches hold, [n, ...]: what a frozen part
            makes of them is computed once and not at every step.
        steps: Updates, where the recipe does not say how many.
    """

    name: str
    players: tuple[Player, ...]
    classifies: bool = True
    enter: Callable[[Any, Tensor], None] = _nothing
    prepare: Callable[[Any, Tensor], Tensor] = raw
    steps: int = 20_000


@dataclass(frozen=True)
class Adoption:
    """What a method takes over from a trained model.

    Attributes:
        config: The method's hyper-parameters, changed to fit.
        weights: Initial weights, by their names in the new model.
        done: Names of phases that need not be run any more.
        labelled: Whether labels took part in the weights, which then count among the budget.
    """

    config: Any
    weights: Mapping[str, Tensor]
    done: tuple[str, ...] = ()
    labelled: bool = False


def _as_it_is(config: Any, problem: Problem) -> Any:  # noqa: ANN401
    """A method whose hyper-parameters leave nothing to the data."""
    return config


def _adopts_nothing(config: object, donor: nn.Module) -> Adoption | None:
    """A method that cannot start from another model."""


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
        adopt: (config, a trained model) to what can be taken over from it; None for nothing.
        fitted: (config, problem) to a config in which nothing is left to the data: which networks.
    """

    name: str
    summary: str
    paper: Paper
    Config: type
    build: Callable[[Any, Problem], nn.Module]
    phases: Callable[[Any, Sizes], tuple[Phase, ...]]
    tasks: tuple[str, ...]
    adopt: Callable[[Any, nn.Module], Adoption | None] = _adopts_nothing
    fitted: Callable[[Any, Problem], Any] = _as_it_is


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


@runtime_checkable
class Embeds(Protocol):
    """A model with q(z | x), where no label takes part."""

    def embed(self, x: Tensor) -> distributions.Normal:
        """Raw rows [batch, *shape] to a Gaussian [batch, latent]."""


@runtime_checkable
class Renders(Protocol):
    """A model with p(x | z), where no label takes part."""

    latent: int

    def render(self, z: Tensor) -> dict[str, Tensor]:
        """Latents [batch, latent] to what `Decodes.decode` gives."""


@runtime_checkable
class Weighs(Protocol):
    """A model whose evidence can be estimated by importance sampling."""

    def log_weights(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        r"""One draw of the weights of every class, in nats, [batch, K]; [batch, 1] without labels.

        \(\log p(x, y, z) - \log q(z \mid x, y)\), z from q, for observations [batch, features].
        """


@runtime_checkable
class Pretrains(Protocol):
    """A model whose encoder a classifier can start from."""

    def trunk(self) -> MLP:
        """A network of observations alone."""


@runtime_checkable
class Slims(Protocol):
    """A model that holds more than its bundle needs."""

    @property
    def kept(self) -> list[int]:
        """Which latents of the inner model are in use."""

    def slim(self) -> nn.Module:
        """A model with fewer weights that computes the same graphs."""

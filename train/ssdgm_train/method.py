"""The contract: a method is a value that says how to build a model and what each player minimises.

Nothing here computes. A `Method` builds a `Model` for a `Problem` and lists its `Phase`s; in a
phase `Player`s take turns, each with a loss that maps (model, batch, context) to named terms, one
number per example, and with the weight of every term. Only `loop.fit` averages, steps and
schedules.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_train.labels.classes import Classes
from ssdgm_train.labels.dense import Dense
from ssdgm_train.labels.oneclass import OneClass
from ssdgm_train.model import SCORER, TASKS, Model
from ssdgm_train.networks.perceptrons import MLP
from ssdgm_train.probability.noise import Noise
from ssdgm_train.problems import Problem


@dataclass(frozen=True)
class Batch:
    """A step's rows, raw or as their phase prepares them.

    Attributes:
        x: Labelled rows [n, *shape].
        y: Their labels as the data set stores them, [n, ...]; `Space.known` reads them.
        u: Unlabelled rows [m, *shape].
        taught: What a teacher says of these, raw numbers [m, raw], NaN where it does not know;
            None where there is no teacher.
    """

    x: Tensor
    y: Tensor
    u: Tensor
    taught: Tensor | None = None


@dataclass(frozen=True)
class Sizes:
    """The numbers of labelled and unlabelled training rows."""

    labelled: int
    unlabelled: int

    @property
    def total(self) -> int:
        """N, all training rows."""
        return self.labelled + self.unlabelled


@dataclass(frozen=True)
class Context:
    """The progress of the phase (0 to 1), the data's sizes, and the only source of randomness."""

    progress: float
    sizes: Sizes
    noise: Noise


Terms = dict[str, Tensor]
Loss = Callable[[Any, Batch, Context], Terms]


def _whole(model: nn.Module) -> Mapping[nn.Parameter, float]:
    """The whole learning rate for every parameter."""
    return {}


@dataclass(frozen=True)
class Optimiser:
    """How a player's Adam differs from the plan of its phase.

    Attributes:
        beta1: Its decay of the first moment; None for the plan's.
        beta2: Its decay of the second moment; None for the plan's.
        rate: Factor on the plan's learning rate.
    """

    beta1: float | None = None
    beta2: float | None = None
    rate: float = 1.0


@dataclass(frozen=True)
class Player:
    """A loss and the parameters that minimise it.

    Attributes:
        name: Unique within the method.
        loss: (model, batch, context) to terms in nats, [n] each; a term of the whole batch is [1].
        weights: The factor of every term's mean in the number that is minimised.
        parameters: From the model to the parameters that this player updates.
        rates: From the model to factors on the learning rate of some of them; 1 for all others.
        optimiser: How it is optimised, where that is not as the plan has it.
        average: The decay of a running average of its parameters, such as 0.999, which is what is
            evaluated and exported instead of them; 0 for none.
    """

    name: str
    loss: Loss
    weights: Mapping[str, float]
    parameters: Callable[[Any], Iterable[nn.Parameter]] = nn.Module.parameters
    rates: Callable[[Any], Mapping[nn.Parameter, float]] = _whole
    optimiser: Optimiser = Optimiser()
    average: float = 0.0


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
        players: The losses, in turn.
        classifies: Whether it trains q(y | x), so that the classification error is meaningful.
        enter: (model, raw training rows): store measurements that the phase needs in buffers. It
            is called before the phase's first step and again after an interruption, and must give
            the same result.
        learn: (model, raw labelled rows, their labels, the run's seed, how much each row counts or
            None): fit what no update trains; None where updates are all that learns. It is called
            when the phase is entered, before `prepare`, with a sample where there are many rows,
            and gives the same each time.
        prepare: (model, raw rows [n, *shape]) to the rows of batches, [n, ...]: the output of a
            frozen part is computed once instead of at every step.
        steps: The number of updates, unless the recipe sets it.
    """

    name: str
    players: tuple[Player, ...]
    classifies: bool = True
    enter: Callable[[Any, Tensor], None] = _nothing
    learn: Callable[[Any, Tensor, Tensor, int, NDArray[np.float64] | None], None] | None = None
    prepare: Callable[[Any, Tensor], Tensor] = raw
    steps: int = 20_000


@dataclass(frozen=True)
class Adoption:
    """What a method takes over from a trained model.

    Attributes:
        config: The method's hyper-parameters, changed to fit.
        weights: Initial weights, by their names in the new model.
        done: Names of phases that are skipped.
        labelled: Whether the weights were trained with labels, which then count as used.
    """

    config: Any
    weights: Mapping[str, Tensor]
    done: tuple[str, ...] = ()
    labelled: bool = False


def _as_it_is(config: Any, problem: Problem) -> Any:  # noqa: ANN401
    """The config of a method without automatic choices."""
    return config


def _adopts_nothing(config: object, donor: nn.Module) -> Adoption | None:
    """Nothing: the method cannot start from another model."""


@dataclass(frozen=True)
class Paper:
    """The source of a method."""

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
        build: The model's class, made of (config, problem).
        phases: (config, sizes) to the phases of a run.
        spaces: The label spaces that it knows.
        unlabelled: Whether it learns from rows without labels.
        trains: Whether updates train its q(y | x), so that regularisers can be laid over it.
        finds: Whether it can find classes that have no label (`data.extra_classes`).
        adopt: (config, a trained model) to what can be taken over from it; None for nothing.
        fitted: (config, problem) to a config without automatic choices, such as of networks.
    """

    name: str
    summary: str
    paper: Paper
    Config: type
    build: type[Model]
    phases: Callable[[Any, Sizes], tuple[Phase, ...]]
    spaces: tuple[type, ...] = (Classes,)
    unlabelled: bool = True
    trains: bool = True
    finds: bool = False
    adopt: Callable[[Any, nn.Module], Adoption | None] = _adopts_nothing
    fitted: Callable[[Any, Problem], Any] = _as_it_is

    def knows(self, space: type) -> bool:
        """Whether it learns labels of this space; to know any is to know no masks or outliers."""
        apart = (Dense, OneClass)
        named = tuple(each for each in self.spaces if each is not object)
        return issubclass(space, named if issubclass(space, apart) else self.spaces)

    @property
    def tasks(self) -> tuple[str, ...]:
        """What its bundle offers: some of classify, encode, reconstruct, generate and score."""
        declared = {conditional.name for conditional in self.build.conditionals}
        declared |= {SCORER} if OneClass in self.spaces else set()  # the classifier gives scores
        return tuple(task for task, needs in TASKS.items() if needs <= declared)


@runtime_checkable
class Weighs(Protocol):
    """A model whose evidence can be estimated by importance sampling."""

    def log_weights(self, x: Tensor, noise: Noise) -> Tensor:
        r"""One draw of the weights of every class, in nats, [batch, K]; [batch, 1] without labels.

        \(\log p(x, y, z) - \log q(z \mid x, y)\), z from q, for observations [batch, features].
        """


@runtime_checkable
class Pretrains(Protocol):
    """A model with an encoder whose weights can initialise a classifier."""

    def trunk(self) -> MLP:
        """The encoder, a network whose only input is observations."""


@runtime_checkable
class Slims(Protocol):
    """A model with weights that its bundle does not need."""

    @property
    def kept(self) -> list[int]:
        """Which latents of the inner model are in use."""

    def slim(self) -> Model:
        """A model with fewer weights that computes the same graphs."""

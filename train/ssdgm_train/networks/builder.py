"""Which networks read and write observations of a kind: perceptrons, or convolutions.

A convolutional network is a perceptron behind a `Reader` or before a `Writer`, see
`convolutions`. Labels and latents meet at the perceptron's first layer, so an image is convolved
once, however many classes are tried.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from ssdgm_train import likelihoods, problems, settings
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks.convolutions import Grid, Reader, Writer
from ssdgm_train.networks.perceptrons import MLP, GaussianMLP
from ssdgm_train.problems import Problem

AUTO = "auto"
End = tuple[nn.Module, int]
"""What stands at an end of a perceptron, and how many numbers it passes to it or takes from it."""


@dataclass(frozen=True)
class Builder:
    """Makes the networks of one problem.

    Attributes:
        reader: (activation, batch_norm) to what observations go through first.
        writer: An activation to what makes raw outputs of a perceptron's.
    """

    reader: Callable[[str, bool], End]
    writer: Callable[[str], End]

    def classifier(
        self, hidden: Sequence[int], classes: int, activation: str, batch_norm: bool = False
    ) -> MLP:
        """Observations to logits."""
        before, width = self.reader(activation, batch_norm)
        return MLP([width], hidden, classes, activation, batch_norm, before=before)

    def encoder(
        self, others: Sequence[int], hidden: Sequence[int], latent: int, activation: str
    ) -> GaussianMLP:
        """Observations, and perhaps inputs of other widths, to a Gaussian over latents."""
        before, width = self.reader(activation, False)
        return GaussianMLP([width, *others], hidden, latent, activation, before=before)

    def decoder(self, inputs: Sequence[int], hidden: Sequence[int], activation: str) -> MLP:
        """Latents, and perhaps inputs of other widths, to a likelihood's raw outputs."""
        after, width = self.writer(activation)
        return MLP(inputs, hidden, width, activation, after=after)


def _perceptrons(problem: Problem, channels: tuple[int, ...]) -> Builder:
    width, outputs = observations.of(problem).width, likelihoods.of(problem).outputs
    return Builder(lambda *_: (nn.Identity(), width), lambda _: (nn.Identity(), outputs))


def _convolutions(problem: Problem, channels: tuple[int, ...]) -> Builder:
    grid, outputs = _grid(problem), likelihoods.of(problem).outputs
    assert grid is not None

    def reader(activation: str, batch_norm: bool) -> End:
        found = Reader(grid, channels, activation, batch_norm)
        return found, found.width

    def writer(activation: str) -> End:
        found = Writer(grid, outputs, channels, activation)
        return found, found.width

    return Builder(reader, writer)


NETWORKS: dict[str, Callable[[Problem, tuple[int, ...]], Builder]] = {
    "mlp": _perceptrons,
    "conv": _convolutions,
}
"""How networks of a kind are built for a problem, with these channels."""

CHOICES = (AUTO, *NETWORKS)

STEPS = {AUTO: 20_000, "mlp": 20_000, "conv": 4_000}
"""How many updates a phase has of itself: a quarter of an hour of two cores, or less."""


def of(problem: Problem, config: Any) -> Builder:  # noqa: ANN401  (a method's own)
    """The builder for hyper-parameters that `fitted` has been through."""
    return NETWORKS[config.network](problem, config.channels)


def fitted(config: Any, problem: Problem) -> Any:  # noqa: ANN401
    """Hyper-parameters whose `network` and `channels` are those that the rows get.

    Raises:
        RecipeError: Convolutions are asked for, and rows have no neighbours.
    """
    grid = _grid(problem)
    name = config.network if config.network != AUTO else "conv" if grid else "mlp"
    if name == "mlp":
        return dataclasses.replace(config, network=name, channels=())
    if grid is None:
        raise settings.RecipeError(
            f"network is {name} and a row is {problem.kind} of shape {list(problem.shape)}",
            "images [height, width] or [height, width, channels], or windows [channels, time]",
            "Set network=auto or mlp, or say with data.kind what a row is.",
        )
    return dataclasses.replace(config, network=name, channels=config.channels or grid.fitting())


def like(net: MLP) -> dict[str, Any]:
    """The settings that give another network the ends of this one."""
    channels = net.before.channels if isinstance(net.before, Reader) else ()
    return {"network": "conv" if channels else "mlp", "channels": channels}


def _grid(problem: Problem) -> Grid | None:
    """How rows lie; None where they have no neighbours."""
    if problem.kind == problems.IMAGE and len(problem.shape) > 1:
        height, width, *channels = problem.shape
        return Grid(math.prod(channels), (height, width), last=True)
    if problem.kind == problems.WINDOWS:
        *channels, length = problem.shape
        return Grid(math.prod(channels), (length,), last=False)
    return None

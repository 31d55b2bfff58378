"""Choose and build the networks for observations of a kind: perceptrons or convolutions.

A convolutional network is a perceptron behind a `Reader` or before a `Writer`, see
`convolutions`. Labels and latents enter at the perceptron's first layer, so an image is convolved
only once, however many classes are evaluated.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from ssdgm_train import likelihoods, problems, settings
from ssdgm_train.labels.dense import Dense
from ssdgm_train.labels.points import Points
from ssdgm_train.likelihoods import observations
from ssdgm_train.networks.convolutions import Grid, Reader, Writer
from ssdgm_train.networks.kernels import Kernels
from ssdgm_train.networks.keypoints import Keypoints
from ssdgm_train.networks.perceptrons import MLP, FeatureNorm, GaussianMLP
from ssdgm_train.networks.periodic import Periodic
from ssdgm_train.networks.places import CHANNELS, LEVELS, Places
from ssdgm_train.networks.pooled import Pooled
from ssdgm_train.problems import Problem

AUTO = "auto"
End = tuple[nn.Module, int]
"""The module at the input or output of a perceptron, and the width between the two."""


@dataclass(frozen=True)
class Builder:
    """Makes the networks of one problem.

    Attributes:
        reader: (activation, batch_norm) to the module that observations pass first.
        writer: An activation to the module that turns a perceptron's output into raw outputs.
        judge: As `reader`, of classifiers of observations alone; None for the same.
    """

    reader: Callable[[str, bool], End]
    writer: Callable[[str], End]
    judge: Callable[[str, bool], End] | None = None

    def classifier(
        self,
        hidden: Sequence[int],
        raw: int,
        activation: str,
        batch_norm: bool = False,
        others: Sequence[int] = (),
    ) -> MLP:
        """Observations and inputs of the widths `others` to the raw numbers of a label."""
        before, width = (self.judge or self.reader)(activation, batch_norm)
        return MLP([width, *others], hidden, raw, activation, batch_norm, before=before)

    def encoder(
        self,
        others: Sequence[int],
        hidden: Sequence[int],
        latent: int,
        activation: str,
        batch_norm: bool = False,
    ) -> GaussianMLP:
        """Observations and inputs of the widths `others` to a Gaussian over latents."""
        before, width = self.reader(activation, batch_norm)
        widths = [width, *others]
        return GaussianMLP(widths, hidden, latent, activation, batch_norm, before=before)

    def decoder(
        self,
        inputs: Sequence[int],
        hidden: Sequence[int],
        activation: str,
        batch_norm: bool = False,
    ) -> MLP:
        """Inputs, such as latents and labels, to a likelihood's raw outputs."""
        after, width = self.writer(activation)
        return MLP(inputs, hidden, width, activation, batch_norm, after=after)


def _perceptrons(problem: Problem, channels: tuple[int, ...]) -> Builder:
    width, outputs = (
        observations.observer_for(problem).width,
        likelihoods.likelihood_for(problem).outputs,
    )
    return Builder(lambda *_: (nn.Identity(), width), lambda _: (nn.Identity(), outputs))


def _convolutions(problem: Problem, channels: tuple[int, ...]) -> Builder:
    grid, outputs = grid_of(problem), likelihoods.likelihood_for(problem).outputs
    assert grid is not None
    written = dataclasses.replace(grid, channels=grid.channels - problem.padded)

    def reader(activation: str, batch_norm: bool) -> End:
        network = Reader(grid, channels, activation, batch_norm)
        return network, network.width

    def writer(activation: str) -> End:
        network = Writer(written, outputs, channels, activation)
        return network, network.width

    return Builder(reader, writer)


NETWORKS: dict[str, Callable[[Problem, tuple[int, ...]], Builder]] = {
    "mlp": _perceptrons,
    "conv": _convolutions,
}
"""From a network's name to the function (problem, channels) that returns its builder."""

CHOICES = (AUTO, *NETWORKS)

STEPS = {AUTO: 20_000, "mlp": 20_000, "conv": 4_000}
"""The default number of updates of a phase: at most a quarter of an hour on two cores."""


def classifier_for(problem: Problem, config: Any) -> Builder | Places | Keypoints:  # noqa: ANN401
    """What makes a classifier, of masks one of every place; for what `fitted` has returned."""
    if isinstance(problem.labels, Dense):
        return Places(math.prod(problem.shape[2:]), config.channels)
    grid = grid_of(problem)
    other = any((*_own(config), getattr(config, "classifier", ())))  # of an m1, for one
    if isinstance(problem.labels, Points) and grid and config.channels and not other:
        return Keypoints(grid, config.channels, problem.labels)
    return builder_for(problem, config)


def sees_greys(problem: Problem, config: Any) -> bool:  # noqa: ANN401  (a method's own)
    """Whether a classifier learns from grey levels where the bound has bits drawn from them.

    Convolutions of its own are normalised over the batch, whose bits vary more than the grey
    levels that it is asked about later; and maps of points learn what bits hide.
    """
    return bool(_own(config)[0]) or isinstance(problem.labels, Points)


def builder_for(problem: Problem, config: Any) -> Builder:  # noqa: ANN401  (a method's own)
    """The builder for hyper-parameters that `fitted` has returned."""
    builder, grid = NETWORKS[config.network](problem, config.channels), grid_of(problem)
    judge = _judge(config, grid) if grid else _waves(config, problem)
    return dataclasses.replace(builder, judge=judge) if judge else builder


def _judge(config: Any, grid: Grid) -> Callable[[str, bool], End] | None:  # noqa: ANN401
    """What makes the classifier's own first module; None where it has none."""
    own, kernels = _own(config)
    if own:

        def pooled(activation: str, batch_norm: bool) -> End:
            network = Pooled(grid, own, activation)
            return network, network.width

        return pooled
    if kernels:

        def random(activation: str, batch_norm: bool) -> End:
            network = Kernels(grid, kernels)
            return nn.Sequential(network, FeatureNorm(network.width)), network.width

        return random
    return None


def _waves(config: Any, problem: Problem) -> Callable[[str, bool], End] | None:  # noqa: ANN401
    """What makes the periodic features of a classifier; None where it has none."""
    count = getattr(config, "periodic", 0)
    if not count:
        return None
    width = observations.observer_for(problem).width
    numbers = problem.numbers if problem.kind == problems.TABLE else width
    if not numbers:
        return None

    def periodic(activation: str, batch_norm: bool) -> End:
        network = Periodic(width, numbers, count)
        return network, network.width

    return periodic


def _own(config: Any) -> tuple[tuple[int, ...], int]:  # noqa: ANN401
    """The channels of the classifier's own convolutions, and how many random kernels it has."""
    return getattr(config, "pooled", ()), getattr(config, "kernels", 0)


def fitted(config: Any, problem: Problem) -> Any:  # noqa: ANN401
    """Hyper-parameters with `network` and `channels` chosen by the rows, where they are open.

    Raises:
        RecipeError: Convolutions are requested, but rows are neither images nor windows.
    """
    if isinstance(problem.labels, Dense):
        return _of_places(config, problem)
    grid, (own, kernels) = grid_of(problem), _own(config)
    if own and grid is None:
        raise _gridless(f"pooled is {[*own]}", problem, "Leave pooled empty")
    if kernels and (grid is None or len(grid.sides) > 1):
        raise settings.RecipeError(
            f"kernels is {kernels}, but rows are of kind {problem.kind}",
            "windows",
            "Leave kernels 0, or set data.kind=windows.",
        )
    if own and kernels:
        raise settings.RecipeError(
            f"pooled is {[*own]} and kernels is {kernels}", "one of them", "Leave the other out."
        )
    _check_periodic(config, problem)
    name = config.network if config.network != AUTO else "conv" if grid else "mlp"
    if name == "mlp":
        return dataclasses.replace(config, network=name, channels=())
    if grid is None:
        raise _gridless(f"network is {name}", problem, "Set network=auto or mlp")
    return dataclasses.replace(config, network=name, channels=config.channels or grid.fitting())


def _check_periodic(config: Any, problem: Problem) -> None:  # noqa: ANN401
    count = getattr(config, "periodic", 0)
    if count and problem.kind not in (problems.ROWS, problems.TABLE):
        raise settings.RecipeError(
            f"periodic is {count}, but rows are of kind {problem.kind}",
            "rows of numbers, or a table",
            "Leave periodic 0.",
        )
    if count and getattr(config, "initial", "") == "small":
        raise settings.RecipeError(
            f"periodic is {count} and initial is small, with which no feature would vary",
            mend="Leave one of the two out.",
        )


def _of_places(config: Any, problem: Problem) -> Any:  # noqa: ANN401
    """Hyper-parameters for masks: levels of convolutions, and nothing else."""
    channels = config.channels or CHANNELS
    _check_periodic(config, problem)
    if config.network == "mlp" or any(_own(config)) or len(channels) > LEVELS:
        raise settings.RecipeError(
            f"network is {config.network} with channels {[*channels]}, and labels are masks",
            f"convolutions of at most {LEVELS} levels, neither pooled nor kernels",
            "Leave network, pooled and kernels out.",
        )
    return dataclasses.replace(config, network="conv", channels=channels)


def _gridless(setting: str, problem: Problem, mend: str) -> settings.RecipeError:
    return settings.RecipeError(
        f"{setting}, but rows are of kind {problem.kind} and shape {[*problem.shape]}",
        "images [height, width] or [height, width, channels], or windows [channels, time]",
        f"{mend}, or set data.kind to image or windows.",
    )


def like(net: MLP) -> dict[str, Any]:
    """The settings that give another network the same input and output modules as this one."""
    channels = net.before.channels if isinstance(net.before, Reader) else ()
    return {"network": "conv" if channels else "mlp", "channels": channels}


def grid_of(problem: Problem) -> Grid | None:
    """The grid of observations; None if features have no neighbours."""
    if problem.kind == problems.IMAGE and len(problem.shape) > 1:
        height, width, *channels = problem.shape
        return Grid(math.prod(channels), (height, width), last=True)
    if problem.kind == problems.WINDOWS:
        *channels, length = problem.shape
        return Grid(math.prod(channels) + problem.padded, (length,), last=False)
    return None

"""Running averages of weights, which are evaluated and exported in place of the weights.

References:
    Acceleration of Stochastic Approximation by Averaging (Polyak and Juditsky, 1992).
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from ssdgm_train import method

Averages = dict[str, Tensor]


def start(model: nn.Module, players: Sequence[method.Player]) -> Averages:
    """The weights of all players that keep an average, as they are, by name."""
    kept = [player for player in players if player.average]
    return {k: v.detach().clone() for player in kept for k, v in _named(model, player).items()}


@torch.no_grad()
def update(model: nn.Module, player: method.Player, averages: Averages, done: int) -> None:
    """Take a player's weights into its average, which changes in place.

    The average is short while few of the phase's steps are done, which forgets the first weights.
    """
    decay = min(player.average, (1 + done) / (10 + done))
    for name, value in _named(model, player).items() if player.average else ():
        averages[name].lerp_(value, 1 - decay)


@contextlib.contextmanager
def averaged(model: nn.Module, averages: Mapping[str, Tensor]) -> Iterator[None]:
    """Inside, the model has its averages for weights; nothing changes where there are none."""
    state = model.state_dict()
    weights = {name: value for name, value in state.items() if name in averages}
    former = {name: value.detach().clone() for name, value in weights.items()}
    _copy(averages, weights)
    try:
        yield
    finally:
        _copy(former, weights)


@torch.no_grad()
def _copy(values: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    for name, weight in weights.items():
        weight.copy_(values[name])


def _named(model: nn.Module, player: method.Player) -> dict[str, Tensor]:
    """A player's parameters, and the running statistics of its normalisations, by name.

    Averaged weights need averaged statistics: those of the last steps belong to other weights.
    """
    own, state = set(player.parameters(model)), dict[str, Tensor]()
    for prefix, module in model.named_modules():
        values = dict(module.named_parameters(recurse=False))
        mine = {name: value for name, value in values.items() if value in own}
        if mine and isinstance(module, nn.modules.batchnorm._BatchNorm):
            mine |= {
                name: value for name, value in module.named_buffers() if value.is_floating_point()
            }
        state |= {f"{prefix}.{name}".lstrip("."): value for name, value in mine.items()}
    return state

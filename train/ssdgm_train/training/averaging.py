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
    weights = {name: value for name, value in model.named_parameters() if name in averages}
    former = {name: value.detach().clone() for name, value in weights.items()}
    _copy(averages, weights)
    try:
        yield
    finally:
        _copy(former, weights)


@torch.no_grad()
def _copy(values: Mapping[str, Tensor], weights: Mapping[str, nn.Parameter]) -> None:
    for name, weight in weights.items():
        weight.copy_(values[name])


def _named(model: nn.Module, player: method.Player) -> dict[str, nn.Parameter]:
    own = set(player.parameters(model))
    return {name: value for name, value in model.named_parameters() if value in own}

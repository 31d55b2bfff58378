"""Apply a model in evaluation mode to many rows, some at a time."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_train import method
from ssdgm_train.labels.measures.scores import Score
from ssdgm_train.model import CLASSIFIER, RAW, Model

ROWS = 1000
"""The most rows per pass, so that memory does not grow with the data."""

NUMBERS = 1 << 22
"""The most numbers that the rows of a pass hold."""


@runtime_checkable
class Rows(Protocol):
    """Raw rows [n, *shape]: an array, or an object that reads a slice when it is taken."""

    def __len__(self) -> int:
        """The number of rows."""

    def __getitem__(self, part: slice, /) -> NDArray[Any]:
        """Some of the rows."""


def raw(model: Model, x: Rows, device: torch.device) -> Tensor:
    """The raw numbers of q(y | x) for raw rows, on the CPU, the model in evaluation mode."""
    return map_rows(model, lambda rows: model.answer(CLASSIFIER, x=rows)[RAW], x, device)


def score(model: Model, x: Rows, y: NDArray[np.generic], device: torch.device) -> Score:
    """The score of a model's uncalibrated q(y | x) for raw rows x with labels y."""
    return model.labels.measure(raw(model, x, device), torch.from_numpy(y))


def map_rows(
    model: nn.Module, function: Callable[[Tensor], Tensor], x: Rows, device: torch.device
) -> Tensor:
    """Apply a function of a model to raw rows, `ROWS` at a time; the result is on the CPU."""
    size = few(x[:1].size)
    starts = range(0, max(len(x), 1), size)
    parts = (torch.from_numpy(np.array(x[start : start + size], order="C")) for start in starts)
    with evaluating(model), torch.inference_mode():
        return torch.cat([function(part.to(device)).cpu() for part in parts])


def few(numbers: int) -> int:
    """How many rows of so many numbers a pass has."""
    return max(1, min(ROWS, NUMBERS // max(numbers, 1)))


def map_tensors(
    model: nn.Module, function: Callable[..., Tensor], *tensors: Tensor, device: torch.device
) -> Tensor:
    """Apply a function of a model to tensors, `ROWS` rows at a time; the result is on the CPU.

    Args:
        model: The model, which is in evaluation mode meanwhile.
        function: From rows on the device to [rows, ...].
        tensors: Its arguments, [n, ...] each.
        device: The model's device.
    """
    size = few(max(part[:1].numel() for part in tensors))
    parts = zip(*(torch.split(part, size) for part in tensors), strict=True)
    with evaluating(model), torch.inference_mode():
        return torch.cat([function(*(p.to(device) for p in part)).cpu() for part in parts])


def terms(
    model: nn.Module,
    phase: method.Phase,
    x: NDArray[np.generic],
    y: NDArray[np.generic],
    context: method.Context,
    device: torch.device,
) -> dict[str, float]:
    """The means of a phase's terms on held-out rows, which serve as labelled and as unlabelled.

    Args:
        model: The model.
        phase: The phase.
        x: Raw rows; the first `ROWS`, or fewer large ones, are used.
        y: Their labels.
        context: Its noise must be in the same state for all calls that are compared.
        device: The model's device.
    """
    most = few(x[:1].size)
    with evaluating(model), torch.no_grad():
        rows = phase.prepare(model, torch.from_numpy(x[:most]).to(device))
        batch = method.Batch(rows, torch.from_numpy(y[:most]).to(device), rows)
        losses: dict[str, Tensor] = {}
        for player in phase.players:
            losses |= player.loss(model, batch, context)
    return {name: float(value.mean()) for name, value in losses.items()}


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode, and restore its mode at the end."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)

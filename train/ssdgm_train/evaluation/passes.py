"""A model over many rows, some at a time, in evaluation mode."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_train import method

ROWS = 1000
"""Rows a pass, so that memory does not grow with the data."""


@runtime_checkable
class Rows(Protocol):
    """Raw rows [n, *shape]: an array, or what reads a slice when it is asked for one."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, part: slice, /) -> NDArray[Any]:
        """Some of them."""


def logits(model: nn.Module, x: Rows, device: torch.device) -> Tensor:
    """Logits [n, K] of raw rows, on the CPU, the model in evaluation mode."""
    assert isinstance(model, method.Classifies)
    return over(model, model.classify, x, device)


def over(
    model: nn.Module, function: Callable[[Tensor], Tensor], x: Rows, device: torch.device
) -> Tensor:
    """What a function of a model gives for raw rows, on the CPU, `ROWS` of them at a time."""
    starts = range(0, max(len(x), 1), ROWS)
    parts = (torch.from_numpy(np.array(x[start : start + ROWS], order="C")) for start in starts)
    with evaluating(model), torch.inference_mode():
        return torch.cat([function(part.to(device)).cpu() for part in parts])


def passes(
    model: nn.Module, function: Callable[..., Tensor], *given: Tensor, device: torch.device
) -> Tensor:
    """What a function of a model gives for all rows, on the CPU, `ROWS` of them at a time.

    Args:
        model: The model, which is in evaluation mode meanwhile.
        function: From rows on the device to [rows, ...].
        given: Its arguments, [n, ...] each.
        device: Where the model is.
    """
    parts = zip(*(torch.split(part, ROWS) for part in given), strict=True)
    with evaluating(model), torch.inference_mode():
        return torch.cat([function(*(p.to(device) for p in part)).cpu() for part in parts])


def terms(
    model: nn.Module,
    phase: method.Phase,
    x: NDArray[np.generic],
    y: NDArray[np.int64],
    context: method.Context,
    device: torch.device,
) -> dict[str, float]:
    """The means of a phase's terms on held-out rows, which serve as labelled and as unlabelled.

    Args:
        model: The model.
        phase: The phase.
        x: Raw rows; the first `ROWS` are taken.
        y: Their class indices.
        context: With a generator of its own, the same for every call that is to be compared.
        device: Where the model is.
    """
    with evaluating(model), torch.no_grad():
        rows = phase.prepare(model, torch.from_numpy(x[:ROWS]).to(device))
        batch = method.Batch(rows, torch.from_numpy(y[:ROWS]).to(device), rows)
        found: dict[str, Tensor] = {}
        for player in phase.players:
            found |= player.loss(model, batch, context)
    return {name: float(value.mean()) for name, value in found.items()}


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, the former mode afterwards."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)

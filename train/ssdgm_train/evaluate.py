"""What a classifier is worth: error and negative log-likelihood on held-out rows."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_train import method

ROWS = 1000
"""Rows a pass, so that memory does not grow with the data."""


@dataclass(frozen=True)
class Score:
    """Classification of held-out rows.

    Attributes:
        rows: How many.
        error: The share misclassified, 0 to 1.
        nll: The mean of -log q(y | x), in nats.
    """

    rows: int
    error: float
    nll: float


def logits(model: nn.Module, x: NDArray[np.generic], device: torch.device) -> Tensor:
    """Logits [n, K] of raw rows, on the CPU, the model in evaluation mode."""
    assert isinstance(model, method.Classifies)
    with evaluating(model), torch.inference_mode():
        parts = [model.classify(part).cpu() for part in _parts(x, device)]
    return torch.cat(parts)


def score(
    model: nn.Module, x: NDArray[np.generic], y: NDArray[np.int64], device: torch.device
) -> Score:
    """Error and negative log-likelihood of raw rows x with class indices y."""
    found, truth = logits(model, x, device), torch.from_numpy(y)
    error = float((found.argmax(-1) != truth).double().mean())
    nll = float(nn.functional.cross_entropy(found.double(), truth))
    return Score(len(y), error, nll)


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


def _parts(x: NDArray[np.generic], device: torch.device) -> Iterator[Tensor]:
    for begin in range(0, len(x), ROWS):
        yield torch.from_numpy(np.ascontiguousarray(x[begin : begin + ROWS])).to(device)

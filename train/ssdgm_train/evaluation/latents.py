r"""Evaluate the encoder: the latents in use, and the error of a nearest-neighbour vote.

A latent is active if the variance of its posterior mean over rows, \(Var_x(E_q[z \mid x])\), is
above 0.01, which is the authors' rule that its standard deviation be above 0.1.

References:
    Importance Weighted Autoencoders (Burda et al., 2016), section 5.2: the same threshold.
    Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), learn_yz_x_ss.py.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ssdgm_train import method
from ssdgm_train.evaluation import passes

ACTIVE = 0.01
NEIGHBOURS = 5


@dataclass(frozen=True)
class Latents:
    """How many latents there are, which are active, and which are kept of a model of two parts."""

    size: int
    active: tuple[int, ...]
    kept: tuple[int, ...] | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True)
class Neighbours:
    """The error of a vote of the k nearest of so many labelled rows."""

    k: int
    rows: int
    error: float


def latents(
    model: nn.Module,
    x: passes.Rows,
    y: NDArray[np.int64],
    classes: int,
    device: torch.device,
) -> Latents | None:
    """The number of latents and which are active; None for a model without an encoder.

    Args:
        model: The model; if it is made of two parts, the latents kept of the first are reported.
        x: Raw rows; the first `passes.ROWS` are used.
        y: Their class indices, an input of q(z | x, y).
        classes: K.
        device: The model's device.
    """
    first, labels = x[: passes.ROWS], torch.from_numpy(y[: passes.ROWS])
    if isinstance(model, method.Embeds):
        means = embedded(model, first, device)
    elif isinstance(model, method.Encodes):
        rows, one_hot = torch.from_numpy(first), F.one_hot(labels, classes).float()
        encode = model.encode
        means = passes.map_tensors(
            model, lambda x, y: encode(x, y).mean, rows, one_hot, device=device
        )
    else:
        return None
    active = (means.double().var(0, correction=0) > ACTIVE).nonzero()[:, 0].tolist()
    kept = tuple(model.kept) if isinstance(model, method.Slims) else msgspec.UNSET
    return Latents(means.shape[1], tuple(active), kept)


def embedded(model: nn.Module, x: passes.Rows, device: torch.device) -> Tensor:
    """The means of q(z | x) of raw rows, [n, latent]."""
    assert isinstance(model, method.Embeds)
    embed = model.embed
    return passes.map_rows(model, lambda x: embed(x).mean, x, device)


def neighbours(
    model: nn.Module,
    labelled: tuple[passes.Rows, NDArray[np.int64]],
    held: tuple[passes.Rows, NDArray[np.int64]],
    device: torch.device,
) -> Neighbours | None:
    """The error of a vote of the nearest labelled rows, by the means of q(z | x).

    Args:
        model: The model.
        labelled: Raw rows that vote, and their class indices.
        held: Raw rows that are scored, and their class indices.
        device: The model's device.

    Returns:
        "k", the number of voting "rows" and the "error"; None for a model without an encoder, or
        with one that needs a label.
    """
    if not isinstance(model, method.Embeds):
        return None
    from sklearn import neighbors

    k = min(NEIGHBOURS, len(labelled[1]))
    vote = neighbors.KNeighborsClassifier(k)
    vote.fit(embedded(model, labelled[0], device).numpy(), labelled[1])
    predicted = vote.predict(embedded(model, held[0], device).numpy())
    return Neighbours(k, len(labelled[1]), float((predicted != held[1]).mean()))

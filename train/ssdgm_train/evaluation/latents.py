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
from torch import Tensor

from ssdgm_train import method
from ssdgm_train.evaluation import passes
from ssdgm_train.labels.classes import Classes
from ssdgm_train.model import ENCODER, Model

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
    model: Model, x: passes.Rows, y: NDArray[np.generic], device: torch.device
) -> Latents | None:
    """The number of latents and which are active; None for a model without an encoder.

    Args:
        model: The model; if it is made of two parts, the latents kept of the first are reported.
        x: Raw rows; the first `passes.few` are used.
        y: Their labels, an input of q(z | x, y).
        device: The model's device.
    """
    encoder, first = model.conditional(ENCODER), x[: passes.few(x[:1].size)]
    if encoder is None:
        return None
    if "y" not in encoder.given:
        means = embedded(model, first, device)
    else:
        known = model.labels.known(torch.from_numpy(y[: len(first)]), like=torch.zeros(()))
        means = passes.map_tensors(
            model,
            lambda x, y: model.answer(ENCODER, x=x, y=y)["z_mean"],
            torch.from_numpy(first),
            known.value,
            device=device,
        )
    active = (means.double().var(0, correction=0) > ACTIVE).nonzero()[:, 0].tolist()
    kept = tuple(model.kept) if isinstance(model, method.Slims) else msgspec.UNSET
    return Latents(means.shape[1], tuple(active), kept)


def embedded(model: Model, x: passes.Rows, device: torch.device) -> Tensor:
    """The means of q(z | x) of raw rows, [n, latent]."""
    return passes.map_rows(model, lambda rows: model.answer(ENCODER, x=rows)["z_mean"], x, device)


def neighbours(
    model: Model,
    labelled: tuple[passes.Rows, NDArray[np.generic]],
    held: tuple[passes.Rows, NDArray[np.generic]],
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
        with one that needs a label, and for labels that are not classes.
    """
    encoder = model.conditional(ENCODER)
    if encoder is None or encoder.given != ("x",) or not isinstance(model.labels, Classes):
        return None
    from sklearn import neighbors

    k = min(NEIGHBOURS, len(labelled[1]))
    vote = neighbors.KNeighborsClassifier(k)
    vote.fit(embedded(model, labelled[0], device).numpy(), labelled[1])
    predicted = vote.predict(embedded(model, held[0], device).numpy())
    return Neighbours(k, len(labelled[1]), float((predicted != held[1]).mean()))

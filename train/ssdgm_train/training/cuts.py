"""Pictures with masks, cut and turned together: what a step sees of them.

References:
    U-Net (Ronneberger, Fischer, Brox, 2015), section 3, for cuts of larger pictures.
"""

import dataclasses

import torch
from torch import Tensor, nn

from ssdgm_train.labels.dense import Dense
from ssdgm_train.method import Batch
from ssdgm_train.probability.noise import Noise


def seen(batch: Batch, model: nn.Module, noise: Noise) -> Batch:
    """What a step sees of a batch: parts of pictures with masks, all of other rows."""
    space = getattr(model, "labels", None)
    return cut(batch, space, noise) if isinstance(space, Dense) else batch


def cut(batch: Batch, space: Dense, noise: Noise) -> Batch:
    """A random part of every picture and of its mask, turned if the space says so."""
    x, y = _parts([batch.x, batch.y], space, noise)
    (u,) = _parts([batch.u], space, noise)
    return dataclasses.replace(batch, x=x, y=y, u=u)


def _parts(tensors: list[Tensor], space: Dense, noise: Noise) -> list[Tensor]:
    """The same part of each of some tensors [n, height, width, ...]."""
    first = tensors[0]
    high, wide = (min(space.cut or side, side) for side in first.shape[1:3])
    draws = noise.uniform(torch.empty(len(first), 5, device=first.device)).tolist()
    parts = []
    for tensor in tensors:
        rows = []
        for row, (down, across, *turns) in zip(tensor, draws, strict=True):
            top = int(down * (row.shape[0] - high + 1))
            left = int(across * (row.shape[1] - wide + 1))
            part = row[top : top + high, left : left + wide]
            rows.append(_turned(part, turns) if space.turned else part)
        parts.append(torch.stack(rows) if rows else tensor[:, :high, :wide])
    return parts


def _turned(part: Tensor, draws: list[float]) -> Tensor:
    """One of the eight ways that a square may lie; of other parts one of four."""
    flipped = part.flip([axis for axis in (0, 1) if draws[axis] < 0.5])
    if part.shape[0] == part.shape[1] and draws[2] < 0.5:
        return flipped.transpose(0, 1)
    return flipped

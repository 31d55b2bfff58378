"""How predicted masks agree with true ones, counted over all known places of all rows.

References:
    The PASCAL Visual Object Classes Challenge (Everingham et al., 2010), section 4.3, for the
    intersection over union of a class, and for places that are left out.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train.labels.measures import scores

PLACES = 1 << 21
"""Places that are looked at together, so that memory does not grow with the rows."""


def measure(raw: Tensor, y: Tensor, unknown: int) -> scores.Score:
    """The score of softmax(raw), [n, K, h, w], against masks [n, h, w]."""
    rows = int((y != unknown).flatten(1).any(-1).sum())
    table = confusion(raw, y, unknown)
    known = max(int(table.sum()), 1)
    nll, brier = 0.0, 0.0
    for logits, classes in _flat(raw, y, unknown):
        part = scores.measure(logits, classes)
        nll += part.nll * len(classes)
        brier += part.brier * len(classes)
    return scores.Score(
        rows=rows,
        error=float(1 - table.diagonal().sum() / known),
        nll=nll / max(rows, 1),
        brier=brier / known,
        ece=reliability(raw, y, unknown).error,
        iou=tuple(of_classes(table).tolist()),
    )


def of_classes(table: Tensor) -> Tensor:
    """Intersection over union of each class from counts [K, K]; 1 where a class is nowhere."""
    both = table.diagonal().double()
    union = table.sum(0) + table.sum(1) - table.diagonal()
    return torch.where(union > 0, both / union.clamp(min=1), torch.ones_like(both))


def confusion(raw: Tensor, y: Tensor, unknown: int) -> Tensor:
    """Known places by class (down) and by the largest of raw [n, K, h, w] (across), [K, K]."""
    size = raw.shape[1]
    counts = torch.zeros(size * size, dtype=torch.int64)
    for logits, classes in _parts(raw, y):
        known = classes != unknown
        pairs = classes[known].long() * size + logits.argmax(1)[known]
        counts += torch.bincount(pairs, minlength=size * size)
    return counts.reshape(size, size)


def reliability(raw: Tensor, y: Tensor, unknown: int) -> scores.Reliability:
    """The reliability diagram of softmax(raw) over known places."""
    parts = [scores.reliability(*part) for part in _flat(raw, y, unknown)]
    if not parts:
        return scores.reliability(raw.new_zeros(0, raw.shape[1]), y.new_zeros(0).long())
    counts = torch.stack([part.counts for part in parts]).sum(0)

    def mean(name: str) -> Tensor:
        sums = sum(getattr(part, name) * part.counts for part in parts)
        return torch.as_tensor(sums) / counts.clamp(min=1)

    return scores.Reliability(counts, mean("confidence"), mean("accuracy"))


def counted(y: NDArray[np.generic], size: int) -> NDArray[np.int64]:
    """How many places of each class each mask has, [n, size]."""
    counts = np.empty((len(y), size), np.int64)
    for row, mask in enumerate(y):
        counts[row] = np.bincount(np.ravel(mask).astype(np.int64), minlength=256)[:size]
    return counts


def _parts(raw: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Some rows at a time."""
    size = max(1, PLACES // max(y[:1].numel(), 1))
    return zip(torch.split(raw, size), torch.split(y, size), strict=True)


def _flat(raw: Tensor, y: Tensor, unknown: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The known places, some rows at a time: logits [m, K] and classes [m]."""
    for logits, classes in _parts(raw, y):
        known = classes != unknown
        if known.any():
            yield logits.movedim(1, -1)[known], classes[known].long()

"""Parts of pictures whose labels are masks, as large as the masks that a space shows.

Where a graph takes pictures of any size, comparing it on parts shows as much as on whole ones, at
a small share of the time, and labels that are shown fit them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.labels.space import Space
from ssdgm_train.labels import Dense

Array = NDArray[Any]
BATCHES = (1, 2, 3, 17, 64)
"""Those that are compared: more pictures at once show nothing else."""


def are_cut(space: Space) -> bool:
    """Whether labels are masks."""
    return space.space == Dense(()).space


def shown(space: Space, x: Array) -> Array:
    """The labels that a space shows, masks as large as the pictures x."""
    labels: Array = space.shown()
    return labels[..., : x.shape[1], : x.shape[2]].copy() if are_cut(space) else labels


def cut(x: Array, space: Space) -> Array:
    """The middle of every picture, as large as a mask that is shown; other rows as they are."""
    if not are_cut(space):
        return x
    sides = [
        min(side, most) for side, most in zip(space.shown().shape[2:], x.shape[1:], strict=False)
    ]
    first = [(whole - side) // 2 for whole, side in zip(x.shape[1:], sides, strict=False)]
    rows, columns = (slice(start, start + side) for start, side in zip(first, sides, strict=True))
    return np.ascontiguousarray(x[:, rows, columns])

"""What a model gives back: plain arrays with names."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Latent:
    """q(z | x, y) for each row: a normal distribution's mean and standard deviation.

    Attributes:
        mean: float32 [n, Z].
        scale: float32 [n, Z]; a standard deviation.
    """

    mean: Floats
    scale: Floats

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True, eq=False)
class Samples:
    """Generated rows, and everything needed to generate them again.

    Attributes:
        x: float32 [n, *shape] in the data set's own units: expected values, or draws.
        y: float32 [n, K], the label each row was generated for; K is 0 without labels.
        z: float32 [n, Z], the latent each row was generated from.
        seed: What the draws were seeded with.
        dtype: The dtype that the classifier's `x` has.
    """

    x: Floats
    y: Floats
    z: Floats
    seed: int
    dtype: str = "float32"

    @property
    def labels(self) -> NDArray[np.int64]:
        """The index of the label each row was generated for, int64 [n]; -1 without labels."""
        return best(self.y)

    def as_input(self) -> NDArray[Any]:
        """`x` rounded and clipped to the input dtype, [n, *shape], ready for `classify`."""
        kind = np.dtype(self.dtype)
        if kind.kind not in "iu":
            return self.x.astype(kind)
        limits = np.iinfo(kind)
        rounded = np.rint(self.x.astype(np.float64))
        return np.clip(rounded, limits.min, limits.max).astype(kind)

    def __len__(self) -> int:
        return len(self.x)


def best(y: Floats) -> NDArray[np.int64]:
    """The index of each row's label [n, K], int64 [n]; -1 without labels."""
    if not y.shape[1]:
        return np.full(len(y), -1, dtype=np.int64)
    best: NDArray[np.int64] = y.argmax(axis=1).astype(np.int64)
    return best

"""What a model gives back: plain arrays with names."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Classification:
    """q(y | x) for each row.

    Attributes:
        logits: float32 [n, K].
        probs: float32 [n, K]; each row sums to one.
        label_names: The K labels' names.
    """

    logits: Floats
    probs: Floats
    label_names: tuple[str, ...]

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The most probable label's index, int64 [n]."""
        best: NDArray[np.int64] = self.logits.argmax(axis=1).astype(np.int64)
        return best

    @property
    def names(self) -> list[str]:
        """The most probable label's name."""
        return [self.label_names[i] for i in self.labels.tolist()]

    def top(self, k: int = 1) -> list[list[tuple[str, float]]]:
        """The `k` most probable labels of each row as (name, probability), best first."""
        order = np.argsort(-self.logits, axis=1, kind="stable")[:, : max(k, 0)]
        chosen = np.take_along_axis(self.probs, order, axis=1)
        return [
            [(self.label_names[i], p) for i, p in zip(row, ps, strict=True)]
            for row, ps in zip(order.tolist(), chosen.tolist(), strict=True)
        ]

    def __len__(self) -> int:
        return len(self.logits)


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
        return _best(self.y)

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


@dataclass(frozen=True, eq=False)
class Picture:
    """Rows laid out in lines and columns, listed line by line.

    Attributes:
        x: float32 [lines * columns, *shape] in the data set's own units.
        y: float32 [lines * columns, K], each cell's label; K is 0 without labels.
        z: float32 [lines * columns, Z], each cell's latent.
        columns: How many cells stand beside one another.
        seed: What z was drawn with; None where it was not drawn.
    """

    x: Floats
    y: Floats
    z: Floats
    columns: int
    seed: int | None = None

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self.x) // self.columns

    @property
    def labels(self) -> NDArray[np.int64]:
        """The index of each cell's label, int64 [lines * columns]; -1 without labels."""
        return _best(self.y)

    def __len__(self) -> int:
        return len(self.x)


def _best(y: Floats) -> NDArray[np.int64]:
    if not y.shape[1]:
        return np.full(len(y), -1, dtype=np.int64)
    best: NDArray[np.int64] = y.argmax(axis=1).astype(np.int64)
    return best

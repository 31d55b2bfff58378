"""What a model gives back: plain arrays with names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ssdgm_runtime.bundle import manifest
    from ssdgm_runtime.labels.space import Space

Floats = NDArray[np.float32]
Rows = Any
"""An array [n, *shape]; where a row has several views, a dict of such arrays by their names."""


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
class Scores:
    """How strange each row is.

    Attributes:
        score: float32 [n]; higher is stranger. Where the bundle's unit is nats, it is minus a
            lower bound of log p(x), in expectation over the draws that the graph holds.
        rank: [n], the share of validation rows that are as strange or stranger: 0.5 is usual, near
            0 is unlike the training rows; NaN where the bundle does not state their scores.
        inlier: bool [n], whether the score is within the bundle's threshold; None without one.
        unit: "nats", or the maker's own.
    """

    score: Floats
    rank: NDArray[np.float64]
    inlier: NDArray[np.bool_] | None
    unit: str = ""

    @property
    def log_prob(self) -> Floats:
        """The lower bound of log p(x) in nats, [n]; NaN in another unit."""
        return -self.score if self.unit == "nats" else np.full_like(self.score, np.nan)

    def __len__(self) -> int:
        return len(self.score)


def scored(score: Floats, about: "manifest.Manifest") -> Scores:
    """Scores with what a manifest states of those of validation rows, by scorer or space."""
    stated: Any = about.scorer or getattr(about.space, "stated", None)
    if stated is None:
        return Scores(score, np.full(len(score), np.nan), None)
    from ssdgm_runtime.labels import ranking

    rank = ranking.ranks(score, stated.levels, stated.values)
    inlier = None if stated.threshold is None else score <= stated.threshold
    return Scores(score, rank, inlier, stated.unit)


@dataclass(frozen=True, eq=False)
class Samples:
    """Generated rows, and everything needed to generate them again.

    Attributes:
        x: float32 [n, *shape] in the data set's own units: expected values, or draws; a dict of
            such arrays by name where a row has several views.
        y: float32 [n, *shape], the label each row was generated for; [n, 0] without labels.
        z: float32 [n, Z], the latent that the decoder was given; Z is 0 where it takes none.
        seed: What the draws were seeded with.
        dtype: The dtype that the classifier's `x` has, or that of each view.
        space: What a label is.
    """

    x: Rows
    y: Floats
    z: Floats
    seed: int
    dtype: str | Mapping[str, str] = "float32"
    space: "Space | None" = None

    @property
    def labels(self) -> NDArray[Any]:
        """The label each row was generated for, as a classifier answers it; -1 without labels.

        int64 [n] for one of K classes, int8 [n, K] for tags.
        """
        return nearest(self.y, self.space)

    def as_input(self) -> Rows:
        """`x` rounded and clipped to the input dtype, [n, *shape], ready for `classify`."""
        if isinstance(self.dtype, str):
            return _as_input(self.x, self.dtype)
        return {name: _as_input(self.x[name], kind) for name, kind in self.dtype.items()}

    def __len__(self) -> int:
        return len(self.y)


def _as_input(x: Floats, dtype: str) -> NDArray[Any]:
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        return x.astype(kind)
    limits = np.iinfo(kind)
    rounded = np.rint(x.astype(np.float64))
    return np.clip(rounded, limits.min, limits.max).astype(kind)


def nearest(y: Floats, space: "Space | None") -> NDArray[Any]:
    """The label that each y [n, *shape] is nearest to, as its space has it; -1 without labels."""
    if space is None or not y.shape[1]:
        return np.full(len(y), -1, dtype=np.int64)
    return space.nearest(y)

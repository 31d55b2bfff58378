"""What a classifier says of every place of pictures: the answer of the space `masks`."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments

Floats = NDArray[np.float32]
Codes = NDArray[np.uint8]


def line(record: dict[str, Any]) -> str:
    """The classes of a record with their shares."""
    return "  ".join(f"{name} {100 * share:.1f} %" for name, share in record["shares"].items())


@dataclass(frozen=True, eq=False)
class Segmentation:
    """q(y | x) of every place of n pictures.

    Attributes:
        probs: float32 [n, K, h, w], which sum to one at every place.
        label_names: The K classes' names.
        values: The number that stands for each in masks.
    """

    probs: Floats
    label_names: tuple[str, ...]
    values: tuple[int, ...]

    @cached_property
    def labels(self) -> Codes:
        """The index of the most probable class, uint8 [n, h, w]."""
        best: Codes = self.probs.argmax(axis=1).astype(np.uint8)
        return best

    @property
    def masks(self) -> Codes:
        """The same as the classes' own values."""
        own: Codes = np.array(self.values, np.uint8)[self.labels]
        return own

    @property
    def shares(self) -> list[list[float]]:
        """The share of each picture's places that each class has."""
        kinds = range(len(self.label_names))
        return [[float((mask == k).mean()) for k in kinds] for mask in self.labels]

    @property
    def names(self) -> list[str]:
        """The shares of each picture's classes, as text."""
        rows = (dict(zip(self.label_names, row, strict=True)) for row in self.shares)
        return [line({"shares": row}) for row in rows]

    def top(self, k: int = 1) -> list[list[tuple[str, float]]]:
        """The `k` classes that have most of each picture as (name, share), the largest first."""
        most = arguments.count(k, "k", 1)
        pairs = (list(zip(self.label_names, row, strict=True)) for row in self.shares)
        return [sorted(row, key=lambda pair: -pair[1])[:most] for row in pairs]

    def counts(self) -> dict[str, int]:
        """In how many pictures each class is seen, in the order of the names."""
        present = np.array(self.shares).reshape(-1, len(self.label_names)) > 0
        return dict(zip(self.label_names, present.sum(axis=0).tolist(), strict=True))

    def part(self, rows: slice) -> "Segmentation":
        """The answer for some of the pictures."""
        return Segmentation(self.probs[rows], self.label_names, self.values)

    def __len__(self) -> int:
        return len(self.probs)

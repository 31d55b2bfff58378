"""Endless (labelled, unlabelled) batches as a pure function of the step's number.

Rows are visited in a fresh permutation each time round; which ones belong to step t depends on the
seed and on t alone, so a resumed run needs no state to go on with the same rows.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_train import method, seeds


@dataclass
class Stream:
    """Batches of `size` indices drawn from `pool`, endlessly, without replacement in a round."""

    pool: NDArray[np.int64]
    size: int
    seed: tuple[int, ...]
    _rounds: dict[int, NDArray[np.int64]] = field(default_factory=dict, repr=False)

    def __call__(self, step: int) -> NDArray[np.int64]:
        """The indices of one step."""
        length = len(self.pool)
        if not length:
            return self.pool
        first, last = step * self.size, (step + 1) * self.size
        parts = []
        for turn in range(first // length, (last - 1) // length + 1):
            begin = max(first - turn * length, 0)
            parts.append(self._round(turn)[begin : last - turn * length])
        return np.concatenate(parts)

    def _round(self, turn: int) -> NDArray[np.int64]:
        if turn not in self._rounds:
            rng = seeds.generator(*self.seed, turn)
            self._rounds = {k: v for k, v in self._rounds.items() if k == turn - 1}
            self._rounds[turn] = rng.permutation(self.pool)
        return self._rounds[turn]


class Batches:
    """Rows on a device, served as `method.Batch` by the number of the step.

    Args:
        x: Rows [n, ...], as they are or as a phase prepared them.
        y: Their class indices [n].
        labelled: Indices of labelled rows by step.
        unlabelled: Indices of unlabelled rows by step.
    """

    def __init__(self, x: Tensor, y: Tensor, labelled: Stream, unlabelled: Stream) -> None:
        self.x, self.y, self.labelled, self.unlabelled = x, y, labelled, unlabelled

    def __call__(self, step: int) -> method.Batch:
        """The batch of one step."""
        rows = torch.from_numpy(self.labelled(step)).to(self.x.device)
        others = torch.from_numpy(self.unlabelled(step)).to(self.x.device)
        return method.Batch(self.x[rows], self.y[rows], self.x[others])

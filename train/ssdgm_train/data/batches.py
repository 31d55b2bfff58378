"""Endless (labelled, unlabelled) batches as a pure function of the step's number.

Rows are visited in a fresh permutation each time round; which ones belong to step t depends on the
seed and on t alone, so a resumed run needs no state to go on with the same rows.
"""

from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ssdgm_train import method, seeds
from ssdgm_train.data import store

Indices = store.Indices
Read = tuple[Tensor, Tensor, Tensor]

AHEAD = 4
"""Batches that are read before they are wanted, so that a reader may be late at times."""


@dataclass
class Stream:
    """Batches of `size` indices drawn from `pool`, endlessly, without replacement in a round."""

    pool: Indices
    size: int
    seed: tuple[int, ...]
    _rounds: dict[int, Indices] = field(default_factory=dict, repr=False)

    def __call__(self, step: int) -> Indices:
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

    def _round(self, turn: int) -> Indices:
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
        rows, others = (
            torch.from_numpy(stream(step).astype(np.int64)).to(self.x.device)
            for stream in (self.labelled, self.unlabelled)
        )
        return method.Batch(self.x[rows], self.y[rows], self.x[others])


class Ahead:
    """Rows of a mapped array as `method.Batch`: the next few are read while a step is computed.

    Args:
        x: Raw rows [n, ...].
        y: Their class indices [n].
        labelled: Indices of labelled rows by step.
        unlabelled: Indices of unlabelled rows by step.
        steps: How many there are.
        prepare: Raw rows to what batches hold.
        device: Where batches are wanted.
    """

    def __init__(
        self,
        x: store.Array,
        y: store.Array,
        labelled: Stream,
        unlabelled: Stream,
        steps: int,
        prepare: Callable[[Tensor], Tensor],
        device: torch.device,
    ) -> None:
        self._x, self._y, self._steps = x, y, steps
        self._labelled, self._unlabelled = labelled, unlabelled
        self._prepare, self._device = prepare, device
        self._reader = futures.ThreadPoolExecutor(1, "ssdgm-rows")
        self._coming: dict[int, futures.Future[Read]] = {}

    def __call__(self, step: int) -> method.Batch:
        """The batch of one step."""
        wanted = range(step, max(step + 1, min(step + 1 + AHEAD, self._steps)))
        self._coming = {
            k: self._coming.get(k) or self._reader.submit(self._read, k) for k in wanted
        }
        x, y, u = (part.to(self._device) for part in self._coming.pop(step).result())
        if step + 1 >= self._steps:
            self._reader.shutdown()
        return method.Batch(self._prepare(x), y, self._prepare(u))

    def _read(self, step: int) -> Read:
        rows, others = self._labelled(step), self._unlabelled(step)
        found = (self._x, rows), (self._y, rows), (self._x, others)
        x, y, u = (torch.from_numpy(store.take(array, chosen)) for array, chosen in found)
        return x, y, u

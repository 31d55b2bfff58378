"""Endless (labelled, unlabelled) batches as a pure function of the step's number.

Rows are visited in a new random order in every round; which rows belong to step t depends only on
the seed and on t, so a resumed run needs no state to continue with the same rows.

Rows in memory are fully shuffled. Those of a mapped file are read in groups of blocks: a block is
some neighbouring rows (one row, if rows are large); a group is blocks from all over the file,
enough for many batches of small rows, and is shuffled once it is in memory.
"""

from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from ssdgm_train import method, seeds
from ssdgm_train.data import store

Indices = store.Indices
Key = tuple[int, int]
"""The number of a round, and of one of its groups."""

Held = tuple[Tensor, Tensor]
"""A group's rows and their class indices."""

BLOCK = 1 << 16
"""Bytes of neighbouring rows that are read together."""

GROUP = 1 << 24
"""Bytes of rows that are shuffled in memory; at least two batches."""


@dataclass
class Stream:
    """Batches of `size` indices drawn from `pool`, endlessly, without replacement in a round.

    Attributes:
        pool: The indices to draw from, in ascending order.
        size: Indices per batch.
        seed: The seed of the order.
        block: How many neighbours stay in one group.
        group: Indices per group, which are shuffled among themselves; 0 for all.
    """

    pool: Indices
    size: int
    seed: tuple[int, ...]
    block: int = 1
    group: int = 0
    _orders: dict[Key, Indices] = field(default_factory=dict, repr=False)

    @property
    def whole(self) -> bool:
        """Whether all of the pool is one group."""
        return not 0 < self.group < len(self.pool)

    def __call__(self, step: int) -> Indices:
        """The indices of one step."""
        batch = [self.members(key)[self.order(key)[part]] for key, part in self.parts(step)]
        return np.concatenate([self.pool[:0], *batch])

    def parts(self, step: int) -> list[tuple[Key, slice]]:
        """The groups that one step draws from, and which part of each group's order."""
        length, slices = len(self.pool), list[tuple[Key, slice]]()
        at, last = step * self.size, (step + 1) * self.size
        size = length if self.whole else self.group
        while length and at < last:
            turn, place = divmod(at, length)
            number, start = divmod(place, size)
            end = min(start + last - at, size, start + length - place)
            slices.append(((turn, number), slice(start, end)))
            at += end - start
        return slices

    def after(self, key: Key) -> Key:
        """The group that comes next."""
        turn, number = key
        last = self.whole or (number + 1) * self.group >= len(self.pool)
        return (turn + 1, 0) if last else (turn, number + 1)

    def members(self, key: Key) -> Indices:
        """A group's indices before they are shuffled."""
        if self.whole:
            return self.pool
        (turn, number), length = key, len(self.pool)
        full = length // self.block
        order = seeds.generator(*self.seed, turn).permutation(full)
        order = np.append(order, full)  # the incomplete block comes last
        places = np.arange(*self._places(number))
        indices: Indices = self.pool[
            order[places // self.block] * self.block + places % self.block
        ]
        return indices

    def order(self, key: Key) -> Indices:
        """The order in which a group's members are served."""
        if key not in self._orders:
            turn, number = key
            start, end = (0, len(self.pool)) if self.whole else self._places(number)
            own = () if self.whole else (number + 1,)
            self._orders = {k: v for k, v in self._orders.items() if self.after(k) == key}
            self._orders[key] = seeds.generator(*self.seed, turn, *own).permutation(end - start)
        return self._orders[key]

    def _places(self, number: int) -> tuple[int, int]:
        """Where a group begins and ends in its round."""
        return number * self.group, min((number + 1) * self.group, len(self.pool))


def grouped(stream: Stream, array: store.Array) -> Stream:
    """The stream with groups that suit the size of an array's rows."""
    size = max(1, store.bytes_of(array))
    block = max(1, BLOCK // size)
    group = max(GROUP // size, 2 * stream.size) // block * block
    return replace(stream, block=block, group=max(group, block))


class Batches:
    """Rows on a device, served as `method.Batch` by the number of the step.

    Args:
        x: Rows [n, ...], raw or prepared by a phase.
        y: Their class indices [n].
        labelled: Indices of labelled rows by step.
        unlabelled: Indices of unlabelled rows by step.
        taught: As of `method.Batch`, for all rows, [n, raw].
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        labelled: Stream,
        unlabelled: Stream,
        taught: Tensor | None = None,
    ) -> None:
        self.x, self.y, self.labelled, self.unlabelled = x, y, labelled, unlabelled
        self.taught = taught

    def __call__(self, step: int) -> method.Batch:
        """The batch of one step."""
        rows, others = (
            torch.from_numpy(stream(step).astype(np.int64)).to(self.x.device)
            for stream in (self.labelled, self.unlabelled)
        )
        taught = None if self.taught is None else self.taught[others]
        return method.Batch(self.x[rows], self.y[rows], self.x[others], taught)


class Ahead:
    """Rows of a mapped array as `method.Batch`; the next group is read while one is computed on.

    Args:
        x: Raw rows [n, ...].
        y: Their class indices [n].
        labelled: Indices of labelled rows by step.
        unlabelled: Indices of unlabelled rows by step.
        prepare: From raw rows to what batches hold.
        device: The device of the batches.
    """

    def __init__(
        self,
        x: store.Array,
        y: store.Array,
        labelled: Stream,
        unlabelled: Stream,
        prepare: Callable[[Tensor], Tensor],
        device: torch.device,
    ) -> None:
        self._reader = futures.ThreadPoolExecutor(1, "ssdgm-rows")
        self._labelled = _Groups(x, y, labelled, self._reader)
        self._unlabelled = _Groups(x, y, unlabelled, self._reader)
        self._prepare, self._device = prepare, device

    def __call__(self, step: int) -> method.Batch:
        """The batch of one step."""
        x, y = (part.to(self._device) for part in self._labelled(step))
        u, _ = (part.to(self._device) for part in self._unlabelled(step))
        return method.Batch(self._prepare(x), y, self._prepare(u))


class _Groups:
    """A stream's groups: the current one, and the next one, which is being read."""

    def __init__(
        self, x: store.Array, y: store.Array, stream: Stream, reader: futures.Executor
    ) -> None:
        self._x, self._y, self._stream, self._reader = x, y, stream, reader
        self._held: dict[Key, futures.Future[Held]] = {}

    def __call__(self, step: int) -> Held:
        slices = self._stream.parts(step) or [((0, 0), slice(0))]
        keys = [key for key, _ in slices]
        self._hold([*keys, self._stream.after(keys[-1])])
        pieces = [self._part(key, part) for key, part in slices]
        if len(pieces) == 1:
            return pieces[0]
        x, y = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        return x, y

    def _hold(self, keys: list[Key]) -> None:
        """Keep or start reading these groups, and drop all others."""
        wanted = dict.fromkeys(self._name(key) for key in keys)
        self._held = {
            key: self._held.get(key) or self._reader.submit(self._read, key) for key in wanted
        }

    def _name(self, key: Key) -> Key:
        """The key of a group; if it is the whole pool, it is the same in every round."""
        return (0, 0) if self._stream.whole else key

    def _read(self, key: Key) -> Held:
        rows = self._stream.members(key)
        x, y = (torch.from_numpy(store.take(array, rows)) for array in (self._x, self._y))
        return x, y

    def _part(self, key: Key, part: slice) -> Held:
        rows = torch.from_numpy(self._stream.order(key)[part])
        x, y = self._held[self._name(key)].result()
        return x.index_select(0, rows), y.index_select(0, rows)

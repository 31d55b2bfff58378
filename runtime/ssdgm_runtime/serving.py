"""Many rows, or many callers: the ways to classify that are worth a thread."""

import abc
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from ssdgm_runtime import answers, arguments, graphs, manifest, parts, streaming, tensors

if TYPE_CHECKING:
    from ssdgm_runtime import batching


class Serving(abc.ABC):
    """What `Model` offers beside single calls."""

    graphs: graphs.Graphs
    _parts: parts.Parts

    @abc.abstractmethod
    def classify(self, x: ArrayLike, *, batch_size: int | None = None) -> answers.Classification:
        """Compute q(y | x)."""

    async def aclassify(self, x: ArrayLike) -> answers.Classification:
        """Classify in a thread, so that other coroutines go on; see `Model.classify`."""
        import asyncio

        return await asyncio.to_thread(self.classify, x)

    def classify_iter(
        self, source: object, *, batch_size: int | None = None, workers: int = 1
    ) -> Iterator[answers.Classification]:
        """Classify rows piece by piece, in order; memory does not grow with their number.

        Args:
            source: An array or memory map [n, *shape], the path of a .npy file, which is mapped
                and not read, or an iterable of rows and of batches of rows.
            batch_size: Rows a piece; `options.max_batch` by default.
            workers: How many pieces are computed at the same time, each on the model's threads.

        Raises:
            InputError: The source, or a row of it, is none of these; pieces before it are given.
            DataError: The path is of no .npy file.
            TaskUnavailable: The bundle has no classifier.
        """
        size = self.graphs.plan.options.max_batch if batch_size is None else batch_size
        arguments.count(size, "batch_size", 1)
        arguments.count(workers, "workers", 1, 1024)
        found = streaming.pieces(source, self._declared(), size)
        return streaming.ordered(self.classify, found, workers)

    def batcher(
        self, max_batch: int = 64, max_delay_ms: float = 2.0, *, max_waiting: int = 1024
    ) -> "batching.Batcher":
        """Collect single rows from many callers and classify them together.

            with model.batcher() as batcher:
                future = batcher.submit(row)
                future.result().names

        Args:
            max_batch: The most rows computed at once.
            max_delay_ms: The longest that a row waits for others, in milliseconds; 0 takes what
                is there.
            max_waiting: The most rows that wait; whoever submits another waits too.

        Raises:
            InputError: An argument is not positive.
            TaskUnavailable: The bundle has no classifier.
        """
        from ssdgm_runtime import batching

        most = arguments.count(max_batch, "max_batch", 1)
        arguments.count(max_waiting, "max_waiting", 1)
        if max_delay_ms != 0:
            arguments.positive(max_delay_ms, "max_delay_ms")
        self._declared()

        def check(row: ArrayLike) -> batching.Array:
            if isinstance(row, Mapping):
                return self._parts.rows("classifier", "classify", {k: [v] for k, v in row.items()})
            one = arguments.read(row, "the row", "a row of numbers")
            return self._parts.rows("classifier", "classify", one[None])

        return batching.Batcher(self.classify, check, most, max_delay_ms, max_waiting)

    def _declared(self) -> manifest.Tensor:
        graph = parts.need(self._parts.graphs, "classifier", "classify")
        return tensors.rows(graph, self._parts.columns)

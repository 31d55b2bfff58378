"""How a service computes: rows of different requests together, requests of several rows at once.

Nothing here waits without a limit: whoever comes when too much is under way is turned away, and
whoever has waited too long is told.
"""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from ssdgm_runtime import errors
from ssdgm_runtime.inference import batching
from ssdgm_runtime.labels.space import Answer
from ssdgm_runtime.model import Model
from ssdgm_runtime.service.limits import Limits
from ssdgm_runtime.service.metrics import Metrics
from ssdgm_runtime.service.tensors import Array


class Work:
    """What is under way.

    Args:
        model: The model.
        limits: The limits.
    """

    def __init__(self, model: Model, limits: Limits) -> None:
        self._model, self._limits = model, limits
        self._lock, self._requests, self._late = threading.Lock(), 0, 0
        self.metrics = Metrics(lambda: self.waiting, lambda: self.ready)
        self.ready = False
        self._landing: Landing | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._batcher: batching.Batcher | None = None

    @property
    def waiting(self) -> int:
        """How many requests are under way, with those that were given up and still compute."""
        return self._requests + self._late

    def open(self) -> None:
        """Begin: the threads are there, and the service is ready."""
        limits = self._limits
        self._landing = Landing(asyncio.get_running_loop())
        self._pool = ThreadPoolExecutor(limits.workers, "ssdgm-service")
        if limits.max_batch > 1:
            one = self._model.graphs.intake("classifier", "classify").single
            bounds = (limits.max_batch, limits.max_delay_ms, max(limits.waiting, limits.max_batch))
            self._batcher = batching.Batcher(self._classify, one, *bounds)
        self.ready = True

    def close(self) -> None:
        """End, when all that was begun is answered."""
        self.ready = False
        if self._batcher:
            self._batcher.close()
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among the requests under way.

        Raises:
            Busy: There is none.
        """
        if self.waiting >= self._limits.waiting:
            raise errors.Busy(
                f"{self.waiting} requests are being answered",
                f"fewer than {self._limits.waiting}",
                "Send it again in a second, or to another replica.",
            )
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    async def answer(self, rows: Array) -> Answer:
        """The answer for rows [n, ...] that the model has checked; raises what it raises."""
        assert self._landing is not None
        assert self._pool is not None
        if len(rows) == 1 and self._batcher:
            future = self._batcher.submit(rows[0], timeout=0)
        else:
            future = self._pool.submit(self._classify, rows)
        try:
            return await self._landing.of(future)
        except asyncio.CancelledError:
            if not future.cancel():  # it runs on: its place is taken until it ends
                self._outlive(future)
            raise

    def _outlive(self, future: "Future[Answer]") -> None:
        with self._lock:
            self._late += 1
        future.add_done_callback(self._ended)

    def _ended(self, _: "Future[Answer]") -> None:
        with self._lock:
            self._late -= 1

    def _classify(self, rows: Array) -> Answer:
        self.metrics.call(len(rows))
        return self._model.classify(rows)


class Landing:
    """Where futures of threads come to an event loop, which wakes once for many.

    `asyncio.wrap_future` wakes it for each, which costs more than a small model's own work.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._done: list[tuple[asyncio.Future[Answer], Future[Answer]]] = []

    def of(self, future: "Future[Answer]") -> "asyncio.Future[Answer]":
        """The loop's own future of the same answer."""
        waiter: asyncio.Future[Answer] = self._loop.create_future()
        future.add_done_callback(lambda done: self._land(waiter, done))
        return waiter

    def _land(self, waiter: "asyncio.Future[Answer]", done: "Future[Answer]") -> None:
        with self._lock:
            first = not self._done
            self._done.append((waiter, done))
        if first:
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        with self._lock:
            landed, self._done = self._done, []
        for waiter, done in landed:
            if waiter.done() or done.cancelled():
                continue
            error = done.exception()
            if error is None:
                waiter.set_result(done.result())
            else:
                waiter.set_exception(error)

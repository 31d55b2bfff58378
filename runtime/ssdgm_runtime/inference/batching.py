"""Rows from many callers, computed together: what a server puts before a model.

A call for one row costs almost as much as a call for many. A `Batcher` collects single rows for a
moment and computes them at once; every caller gets the row's own answer.
"""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Answer

Array = NDArray[Any]


class _Waiting(NamedTuple):
    row: Array
    future: "Future[Answer]"
    since: float


class Batcher:
    """Collects rows and classifies them together; made by `Model.batcher`.

    Safe to call from many threads. Used as a context, it ends with `close`.

    Args:
        classify: Rows [n, *shape] to their answers.
        check: A caller's row to one that `classify` takes, [1, *shape]; raises for any other.
        max_batch: The most rows computed at once.
        max_delay_ms: The longest that a row waits for others, in milliseconds; 0 takes what is
            there.
        max_waiting: The most rows that wait; whoever brings another waits too.

    Raises:
        InputError: A limit is not positive.
    """

    def __init__(
        self,
        classify: Callable[[Array], "Answer"],
        check: Callable[[ArrayLike], Array],
        max_batch: int,
        max_delay_ms: float,
        max_waiting: int,
    ) -> None:
        arguments.count(max_batch, "max_batch", 1)
        arguments.count(max_waiting, "max_waiting", 1)
        if max_delay_ms != 0:
            arguments.positive(max_delay_ms, "max_delay_ms")
        self._classify, self._check = classify, check
        self._size, self._most = min(max_batch, max_waiting), max_waiting
        self._delay = max_delay_ms / 1e3
        self._rows: deque[_Waiting] = deque()
        self._closed, self._process = False, os.getpid()
        lock = threading.Lock()
        self._work, self._room = threading.Condition(lock), threading.Condition(lock)
        self._thread = threading.Thread(target=self._serve, name="ssdgm-batcher", daemon=True)
        self._thread.start()

    def submit(self, row: ArrayLike, timeout: float | None = None) -> "Future[Answer]":
        """Hand in one row.

        Args:
            row: [*shape] in the data set's own dtype; it is copied.
            timeout: The most seconds to wait for room; by default as long as it takes.

        Returns:
            A future of the row's answer, as `classify` gives it for one row. It can be cancelled
            until its batch is computed; in a coroutine, `await asyncio.wrap_future(future)`.

        Raises:
            InputError: The row has another dtype or shape, or the batcher is closed or was made by
                the process that forked this one.
            Busy: There was no room within the time given, or this is a callback of a future, for
                which nobody can make room.
        """
        self._check_process()
        waiting = _Waiting(self._check(row).copy(), Future(), time.monotonic())
        with self._work:
            if len(self._rows) >= self._most and not self._closed:
                alone = threading.current_thread() is self._thread
                self._await_room(0.0 if alone else timeout)
            if self._closed:
                raise errors.InputError(
                    "This batcher", "closed", "", "Open another with model.batcher()."
                )
            self._rows.append(waiting)
            if len(self._rows) in (1, self._size):
                self._work.notify()
        return waiting.future

    def close(self) -> None:
        """Take no more rows, answer those that wait, and return when that is done."""
        if os.getpid() != self._process:  # a forked child has neither the thread nor the lock
            return
        with self._work:
            self._closed = True
            self._work.notify_all()
            self._room.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> "Batcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise errors.InputError(
                "This batcher", "of the parent process", "", "Open one here with model.batcher()."
            )

    def _await_room(self, timeout: float | None) -> None:
        seconds = None if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX)
        if not self._room.wait_for(lambda: self._closed or len(self._rows) < self._most, seconds):
            raise errors.Busy(
                f"{len(self._rows)} rows wait, and no room came within {timeout} seconds",
                f"fewer than {self._most} waiting rows",
                "Submit more slowly, wait longer, or raise max_waiting.",
            )

    def _serve(self) -> None:
        while batch := self._collect():
            live = [one for one in batch if one.future.set_running_or_notify_cancel()]
            if live:
                self._answer(live)

    def _collect(self) -> list[_Waiting]:
        """The next batch; empty when the batcher is closed and nothing waits."""
        with self._work:
            self._work.wait_for(lambda: self._rows or self._closed)
            while 0 < len(self._rows) < self._size and not self._closed:
                left = self._rows[0].since + self._delay - time.monotonic()
                if left <= 0 or not self._work.wait(min(left, threading.TIMEOUT_MAX)):
                    break
            batch = [self._rows.popleft() for _ in range(min(self._size, len(self._rows)))]
            self._room.notify(len(batch))
        return batch

    def _answer(self, batch: list[_Waiting]) -> None:
        """Compute a batch; where that fails, its rows one by one, so that none hurts another."""
        try:
            together = self._classify(np.concatenate([one.row for one in batch]))
        except BaseException as error:  # whatever it is, callers wait for this thread
            if len(batch) == 1:
                with _calling_back():
                    batch[0].future.set_exception(error)
                return
            for one in batch:
                self._answer([one])
            return
        # the last first: who waits for rows in turn wakes once a batch, not once a row
        for i in reversed(range(len(batch))):
            with _calling_back():
                batch[i].future.set_result(together.part(slice(i, i + 1)))


def _calling_back() -> contextlib.AbstractContextManager[None]:
    """Callers' callbacks run within; if one ends its thread, it must not end everyone's."""
    return contextlib.suppress(BaseException)

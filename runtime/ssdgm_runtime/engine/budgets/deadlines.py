"""Deadlines: a thread that stops what takes too long.

It is there once a deadline was asked for, one a process, and sleeps while nothing runs. The engine
looks at a run's flag between two nodes, so a run ends with the node that it is in.
"""

import contextlib
import itertools
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Ort = Any  # the engine has no stubs
Stop = Callable[[], object]

_watchdogs: dict[int, "_Watchdog"] = {}
_lock = threading.Lock()


class _Watchdog:
    """Calls what stops a run when it is due, unless it has ended by then."""

    def __init__(self) -> None:
        self._live: dict[int, tuple[float, Stop]] = {}
        self._numbers, self._next = itertools.count(), math.inf
        self._wake = threading.Condition()
        threading.Thread(target=self._watch, name="ssdgm-deadlines", daemon=True).start()

    def add(self, seconds: float, stop: Stop) -> int:
        """Call `stop` after so long; gives the number to end it by."""
        when, number = time.monotonic() + seconds, next(self._numbers)
        with self._wake:
            self._live[number] = when, stop
            if when < self._next:
                self._wake.notify()
        return number

    def end(self, number: int) -> None:
        """Stop nothing any more."""
        with self._wake:
            self._live.pop(number, None)

    def _watch(self) -> None:
        with self._wake:
            while True:
                now = time.monotonic()
                due = [number for number, (when, _) in self._live.items() if when <= now]
                for number in due:
                    self._live.pop(number)[1]()
                self._next = min((when for when, _ in self._live.values()), default=math.inf)
                self._wake.wait(None if self._next == math.inf else self._next - now)


@contextlib.contextmanager
def within(seconds: float, stop: Stop) -> Iterator[None]:
    """Stop the body after so long; `stop` is called by another thread."""
    watchdog = _watchdog()
    number = watchdog.add(seconds, stop)
    try:
        yield
    finally:
        watchdog.end(number)


def _watchdog() -> _Watchdog:
    """This process's; a fork leaves the thread of its parent behind."""
    with _lock:
        pid = os.getpid()
        if pid not in _watchdogs:
            _watchdogs[pid] = _Watchdog()
        return _watchdogs[pid]


class Watched:
    """An engine's session that ends every run after so long, with the engine's own exception.

    Args:
        ort: The engine.
        engine: Its session.
        milliseconds: How long.
    """

    def __init__(self, ort: Ort, engine: Ort, milliseconds: float) -> None:
        self._options, self._run = ort.RunOptions, engine.run
        self._seconds = milliseconds / 1e3

    def run(self, names: Sequence[str], feeds: Mapping[str, Any], _: None = None) -> Sequence[Any]:
        """Compute outputs, as the session's own `run` does."""
        options = self._options()
        with within(self._seconds, lambda: setattr(options, "terminate", True)):
            outputs: Sequence[Any] = self._run(names, feeds, options)
        return outputs

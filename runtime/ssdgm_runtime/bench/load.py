"""How calls arrive: one after the other, many at once, or when a schedule says.

In a closed loop a caller calls again when it has its answer, so a slow answer also delays the
next question, and the wait of those who would have come meanwhile is never seen (Schroeder,
Wierman and Harchol-Balter, 2006, Open versus closed: a cautionary tale; Tene calls the error
coordinated omission). In an open loop requests are scheduled beforehand, and the latency of each
counts from its scheduled time, however late it is served. Those that are not served by three
times the schedule's length are given up: they are counted, and no latency is known of them, so
percentiles are of the served alone and too small wherever some are not.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from concurrent import futures

Call = Callable[[], object]

CLOSED, POISSON, UNIFORM = "closed", "poisson", "uniform"
PATIENCE = 3.0
"""How many times the schedule's length is waited for requests to be served."""

SLICES = 2
"""In how many stretches a schedule is measured."""

_ROUNDS, _SHORTEST, _NAP = 10, 0.02, 0.1
_SPUN = 1e-3  # a sleep ends up to this late


@dataclass(frozen=True)
class Arrival:
    """`closed`, or `poisson` or `uniform` at `rate` requests a second."""

    kind: str = CLOSED
    rate: float = 0.0

    def __str__(self) -> str:
        """As a command line has it."""
        return self.kind if self.kind == CLOSED else f"{self.kind}:{self.rate:g}"


@dataclass(frozen=True)
class Clock:
    """Where time comes from, in seconds: the wall's, the processors', and waiting."""

    now: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Stretch:
    """What one stretch of calls took, in seconds.

    Attributes:
        latencies: Of each call, in the order of their ends; of their schedule in an open loop.
        waits: From the scheduled time to the start, in the schedule's order; none when closed.
        wall: From the first start to the last end.
        cpu: Processor time of this process meanwhile.
        offered: Requests that were scheduled.
    """

    latencies: list[float]
    wall: float
    cpu: float
    waits: list[float] = field(default_factory=list)
    offered: int = 0


Stretcher = Callable[[Call, int], Stretch]
"""Makes a stretch of calls; the number is the round's, whose schedule is every engine's."""


@contextmanager
def opened(
    arrival: Arrival, concurrency: int, seconds: float, clock: Clock | None = None
) -> Iterator[Stretcher]:
    """Callers that make stretches of calls.

    Args:
        arrival: When requests come.
        concurrency: How many callers there are.
        seconds: How long one of the engines shall be measured in all stretches together.
        clock: Where time comes from.
    """
    time_from = clock or Clock()
    if concurrency == 1 and arrival.kind == CLOSED:
        yield lambda call, turn: _one(call, time_from)
        return
    from concurrent import futures

    with futures.ThreadPoolExecutor(concurrency, thread_name_prefix="ssdgm-bench") as pool:
        crew = _Crew(pool, concurrency)
        if arrival.kind == CLOSED:
            length = max(seconds / _ROUNDS, _SHORTEST)
            yield lambda call, turn: _closed(call, crew, length, time_from)
        else:
            length = seconds / SLICES
            yield lambda call, turn: _open(
                call, crew, schedule(arrival, length, np.random.default_rng(turn)), time_from
            )


def schedule(arrival: Arrival, seconds: float, rng: "np.random.Generator") -> list[float]:
    """When each request is due, in seconds from the start; within `seconds`; one at least."""
    n = max(1, round(arrival.rate * seconds))
    if arrival.kind == UNIFORM:
        even: list[float] = (np.arange(n) / arrival.rate).tolist()
        return even
    # a Poisson process of n requests, which come at n times drawn evenly; none after the end
    due: list[float] = np.sort(rng.uniform(0.0, seconds, n)).tolist()
    return due


class _Crew:
    """So many callers, the first of them this thread, who begin together.

    When one of them fails, or this thread is interrupted, all end after the call they are in.
    """

    def __init__(self, pool: "futures.Executor", size: int) -> None:
        self._pool, self._size = pool, size
        self._stopped = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether the work is to end early."""
        return self._stopped.is_set()

    def run(self, work: Callable[[], None]) -> None:
        gate = threading.Barrier(self._size)

        def begin() -> None:
            with self._stopping(gate):
                gate.wait()
                work()

        with self._stopping(gate):
            others = [self._pool.submit(begin) for _ in range(self._size - 1)]
            begin()
            for other in others:
                other.result()

    @contextmanager
    def _stopping(self, gate: threading.Barrier) -> Iterator[None]:
        try:
            yield
        except threading.BrokenBarrierError:  # another's failure, who tells of it
            pass
        except BaseException:
            self._stopped.set()
            gate.abort()
            raise


class _Turns:
    """The turns of a schedule, in its order: who takes one has it when it is due."""

    def __init__(self, began: float, due: Sequence[float], clock: Clock) -> None:
        self._due, self._clock = [began + seconds for seconds in due], clock
        self._taken = self._begun = 0
        self._lock = threading.Lock()

    def take(self, crew: _Crew) -> int | None:
        """The next turn, now that it is due; None when there are no more or all are to end."""
        with self._lock:
            turn = self._taken
            self._taken += 1
        if turn >= len(self._due):
            return None
        while (early := self._due[turn] - self._clock.now()) > 0 and not crew.stopped:
            self._clock.sleep(self._nap(turn, early))
        with self._lock:
            self._begun += 1
        return None if crew.stopped else turn

    def _nap(self, turn: int, early: float) -> float:
        """Sleep until shortly before, then spin if it is the next turn; 0 lets others run."""
        if early > 1.1 * _SPUN:  # else the sleep might be too short to move a clock
            return min(early - _SPUN, _NAP)
        return 0.0 if self._begun >= turn else early


def _one(call: Call, clock: Clock) -> Stretch:
    used, started = clock.cpu(), clock.now()
    call()
    ended = clock.now()
    return Stretch([ended - started], ended - started, clock.cpu() - used)


def _closed(call: Call, crew: _Crew, seconds: float, clock: Clock) -> Stretch:
    ends: list[tuple[float, float]] = []
    used, began = clock.cpu(), clock.now()

    def work() -> None:
        ended = began
        while ended < began + seconds and not crew.stopped:
            started = clock.now()
            call()
            ended = clock.now()
            ends.append((ended, ended - started))

    crew.run(work)
    ends.sort()
    return Stretch([taken for _, taken in ends], ends[-1][0] - began, clock.cpu() - used)


def _open(call: Call, crew: _Crew, due: Sequence[float], clock: Clock) -> Stretch:
    served: dict[int, tuple[float, float]] = {}
    used, began = clock.cpu(), clock.now()
    limit = began + PATIENCE * max(due[-1], _SHORTEST)
    turns = _Turns(began, due, clock)

    def work() -> None:
        while clock.now() < limit and (turn := turns.take(crew)) is not None:
            started = clock.now()
            call()
            served[turn] = (started, clock.now())

    crew.run(work)
    wall = max(end for _, end in served.values()) - began
    order = sorted(served)
    return Stretch(
        latencies=[served[i][1] - began - due[i] for i in order],
        wall=wall,
        cpu=clock.cpu() - used,
        waits=[max(served[i][0] - began - due[i], 0.0) for i in order],
        offered=len(due),
    )

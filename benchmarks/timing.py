"""Calls timed in turn, in bursts, so that whatever else the machine does falls on all of them."""

import random
import statistics
import time
from collections.abc import Callable, Mapping

Call = Callable[[], object]
BURST = 0.01  # seconds, about


def medians(calls: Mapping[str, Call], rounds: int) -> dict[str, list[float]]:
    """Seconds of one call of each, round by round.

    A round is a burst of calls of each, so each finds its weights where its last call left them,
    as in use; the order is drawn anew for every round, so that nobody always follows the same.
    """
    counts = {name: _count(call) for name, call in calls.items()}
    found: dict[str, list[float]] = {name: [] for name in calls}
    order = random.Random(0)
    for _ in range(rounds):
        for name in order.sample(list(calls), len(calls)):
            call, count = calls[name], counts[name]
            call()
            begin = time.perf_counter()
            for _ in range(count):
                call()
            found[name].append((time.perf_counter() - begin) / count)
    return found


def _count(call: Call) -> int:
    """How many calls fill a burst."""
    for _ in range(3):
        call()
    begin = time.perf_counter()
    call()
    return max(1, round(BURST / max(time.perf_counter() - begin, 1e-9)))


def micros(seconds: list[float]) -> float:
    """The median in microseconds."""
    return 1e6 * statistics.median(seconds)

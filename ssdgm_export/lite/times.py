"""How long calls take beside one another: in turns, so that a busy machine slows all of them."""

import statistics
import time
from collections.abc import Callable, Sequence

ROUNDS, SECONDS = 9, 0.02
"""Turns of every call, and how long one takes at least."""

Call = Callable[[], object]


def medians(calls: Sequence[Call]) -> list[float]:
    """The median time of each call in microseconds, over turns of many calls."""
    counts = [_count(call) for call in calls]
    turns = [
        [_seconds(call, count) / count for call, count in zip(calls, counts, strict=True)]
        for _ in range(ROUNDS)
    ]
    return [1e6 * statistics.median(times) for times in zip(*turns, strict=True)]


def _count(call: Call) -> int:
    """How many calls fill a turn; the first, which may prepare things, is not counted."""
    call()
    count = 1
    while (spent := _seconds(call, count)) < SECONDS / 4:
        count *= 4
    return max(1, round(count * SECONDS / spent))


def _seconds(call: Call, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - began

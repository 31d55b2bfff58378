"""Figures of a series of latencies: percentiles, and how far they can be trusted.

Neighbouring calls resemble each other, because whatever else the machine does lasts longer than
a call. Intervals therefore come from a circular block bootstrap (Künsch, 1989, The jackknife and
the bootstrap for general stationary observations; Politis and Romano, 1992): whole blocks of
neighbouring calls are drawn, so that what they share stays in. For percentiles of dependent
series it is consistent (Sun and Lahiri, 2006, Bootstrapping the sample quantile of a weakly
dependent sequence).

Disturbances of a machine last for tens or hundreds of calls, and blocks that are shorter than
they are see nothing of them. There are therefore few and long ones, a tenth of the series each,
and the interval is widened as Student's t is for so few. What lasts longer than a block is not
in it: an interval speaks of this one run, and another run may lie outside.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pair = tuple[float, float]

DRAWS, SEED = 300, 20140620
LEVEL = 0.95
BLOCKS = 10
_WIDER = 2.262 / 1.960 * math.sqrt(BLOCKS / (BLOCKS - 1))
"""Student's t of 9 degrees of freedom over the normal, and the missing degree in the variance."""
WINDOWS, SPREAD = 5, 0.1
_FEW, _RARE = 10, 1000
_STEP = 0.1
_BETWEEN = (0.5, 0.95)


def summary(seconds: Floats) -> dict[str, Any]:
    """Latencies in ms: mean, stdev, min, max and percentiles, and the intervals of two of them.

    Args:
        seconds: Latencies [n] in the order in which they were measured.

    Returns:
        The fields of a timing that say how long calls took. `p999_ms` is None below 1000 calls,
        the intervals and `noisy` are None below 10.
    """
    latencies = seconds * 1e3
    p50, p90, p95, p99, p999 = np.percentile(latencies, (50, 90, 95, 99, 99.9)).tolist()
    draws = medians_and_tails(latencies).T
    middle, tail = (span(*pair) for pair in zip((p50, p95), draws, strict=True))
    sure = len(latencies) >= _FEW
    return {
        "mean_ms": float(latencies.mean()),
        "stdev_ms": float(latencies.std(ddof=1)) if len(latencies) > 1 else 0.0,
        "min_ms": float(latencies.min()),
        "p50_ms": p50,
        "p90_ms": p90,
        "p95_ms": p95,
        "p99_ms": p99,
        "p999_ms": p999 if len(latencies) >= _RARE else None,
        "max_ms": float(latencies.max()),
        "p50_interval_ms": list(middle) if sure else None,
        "p95_interval_ms": list(tail) if sure else None,
        "noisy": noisy(latencies),
    }


def medians_and_tails(values: Floats, *, draws: int = DRAWS, block: int | None = None) -> Floats:
    """The median and the 95th percentile of each of many resamples, [draws, 2].

    Two series of one length get the same draws, so those of calls in alternation stay paired.

    Args:
        values: A series [n].
        draws: How many resamples.
        block: Neighbours that are drawn together; by default a tenth of all, n^(1/3) at least.
    """
    picks = resamples(len(values), draws, block)
    return np.array([np.quantile(values[pick], _BETWEEN) for pick in picks])


def resamples(n: int, draws: int, block: int | None = None) -> Iterator[NDArray[np.intp]]:
    """Indices of resamples [n], each made of blocks that begin anywhere and run round the end."""
    size = block or max(-(-n // BLOCKS), round(n ** (1 / 3)))
    rng = np.random.default_rng(SEED)
    starts = rng.integers(0, n, (draws, -(-n // size)))
    for first in starts:
        yield ((first[:, None] + np.arange(size)).ravel()[:n]) % n


def ratio(own: Floats, other: Floats) -> tuple[float, Pair | None]:
    """The ratio of two medians and its interval; None as an interval below 10 calls."""
    value = float(np.median(own) / np.median(other))
    if min(len(own), len(other)) < _FEW:
        return value, None
    return value, span(value, medians_and_tails(own)[:, 0] / medians_and_tails(other)[:, 0])


def noisy(values: Floats) -> bool | None:
    """Whether the machine changed while it was measured; None below 10 calls.

    The series is cut into 5 windows of as many calls each. It is noisy if the largest of their
    medians is more than 10 % above the smallest.
    """
    if len(values) < _FEW:
        return None
    middles = [float(np.median(part)) for part in np.array_split(values, WINDOWS)]
    return max(middles) > (1 + SPREAD) * min(middles)


def growing(waits: Sequence[float], service: float) -> bool:
    """Whether a queue grew for as long as requests came.

    The waiting times are cut into quarters of the schedule. The queue grows if their medians rise
    by more than a service takes, and in each quarter by a tenth of that at least: one stop of
    the machine makes one step, a queue makes them all.

    Args:
        waits: Seconds from the scheduled time to the start of a request, in the schedule's order.
        service: The median seconds that serving one takes.
    """
    if len(waits) < 2 * WINDOWS:
        return False
    quarters = [float(np.median(part)) for part in np.array_split(np.asarray(waits), 4)]
    rise = quarters[-1] - quarters[0]
    return rise > service and min(b - a for a, b in pairwise(quarters)) > _STEP * rise


def span(value: float, draws: Floats) -> Pair:
    """The interval of a figure, not below 0, by what it is in each resample [draws]."""
    low, high = np.quantile(draws, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
    wide = value - _WIDER * (value - low), value + _WIDER * (high - value)
    return max(min(low, wide[0]), 0.0), max(high, wide[1])

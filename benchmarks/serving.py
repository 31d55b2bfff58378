"""Claim: 64 threads share a model for five minutes without error or growth; collecting rows pays.

One M2, one engine thread, MNIST test images. First 64 threads classify one row after another, each
answer compared with the known one, for five minutes: no error, and memory after the first minute
stays. Then one row a call against a batcher to which all rows are submitted at once, in turn: at
least twice the rows a second. Last, callers that wait for each answer, direct and through the
batcher: rows a second and the 99th percentile, reported.

    SSDGM_DATA_DIR=data python -m benchmarks.serving
"""

import argparse
import math
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ssdgm_runtime
from benchmarks import child, results
from benchmarks.streaming import anonymous_mb
from ssdgm_runtime.model import Model

THREADS, LEAST = 64, 2.0
GROWTH_MB = 8.0
ROWS = 4096
Array = NDArray[Any]
Answer = Callable[[Array], Array]
SHORTEST, BUCKETS, FINE = 1e-6, 1600, 200  # latencies are counted in buckets 1.2 % wide


def bucket(seconds: float) -> int:
    """Where a latency is counted: on a scale of powers of ten."""
    place = int(FINE * math.log10(max(seconds, SHORTEST) / SHORTEST))
    return min(place, BUCKETS - 1)


def percentile(counts: Array, percent: float) -> float:
    """The upper end in milliseconds of the bucket that a percentile falls into."""
    reached = np.cumsum(counts) >= percent / 100 * counts.sum()
    return float(1e3 * SHORTEST * 10 ** ((int(reached.argmax()) + 1) / FINE))


def crowd(answer: Answer, x: Array, wanted: Array, seconds: float, threads: int) -> dict[str, Any]:
    """Threads that call and compare until the time is over."""
    wrong: list[str] = []
    counts = np.zeros((threads, BUCKETS), np.int64)  # of fixed size: growth is the model's own
    end = time.perf_counter() + seconds

    def work(k: int) -> None:
        i = k
        while (begin := time.perf_counter()) < end:
            row = i % len(x)
            try:
                if not np.allclose(answer(x[row]), wanted[row], atol=1e-4):
                    wrong.append(f"row {row} differs")
            except Exception as error:
                wrong.append(repr(error))
            counts[k, bucket(time.perf_counter() - begin)] += 1
            i += threads

    workers = [threading.Thread(target=work, args=(k,)) for k in range(threads)]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    held = [anonymous_mb()]
    while any(worker.is_alive() for worker in workers):
        time.sleep(min(1.0, seconds / 20))
        held.append(anonymous_mb())
    took = time.perf_counter() - begin
    total = counts.sum(axis=0)
    return {
        "errors": len(wrong),
        "first_error": wrong[0] if wrong else "",
        "calls": int(total.sum()),
        "rows_per_s": float(total.sum()) / took,
        "p50_ms": percentile(total, 50),
        "p99_ms": percentile(total, 99),
        "growth_mb": max(held[len(held) // 2 :]) - max(held[: max(1, len(held) // 5)]),
    }


def at_once(opened: Model, x: Array, rounds: int) -> list[float]:
    """How many times as many rows a second a batcher answers as one call a row, round by round."""
    rows = x[:ROWS]
    ratios = []
    with opened.batcher(max_batch=64, max_delay_ms=2.0, max_waiting=ROWS) as batcher:
        for _ in range(rounds):
            begin = time.perf_counter()
            for row in rows:
                opened.predict_proba(row[None])
            alone = time.perf_counter() - begin
            begin = time.perf_counter()
            for future in [batcher.submit(row) for row in rows]:
                future.result()
            ratios.append(alone / (time.perf_counter() - begin))
    return ratios


def measure(bundle: str, path: str, minutes: float, rounds: int) -> dict[str, Any]:
    """All figures."""
    x = np.load(path)
    with ssdgm_runtime.load(bundle, provider="cpu", variant="fp32", threads=1) as opened:
        wanted = opened.predict_proba(x)
        ratios = at_once(opened, x, rounds)

        def direct(row: Array) -> Array:
            return opened.predict_proba(row[None])[0]

        long = crowd(direct, x, wanted, 60 * minutes, THREADS)
        with opened.batcher(max_batch=64, max_delay_ms=1.0) as batcher:

            def collected(row: Array) -> Array:
                return batcher.submit(row).result().probs[0]

            closed = {
                f"{threads} callers": {
                    "direct": crowd(direct, x, wanted, 10, threads),
                    "batcher": crowd(collected, x, wanted, 10, threads),
                }
                for threads in (8, THREADS)
            }
    return {
        "at_once_ratio_median": statistics.median(ratios),
        "at_once_ratio_min": min(ratios),
        "rounds": rounds,
        "long": long,
        "closed_loop": closed,
    }


def main(minutes: float, rounds: int) -> dict[str, object]:
    from benchmarks import models  # brings torch, which the measured process does without

    made = models.make("m2")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, models.test_rows()[0])
        given = {"bundle": str(made.bundle), "path": str(path)}
        found = child.call(__spec__.name, "measure", **given, minutes=minutes, rounds=rounds)
    crowds = [found["long"], *(f for pair in found["closed_loop"].values() for f in pair.values())]
    quiet = not any(f["errors"] for f in crowds) and found["long"]["growth_mb"] < GROWTH_MB
    return results.write(
        "serving",
        claim=f"{THREADS} threads for {minutes:g} minutes without error or growth; a batcher "
        f"answers rows submitted at once {LEAST:g} times as fast as one call a row",
        passed=quiet and found["at_once_ratio_median"] >= LEAST,
        figures={**found, "threads": THREADS},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=9)
    main(**vars(parser.parse_args()))

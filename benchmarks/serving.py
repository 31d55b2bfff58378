"""Claim: 64 threads share a model for five minutes without error or growth; collecting rows pays.

One M2, one engine thread, MNIST test images. First 64 threads classify one row after another, each
answer compared with the known one, for five minutes: no error, and memory after the first minute
stays. Then one row a call against a batcher to which all rows are submitted at once, in turn: at
least twice the rows a second. Last, callers that wait for each answer, direct and through the
batcher: rows a second and the 99th percentile, reported.

    SSDGM_DATA_DIR=data python -m benchmarks.serving
"""

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ssdgm_runtime
from benchmarks import models, results
from benchmarks.streaming import anonymous_mb
from ssdgm_runtime.model import Model

THREADS, LEAST = 64, 2.0
GROWTH_MB = 8.0
ROWS = 4096
Array = NDArray[Any]
Answer = Callable[[Array], Array]


def crowd(answer: Answer, x: Array, wanted: Array, seconds: float, threads: int) -> dict[str, Any]:
    """Threads that call and compare until the time is over."""
    wrong: list[str] = []
    latencies: list[list[float]] = [[] for _ in range(threads)]
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
            latencies[k].append(time.perf_counter() - begin)
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
    every = np.concatenate([np.array(one) for one in latencies])
    return {
        "errors": len(wrong),
        "first_error": wrong[0] if wrong else "",
        "calls": len(every),
        "rows_per_s": len(every) / took,
        "p50_ms": 1e3 * float(np.median(every)),
        "p99_ms": 1e3 * float(np.percentile(every, 99)),
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


def main(minutes: float, rounds: int) -> dict[str, object]:
    made = models.make("m2")
    x, _ = models.test_rows()
    with ssdgm_runtime.load(made.bundle, provider="cpu", variant="fp32", threads=1) as opened:
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
    errors = long["errors"] + sum(f["errors"] for pair in closed.values() for f in pair.values())
    return results.write(
        "serving",
        claim=f"{THREADS} threads for {minutes:g} minutes without error or growth; a batcher "
        f"answers rows submitted at once {LEAST:g} times as fast as one call a row",
        passed=not errors and long["growth_mb"] < GROWTH_MB and statistics.median(ratios) >= LEAST,
        figures={
            "at_once_ratio_median": statistics.median(ratios),
            "at_once_ratio_min": min(ratios),
            "rounds": rounds,
            "long": long,
            "closed_loop": closed,
            "threads": THREADS,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=9)
    main(**vars(parser.parse_args()))

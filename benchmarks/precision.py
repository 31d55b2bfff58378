"""Claim: static int8 is at least 2.2 times as fast as fp32 at batch 64 for M2, and errs alike.

The classifiers that `convert --precision fp32,int8` ships, one thread, MNIST test images. Required
of M2: the throughput, at most 0.1 point of test error lost, and the same answer to the bit for a
row alone and in batches of several sizes. The others are reported.

    SSDGM_DATA_DIR=data python -m benchmarks.precision
"""

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ssdgm_runtime
from benchmarks import models, results, timing
from ssdgm_runtime.model import Model

NAMES = ("m2", "m1m2", "m1")
BATCHES = (1, 8, 64, 256)
LEAST, BATCH, POINTS = 2.2, 64, 0.1
ALONE, TOGETHER = 200, (2, 7, 64, 200)
Array = NDArray[Any]


def speed(opened: dict[str, Model], x: Array, rounds: int) -> dict[str, float]:
    """How many times as fast int8 is, by batch size."""
    found = {}
    for batch in BATCHES:
        rows = np.ascontiguousarray(x[:batch])
        calls = {k: lambda m=m, rows=rows: m.predict_proba(rows) for k, m in opened.items()}
        times = timing.medians(calls, rounds)
        found[str(batch)] = timing.micros(times["fp32"]) / timing.micros(times["int8"])
    return found


def batch_gap(opened: Model, x: Array) -> float:
    """The largest difference between the answers for a row alone and in any batch."""
    alone = np.concatenate([opened.classify(x[i : i + 1]).logits for i in range(ALONE)])
    gaps = [
        np.abs(opened.classify(x[start : start + size]).logits - alone[start : start + size]).max()
        for size in TOGETHER
        for start in range(0, ALONE - size + 1, size)
    ]
    return float(max(gaps))


def measure(name: str, rounds: int) -> dict[str, Any]:
    """One model's figures."""
    made = models.make(name, short=False)
    x, y = models.test_rows()
    opened = {
        precision: ssdgm_runtime.load(made.bundle, provider="cpu", variant=precision, threads=1)
        for precision in ("fp32", "int8")
    }
    errors = {k: 100 * float((m.classify(x).labels != y).mean()) for k, m in opened.items()}
    found = {
        "times_as_fast": speed(opened, x, rounds),
        "test_error_percent": errors,
        "points_lost": errors["int8"] - errors["fp32"],
        "batch_gap": batch_gap(opened["int8"], x),
    }
    print(name, found, flush=True)
    return found


def main(rounds: int) -> dict[str, object]:
    found = {name: measure(name, rounds) for name in NAMES}
    m2 = found["m2"]
    passed = (
        m2["times_as_fast"][str(BATCH)] >= LEAST
        and m2["points_lost"] <= POINTS
        and m2["batch_gap"] == 0
    )
    return results.write(
        "precision",
        claim=f"int8 is {LEAST} times as fast as fp32 at batch {BATCH} for M2, loses at most "
        f"{POINTS} point of MNIST test error, and gives a row one answer in any batch",
        passed=passed,
        figures={**found, "rounds": rounds, "threads": 1},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=51)
    main(**vars(parser.parse_args()))

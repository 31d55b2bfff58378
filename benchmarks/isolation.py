"""Claim: `isolated=True` changes no bit, and from 256 rows on costs at most half as much again.

The same bundle, the softplus M2 of `models` on MNIST images, once in this process and once with
`isolated=True`, one thread each, timed in turn: `predict_proba` by batch size, then opening it up
to the first answer. Answers must be the same to the bit.

    SSDGM_DATA_DIR=data python -m benchmarks.isolation
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

import ssdgm_runtime
from benchmarks import models, results, timing

BATCHES = (1, 8, 64, 256, 1024)
MANY, MOST = 256, 1.5


def opening(bundle: Path, isolated: bool, x: np.ndarray) -> float:
    """Seconds from `load` to the first answer."""
    begin = time.perf_counter()
    with ssdgm_runtime.load(bundle, provider="cpu", threads=1, isolated=isolated) as model:
        model.predict_proba(x)
        return time.perf_counter() - begin


def main(rounds: int, bundle: Path | None) -> dict[str, object]:
    place = bundle or models.make("softplus").bundle
    plain, apart = (
        ssdgm_runtime.load(place, provider="cpu", threads=1, isolated=isolated)
        for isolated in (False, True)
    )
    rows = plain.graphs.graph("classifier", "time").inputs[0]
    draw, same, figures = np.random.default_rng(0), True, dict[str, list[float]]()
    for batch in BATCHES:
        x = draw.integers(0, 256, (batch, *rows.row)).astype(rows.dtype)
        same = same and np.array_equal(plain.predict_proba(x), apart.predict_proba(x))
        calls = {"plain": lambda x=x: plain.predict_proba(x)}
        calls["isolated"] = lambda x=x: apart.predict_proba(x)
        found = timing.medians(calls, rounds)
        ratios = [b / a for a, b in zip(found["plain"], found["isolated"], strict=True)]
        figures.setdefault("isolated_over_plain", []).append(statistics.median(ratios))
        more = timing.micros(found["isolated"]) - timing.micros(found["plain"])
        figures.setdefault("microseconds_more", []).append(more)
    first = draw.integers(0, 256, (1, *rows.row)).astype(rows.dtype)
    starts = [(opening(place, False, first), opening(place, True, first)) for _ in range(15)]
    start = statistics.median(b / a for a, b in starts)
    ratios = zip(BATCHES, figures["isolated_over_plain"], strict=True)
    slow = [batch for batch, ratio in ratios if batch >= MANY and ratio > MOST]
    return results.write(
        "isolation",
        claim=f"isolated=True gives the same answers to the bit, and from {MANY} rows on takes at "
        f"most {MOST:g} times as long",
        passed=same and not slow,
        figures={
            "batches": BATCHES,
            **figures,
            "opening_over_plain": start,
            "opening_ms_more": 1000 * statistics.median(b - a for a, b in starts),
            "same": same,
            "rounds": rounds,
            "threads": 1,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=61)
    parser.add_argument("--bundle", type=Path, help="instead of a bundle of M2 on MNIST")
    main(**vars(parser.parse_args()))

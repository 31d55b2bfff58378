"""Half an hour of everything at once: many threads, good and bad input, deadlines, reloads.

    python tests/soak.py --seconds 1800 --threads 16

Every answer is compared with the one that it was at first, and errors must be ours. Memory,
descriptors and threads of the process are looked at twice a second, and their last third must not
be above their middle third. The exit code is 1 where something was not as it should be.
"""

import argparse
import json
import os
import random
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np

import ssdgm_runtime
from ssdgm_runtime import Options, errors

BUNDLE = Path(__file__).parent / "runtime/data/tiny.ssdgm"
PAUSE = 0.5
ROOM = {"memory_mb": 24.0, "descriptors": 8.0, "threads": 4.0}
"""How far the last third may lie above the middle one."""


class Soak:
    """The models that threads share, and what came of their calls."""

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        self.x = draw.integers(0, 17, (64, 4, 4)).astype(np.uint8)
        self.plain = ssdgm_runtime.load(BUNDLE, provider="cpu", threads=1)
        self.timed = ssdgm_runtime.load(
            BUNDLE, provider="cpu", threads=1, options=Options(deadline_ms=5000)
        )
        self.wanted = self.plain.predict_proba(self.x)
        self.made = self.plain.generate(None, 20, seed=7, sample=True).x
        self.until = 0.0
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.lock = threading.Lock()

    def work(self, seed: int) -> None:
        """One thread's calls, until the time is over."""
        draw = random.Random(seed)
        acts = (self.classify, self.classify, self.generate, self.bad, self.reload, self.batch)
        while time.monotonic() < self.until:
            act = draw.choice(acts)
            try:
                act(draw)
            except Exception as error:
                self.wrong.append(f"{act.__name__}: {type(error).__name__}: {error}")
            with self.lock:
                self.counts[act.__name__] += 1

    def classify(self, draw: random.Random) -> None:
        start, count = draw.randrange(64), draw.choice((1, 2, 8, 64))
        p = draw.choice((self.plain, self.timed)).predict_proba(self.x[start : start + count])
        if not np.allclose(p, self.wanted[start : start + count], rtol=0, atol=1e-6):
            raise ValueError("another answer")

    def generate(self, _: random.Random) -> None:
        if not np.array_equal(self.plain.generate(None, 20, seed=7, sample=True).x, self.made):
            raise ValueError("other samples")

    def bad(self, draw: random.Random) -> None:
        odd = draw.choice((np.zeros((1, 4)), "x", None, np.full((1, 4, 4), np.nan), [[1]]))
        try:
            self.plain.classify(odd)
        except (errors.InputError, errors.DataNotFound):  # a text is a path
            return
        raise ValueError(f"{odd!r} was taken")

    def reload(self, draw: random.Random) -> None:
        if draw.random() < 0.9:
            return
        with self.plain.again() as other:
            if not np.allclose(other.predict_proba(self.x), self.wanted, rtol=0, atol=1e-6):
                raise ValueError("another answer after a reload")

    def batch(self, draw: random.Random) -> None:
        if draw.random() < 0.9:
            return
        with self.plain.batcher(max_delay_ms=1) as batcher:
            futures = [batcher.submit(row) for row in self.x[:8]]
            gone = futures[3].cancel()
            for i, future in enumerate(futures):
                if i == 3 and gone:
                    continue
                if not np.allclose(future.result(30).probs[0], self.wanted[i], rtol=0, atol=1e-6):
                    raise ValueError("another answer in a batch")


def taken() -> dict[str, float]:
    """What the process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "memory_mb": pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20),
        "descriptors": float(len(os.listdir("/proc/self/fd"))),
        "threads": float(threading.active_count()),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--threads", type=int, default=16)
    given = parser.parse_args(argv)
    soak, seen = Soak(), list[dict[str, float]]()
    soak.until = time.monotonic() + given.seconds
    threads = [threading.Thread(target=soak.work, args=(i,)) for i in range(given.threads)]
    for thread in threads:
        thread.start()
    while time.monotonic() < soak.until - PAUSE:
        time.sleep(PAUSE)
        seen.append(taken())
    for thread in threads:
        thread.join()
    third = len(seen) // 3
    grown = {
        key: statistics.median(line[key] for line in seen[2 * third :])
        - statistics.median(line[key] for line in seen[third : 2 * third])
        for key in ROOM
    }
    bad = [key for key, room in ROOM.items() if grown[key] > room]
    wrong = dict(Counter(soak.wrong).most_common(20))
    table = {"calls": soak.counts, "wrong": wrong, "grown": grown, "not flat": bad}
    sys.stdout.write(json.dumps(table, indent=2) + "\n")
    return int(bool(soak.wrong or bad))


if __name__ == "__main__":
    sys.exit(main())

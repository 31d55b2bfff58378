"""Claim: a small table trains by default within twice the processor time of one thread.

Rows of scikit-learn's breast_cancer as a CSV file, half of them without a label, 600 steps by
`ssdgm-export train`, while as many processes as there are cores do nothing but count. Default
threads and one thread in turns; the processor time is that of the whole command, its start and
its baseline included.

    python -m benchmarks.small_table
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

from benchmarks import results
from benchmarks.startup import environment

ROWS, STEPS, LIMIT = 417, 600, 2.0


def written(folder: Path) -> Path:
    """The table as a user has it."""
    data = load_breast_cancer(as_frame=True)
    frame = data.frame.sample(ROWS, random_state=0).rename(columns={"target": "label"})
    blank = np.random.default_rng(0).random(ROWS) < 0.5
    frame["label"] = frame["label"].map({0: "malignant", 1: "benign"}).mask(blank)
    frame.to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def count() -> None:
    """Keep a core busy."""
    while True:
        pass


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Other work on every core while this is open."""
    others = [multiprocessing.Process(target=count, daemon=True) for _ in range(processes)]
    for one in others:
        one.start()
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.join()


def seconds(table: Path, out: Path, *more: str) -> float:
    """The processor time of a training command."""
    command = [sys.executable, "-m", "ssdgm_export", "train", str(table), "--method", "m2"]
    command += ["--label", "label", "--set", f"train.steps={STEPS}", "--out", str(out), *more]
    free = {k: v for k, v in environment().items() if not k.endswith("_NUM_THREADS")}
    before = os.times()
    subprocess.run(command, env=free, check=True, capture_output=True)
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def main(rounds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name, busy(os.cpu_count() or 1):
        folder = Path(name)
        table = written(folder)
        pairs = [
            (
                seconds(table, folder / f"default-{i}"),
                seconds(table, folder / f"one-{i}", "--threads", "1"),
            )
            for i in range(rounds)
        ]
    ratios = [default / one for default, one in pairs]
    return results.write(
        "small_table",
        claim=f"a table of {ROWS} rows trains {STEPS} steps by default within {LIMIT:g} times the "
        "processor time of one thread, while other processes keep all cores busy",
        passed=statistics.median(ratios) <= LIMIT,
        figures={
            "ratio_median": statistics.median(ratios),
            "ratio_max": max(ratios),
            "default_s_median": statistics.median(default for default, _ in pairs),
            "one_thread_s_median": statistics.median(one for _, one in pairs),
            "rounds": rounds,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    main(**vars(parser.parse_args()))

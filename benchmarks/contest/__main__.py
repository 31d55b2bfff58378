"""Claim: with a few labels a class `train --method auto` errs least on every set, or as little.

As little means within one standard error of the least, which a bootstrap of test rows and draws
gives to the paired difference. Every draw labels the same rows for all contenders, 10 a class (4
and 50 on three sets) but for the last two of a class; the other training rows are unlabelled and
there for all. Ours is the command line with a budget of minutes, its bundle in the runtime on the
test rows. Rivals are tuned anew for every draw, by three-fold cross-validation on the labelled
rows alone; they get rows of one scale, and images and series of more than 100 numbers also as 50
principal components. The test rows are answered once.

Each cell is a process of its own; the same command goes on where it was interrupted. Needs the
sets under SSDGM_DATA_DIR, and for two rivals lightgbm.

    SSDGM_DATA_DIR=data python -m benchmarks.contest --out runs/contest --seeds 0 --jobs 2
    SSDGM_DATA_DIR=data python -m benchmarks.contest --names digits --only svc auto --budgets 4
    python -m benchmarks.contest --out runs/contest --table
"""

import argparse
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.contest import cell, sets, table
from benchmarks.contest.contenders import TITLES


def process(out: Path, key: cell.Key, minutes: float | None) -> int:
    """Run a cell in a process of its own, its output in a log; returns its exit code."""
    folder = key.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.contest", "--out", str(out)]
    command += [] if minutes is None else ["--minutes", str(minutes)]
    log = folder / "cell.log"
    with log.open("w") as stream:
        done = subprocess.run(
            [*command, "--cell", *key.words()],
            stdout=stream,
            stderr=stream,
            env={"OMP_NUM_THREADS": "1", **os.environ},
            check=False,
        )
    print("failed, see" if done.returncode else "done:", log, file=sys.stderr, flush=True)
    return done.returncode


def main(out: Path, keys: list[cell.Key], minutes: float | None, jobs: int) -> int:
    """Run what is missing; returns how many failed."""
    out.mkdir(parents=True, exist_ok=True)
    missing = [key for key in keys if not cell.ended(out, key, minutes)]
    with ThreadPoolExecutor(jobs) as pool:
        return sum(map(bool, pool.map(lambda key: process(out, key, minutes), missing)))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/contest"))
    parser.add_argument("--names", nargs="+", choices=sets.SETS, default=list(sets.SETS))
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument(
        "--budgets",
        nargs="+",
        type=int,
        choices=sets.BUDGETS,
        default=list(sets.BUDGETS),
        help="labels a class",
    )
    parser.add_argument("--seeds", nargs="+", type=int, help="draws; all of them, if left out")
    parser.add_argument("--minutes", type=float, help="auto's budget; such cells do not count")
    parser.add_argument("--jobs", type=int, default=1, help="cells at the same time")
    parser.add_argument("--table", action="store_true", help="the result from what is there")
    parser.add_argument("--cell", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    given = parsed()
    if given.cell:
        name, budget, contender, seed = given.cell
        key = cell.Key(int(seed), int(budget), name, contender)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and end what it started
        cell.run(given.out, key, given.minutes)
    elif given.table:
        table.write(given.out)
    else:
        keys = cell.asked(given.names, given.budgets, given.only, given.seeds)
        sys.exit(main(given.out, keys, given.minutes, given.jobs))

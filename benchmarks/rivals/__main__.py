"""Claim: with 10 labels a class ours errs less on letter and pendigits than scikit-learn's own.

Every seed draws 10 labels a class to learn from and as many to choose by, the same rows for all;
the other training rows have no label and are all there. Columns are standardised. Rivals are tuned
anew for every seed, by a grid, on its labels to choose by; those of `FIXED` also have one choice
for all seeds, made on seeds 10 to 14. Ours are recipes that ship, chosen on validation labels of
seeds 10 to 14 (on letter 10 to 12; some of M1's settings also on 15 to 17), the same for both sets
and fixed before a test row was scored. Whatever is chosen scores the whole test set, once.

Each cell is a process of its own; the same command goes on where it was interrupted. Needs both
sets under SSDGM_DATA_DIR.

    SSDGM_DATA_DIR=data python -m benchmarks.rivals --out runs/rivals --jobs 2
    SSDGM_DATA_DIR=data python -m benchmarks.rivals --only svc m2 --seeds 3 4
    SSDGM_DATA_DIR=data python -m benchmarks.rivals --choose svc spreading-knn
    python -m benchmarks.rivals --out runs/rivals --table
"""

import argparse
import itertools
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.rivals import cell, table
from benchmarks.rivals.contenders import RIVALS, TITLES

CHOICE = (10, 11, 12, 13, 14)
"""The seeds that `FIXED` and our recipes were chosen on."""


def process(out: Path, name: str, contender: str, seed: int) -> int:
    """Run a cell in a process of its own, its output in a log; returns its exit code."""
    log = cell.place(out, name, contender, seed).with_suffix(".log")
    command = [sys.executable, "-m", "benchmarks.rivals", "--out", str(out)]
    with log.open("w") as stream:
        done = subprocess.run(
            [*command, "--cell", name, contender, str(seed)], stderr=stream, check=False
        )
    print("failed, see" if done.returncode else "done:", log, file=sys.stderr, flush=True)
    return done.returncode


def choose(contenders: list[str]) -> None:
    """Print the settings with the lowest mean error on validation labels of the seeds `CHOICE`."""
    for name, contender in itertools.product(cell.SETS, contenders):
        rows = [cell.draw(name, seed) for seed in CHOICE]
        kind = RIVALS[contender]
        tried = [
            (statistics.mean(cell.fitted(kind, settings, each)[1] for each in rows), str(settings))
            for settings in kind.candidates(name)
        ]
        print(name, contender, *min(tried))


def main(out: Path, names: list[str], only: list[str], seeds: list[int], jobs: int) -> int:
    """Run what is missing, the first seed of every cell first; returns how many failed."""
    out.mkdir(parents=True, exist_ok=True)
    asked = [(n, c, s) for s, c, n in itertools.product(seeds, only, names)]
    missing = [key for key in asked if not cell.place(out, *key).exists()]
    with ThreadPoolExecutor(jobs) as pool:
        failed = sum(map(bool, pool.map(lambda key: process(out, *key), missing)))
    table.write(out)
    return failed


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/rivals"))
    parser.add_argument("--names", nargs="+", choices=cell.SETS, default=list(cell.SETS))
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="cells at the same time")
    parser.add_argument("--choose", nargs="+", choices=RIVALS, help="print what FIXED holds")
    parser.add_argument("--table", action="store_true", help="the result from what is there")
    parser.add_argument("--cell", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    given = parsed()
    if given.cell:
        cell.run(given.out, given.cell[0], given.cell[1], int(given.cell[2]))
    elif given.choose:
        choose(given.choose)
    elif given.table:
        table.write(given.out)
    else:
        sys.exit(main(given.out, given.names, given.only, given.seeds, given.jobs))

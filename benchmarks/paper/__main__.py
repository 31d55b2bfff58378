"""Claim: trained, exported and run without torch, the methods reach the paper's table on MNIST.

Runs or resumes the grid of method x labels x seeds, each run a process of its own that can be
interrupted at any moment; the same command goes on. Needs MNIST under SSDGM_DATA_DIR.

    SSDGM_DATA_DIR=data python -m benchmarks.paper --out runs/paper --jobs 2
    SSDGM_DATA_DIR=data python -m benchmarks.paper --out runs/paper --only m1m2 --labels 100
    python -m benchmarks.paper --out runs/paper --table
"""

import argparse
import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.paper import cell, table
from benchmarks.paper.published import LABELS, PAPER

SEEDS = {100: 3}
"""Label draws by number of labels; two elsewhere."""


def cells(methods: list[str], labels: list[int], seeds: int | None) -> list[tuple[str, int, int]]:
    """The runs that are asked for: every cell's first seed before any cell's second."""
    found = [
        (method, count, seed)
        for method, count in itertools.product(methods, labels)
        for seed in range(SEEDS.get(count, 2) if seeds is None else seeds)
    ]
    return sorted(found, key=lambda key: key[2])


def run(out: Path, jobs: int, arguments: list[str]) -> int:
    """Run one cell in a process of its own, its output in a log; returns its exit code."""
    log = out / "logs" / ("-".join(a for a in arguments if not a.startswith("--")) + ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    threads = str(max((os.cpu_count() or 1) // jobs, 1))
    command = [sys.executable, "-m", "benchmarks.paper.cell", "--out", str(out), *arguments]
    with log.open("a") as stream:
        done = subprocess.run(
            command,
            stdout=stream,
            stderr=stream,
            env={**os.environ, "OMP_NUM_THREADS": threads},
            check=False,
        )
    print("failed, see" if done.returncode else "done:", log, flush=True)
    return done.returncode


def main(
    out: Path, kind: str, only: list[str], labels: list[int], seeds: int | None, jobs: int
) -> int:
    """Run what is missing; returns how many runs failed."""
    out = out / kind
    if run(out, 1, ["--kind", kind]):
        return 1
    missing = [
        ["--kind", kind, "--method", method, "--labels", str(count), "--seed", str(seed)]
        for method, count, seed in cells(only, labels, seeds)
        if not (out / cell.name(method, count, seed) / "cell.json").exists()
    ]
    with ThreadPoolExecutor(jobs) as pool:
        failed = sum(map(bool, pool.map(lambda arguments: run(out, jobs, arguments), missing)))
    table.write(out, kind)
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/paper"))
    parser.add_argument("--kind", choices=cell.STARTS, default="default", help="recipes")
    parser.add_argument("--only", nargs="+", choices=PAPER, default=list(PAPER))
    parser.add_argument("--labels", nargs="+", type=int, choices=LABELS, default=list(LABELS))
    parser.add_argument("--seeds", type=int, help="3 at 100 labels and 2 elsewhere, if left out")
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time")
    parser.add_argument("--table", action="store_true", help="the table alone, from what is there")
    given = vars(parser.parse_args())
    if given.pop("table"):
        table.write(given["out"] / given["kind"], given["kind"])
    else:
        sys.exit(main(**given))

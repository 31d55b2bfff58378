"""Claim: Ray's workers answer 10 million rows once each, in order, two 1.7 times as fast as one.

`ssdgm-runtime classify --engine ray` of an M2 of 16 columns over Parquet of 40 row groups, by one
worker and by two on this machine; seconds are from the first part to the last, without Ray's own
start. The largest memory of a worker is looked at ten times a second, and must not grow from the
first half of its parts to the second by more than 50 MB. A third run by two loses one of its
workers midway.

    python -m benchmarks.cluster [--rows 10000000] [--folder SCRATCH]
"""

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks import results
from ssdgm_export import convert
from ssdgm_train import begin, train
from ssdgm_train.recipes import recipe

COLUMNS, CLASSES, GROUPS, TRAINED = 16, 4, 40, 4000
LEAST, MOST_MB, EACH = 1.7, 50, 0.1
NAMES = [f"x{i}" for i in range(COLUMNS)]


class Run(NamedTuple):
    """What became of a run: what it said, its seconds, and a worker's memory at moments, in MB."""

    said: dict[str, Any]
    seconds: float
    memory: list[float]


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal numbers around a centre for each class, and the classes."""
    centres = np.random.default_rng(0).standard_normal((CLASSES, COLUMNS), np.float32)
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, count, np.int32)
    return centres[y] + rng.standard_normal((count, COLUMNS), np.float32), y


def bundle(folder: Path) -> Path:
    """A trained M2 of such rows."""
    x, y = rows(TRAINED, 1)
    listed = {name: x[:, i] for i, name in enumerate(NAMES)}
    parquet.write_table(pa.table({**listed, "class": y}), folder / "train.parquet")
    changes = ["train.steps=300", "model.hidden=32", "run.baseline=0", "data.label=class"]
    plan = recipe.load(None, "m2", changes)
    for _ in train(begin(folder / "train.parquet", plan, folder / "run", labelled=400)):
        pass
    return convert(folder / "run", folder / "m2.ssdgm").path


def write(path: Path, count: int) -> None:
    """Rows with their numbers as `id`, in row groups of one size."""
    kinds = [("id", pa.int64()), *((name, pa.float32()) for name in NAMES)]
    size = -(-count // GROUPS)
    with parquet.ParquetWriter(path, pa.schema(kinds)) as writer:
        for start in range(0, count, size):
            x, _ = rows(min(size, count - start), 2 + start)
            columns = {name: np.ascontiguousarray(x[:, i]) for i, name in enumerate(NAMES)}
            ids = np.arange(start, start + len(x))
            writer.write_table(pa.table({"id": ids, **columns}), size)


def ran(model: Path, data: Path, out: Path, workers: int, *, kill: bool = False) -> Run:
    """Classify, and watch; with `kill` a worker is killed when half of the parts are there."""
    words = ["classify", model, data, "-o", out, "--keep", "id", "--json"]
    engine = ["--engine", "ray", "--workers", str(workers)]
    command = [sys.executable, "-m", "ssdgm_runtime", *map(str, words), *engine]
    memory, first = list[float](), 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for _ in itertools.count():
            if process.poll() is not None:
                break
            time.sleep(EACH)
            there = len([*out.parent.glob(f".{out.name}.*.part/part-*.parquet")])
            busy = answering()
            if there and not first:
                first = time.perf_counter()
            if there:
                memory += [max(map(resident, busy), default=0.0)]
            if kill and there >= GROUPS // 2 and busy:
                os.kill(busy[0], signal.SIGKILL)
                kill = False
        last = time.perf_counter()
        assert process.stdout is not None
        said = json.loads(process.stdout.read())
    return Run(said, last - first, [m for m in memory if m])


def answering() -> list[int]:
    """The processes in which Ray answers pieces."""
    listed = subprocess.run(
        ["pgrep", "-f", "ray::.*Worker"], capture_output=True, text=True, check=False
    )
    return [int(line) for line in listed.stdout.split()]


def resident(pid: int) -> float:
    """A process's memory in MB; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    kilobytes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(kilobytes[0]) / 1e3 if kilobytes else 0.0


def in_order(out: Path, count: int) -> bool:
    """Whether the parts have every row once, in order."""
    start = 0
    for path in sorted(out.iterdir()):
        listed = parquet.read_table(path, columns=["row", "id"])
        wanted = np.arange(start, start + len(listed))
        for name in listed.column_names:
            if not np.array_equal(listed[name].to_numpy(), wanted):
                return False
        start += len(listed)
    return start == count


def main(count: int, folder: str | None) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        model, data = bundle(place), place / "rows.parquet"
        write(data, count)
        one, two, lost = (
            ran(model, data, place / f"out{i}", workers, kill=i == 2)
            for i, workers in enumerate((1, 2, 2))
        )
        complete = [in_order(place / f"out{i}", count) for i in range(3)]
    half = len(one.memory) // 2
    growth = max(one.memory[half:], default=0.0) - max(one.memory[:half], default=0.0)
    faster = one.seconds / two.seconds
    return results.write(
        "cluster",
        claim=f"{count / 1e6:g} million rows of Parquet by Ray's workers: each once and in order, "
        f"also when a worker is lost; two workers are {LEAST} times as fast as one",
        passed=all(complete) and faster >= LEAST and growth < MOST_MB,
        figures={
            "complete_and_in_order": complete,
            "two_workers_over_one": faster,
            "seconds": [run.seconds for run in (one, two, lost)],
            "rows_per_s": [count / run.seconds for run in (one, two, lost)],
            "memory_of_a_worker_mb": max(one.memory, default=0.0),
            "growth_mb": growth,
            "rows_said": [run.said["rows"] for run in (one, two, lost)],
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", dest="count", type=int, default=10_000_000)
    parser.add_argument("--folder", help="Where 1 GB may lie meanwhile.")
    main(**vars(parser.parse_args()))

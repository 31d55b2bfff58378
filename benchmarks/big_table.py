"""Claim: a Parquet file of 20 million rows x 16 columns trains one epoch within 1 GB of memory.

The file is generated, a row group at a time: four classes, standard normal numbers around a centre
a class. `ssdgm-export train` runs in a process of its own, whose peak of resident memory (VmHWM)
counts all of it, torch included. An epoch: each unlabelled row is in one batch.

    python -m benchmarks.big_table [--rows 20000000] [--folder SCRATCH]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks import results

COLUMNS, CLASSES, LABELS, HELD = 16, 4, 1000, 10_000
GROUP, BATCH = 1 << 18, 4000
MOST_MB = 1000
NAMES = [f"x{i}" for i in range(COLUMNS)]
_CODE = """
import json, pathlib, sys
from ssdgm_export import cli
code = cli.run(sys.argv[2:])
told = pathlib.Path("/proc/self/status").read_text()
peak = next(line.split()[1] for line in told.splitlines() if line.startswith("VmHWM"))
pathlib.Path(sys.argv[1]).write_text(json.dumps({"code": code, "peak_kb": int(peak)}))
"""


def generate(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLASSES, COLUMNS), np.float32)
    kinds = [(name, pa.float32()) for name in NAMES]
    with parquet.ParquetWriter(path, pa.schema([*kinds, ("label", pa.int32())])) as writer:
        for start in range(0, rows, GROUP):
            y = rng.integers(0, CLASSES, min(GROUP, rows - start), np.int32)
            x = centres[y] + rng.standard_normal((len(y), COLUMNS), np.float32)
            arrays = [*(np.ascontiguousarray(x[:, i]) for i in range(COLUMNS)), y]
            writer.write_table(pa.table(dict(zip([*NAMES, "label"], arrays, strict=True))))


def train(path: Path, out: Path, steps: int, hidden: int) -> dict[str, int]:
    """Train in a process of its own."""
    settings = {
        "train.unlabelled_batch": BATCH,
        "train.steps": steps,
        "model.hidden": hidden,
        "model.latent": 8,
    }
    changes = [word for k, v in settings.items() for word in ("--set", f"{k}={v}")]
    told = out.with_suffix(".json")
    words = [str(path), "--method", "m2", "--label", "label", "--labels", str(LABELS)]
    words += ["--out", str(out), "--quiet"]
    command = [sys.executable, "-c", _CODE, str(told), "train", *words, "--device", "cpu"]
    environment = {**os.environ, "SSDGM_CACHE_DIR": str(path.parent / "cache")}
    subprocess.run([*command, *changes], env=environment, check=True)
    found: dict[str, int] = json.loads(told.read_text())
    return found


def main(rows: int, hidden: int, folder: str | None) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path, out = Path(name) / "big.parquet", Path(name) / "run"
        generate(path, rows)
        size, steps = path.stat().st_size, -(-(rows - LABELS - min(rows // 10, HELD)) // BATCH)
        begin = time.perf_counter()
        found = train(path, out, steps, hidden)
        seconds = time.perf_counter() - begin
        records = (out / "metrics.jsonl").read_text().splitlines()
        result = json.loads((out / "result.json").read_text())
    peak = found["peak_kb"] * 1024 / 1e6
    return results.write(
        "big_table",
        claim=f"{rows / 1e6:g} million rows x {COLUMNS} of Parquet: an epoch within 1 GB",
        passed=not found["code"] and peak < MOST_MB and len(records) > 0,
        figures={
            "peak_resident_mb": peak,
            "rows_mb_in_memory_would_be": 4 * rows * COLUMNS / 1e6,
            "file_mb": size / 1e6,
            "seconds_in_all": seconds,
            "rows_per_s_in_all": rows / seconds,
            "steps": steps,
            "batch": BATCH,
            "hidden": hidden,
            "validation_error_percent": 100 * result["validation"]["error"],
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--folder", help="Where 4 GB may lie meanwhile.")
    main(**vars(parser.parse_args()))

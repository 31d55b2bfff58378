"""Claim: a million rows stream through `classify_iter` in flat memory.

A fresh process for each source, a mapped .npy file of MNIST test images over and over (784 MB) and
a generator of them; results are looked at and dropped. Anonymous memory may grow by at most 64 MB
above the loaded model, which has answered once, and not between the first tenth and the last.

    SSDGM_DATA_DIR=data python -m benchmarks.streaming
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import ssdgm_runtime
from benchmarks import child, results

ROWS, MOST_MB = 1_000_000, 64.0
SOURCES = ("npy", "generator")


def anonymous_mb() -> float:
    """The anonymous memory that this process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def drawn(path: Path) -> Iterator[np.ndarray]:
    """The file's rows in batches of odd sizes."""
    rows, start, sizes = np.load(path, mmap_mode="r"), 0, (1, 700, 3, 256)
    while start < len(rows):
        size = sizes[start % len(sizes)]
        yield rows[start : start + size]
        start += size


def stream(kind: str, path: str, bundle: str, workers: int) -> dict[str, float]:
    """Classify everything; what memory did, and the rows a second."""
    with ssdgm_runtime.load(bundle, provider="cpu", variant="fp32", threads=1) as opened:
        opened.classify(np.load(path, mmap_mode="r")[:256])
        before, held, ones = anonymous_mb(), [], 0
        begin = time.perf_counter()
        source = path if kind == "npy" else drawn(Path(path))
        for part in opened.classify_iter(source, batch_size=256, workers=workers):
            ones += int((part.labels == 1).sum())
            held.append(anonymous_mb())
        seconds = time.perf_counter() - begin
    tenth = len(held) // 10
    return {
        "above_model_mb_max": max(held) - before,
        "growth_mb_first_to_last_tenth": max(held[-tenth:]) - max(held[:tenth]),
        "rows_per_s": ROWS / seconds,
        "rows_labelled_1": ones,
    }


def write(path: Path, x: np.ndarray) -> None:
    """A million images, block by block."""
    target = np.lib.format.open_memmap(path, mode="w+", dtype=x.dtype, shape=(ROWS, *x.shape[1:]))
    for start in range(0, ROWS, len(x)):
        target[start : start + len(x)] = x[: ROWS - start]
    target.flush()


def main(workers: int) -> dict[str, object]:
    from benchmarks import models  # brings torch, which the measured processes do without

    made = models.make("m2")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        write(path, models.test_rows()[0])
        given = {"path": str(path), "bundle": str(made.bundle), "workers": workers}
        found = {kind: child.call(__spec__.name, "stream", kind=kind, **given) for kind in SOURCES}
    flat = all(f["above_model_mb_max"] < MOST_MB for f in found.values())
    alike = len({f["rows_labelled_1"] for f in found.values()}) == 1
    return results.write(
        "streaming",
        claim=f"a million rows streamed within {MOST_MB:g} MB above the loaded model",
        passed=flat and alike,
        figures={**found, "rows": ROWS, "workers": workers, "threads": 1},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1)
    main(**vars(parser.parse_args()))

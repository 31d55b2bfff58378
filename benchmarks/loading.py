"""Claim: training waits for data less than 5 % of its time, with rows in memory or in a file.

M2 as its recipe has it, on MNIST, on a folder of JPEG images (cifar10-folder), both of which are
decoded once and then lie in memory, and on x.npy of 5 million rows x 16, which stays in its file.
The time within the training loop until a batch is there, over the loop's whole time.

    SSDGM_DATA_DIR=data python -m benchmarks.loading [--seconds 40]
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks import results
from ssdgm_train import begin, method
from ssdgm_train.data import store
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import fitting
from ssdgm_train.training import loop

MOST = 0.05
ROWS, COLUMNS, CLASSES = 5_000_000, 16, 4
LABELS = {"mnist": 100, "cifar10-folder": 1000, "mapped": 100}


class Watch:
    """A stage's batches, and how long each was waited for."""

    def __init__(self, serve: loop.Serve) -> None:
        self._serve, self.waits = serve, list[float]()

    def __call__(self, stage: loop.Stage, model: nn.Module) -> loop.Draw:
        """Enter a stage."""
        draw = self._serve(stage, model)

        def watched(step: int) -> method.Batch:
            start = time.perf_counter()
            batch = draw(step)
            self.waits.append(time.perf_counter() - start)
            return batch

        return watched


def write_mapped(folder: Path) -> Path:
    """Rows of four classes in x.npy, their classes in y.npy."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, ROWS)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (ROWS, COLUMNS))
    for start, piece in store.pieces(x):
        of = y[start : start + len(piece), None]
        piece[:] = rng.standard_normal(piece.shape, np.float32) + (np.arange(COLUMNS) % 4 == of)
    np.save(folder / "y.npy", y)
    return folder / "x.npy"


def measured(source: str, out: Path, labels: int, least: float) -> dict[str, Any]:
    """Train for so many seconds at least."""
    start = time.perf_counter()
    begun = begin(source, recipe.load(None, "m2"), out, labels)
    loaded = time.perf_counter() - start
    watch, start, seconds = Watch(fitting._server(begun)), time.perf_counter(), 0.0
    for _ in loop.fit(begun.model, begun.stages, begun.sizes, watch, begun.state):
        seconds = time.perf_counter() - start
        if seconds > least:
            break
    return {
        "share_waiting": sum(watch.waits) / seconds,
        "longest_wait_ms": 1000 * max(watch.waits),
        "steps": len(watch.waits),
        "in_a_file": store.mapped(begun.data.x),
        "rows": len(begun.data.x),
        "seconds_to_begin": loaded,
    }


def main(seconds: float) -> dict[str, object]:
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        sources = {key: key for key in LABELS} | {"mapped": str(write_mapped(Path(name)))}
        for key, source in sources.items():
            found[key] = measured(source, Path(name) / f"run-{key}", LABELS[key], seconds)
    return results.write(
        "loading",
        claim=f"training waits for data less than {100 * MOST:g} % of its time",
        passed=all(figures["share_waiting"] < MOST for figures in found.values()),
        figures={**found, "torch_threads": torch.get_num_threads()},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=40)
    main(**vars(parser.parse_args()))

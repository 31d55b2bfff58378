"""Claim: with labels of 1 and 10 % of the engines, m2's RMSE is below its own network's on these.

C-MAPSS FD001, cycles left until an engine fails, capped at 125 as the field does. A row is a
window of 30 cycles of the sensors that vary, [channels, 30]; the 100 test rows are the last
windows of the test engines, scored once. Of the 100 training engines 1, 10 or 80 have labels and
as many others, 20 at most, are there to choose by; every third window of all of them is there
without a label.

Everybody chooses among a few settings by the RMSE of the latter engines: m2 and the same network
on the labels alone among lengths and weights, gradient boosting on each channel's mean, deviation,
last value and slope among its rates and leaves. A draw says which engines have labels.

A cell that is there is not run again. Needs cmapss-fd001 under SSDGM_DATA_DIR.

    SSDGM_DATA_DIR=data python -m benchmarks.numbers --out runs/numbers
    python -m benchmarks.numbers --out runs/numbers --table
"""

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks import cells, results
from benchmarks.cells import Cell
from ssdgm_train import begin, evaluation, train
from ssdgm_train.recipes import recipe

FOLDER, FILE = "cmapss-fd001", "cmapss_fd001.npz"
CAP, LENGTH, STRIDE = 125, 30, 3
ENGINES = {"1 %": 1, "10 %": 10, "100 %": 80}
"""Engines with labels; of the 100 at least as many others, 20 at most, are to choose by."""
MOST_HELD = 20
NETWORK = (
    *("model.pooled=[32, 64, 64]", "model.hidden=[100]", "model.network=mlp"),
    *("train.labelled_batch=50", "data.validation=0", "run.baseline=0"),
    *('data.labels_as="numbers"', "run.evaluate_every=1000000"),
)
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "m2": {"train.steps": (300, 1000), "train.decay": (10,), "model.alpha": (1, 10, 100)},
    "supervised": {"train.steps": (100, 300, 1000), "train.decay": (0, 10)},
    "boosting": {"learning_rate": (0.03, 0.1), "max_iter": (100, 300), "max_leaf_nodes": (4, 31)},
}
TITLES = {
    "m2": "M2 (ours)",
    "supervised": "the same network on the labels alone (ours)",
    "boosting": "HistGradientBoostingRegressor",
}
Array = np.ndarray


@dataclass(frozen=True)
class Rows:
    """Windows with their cycles left: labelled, to choose by, of all engines, and to test on."""

    x: Array
    y: Array
    x_held: Array
    y_held: Array
    x_free: Array
    x_test: Array
    y_test: Array


def windows(x: Array, y: Array, engine: Array, stride: int) -> tuple[Array, Array]:
    """Every so many windows of each engine, its last among them, and the last cycle's label."""
    parts, labels = [], []
    for one in np.unique(engine):
        own, left = x[engine == one], y[engine == one]
        for end in range(len(own), LENGTH - 1, -stride):
            parts.append(own[end - LENGTH : end].T)
            labels.append(left[end - 1])
    return np.stack(parts).astype(np.float32), np.array(labels, np.float64)


def drawn(engines: int, seed: int) -> Rows:
    """The windows of a draw; sensors that never change are left out."""
    with np.load(Path(os.environ["SSDGM_DATA_DIR"]) / FOLDER / FILE) as arrays:
        data = dict(arrays)
    varies = data["x_train"].std(0) > 1e-6
    order = np.random.default_rng((seed, 11)).permutation(np.unique(data["unit_train"]))
    known, held = order[:engines], order[engines:][: min(engines, MOST_HELD)]
    x, y, unit = data["x_train"][:, varies], np.minimum(data["y_train"], CAP), data["unit_train"]

    def part(names: Array, stride: int) -> tuple[Array, Array]:
        chosen = np.isin(unit, names)
        return windows(x[chosen], y[chosen], unit[chosen], stride)

    tests = data["x_test"][:, varies], np.minimum(data["y_test"], CAP), data["unit_test"]
    last = [windows(*(each[tests[2] == e] for each in tests), 10**6) for e in np.unique(tests[2])]
    x_test, y_test = (np.concatenate(each) for each in zip(*last, strict=True))
    return Rows(*part(known, 1), *part(held, STRIDE), part(order, STRIDE)[0], x_test, y_test)


def settings(contender: str) -> Iterator[Cell]:
    """What a contender chooses among."""
    grid = GRIDS[contender]
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def features(x: Array) -> Array:
    """Each channel's mean, deviation, last value and slope, [n, 4 * channels]."""
    moments = np.arange(LENGTH) - (LENGTH - 1) / 2
    slope = (x * moments).sum(-1) / (moments**2).sum()
    return np.concatenate([x.mean(-1), x.std(-1), x[..., -1], slope], 1)


def boosted(rows: Rows, chosen: Cell) -> tuple[Array, Array]:
    """What boosting says of the windows to choose by, and of the test windows."""
    model = HistGradientBoostingRegressor(**chosen, early_stopping=False, random_state=0)
    model.fit(features(rows.x), rows.y)
    return model.predict(features(rows.x_held)), model.predict(features(rows.x_test))


def trained(rows: Rows, method: str, chosen: Cell, seed: int) -> tuple[Array, Array]:
    """The same of a network of ours."""
    free = rows.x_free if method == "m2" else rows.x_free[:0]
    x = np.concatenate([rows.x, free])
    y = np.concatenate([rows.y, np.full(len(free), np.nan)])
    plan = recipe.load(None, method, [*NETWORK, *(f"{k}={v}" for k, v in chosen.items())])
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "set.npz", x=x, y=y)
        source, out = str(Path(folder) / "set.npz"), Path(folder) / "run"
        session = begin(source, plan, out, seed=seed, device="cpu")
        for _ in train(session):
            pass
        labels = session.model.labels
        held, test = (
            labels.outputs(evaluation.raw(session.model, part, session.device))["mean"][:, 0]
            for part in (rows.x_held, rows.x_test)
        )
    return held.numpy(), test.numpy()


def rmse(said: Array, y: Array) -> float:
    return float(np.sqrt(np.mean((said - y) ** 2)))


def cell(out: Path, key: cells.Key, seed: int) -> Cell:
    """A contender's test error at the settings with the lowest error to choose by."""
    share, contender = map(str, key)
    rows, began, tried = drawn(ENGINES[share], seed), time.perf_counter(), []
    for chosen in settings(contender):
        if contender == "boosting":
            held, test = boosted(rows, chosen)
        else:
            held, test = trained(rows, contender, chosen, seed)
        tried.append((rmse(held, rows.y_held), chosen, test))
        print(share, contender, seed, chosen, f"{tried[-1][0]:.2f}", file=sys.stderr, flush=True)
    error, chosen, test = min(tried, key=lambda one: one[0])
    return {
        "share": share,
        "contender": contender,
        "seed": seed,
        "rmse": rmse(test, rows.y_test),
        "held": error,
        "settings": chosen,
        "seconds": time.perf_counter() - began,
    }


def write(ended: list[Cell]) -> None:
    """Write results/numbers.json from the cells that are there."""
    figures: Cell = {"draws": sorted({c["seed"] for c in ended})}
    below = {}
    for share in ENGINES:
        mine = {key: cells.by_draw(ended, "rmse", share=share, contender=key) for key in TITLES}
        figures[f"RMSE, labels of {share} of the engines"] = {
            title: cells.mean(mine[key]) for key, title in TITLES.items() if mine[key]
        }
        below[share] = round(cells.gain(mine["supervised"], mine["m2"]) or 0.0, 2)
    results.write(
        "numbers",
        claim="on C-MAPSS FD001 with labels of 1 and 10 % of the engines, m2's RMSE is below that"
        " of the same network on the labels alone, on average over draws",
        passed=below["1 %"] > 0 and below["10 %"] > 0,
        figures={"cycles_below_the_labels_alone": below, **figures},
    )


if __name__ == "__main__":
    cells.Cells("numbers", lambda: itertools.product(ENGINES, TITLES), cell, write).main(__doc__)

"""Claim: with 100 labelled pictures m2's joints are nearer than those of the same network on them.

The thousand sport pictures of lspet-pose with 14 joints, padded to 48 x 48: 200, drawn once, are
scored once, and 100 of the others have joints, so that 700 have none. A joint is right if it is
within a fifth of the torso, from the left hip to the right shoulder; pictures without a known
torso are left out. The joints of the crowd's workers are noisy by the authors' own account.

Ours is the recipe default-m2-points as it ships. The same network on the labels alone sees the
same pictures turned and moved with their joints. Beside them stand what a user would take without
a network, ridge regression and nearest neighbours on the pixels, their settings chosen by 100
pictures more, and who always says the mean joint.

Needs lspet-pose under SSDGM_DATA_DIR. A cell that is there is not run again.

    SSDGM_DATA_DIR=data python -m benchmarks.poses --out runs/poses --seeds 0
"""

import os
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor

from benchmarks import cells, results
from benchmarks.cells import Cell
from ssdgm_train import begin, data, evaluation, resume, train
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import split
from ssdgm_train.recipes import recipe, shelf

FOLDER, INSIDE = "lspet-pose", "lspet-pose"
SIDE, TESTS, DRAWN, LABELS, HELD = 48, 200, 2011, 100, 100
NEAR = 0.2
"""How near a joint must be, in lengths of the torso."""

RECIPE = "default-m2-points"
TITLES = {
    "m2": "M2 (ours)",
    "supervised": "the same network on the labels alone (ours)",
    "ridge": "RidgeCV on pixels",
    "neighbours": "KNeighborsRegressor on pixels",
    "mean": "the mean joint",
}
Array = np.ndarray
"""Joints are [n, 14, 2], NaN where one is not known."""


def prepared(out: Path) -> Path:
    """The file of pictures and joints, the test pictures apart."""
    path, root = out / "poses.npz", out / "pictures"
    if path.exists():
        return path
    (archive,) = (Path(os.environ["SSDGM_DATA_DIR"]) / FOLDER).glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(root, filter="data")
    (root / INSIDE / "joints.csv").rename(root / INSIDE / "labels.csv")
    plan = DataPlan(labels_as="points", resize=f"pad {SIDE}x{SIDE}")
    whole = data.load(str(root / INSIDE), plan=plan)
    order = np.random.default_rng(DRAWN).permutation(len(whole.x))
    tests, rest = np.sort(order[:TESTS]), np.sort(order[TESTS:])
    names = np.array([str(name) for name in whole.classes])
    parts = {"x": whole.x[rest], "y": whole.y[rest]}
    parts |= {"x_test": whole.x[tests], "y_test": whole.y[tests]}
    np.savez(path, names=names, **parts)
    return path


def settings(method: str) -> list[str]:
    """The settings of the recipe, for the network on the labels alone without what it has not."""
    table = shelf.read(RECIPE)
    table.pop("method")
    if method == "supervised":
        table["model"] = {"channels": table["model"]["channels"]}
        table["regularise"] = {"augmented": 1.0, "average": table["regularise"]["average"]}
        table["train"].pop("unlabelled_batch")
    own = [f"{part}.{k}={_word(v)}" for part, t in table.items() for k, v in t.items()]
    return [*own, f"data.validation={HELD}", "run.baseline=0"]


def _word(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def networked(path: Path, method: str, seed: int, out: Path) -> Array:
    """The test joints of a network of ours."""
    if out.exists():
        session = resume(out)
    else:
        plan = recipe.load(None, method, settings(method))
        session = begin(str(path), plan, out, LABELS, seed=seed, device="cpu", threads=1)
    for _ in train(session):
        pass
    session = resume(out)
    raw = evaluation.raw(session.model, session.data.x_test, session.device)
    return session.model.labels.outputs(raw)["mean"].numpy()


def by_pixels(path: Path, contender: str, seed: int) -> Array:
    """The test joints of a regressor of pixels; each number by the pictures that have it."""
    whole = data.load(str(path), plan=DataPlan(labels_as="points"))
    parts = split(whole, LABELS, HELD, seed)
    x = whole.x.reshape(len(whole.x), -1) / 255
    asked = whole.x_test.reshape(len(whole.x_test), -1) / 255
    said = np.empty(whole.y_test.shape)
    for number, y in enumerate(whole.y.T):
        rows = parts.labelled[~np.isnan(y[parts.labelled])]
        held = parts.validation[~np.isnan(y[parts.validation])]
        if contender == "mean":
            said[:, number] = y[rows].mean()
            continue
        tried = [model.fit(x[rows], y[rows]) for model in _models(contender, len(rows))]
        errors = [np.mean((model.predict(x[held]) - y[held]) ** 2) for model in tried]
        said[:, number] = tried[int(np.argmin(errors))].predict(asked)
    return said


def _models(contender: str, rows: int) -> list[Any]:
    if contender == "ridge":
        return [RidgeCV(alphas=np.logspace(-1, 5, 13))]
    return [KNeighborsRegressor(k) for k in (1, 3, 5, 10, 20) if k <= rows]


def right(said: Array, y: Array, names: Array) -> Array:
    """Which joints are within a fifth of the torso, [n, 14]; NaN where that is not known."""
    true = y.reshape(len(y), -1, 2)
    joints = [str(name).removesuffix("_x") for name in names[::2]]
    hip, shoulder = (joints.index(name) for name in ("left_hip", "right_shoulder"))
    torso = np.linalg.norm(true[:, hip] - true[:, shoulder], axis=-1)[:, None]
    off = np.linalg.norm(said.reshape(true.shape) - true, axis=-1)
    return np.where(np.isnan(off) | np.isnan(torso), np.nan, off <= NEAR * torso)


def cell(out: Path, key: cells.Key, seed: int) -> Cell:
    """A contender's share of right joints."""
    (contender,) = map(str, key)
    path, began = prepared(out), time.perf_counter()
    if contender in ("m2", "supervised"):
        said = networked(path, contender, seed, out / f"{contender}-{seed}")
    else:
        said = by_pixels(path, contender, seed)
    with np.load(path) as arrays:
        score = right(said, arrays["y_test"], arrays["names"])
    return {
        "contender": contender,
        "seed": seed,
        "pck": float(np.nanmean(score)),
        "joints": int((~np.isnan(score)).sum()),
        "seconds": time.perf_counter() - began,
    }


def write(ended: list[Cell]) -> None:
    """Write results/poses.json from the cells that are there."""
    shares = {key: cells.by_draw(ended, "pck", contender=key) for key in TITLES}
    more = cells.gain(shares["m2"], shares["supervised"])
    results.write(
        "poses",
        claim="on lspet-pose with 100 labelled pictures, m2's share of joints within a fifth of"
        " the torso is above that of the same network on the labels alone, on average over draws",
        passed=more is not None and more > 0,
        figures={
            "draws": sorted({c["seed"] for c in ended}),
            "points_above_the_labels_alone": round(100 * (more or 0.0), 2),
            "PCK at 0.2 of the torso, %": {
                TITLES[key]: cells.mean(each, 100) for key, each in shares.items() if each
            },
        },
    )


if __name__ == "__main__":
    cells.Cells("poses", lambda: ((key,) for key in TITLES), cell, write, seeds=(0,)).main(__doc__)

"""Claim: with few labels m2 finds seizures better than features with an SVC and the labels alone.

The Bonn recordings, 500 segments of one channel, 23.6 s at 173.61 Hz: seizures (set S) against the
other four sets. 200 segments, as many of each set, are the test set, the others are trained on; 5
or 20 of seizures and as many of the rest have labels. A segment is a row, so that nothing of one
is on both sides.

Ours is m2 by the recipe default-m2-windows with all training segments, converted, verified, and
asked in the runtime; `supervised`, the same network with the same augmentation, has the labelled
segments alone. Features and an SVC: the logarithms of the powers of five bands, of their shares,
and of line length, variance, mobility and complexity (Hjorth), and the spectral entropy; C and
gamma by the cross-validated area of the labelled segments. The area under the ROC curve of the
test segments, which are scored once. A draw says which segments are to test on and have labels.

A cell that is there is not run again. Needs bonn-eeg under SSDGM_DATA_DIR.

    SSDGM_DATA_DIR=data python -m benchmarks.seizures --out runs/seizures
    python -m benchmarks.seizures --out runs/seizures --table
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import ssdgm_export
import ssdgm_runtime
from benchmarks import cells, results
from benchmarks.cells import Cell
from ssdgm_train import begin, evaluation, resume, train
from ssdgm_train.recipes import recipe, shelf
from ssdgm_train.runs import directory, loading

BUDGETS = (5, 20)
TESTS = 40
"""Test segments of each set."""
RATE = 173.61
BANDS = ((0.5, 4), (4, 8), (8, 13), (13, 30), (30, 80))
"""Delta, theta, alpha, beta and gamma, in Hz."""
RECIPE = "default-m2-windows"
OURS, ALONE, FEATURES = "m2", "supervised", "features"
TITLES = {
    OURS: "m2 (ours)",
    ALONE: "the same network, the labels alone",
    FEATURES: "features, SVC",
}
GRID = {"svc__C": [0.1, 1, 10, 100], "svc__gamma": ["scale", 0.01, 0.1, 1]}
UNKNOWN = -1
Array = np.ndarray
Set = dict[str, Array]


def drawn(labels: int, seed: int) -> Set:
    """Training and test segments, all but a few of the training labels unknown."""
    with np.load(Path(os.environ["SSDGM_DATA_DIR"]) / "bonn-eeg" / "bonn_eeg.npz") as found:
        x, group = found["x"].astype(np.float32)[:, None], found["y"]
        seizure = int(np.flatnonzero(found["names"] == "S")[0])
    rng, y = np.random.default_rng((seed, 41)), (group == seizure).astype(np.int64)
    order = rng.permutation(len(y))
    test = np.concatenate([order[group[order] == k][:TESTS] for k in np.unique(group)])
    rest = np.setdiff1d(order, test)
    rest = rest[rng.permutation(len(rest))]
    known = np.concatenate([np.flatnonzero(y[rest] == k)[:labels] for k in (0, 1)])
    told = np.full(len(rest), UNKNOWN)
    told[known] = y[rest][known]
    return {"x": x[rest], "y": told, "x_test": x[test], "y_test": y[test]}


def settings(method: str) -> list[str]:
    """The settings of the recipe; of the network on the labels alone, those that it has."""
    table = shelf.read(RECIPE)
    table.pop("method")
    if method == ALONE:
        kept = ("hidden", "network", "pooled", "activation", "batch_norm")
        table["model"] = {key: table["model"][key] for key in kept}
        table["regularise"] = {"augmented": 1.0, "average": table["regularise"]["average"]}
        table["train"].pop("unlabelled_batch")
    own = [f"{part}.{k}={json.dumps(v)}" for part, t in table.items() for k, v in t.items()]
    return [*own, "data.validation=0", "run.baseline=0"]


def networked(arrays: Set, method: str, seed: int, out: Path) -> tuple[Array, Cell]:
    """The scores of the test segments by a network in the runtime, and what became of it."""
    if out.exists():
        session = resume(out)
    else:
        np.savez(out.with_suffix(".npz"), **arrays)
        plan = recipe.load(None, method, settings(method))
        source = str(out.with_suffix(".npz"))
        session = begin(source, plan, out, seed=seed, device="cpu", threads=1)
    for _ in train(session):
        pass
    run = directory.Run(out)
    trained = loading.load_model(run).eval()
    raw = evaluation.raw(trained, arrays["x_test"], torch.device("cpu"))
    place = out.with_suffix(".ssdgm")
    bundle = place if place.exists() else ssdgm_export.convert(out, place).path
    with ssdgm_runtime.load(bundle, provider="cpu", threads=1) as model:
        verified = model.verify().passed
        said = model.predict_proba(arrays["x_test"])[:, 1]
    probs = (raw / (run.result.temperature if run.result else 1.0)).softmax(-1)[:, 1].numpy()
    gap = float(np.abs(probs - said).max())
    return said, {"verified": verified, "largest difference from torch": gap}


def described(x: Array) -> Array:
    """Features of segments [n, 1, time], [n, features]."""
    rows = x[:, 0] - x[:, 0].mean(1, keepdims=True)
    power = np.abs(np.fft.rfft(rows * np.hanning(rows.shape[1]))) ** 2
    hertz = np.fft.rfftfreq(rows.shape[1], 1 / RATE)
    bands = np.stack([power[:, (low <= hertz) & (hertz < high)].sum(1) for low, high in BANDS], 1)
    shares = power / power.sum(1, keepdims=True)
    entropy = -(shares * np.log(shares + 1e-12)).sum(1)
    first, second = np.diff(rows), np.diff(rows, n=2)
    mobility = first.std(1) / rows.std(1)
    others = (
        np.abs(first).sum(1),
        rows.var(1),
        mobility,
        second.std(1) / first.std(1) / mobility,
    )
    positive = np.column_stack([bands, bands / bands.sum(1, keepdims=True), *others])
    return np.column_stack([np.log(positive), entropy])


def by_features(arrays: Set) -> tuple[Array, Cell]:
    """The scores of the test segments by an SVC, and what it was tuned to."""
    at = arrays["y"] != UNKNOWN
    x, y = described(arrays["x"][at]), arrays["y"][at]
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), SVC())
    search = GridSearchCV(model, GRID, scoring="roc_auc", cv=folds).fit(x, y)
    return search.decision_function(described(arrays["x_test"])), {
        "chosen": str(search.best_params_)
    }


def cell(out: Path, key: cells.Key, seed: int) -> Cell:
    """A contender's area under the ROC curve."""
    labels, contender = int(key[0]), str(key[1])
    arrays, began = drawn(labels, seed), time.perf_counter()
    if contender == FEATURES:
        said, about = by_features(arrays)
    else:
        said, about = networked(arrays, contender, seed, out / f"{contender}-{labels}-{seed}")
    return {
        "labels": labels,
        "contender": contender,
        "seed": seed,
        "auroc": float(roc_auc_score(arrays["y_test"], said)),
        "seconds": time.perf_counter() - began,
        **about,
    }


def keys() -> Iterator[cells.Key]:
    """Budgets with who is there for them, the quick one first."""
    for contender in (FEATURES, OURS, ALONE):
        yield from ((labels, contender) for labels in BUDGETS)


def write(ended: list[Cell]) -> None:
    """Write results/seizures.json from the cells that are there."""
    figures: Cell = {"draws": sorted({c["seed"] for c in ended})}
    passed = bool(ended)
    for labels in BUDGETS:
        areas = {k: cells.by_draw(ended, "auroc", labels=labels, contender=k) for k in TITLES}
        figures[f"AUROC, {labels} labels a class, %"] = {
            TITLES[key]: cells.mean(each, 100, digits=1) for key, each in areas.items() if each
        }
        gains = (cells.gain(areas[OURS], areas[key]) for key in (ALONE, FEATURES))
        passed &= all(gain is not None and gain > 0 for gain in gains)
    figures["bundles verified"] = all(c["verified"] for c in ended if "verified" in c)
    results.write(
        "seizures",
        claim="on bonn-eeg, seizures against the rest, with 5 and 20 labelled segments a class,"
        " the area under m2's ROC curve is above that of the same network on the labels alone and"
        " of features before an SVC, on average over draws",
        passed=passed,
        figures=figures,
    )


if __name__ == "__main__":
    cells.Cells("seizures", keys, cell, write).main(__doc__)

"""Claim: with masks of 10 nucleus pictures, segment's IoU is 3 points above its own network's.

dsb2018-nuclei, grey pictures of cell nuclei from several experiments: 300 are there to train on,
of which 10 or 40 have masks, and 124, drawn once, are scored once by the intersection over union
of nuclei over all of their places. The network on the labels alone has the same layers, cuts,
turns and steps. Beside them stand what a user would take without a network: Otsu's threshold of
each picture, nuclei being the smaller part, and a random forest over each place's filtered values,
trained on 2,000 places of each labelled picture and scored on every second row and column.

Settings are the first that were tried, short runs for two busy cores; 40 of the 300 training
pictures are held out for validation, and their masks are extra. Needs dsb2018-nuclei under
SSDGM_DATA_DIR. A cell that is there is not run again.

    SSDGM_DATA_DIR=data python -m benchmarks.nuclei --out runs/nuclei
    python -m benchmarks.nuclei --out runs/nuclei --table
"""

import itertools
import sys
import time
from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier

from benchmarks import cells, results
from benchmarks.cells import Cell
from ssdgm_train import begin, data, resume, train
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import split
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory

FOLDER, TESTS, DRAWN = "dsb2018-nuclei", 124, 2018
LABELS = (10, 40)
NETWORK = (
    *('data.labels_as="masks"', "data.turned=true", "data.validation=40", "data.cut=64"),
    *("model.channels=[8, 16, 32, 32]", "train.labelled_batch=8", "run.baseline=0"),
    *("train.steps=400", "train.learning_rate=0.003", "run.evaluate_every=200"),
)
OURS = (
    *("model.painting=[8, 16]", "model.summary=[8, 16, 16]", "train.unlabelled_batch=8"),
    *("model.bound=0.02", "regularise.consistency=1", "regularise.threshold=0.9"),
    "regularise.average=0.99",
)
SETTINGS = {"segment": (*NETWORK, *OURS), "supervised": (*NETWORK, "regularise.average=0.99")}
TITLES = {
    "segment": "segment (ours)",
    "supervised": "the same network on the labels alone (ours)",
    "forest": "RandomForestClassifier over filtered places",
    "otsu": "Otsu's threshold",
}
SCALES, PLACES, TREES = (1, 2, 4, 8), 2000, 30
UNKNOWN = 255
Array = np.ndarray


def prepared(out: Path) -> Path:
    """The file of pictures and masks, the test pictures apart."""
    path = out / "nuclei.npz"
    if not path.exists():
        whole = data.load(FOLDER, plan=DataPlan(labels_as="masks", objects=True))
        order = np.random.default_rng(DRAWN).permutation(len(whole.x))
        tests, rest = np.sort(order[:TESTS]), np.sort(order[TESTS:])
        names = np.array(["background", "nucleus"])
        np.savez(
            path,
            x=whole.x[rest],
            y=whole.y[rest],
            x_test=whole.x[tests],
            y_test=whole.y[tests],
            names=names,
        )
    return path


def networked(path: Path, contender: str, labels: int, seed: int, out: Path) -> float:
    """The test IoU of a network of ours."""
    if out.exists():
        session = resume(out)
    else:
        plan = recipe.load(None, contender, SETTINGS[contender])
        session = begin(str(path), plan, out, labels, seed=seed, device="cpu", threads=1)
    for progress in train(session):
        if progress.validation:
            print(out.name, progress.step, progress.validation.words, file=sys.stderr, flush=True)
    score = directory.ended(directory.Run(out)).test
    assert score is not None
    assert score.iou is not None
    return score.iou[1]


def overlap(said: Array, y: Array) -> tuple[int, int]:
    """How many known places are nuclei by both, and by either."""
    known, truth = y != UNKNOWN, y == 1
    return int((said & truth & known).sum()), int(((said | truth) & known).sum())


def otsu(x: Array) -> Array:
    """Which places of a picture are on the smaller side of Otsu's threshold (Otsu, 1979)."""
    shares = np.bincount(x.ravel(), minlength=256) / x.size
    below, mean = np.cumsum(shares), np.cumsum(shares * np.arange(256))
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (mean[-1] * below - mean) ** 2 / (below * (1 - below))
    bright = x > int(np.nanargmax(between))
    return bright if bright.mean() <= 0.5 else ~bright


def filtered(x: Array) -> Array:
    """Each place's value, smoothed, with its slope and its bend at several scales, [h, w, 13]."""
    value = x.astype(np.float32)
    maps = [value]
    for scale in SCALES:
        maps += [
            ndimage.gaussian_filter(value, scale),
            ndimage.gaussian_gradient_magnitude(value, scale),
            ndimage.gaussian_laplace(value, scale),
        ]
    return np.stack(maps, -1)


def cropped(x: Array, y: Array) -> tuple[Array, Array]:
    """A picture without the border that only brings all to one size."""
    known = y != UNKNOWN
    high, wide = int(known.any(1).sum()), int(known.any(0).sum())
    return x[:high, :wide], y[:high, :wide]


def forest(path: Path, labels: int, seed: int) -> float:
    """The test IoU of a random forest over places."""
    whole = data.load(str(path), plan=DataPlan(labels_as="masks"))
    rows = split(whole, labels, 40, seed).labelled
    rng, parts = np.random.default_rng(seed), []
    for row in rows:
        x, y = cropped(whole.x[row], whole.y[row])
        chosen = rng.choice(y.size, PLACES, replace=False)
        parts.append((filtered(x).reshape(y.size, -1)[chosen], y.ravel()[chosen]))
    features, codes = (np.concatenate(each) for each in zip(*parts, strict=True))
    model = RandomForestClassifier(TREES, min_samples_leaf=5, random_state=seed)
    model.fit(features, codes)
    counts = []
    for x, y in zip(whole.x_test, whole.y_test, strict=True):
        x, y = cropped(x, y)
        few = filtered(x)[::2, ::2]
        said = model.predict(few.reshape(-1, few.shape[-1])).reshape(few.shape[:2]) == 1
        counts.append(overlap(said, y[::2, ::2]))
    return _iou(counts)


def thresholded(path: Path) -> float:
    """The test IoU of a threshold a picture."""
    with np.load(path) as arrays:
        pairs = [cropped(*pair) for pair in zip(arrays["x_test"], arrays["y_test"], strict=True)]
    return _iou([overlap(otsu(x), y) for x, y in pairs])


def _iou(counts: list[tuple[int, int]]) -> float:
    both, either = np.array(counts).sum(0)
    return float(both / either)


def cell(out: Path, key: cells.Key, seed: int) -> Cell:
    """A contender's test IoU."""
    labels, contender = int(key[0]), str(key[1])
    path, began = prepared(out), time.perf_counter()
    if contender == "otsu":
        iou = thresholded(path)
    elif contender == "forest":
        iou = forest(path, labels, seed)
    else:
        iou = networked(path, contender, labels, seed, out / f"{labels}-{contender}-{seed}")
    seconds = time.perf_counter() - began
    return {"labels": labels, "contender": contender, "seed": seed, "iou": iou, "seconds": seconds}


def write(ended: list[Cell]) -> None:
    """Write results/nuclei.json from the cells that are there."""
    figures: Cell = {"draws": sorted({c["seed"] for c in ended})}
    gains = {}
    for labels in LABELS:
        mine = {key: cells.by_draw(ended, "iou", labels=labels, contender=key) for key in TITLES}
        figures[f"IoU of nuclei, %, {labels} masks"] = {
            title: cells.mean(mine[key], 100) for key, title in TITLES.items() if mine[key]
        }
        more = cells.gain(mine["segment"], mine["supervised"])
        if more is not None:
            gains[str(labels)] = round(100 * more, 2)
    results.write(
        "nuclei",
        claim="on dsb2018-nuclei with masks of 10 pictures, segment's IoU of nuclei is at least 3"
        " points above that of the same network on the labels alone, on average over draws",
        passed=gains.get("10", 0.0) >= 3,
        figures={"points_above_the_labels_alone": gains, **figures},
    )


if __name__ == "__main__":
    cells.Cells("nuclei", lambda: itertools.product(LABELS, TITLES), cell, write).main(__doc__)

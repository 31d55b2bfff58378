"""Claim: with a view missing in half of the rows, `views` errs less than imputation or one view.

The digits of mfeat, 1,000 rows to train and 1,000 to test on, 100 of each class; 10 labels a
class. Half of all rows lack one of the views, each view equally often. Either the two views fou
(shape, blind to rotation) and pix (a picture), or all six.

Ours is the recipe default-views as it ships. Each view alone, the mean of each value in place of
what is missing, and scikit-learn's IterativeImputer go before the better of two classifiers: m2
with the same settings, regularisers and unlabelled rows as ours, and SVC on the labels alone.
Which, and which C, is chosen by 300 training rows whose labels are not used otherwise, by which
the recipe was chosen too. A view alone calls rows that lack it what it finds most often. Test rows
are scored once. A draw says which rows are to test on, have labels and lack what.

A cell that is there is not run again. Needs mfeat under SSDGM_DATA_DIR.

    SSDGM_DATA_DIR=data python -m benchmarks.views --out runs/views
    python -m benchmarks.views --out runs/views --table
"""

import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks import cells, results
from benchmarks.cells import Cell
from ssdgm_train import begin, evaluation, train
from ssdgm_train.recipes import recipe, shelf

FOLDER, FILE = "mfeat", "mfeat.npz"
SETS = {"fou and pix": ("fou", "pix"), "six views": ("fac", "fou", "kar", "mor", "pix", "zer")}
CLASS, LABELS, HELD, LACKING = 100, 10, 300, 0.5
NEAREST = 100
"""Features by which IterativeImputer tells one: with all of them it takes minutes a round."""
COSTS = (1, 10, 100)
SHAPES = {"pix": (16, 15)}
OURS, MEAN, ITERATIVE = "views", "mean", "iterative"
TITLES = {
    OURS: "views (ours)",
    MEAN: "mean imputation, then m2 or SVC",
    ITERATIVE: "IterativeImputer, then m2 or SVC",
    "fou": "fou alone, m2 or SVC",
    "pix": "pix alone, m2 or SVC",
}
Array = np.ndarray


@dataclass(frozen=True)
class Rows:
    """The rows of a draw: views by name, which rows have them, and the rows' numbers by part."""

    x: Mapping[str, Array]
    there: Mapping[str, Array]
    y: Array
    labelled: Array
    free: Array
    held: Array
    test: Array

    @property
    def trained(self) -> Array:
        """The rows that are trained on, those with labels first."""
        return np.concatenate([self.labelled, self.free])

    @property
    def labels(self) -> Array:
        """Their labels, -1 where one is not known."""
        return np.concatenate([self.y[self.labelled], np.full(len(self.free), -1)])


def drawn(views: tuple[str, ...], seed: int) -> Rows:
    """The rows of a draw."""
    with np.load(Path(os.environ["SSDGM_DATA_DIR"]) / FOLDER / FILE) as arrays:
        x, y = {name: arrays[f"x_{name}"] for name in views}, arrays["y"].astype(np.int64)
    rng = np.random.default_rng((seed, 17))
    order, classes = rng.permutation(len(y)), np.unique(y)
    first = [order[y[order] == k][:CLASS] for k in classes]
    labelled = np.concatenate([rows[:LABELS] for rows in first])
    rest = rng.permutation(np.concatenate([rows[LABELS:] for rows in first]))
    test = np.setdiff1d(order, np.concatenate(first))
    lacks = np.where(rng.random(len(y)) < LACKING, rng.integers(len(views), size=len(y)), -1)
    there = {name: lacks != i for i, name in enumerate(views)}
    return Rows(x, there, y, labelled, rest[HELD:], rest[:HELD], test)


def settings(method: str) -> list[str]:
    """The settings of the recipe default-views, for m2 without those of experts."""
    table = shelf.read("default-views")
    table.pop("method")
    for key in ("experts", "lacking") if method != OURS else ():
        table["model"].pop(key)
    own = [f"{part}.{k}={json.dumps(v)}" for part, t in table.items() for k, v in t.items()]
    return [*own, "data.validation=0", "run.baseline=0", "run.evaluate_every=1000000"]


def classified(method: str, arrays: Cell, seed: int) -> Array:
    """The classes that one of ours gives the test rows of some arrays."""
    plan = recipe.load(None, method, settings(method))
    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(folder) / "set.npz")
        np.savez(source, **arrays)
        session = begin(source, plan, Path(folder) / "run", seed=seed, device="cpu")
        for _ in train(session):
            pass
        raw = evaluation.raw(session.model, session.data.x_test, session.device)
    return raw.argmax(1).numpy()


def by_views(rows: Rows, asked: Array, seed: int) -> Array:
    """The classes of the rows asked about by `views`."""
    arrays: Cell = {"y": rows.labels, "y_test": rows.y[asked]}
    for name, values in rows.x.items():
        kind = np.uint8 if name in SHAPES else np.float32
        shaped = values.reshape(len(values), *SHAPES.get(name, values.shape[1:])).astype(kind)
        for part, chosen in (("", rows.trained), ("_test", asked)):
            arrays[f"x{part}.{name}"] = shaped[chosen]
            arrays[f"present{part}.{name}"] = rows.there[name][chosen]
    return classified(OURS, arrays, seed)


def filled(rows: Rows, contender: str, asked: Array) -> tuple[Array, Array, Array]:
    """All views in one row, imputed: training rows, their labels, the rows asked about."""
    parts = [np.where(rows.there[k][:, None], v, np.nan) for k, v in rows.x.items()]
    x = np.concatenate(parts, 1).astype(np.float64)
    mean, deviation = np.nanmean(x[rows.trained], 0), np.nanstd(x[rows.trained], 0)
    x = (x - mean) / np.where(deviation > 0, deviation, 1)
    imputer = (
        SimpleImputer()
        if contender == MEAN
        else IterativeImputer(n_nearest_features=NEAREST, random_state=0)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ten rounds do not converge
        x_train = imputer.fit_transform(x[rows.trained])
        return x_train, rows.labels, imputer.transform(x[asked])


def alone(rows: Rows, name: str, asked: Array) -> tuple[Array, Array, Array]:
    """One view of the rows that have it; the rows asked about that lack it are zeros."""
    has, x = rows.there[name], rows.x[name].astype(np.float64)
    kept = has[rows.trained]
    x_train, y = x[rows.trained][kept], rows.labels[kept]
    return x_train, y, np.where(has[asked, None], x[asked], 0)


def by_m2(x: Array, y: Array, asked: Array, seed: int) -> Array:
    """The classes of rows of one array by m2."""
    y_test = np.zeros(len(asked), np.int64)
    both = {"x": x.astype(np.float32), "x_test": asked.astype(np.float32)}
    return classified("m2", {**both, "y": y, "y_test": y_test}, seed)


def by_svc(x: Array, y: Array, asked: Array, cost: float) -> Array:
    """The same by an SVC on the labels alone."""
    model = make_pipeline(StandardScaler(), SVC(C=cost)).fit(x[y >= 0], y[y >= 0])
    return model.predict(asked)


def wrong(rows: Rows, contender: str, said: Array, asked: Array) -> Array:
    """Which of the rows asked about are wrong; a view alone is wrong where it guesses."""
    if contender in rows.x:
        guess = np.bincount(said, minlength=CLASS).argmax()
        said = np.where(rows.there[contender][asked], said, guess)
    return said != rows.y[asked]


def cell(out: Path, key: cells.Key, seed: int) -> Cell:
    """A contender's test error, its classifier chosen by the rows to choose by."""
    views, contender = map(str, key)
    rows, began = drawn(SETS[views], seed), time.perf_counter()
    both, n = np.concatenate([rows.held, rows.test]), len(rows.held)
    if contender == OURS:
        answers = {"views": by_views(rows, both, seed)}
    else:
        x, y, asked = (alone if contender in rows.x else filled)(rows, contender, both)
        answers = {f"SVC(C={cost})": by_svc(x, y, asked, cost) for cost in COSTS}
        answers["m2"] = by_m2(x, y, asked, seed)
    misses = {name: wrong(rows, contender, said, both) for name, said in answers.items()}
    best = min(misses, key=lambda name: misses[name][:n].mean())
    test = misses[best][n:]
    lacks = {name: ~there[rows.test] for name, there in rows.there.items()}
    full = ~np.any([*lacks.values()], axis=0)
    return {
        "views": views,
        "contender": contender,
        "seed": seed,
        "error": float(test.mean()),
        "held": {name: float(each[:n].mean()) for name, each in misses.items()},
        "chosen": best,
        "with all views": float(test[full].mean()),
        **{f"without {name}": float(test[lack].mean()) for name, lack in lacks.items()},
        "seconds": time.perf_counter() - began,
    }


def keys() -> Iterator[cells.Key]:
    """Sets of views with who is there for them."""
    alone_of = {"fou and pix": ("fou", "pix"), "six views": ()}
    for views in SETS:
        yield from ((views, contender) for contender in (OURS, MEAN, ITERATIVE, *alone_of[views]))


def write(ended: list[Cell]) -> None:
    """Write results/views.json from the cells that are there."""
    figures: Cell = {"draws": sorted({c["seed"] for c in ended})}
    passed = True
    for views in SETS:
        errors = {key: cells.by_draw(ended, "error", views=views, contender=key) for key in TITLES}
        figures[f"test error, {views}"] = {
            TITLES[key]: cells.mean(each, 100, " %", 1) for key, each in errors.items() if each
        }
        gains = (cells.gain(errors[key], errors[OURS]) for key in TITLES if key != OURS)
        passed &= all(gain is None or gain > 0 for gain in gains)
    results.write(
        "views",
        claim="on mfeat with 10 labels a class and half of the rows without one of their views,"
        " `views` errs on fewer test rows than each view alone, mean imputation and"
        " IterativeImputer before the better of m2 and SVC, on average over draws",
        passed=passed and bool(ended),
        figures=figures,
    )


if __name__ == "__main__":
    cells.Cells("views", keys, cell, write).main(__doc__)

"""One cell, a contender on a set with a draw of labels: tuned, then tested once."""

import json
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from benchmarks.rivals.contenders import FIXED, OURS, RIVALS, Rival, Settings
from ssdgm_train import begin, data, train
from ssdgm_train.data import split
from ssdgm_train.recipes import recipe

SETS = {"pendigits": 10, "letter": 26}
"""Sets by their number of classes."""
PER_CLASS = 10

Cell = dict[str, Any]


@dataclass(frozen=True)
class Draw:
    """Standardised rows: to learn from (label -1 unknown), to choose by, and to test on."""

    x: np.ndarray
    y: np.ndarray
    x_held: np.ndarray
    y_held: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def draw(name: str, seed: int) -> Draw:
    """The rows that `begin` gives ours, for all others."""
    found, budget = data.load(name), PER_CLASS * SETS[name]
    parts = split.split(found, budget, budget, seed)
    rows = np.concatenate([parts.labelled, parts.unlabelled])
    mean, scale = found.x[rows].mean(0), found.x[rows].std(0)
    x, x_test = ((part - mean) / scale for part in (found.x, found.x_test))
    known = np.arange(len(rows)) < len(parts.labelled)
    y = np.where(known, found.y[rows], -1)
    held = parts.validation
    assert found.y_test is not None
    return Draw(x[rows], y, x[held], found.y[held], x_test, found.y_test)


def rival(name: str, contender: str, seed: int) -> Cell:
    """The candidate with the lowest error on the labels to choose by, and its test error."""
    kind, rows = RIVALS[contender.removesuffix("-fixed")], draw(name, seed)
    fixed = contender.endswith("-fixed")
    asked = [FIXED[contender[: -len("-fixed")]][name]] if fixed else kind.candidates(name)
    best: Cell = {"validation_error": 2.0}
    chosen = None
    for settings in asked:
        model, error = fitted(kind, settings, rows)
        if error < best["validation_error"]:
            best, chosen = {"validation_error": error, "chosen": settings}, model
    assert chosen is not None
    return {**best, "test_error": 1 - float(chosen.score(rows.x_test, rows.y_test))}


def fitted(kind: Rival, settings: Settings, rows: Draw) -> tuple[ClassifierMixin, float]:
    """A candidate and its error on the labels to choose by."""
    used = rows.y >= 0 if kind.labels_alone else slice(None)
    with warnings.catch_warnings():  # poor candidates do not converge, and are not chosen
        warnings.simplefilter("ignore")
        model = kind.build(**settings).fit(rows.x[used], rows.y[used])
        error = 1 - float(model.score(rows.x_held, rows.y_held))
    print(settings, round(error, 4), file=sys.stderr, flush=True)
    return model, error


def ours(name: str, method: str, seed: int) -> Cell:
    """A run of the recipe that ships."""
    budget = PER_CLASS * SETS[name]
    changes = [f"data.validation={budget}", "data.labels_as=classes", "run.baseline=0"]
    plan = recipe.load(f"default-{method}-tables", changes=changes)
    with tempfile.TemporaryDirectory() as folder:
        session = begin(name, plan, Path(folder) / "run", budget, seed, "cpu")
        for progress in train(session):
            if progress.terms is not None:
                print(progress.step, progress.steps, file=sys.stderr, flush=True)
        result = session.run.result
    assert result is not None
    return {f"{part}_error": getattr(result, part).error for part in ("validation", "test")}


def run(out: Path, name: str, contender: str, seed: int) -> None:
    """Bring a cell to its end: `out` then holds its file."""
    begun = time.process_time()
    found = (ours if contender in OURS else rival)(name, contender, seed)
    about = {"set": name, "contender": contender, "seed": seed}
    found = {**about, **found, "minutes": (time.process_time() - begun) / 60}
    place(out, name, contender, seed).write_text(json.dumps(found, indent=2) + "\n")


def place(out: Path, name: str, contender: str, seed: int) -> Path:
    """The file of a cell."""
    return out / f"{name}-{contender}-{seed}.json"

"""Runs and bundles that many tests look at: made once a test session, whichever worker asks."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import filelock
import jsonschema
import numpy as np
import pytest
from numpy.typing import NDArray

import ssdgm_export
import ssdgm_runtime
import ssdgm_train
from ssdgm_export.graphs import modules
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.labels.classes import Classes
from ssdgm_train.problems import Problem
from ssdgm_train.runs import directory, loading

Make = Callable[[Path], object]
Case = tuple[str, str, tuple[str, ...]]

NORMALISED = cases.settings("m2", batch_norm="true")
OWN = {"m1": "gaussian-float32", "m1m2": "binomial-uint8"}
EVERY_METHOD: tuple[Case, ...] = tuple(
    (name, OWN.get(name, "bernoulli-uint8"), ()) for name in cases.METHODS
)
"""Each method once, on a kind of rows of its own."""

EVERY_LIKELIHOOD: tuple[Case, ...] = (
    ("m2", "bernoulli-uint8", ()),
    ("m2", "binomial-uint8", ()),
    ("m2", "gaussian-float32", NORMALISED),
    ("m2", "columns-float32", ()),
    ("m2", "logistic-uint8", NORMALISED),
    ("m2", "windows-float32", NORMALISED),
)
"""Each likelihood once, by one method: a bundle takes seconds, and methods only call them."""

COVER: tuple[Case, ...] = tuple(dict.fromkeys((*EVERY_METHOD, *EVERY_LIKELIHOOD)))


def once(factory: pytest.TempPathFactory, name: str, make: Make) -> Path:
    """A folder of the test session that `make` fills, at its first use by any worker."""
    base = factory.getbasetemp()
    place = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "once"
    place.mkdir(exist_ok=True)
    target, done = place / name, place / f"{name}.done"
    with filelock.FileLock(place / f"{name}.lock"):
        if not done.exists():
            target.mkdir()
            make(target)
            for manifest_file in target.glob("*.ssdgm/manifest.json"):
                _check_manifest(manifest_file.read_text())
            done.touch()
    return target


def _check_manifest(text: str) -> None:
    """A manifest fits its schema, and comes back byte for byte from what the reader has of it."""
    schema = json.loads((Path(ssdgm_runtime.__file__).parent / "manifest.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))
    about = manifest.loads(text)
    assert manifest.dumps(about) == text
    assert manifest.dumps(dataclasses.replace(about, document={})) == text


def train(
    folder: Path, name: str = "m2", kind: str = "bernoulli-uint8", changes: tuple[str, ...] = ()
) -> Path:
    """The run of a small model of a method, on rows of a kind that lie beside it."""
    data = cases.separable(kind, 60, 30, test=12)
    table = cases.tabled(folder / "rows.csv", data) if data.columns else ""
    source = table or cases.saved(folder / "rows.npz", data)
    plan = cases.small_recipe(name, *changes)
    for _ in ssdgm_train.train(
        ssdgm_train.begin(source, plan, folder / "run", seed=1, device="cpu")
    ):
        pass
    return folder / "run"


def folder(
    factory: pytest.TempPathFactory,
    name: str = "m2",
    kind: str = "bernoulli-uint8",
    changes: tuple[str, ...] = (),
) -> Path:
    """A folder with a finished `run`, its `rows.npz` and `bundle.ssdgm`; nobody changes it."""

    def make(place: Path) -> None:
        ssdgm_export.convert(train(place, name, kind, changes), place / "bundle.ssdgm")

    words = [name, kind, *(change.replace("=", "-") for change in changes)]
    return once(factory, "_".join(words), make)


def traced_modules(run: Path) -> dict[str, modules.Graph]:
    """The run's graphs as torch modules."""
    found = directory.Run(run)
    return modules.of(loading.load_model(found), problem(run))


def problem(run: Path) -> Problem:
    """The run's problem."""
    return directory.Run(run).read().problem


def rows(run: Path) -> NDArray[Any]:
    """Every row of the run's data: labelled, unlabelled, held out, test."""
    data = loading.load_data(directory.Run(run))
    assert data.x_test is not None
    return np.concatenate([data.x, data.x_test])


def copied(run: Path, place: Path) -> Path:
    """A run of one's own to change."""
    shutil.copytree(run, place)
    return place


def left_behind(place: Path) -> list[str]:
    """What lies in a folder, hidden files too."""
    return sorted(path.name for path in place.iterdir())


def labels(classes: int) -> Classes:
    """A label that is one of so many classes, as the runtime has it."""
    names = tuple(f"class {i}" for i in range(classes))
    return Classes(names, tuple(range(classes)), (1 / classes,) * classes)

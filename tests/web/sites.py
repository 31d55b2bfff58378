"""Train three small models, convert them, write their sites, and say what Python makes of them.

    python tests/web/sites.py FOLDER

The browser's tests open the sites: digits, pictures of 28 x 28 as MNIST has them, and a table.
Bundles that are there already are not trained again.
`FOLDER/expected.json` has the rows that Python generates, for the pages to be compared with.
"""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

from ssdgm_export import convert
from ssdgm_export.deploy import web
from ssdgm_runtime import load
from ssdgm_train import begin, train
from ssdgm_train.recipes import recipe

SEED, LABEL, ROWS = 5, 3, 24
SMALL = ("model.network=mlp", "model.latent=8", "model.batch_norm=false")
TESTS = Path(__file__).parents[1]
ENGINE = TESTS.parent / "runtime/javascript/node_modules/onnxruntime-web"
KINDS = ("tagged", "measured", "watchful", "mixture", "adversary")
"""Checked-in bundles of other labels, or of other graphs."""


def pictures(place: Path) -> str:
    """scikit-learn's digits as MNIST lays them out: 28 x 28, bright on black, 0 to 255."""
    digits = datasets.load_digits()
    large = np.kron(digits.images, np.ones((3, 3)))
    edge = ((0, 0), (2, 2), (2, 2))
    x = np.pad(large * (255 / 16), edge).round().astype(np.uint8)
    np.savez(place / "pictures.npz", x_train=x, y_train=digits.target)
    return str(place / "pictures.npz")


def table(place: Path) -> str:
    """scikit-learn's wines with a category, a boolean and some gaps."""
    wine = datasets.load_wine()
    draws = np.random.default_rng(0)
    names = [*wine.feature_names[:5], "colour", "organic", "kind"]
    with (place / "wine.csv").open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream)
        lines.writerow(names)
        for values, kind in zip(wine.data, wine.target, strict=True):
            numbers = ["" if draws.random() < 0.03 else f"{v:.4g}" for v in values[:5]]
            colour = draws.choice(["red", "white", "rose"], p=np.roll([0.7, 0.2, 0.1], kind))
            lines.writerow(
                [*numbers, colour, draws.choice(["true", "false"]), wine.target_names[kind]]
            )
    return str(place / "wine.csv")


class Model(NamedTuple):
    """A model to train: its data, what it is trained with, and the title of its page."""

    data: Callable[[Path], str]
    settings: tuple[str, ...]
    title: str


MODELS = {
    "digits": Model(
        lambda _: "digits", ("train.steps=400", "model.hidden=64"), "Handwritten digits"
    ),
    "pictures": Model(pictures, ("train.steps=200", "model.hidden=48"), "Digits of 28 × 28"),
    "table": Model(table, ("train.steps=300", "model.hidden=32", "data.label=kind"), "Wines"),
}


def made(place: Path, name: str, model: Model) -> Path:
    """The bundle of a model: trained and converted with its score, unless it is there."""
    run, bundle = place / f"runs/{name}", place / f"{name}.ssdgm"
    if not bundle.exists():
        plan = recipe.load(None, "m2", (*SMALL, *model.settings))
        data = model.data(place)
        for _ in train(begin(data, plan, run, labelled=100, seed=0, device="cpu")):
            pass
        convert(run, bundle, license="Apache-2.0", score=True)
    return bundle


def expected(bundle: Path) -> dict[str, Any]:
    """What Python generates by a label and a seed, and the values that the data spans."""
    with load(bundle, provider="cpu", threads=1) as model:
        about = model.graphs.bundle.manifest
        label = LABEL % len(model.labels)
        samples = model.generate([label], ROWS, seed=SEED)
        rows: NDArray[np.float32] = samples.x
        return {
            "label": model.labels[label],
            "seed": SEED,
            "range": list(about.input.range),
            "x": rows.reshape(len(rows), -1).tolist(),
        }


def main() -> None:
    place, tables = Path(sys.argv[1]), {}
    (place / "sites").mkdir(parents=True, exist_ok=True)
    for name, model in MODELS.items():
        bundle, site = made(place, name, model), place / "sites" / name
        web.deploy(bundle, site, title=model.title, onnxruntime=ENGINE, force=True)
        tables[name] = expected(bundle)
    for name in KINDS:
        web.deploy(
            TESTS / f"runtime/data/{name}.ssdgm",
            place / "sites" / name,
            onnxruntime=ENGINE,
            force=True,
        )
    (place / "expected.json").write_text(json.dumps(tables), encoding="utf-8")


if __name__ == "__main__":
    main()

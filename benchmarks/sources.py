"""Claim: `train` with defaults takes data as it lies, and the bundle errs on raw rows as torch.

MNIST as IDX, cifar10-folder packed and unpacked, letter and pendigits as npz and, with 95 % of the
training labels blanked, as CSV and as Parquet: the command line trains M2 on each with no setting
but the number of labels and, of letter, that its 26 numbers are classes, converts it, and
classifies the raw test rows with the runtime. Cells run one after another and can be interrupted;
one that has ended is not run again.

    SSDGM_DATA_DIR=data python -m benchmarks.sources --out runs/sources
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow
from pyarrow import parquet

from benchmarks import results

BLANK = 0.95
SETS = ("letter", "pendigits")
LETTERS = "letter"
"""The set whose labels are the numbers of 26 classes, which must be said."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """What `train` is given, what `classify` is given, and the true labels of that."""

    source: Path
    rows: Path
    truth: Callable[[Path, list[Json]], list[str]]
    labels: int | None = None
    more: tuple[str, ...] = ()


def cells(data: Path, made: Path) -> dict[str, Cell]:
    """Every cell by its name."""
    mnist, colours = data / "mnist", data / "cifar10-folder"
    packed, unpacked = next(colours.glob("*.tar.gz")), made / "cifar10-folder"
    found = {
        "mnist idx": Cell(mnist, mnist / "t10k-images-idx3-ubyte.gz", _idx, 1000),
        "cifar10 tar.gz": Cell(packed, unpacked / "test", _folders, 4000),
        "cifar10 folder": Cell(unpacked, unpacked / "test", _folders, 4000),
    }
    for name in SETS:
        file = data / name / f"{name}.npz"
        with np.load(file) as arrays:
            known = int(len(arrays["y_train"]) * (1 - BLANK))
        more = ("--labels-as", "classes") if name == LETTERS else ()
        found[f"{name} npz"] = Cell(file, file, _npz, known, more)
        for kind in ("csv", "parquet"):
            folder = made / f"{name}-{kind}"
            found[f"{name} {kind}"] = Cell(folder, folder / f"test.{kind}", _table, more=more)
    return found


def prepare(data: Path, made: Path) -> None:
    """Unpack the images, and write the tables."""
    if not (made / "cifar10-folder").exists():
        with tarfile.open(next((data / "cifar10-folder").glob("*.tar.gz"))) as archive:
            archive.extractall(made, filter="data")
    for name in SETS:
        with np.load(data / name / f"{name}.npz") as found:
            arrays = dict(found)
        blank = np.random.default_rng(0).random(len(arrays["y_train"])) < BLANK
        train = _tabled(arrays["x_train"], arrays["y_train"], blank)
        test = _tabled(arrays["x_test"], arrays["y_test"], np.zeros(len(arrays["y_test"]), bool))
        for kind, write in (("csv", arrow.write_csv), ("parquet", parquet.write_table)):
            folder = made / f"{name}-{kind}"
            folder.mkdir(exist_ok=True)
            write(train, folder / f"train.{kind}")
            write(test, folder / f"test.{kind}")


def _tabled(x: np.ndarray, y: np.ndarray, blank: np.ndarray) -> pa.Table:
    columns = {f"f{i}": x[:, i].astype(np.int64) for i in range(x.shape[1])}
    return pa.table({**columns, "label": pa.array(y.astype(np.int64), mask=blank)})


def measure(name: str, cell: Cell, out: Path) -> Json:
    """Train, convert and classify; the outcome is kept in the cell's folder."""
    folder = out / name.replace(" ", "-")
    kept = folder / "cell.json"
    if kept.exists():
        found: Json = json.loads(kept.read_text())
        return found
    folder.mkdir(exist_ok=True)
    run, bundle, answers = folder / "run", folder / "bundle.ssdgm", folder / "answers.jsonl"
    begun = time.perf_counter()
    budget = [] if cell.labels is None else ["--labels", str(cell.labels)]
    start = (
        ["--resume", str(run)]
        if run.exists()
        else [str(cell.source), "--method", "m2", *budget, *cell.more, "--out", str(run)]
    )
    _cli("train", *start)
    seconds = time.perf_counter() - begun
    if not bundle.exists():
        _cli("convert", str(run), "-o", str(bundle))
    _cli("classify", str(bundle), str(cell.rows), "-o", str(answers), "--force")
    records = [json.loads(line) for line in answers.read_text().splitlines()]
    truth = cell.truth(cell.rows, records)
    wrong = [record["name"] != label for record, label in zip(records, truth, strict=True)]
    names = ("result", "run", "baseline/result")
    result, described, network = (json.loads((run / f"{n}.json").read_text()) for n in names)
    found = {
        "error_percent_runtime": 100 * float(np.mean(wrong)),
        "error_percent_torch": 100 * result["test"]["error"],
        "error_percent_supervised": 100 * network["test"]["error"],
        "labels": described["data"]["labelled"],
        "likelihood": described["problem"]["likelihood"],
        "network": described["recipe"]["model"].get("network", ""),
        "minutes": seconds / 60,
    }
    kept.write_text(json.dumps(found, indent=2))
    return found


def _cli(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "ssdgm_export", *words], check=True)


def _idx(rows: Path, records: list[Json]) -> list[str]:
    from ssdgm_runtime.readers import inputs

    labels = inputs.read_idx(rows.parent / rows.name.replace("images-idx3", "labels-idx1"))
    return [str(label) for label in labels.tolist()]


def _npz(rows: Path, records: list[Json]) -> list[str]:
    with np.load(rows) as found:
        return [str(label) for label in found["y_test"].tolist()]


def _folders(rows: Path, records: list[Json]) -> list[str]:
    return [record["source"].split("/")[0] for record in records]


def _table(rows: Path, records: list[Json]) -> list[str]:
    if rows.suffix == ".parquet":
        return [str(label) for label in parquet.read_table(rows)["label"].to_pylist()]
    with open(rows, newline="") as stream:
        return [line["label"] for line in csv.DictReader(stream)]


def main(out: Path, only: list[str]) -> Json:
    """Measure every cell, or those named; the result is written when all are there."""
    data = Path(os.environ["SSDGM_DATA_DIR"]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    made = out / "data"
    made.mkdir(exist_ok=True)
    prepare(data, made)
    found = {}
    for name, cell in cells(data, made).items():
        if not only or name in only:
            found[name] = measure(name, cell, out)
            print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    same = [f["error_percent_runtime"] == f["error_percent_torch"] for f in found.values()]
    if only:
        return found
    return results.write(
        "sources",
        claim="train with defaults takes IDX, image folders, archives, npz, CSV and Parquet as "
        "they lie, and the runtime errs on raw test rows exactly as torch does",
        passed=all(same),
        figures=found,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], metavar="CELL")
    given = parser.parse_args()
    main(given.out, given.only)

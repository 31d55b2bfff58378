"""The sets, how many labels and draws of each, and which rows a draw labels."""

import csv
import gzip
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from ssdgm_train import data

Array = np.ndarray
UNKNOWN = -1
KEPT = 2
"""How many rows of a class stay unlabelled, however few it has."""
BONN_TEST = 200
SVHN_TRAIN = 7000
"""As the data's description suggests: a new photograph begins there."""
INCOME = "income"
"""The column of adult's labels."""


@dataclass(frozen=True)
class Data:
    """Training and test rows with all of their labels, which are codes from 0.

    Attributes:
        kind: `table`, `image`, `series` [n, channels, time], or `columns` of numbers and words.
        x: The training rows as they lie; of `columns` texts, where an empty one is missing.
        y: Their labels.
        x_test: The test rows.
        y_test: Their labels.
        names: Of the columns.
        classes: The labels' words where they are none but codes; empty otherwise.
    """

    kind: str
    x: Array
    y: Array
    x_test: Array
    y_test: Array
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def folder() -> Path:
    """Where the sets lie."""
    return Path(os.environ["SSDGM_DATA_DIR"]).resolve()


def _known(kind: str, source: str) -> Data:
    """A set that the project reads by itself."""
    found = data.load(source)
    assert found.x_test is not None
    assert found.y_test is not None
    y, y_test = found.y.astype(np.int64), found.y_test.astype(np.int64)
    return Data(kind, np.asarray(found.x), y, np.asarray(found.x_test), y_test)


def _pictures() -> Data:
    return _known("image", str(folder() / "cifar10-folder" / "cifar10-folder.tar.gz"))


def _street() -> Data:
    with np.load(folder() / "svhn-10k" / "svhn_10k.npz") as found:
        x, y, cut = found["x"], found["y"].astype(np.int64), SVHN_TRAIN
    return Data("image", x[:cut], y[:cut], x[cut:], y[cut:])


def _tag(name: str) -> Data:
    """The one of several tags that is nearest to half of the training rows."""
    with np.load(folder() / "mulan-multilabel" / f"{name}.npz") as found:
        y, y_test = found["y_train"], found["y_test"]
        tag = int(np.abs(y.mean(0) - 0.5).argmin())
        x, x_test = (found[key].astype(np.float32) for key in ("x_train", "x_test"))
    return Data("table", x, _codes(y[:, tag]), x_test, _codes(y_test[:, tag]))


def _series(name: str) -> Data:
    """Shorter series end in zeros."""
    with np.load(folder() / "ucr-series" / f"{name}.npz") as found:
        x, x_test = (_windows(found[key]) for key in ("x_train", "x_test"))
        return Data("series", x, _codes(found["y_train"]), x_test, _codes(found["y_test"]))


def _eeg() -> Data:
    """A fixed stratified part is the test set, since the set has none."""
    with np.load(folder() / "bonn-eeg" / "bonn_eeg.npz") as found:
        x, y = _windows(found["x"]), _codes(found["y"])
    train, test = (
        np.sort(part)
        for part in train_test_split(
            np.arange(len(y)), test_size=BONN_TEST, random_state=0, stratify=y
        )
    )
    return Data("series", x[train], y[train], x[test], y[test])


def _windows(x: Array) -> Array:
    x = np.nan_to_num(x.astype(np.float32), nan=0.0)
    return x[:, None] if x.ndim == 2 else x


def _codes(y: Array) -> Array:
    return y.astype(np.int64)


def _adult() -> Data:
    parts = [_lines(folder() / "adult" / f"adult_{part}.csv.gz") for part in ("train", "test")]
    names = tuple(parts[0][0])
    at = names.index(INCOME)
    lines = [np.array(part[1:], dtype=object) for part in parts]
    classes, codes = np.unique(lines[0][:, at].astype(str), return_inverse=True)
    codes_test = np.searchsorted(classes, lines[1][:, at].astype(str))
    x, x_test = (np.delete(part, at, axis=1) for part in lines)
    others = tuple(np.delete(names, at).tolist())
    return Data("columns", x, codes, x_test, codes_test, others, tuple(classes.tolist()))


def _lines(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt", newline="") as stream:
        return list(csv.reader(stream))


def _of(read: Callable[..., Data], *words: str) -> Callable[[], Data]:
    return lambda: read(*words)


READERS: dict[str, Callable[[], Data]] = {
    "digits": _of(_known, "image", "digits"),
    "optdigits": _of(_known, "image", "optdigits"),
    "pendigits": _of(_known, "table", "pendigits"),
    "letter": _of(_known, "table", "letter"),
    "mnist": _of(_known, "image", "mnist"),
    "adult": _adult,
    "cifar10-folder": _pictures,
    "svhn-10k": _street,
    "emotions": _of(_tag, "emotions"),
    "scene": _of(_tag, "scene"),
    "GunPoint": _of(_series, "GunPoint"),
    "ItalyPowerDemand": _of(_series, "ItalyPowerDemand"),
    "BasicMotions": _of(_series, "BasicMotions"),
    "JapaneseVowels": _of(_series, "JapaneseVowels"),
    "bonn-eeg": _eeg,
}
SETS = tuple(READERS)
LARGE = ("mnist", "adult", "cifar10-folder", "svhn-10k")
USUAL = 10
"""Labels a class on every set."""
MORE = {4: ("digits", "letter", "pendigits"), 50: ("digits", "letter", "pendigits")}
"""Other budgets, and the sets that have them."""
BUDGETS = (USUAL, *MORE)


def has(name: str, budget: int) -> bool:
    """Whether a set has cells with that many labels a class."""
    return budget == USUAL or name in MORE[budget]


def draws(name: str, budget: int) -> int:
    """How many draws of labels there are."""
    return 3 if name in LARGE or budget != USUAL else 5


def minutes(name: str) -> float:
    """What `auto` may take."""
    return 15 if name in LARGE else 5


def load(name: str) -> Data:
    """A set by its name."""
    return READERS[name]()


def drawn(found: Data, name: str, budget: int, seed: int) -> Array:
    """The labels with all but a draw of them unknown, the same for all contenders."""
    rng = np.random.default_rng((seed, budget, zlib.crc32(name.encode())))
    y = np.full(len(found.y), UNKNOWN)
    for label in np.unique(found.y):
        rows = rng.permutation(np.flatnonzero(found.y == label))
        kept = rows[: min(budget, len(rows) - KEPT)]
        y[kept] = label
    return y

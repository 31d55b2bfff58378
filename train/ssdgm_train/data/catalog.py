"""From the word on the command line to a data set: an embedded set, a name, a folder or a file."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ssdgm_runtime import atomic, errors
from ssdgm_runtime.readers import tables
from ssdgm_runtime.rows import resizing
from ssdgm_train.data import dataset
from ssdgm_train.data.formats import kinds, layouts, mapped
from ssdgm_train.data.places import archive, named, tree
from ssdgm_train.data.settings import AUTO, DEFAULTS, DataPlan

DIGITS_TEST_ROWS = 450
ENVIRONMENT = "SSDGM_DATA_DIR"


def load(
    source: str,
    data_dir: str | None = None,
    tell: named.Tell = named.quiet,
    plan: DataPlan = DEFAULTS,
) -> dataset.Dataset:
    """Load a data set.

    Args:
        source: `digits`; or the path of an .npz file, of x.npy with y.npy beside it, of a table
            (.csv, .parquet), of a folder or of an archive (.zip, .tar, .tar.gz, .tgz), see
            `layouts.load`; or a name looked up under `data_dir`; or one of `named.KNOWN`, which is
            downloaded if it lies nowhere yet.
        data_dir: Where named sets lie; the environment's `SSDGM_DATA_DIR` by default.
        tell: Is told how far a download is.
        plan: How it is to be read.

    Raises:
        DataNotFound: Nothing is there.
        DataError: What is there cannot be read or trained on.
    """
    place = locate(source, data_dir, tell)
    found = EMBEDDED[place]() if place in EMBEDDED else _read(Path(place), plan)
    _check_fit(found, plan)
    return found


def _read(path: Path, plan: DataPlan) -> dataset.Dataset:
    if path.is_dir():
        return layouts.load(tree.Folder(path), path.name, plan)
    if archive.is_archive(path.name):
        return layouts.load(archive.read(path), archive.stem(path.name), plan, packed=True)
    if tables.is_table(path.name):
        return layouts.tabular(tree.Alone(path), tables.stem(path.name), plan)
    if path.suffix == ".npy":
        return from_npy(path, plan)
    kinds.check(path)
    return from_npz(path, plan)


def _check_fit(found: dataset.Dataset, plan: DataPlan) -> None:
    """Refuse what a plan asks of data that it is not about.

    Arrays stay as they are: the bundle must not promise a size that its rows do not have.
    """
    if (plan.series or plan.time) and found.series is None:
        raise errors.DataError(
            f"data.{'series' if plan.series else 'time'} is set and {found.name} has no series",
            "a table, and data.series, its column that tells series apart",
            "Leave it out.",
        )
    named = {"label": plan.label, "ignore": plan.ignore, "categorical": plan.categorical}
    if not found.columns and found.series is None and any(named.values()):
        name = next(name for name, value in named.items() if value)
        raise errors.DataError(
            f"data.{name} is set and {found.name} has no columns with names",
            "a table",
            "Leave it out.",
        )
    if plan.kind not in (AUTO, found.kind):
        raise errors.DataError(
            f"data.kind is {plan.kind} and the rows of {found.name} are read as {found.kind}",
            "the kind that they are, or arrays",
            "Leave data.kind out.",
        )
    size = resizing.parse(plan.resize).shape if plan.resize else found.shape[:2]
    if found.shape[:2] != size:
        raise errors.DataError(
            f"data.resize is {plan.resize!r} and the rows of {found.name} are {list(found.shape)}",
            "image files, or arrays of that height and width, which are never resized",
            "Leave data.resize out.",
        )


def locate(source: str, data_dir: str | None = None, tell: named.Tell = named.quiet) -> str:
    """The name of an embedded set, or the absolute path of what `source` stands for.

    Arguments and errors are those of `load`.
    """
    if source in EMBEDDED:
        return source
    if not source:
        raise errors.DataError("the data's name is empty", "a path or a name", "")
    path = Path(source)
    if not path.exists():
        path = _named(source, data_dir or os.environ.get(ENVIRONMENT), tell)
    return str(path.resolve())


def check_outside(out: Path, lies_at: str) -> None:
    """Refuse an output among the data, which would then no longer be what it was.

    Args:
        out: The output.
        lies_at: Where the data lies, as `locate` has it.

    Raises:
        InputError: The output is the data, or inside.
    """
    if lies_at not in EMBEDDED:
        atomic.apart(out, data=lies_at)


def digits() -> dataset.Dataset:
    """Scikit-learn's 1797 digits, 8 x 8 counts 0..16; a fixed, stratified test set of 450."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8).astype(np.uint8)
    train, test = train_test_split(
        np.arange(len(y)), test_size=DIGITS_TEST_ROWS, random_state=0, stratify=y
    )
    train, test = np.sort(train), np.sort(test)
    return dataset.make("digits", x[train], y[train], x[test], y[test])


EMBEDDED: dict[str, Callable[[], dataset.Dataset]] = {"digits": digits}
"""Sets that come inside a dependency."""


def from_npz(path: Path, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """An .npz file, see `layouts.npz`."""
    return layouts.npz(mapped.read_npz(path), str(path), path.stem, plan)


def from_npy(path: Path, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """The file x.npy and those beside it, see `layouts.npy`."""
    if path.name not in ("x.npy", "x_train.npy"):
        raise errors.DataError(
            f"{path} is a single array",
            "x.npy with y.npy beside it, or an .npz file of both",
            "Rename it to x.npy and save its labels as y.npy.",
        )
    return layouts.npy(tree.Alone(path, layouts.NPY), path.parent.name, plan)


def _named(source: str, data_dir: str | None, tell: named.Tell) -> Path:
    if data_dir and (Path(data_dir) / source).exists() and _is_name(source):
        return Path(data_dir) / source
    if source in named.KNOWN:
        return named.obtain(source, data_dir, tell)
    where = f" nor under {data_dir}" if data_dir else ""
    hint = "Check the spelling." if data_dir else "Set SSDGM_DATA_DIR to the folder of named sets."
    raise errors.DataNotFound(
        f"no data at {source}{where}",
        f"a folder, an archive, an .npz file, or a name: {', '.join((*EMBEDDED, *named.KNOWN))}",
        hint,
    )


def _is_name(source: str) -> bool:
    return bool(source) and Path(source).name == source and source not in (".", "..")

"""From the word on the command line to a data set: an embedded set, a name, a folder or a file."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ssdgm_runtime import atomic, errors
from ssdgm_runtime.readers import tables, ts
from ssdgm_runtime.rows import resizing
from ssdgm_train import problems
from ssdgm_train.data import dataset
from ssdgm_train.data.formats import archived, kinds, layouts, mapped, normality
from ssdgm_train.data.places import archive, named, tree
from ssdgm_train.data.settings import AUTO, DEFAULTS, ONE_CLASS, POINTS, DataPlan

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
        source: `digits`; or the path of an .npz file, of x.npy with y.npy next to it, of a table
            (.csv, .parquet), of a folder or of an archive (.zip, .tar, .tar.gz, .tgz), see
            `layouts.load`; or a name looked up under `data_dir`; or one of `named.KNOWN`, which is
            downloaded unless it is in the cache.
        data_dir: The folder of named sets; the environment's `SSDGM_DATA_DIR` by default.
        tell: Called with the progress of a download.
        plan: How the data is read.

    Raises:
        DataNotFound: There is no data at `source`.
        DataError: The data cannot be read or trained on.
    """
    place = locate(source, data_dir, tell)
    data = EMBEDDED[place]() if place in EMBEDDED else _read(Path(place), plan)
    _check_points(data, plan)
    _check_fit(data, plan)
    return normality.one_class(data, plan) if plan.labels_as == ONE_CLASS else data


def _read(path: Path, plan: DataPlan) -> dataset.Dataset:
    if path.is_dir():
        return layouts.load(tree.Folder(path), path.name, plan)
    if archive.is_archive(path.name):
        return layouts.load(archive.read_archive(path), archive.stem(path.name), plan, packed=True)
    if tables.is_table(path.name):
        return layouts.tabular(tree.Alone(path), tables.stem(path.name), plan)
    if path.suffix.lower() == ts.SUFFIX:
        return archived.load(tree.Alone(path, archived.neighbours(path)), path.stem, plan)
    if path.suffix == ".npy":
        return from_npy(path, plan)
    kinds.check_kind(path)
    return from_npz(path, plan)


def _check_points(data: dataset.Dataset, plan: DataPlan) -> None:
    """Refuse points of rows that are no pictures."""
    if plan.labels_as == POINTS and data.kind != problems.IMAGE:
        raise errors.DataError(
            f"data.labels_as is points, and the rows of {data.name} are no images",
            "pictures, in which points are places",
            "Say --labels-as numbers if labels are measurements.",
        )


def _check_series(data: dataset.Dataset, plan: DataPlan) -> None:
    """Refuse settings of series where there are none, and of other rows where there are."""
    if (plan.series or plan.time) and data.series is None:
        raise errors.DataError(
            f"data.{'series' if plan.series else 'time'} is set, but {data.name} has no series",
            mend="Leave it out; or give a table and set data.series to the column that tells its "
            "series apart.",
        )
    if (plan.window and not plan.series) or (plan.stride and not plan.window):
        lone, lacking = ("window", "series") if plan.window else ("stride", "window")
        raise errors.DataError(
            f"data.{lone} is set, but data.{lacking} is not",
            mend=f"Set data.{lacking} too, or leave data.{lone} out.",
        )
    if plan.weight and data.series is not None:
        raise errors.DataError(
            f"data.weight is set, but a row of {data.name} is a series of lines",
            mend="Leave data.weight out, or save windows as x and their sample_weight in an .npz.",
        )
    if plan.missing and data.series is not None:
        raise errors.DataError(
            f"data.missing is set, but every moment of the series of {data.name} needs a value",
            mend="Leave data.missing out, and fill the gaps or drop these series.",
        )


def _check_fit(data: dataset.Dataset, plan: DataPlan) -> None:
    """Refuse settings that do not apply to this data.

    Arrays are never resized: the bundle must not promise a size that its rows do not have.
    """
    _check_series(data, plan)
    named = ("label", "weight", "ignore", "categorical", "missing")
    column_settings = {name: getattr(plan, name) for name in named}
    if data.named_by == dataset.LIST:
        del column_settings["label"]
    if not data.columns and data.series is None and any(column_settings.values()):
        name = next(name for name, value in column_settings.items() if value)
        raise errors.DataError(
            f"data.{name} is set, but {data.name} has no named columns",
            mend=f"Leave data.{name} out, or give a table.",
        )
    if plan.kind not in (AUTO, data.kind):
        raise errors.DataError(
            f"data.kind is {plan.kind}, but the rows of {data.name} are read as {data.kind}",
            mend="Leave data.kind out, or give the rows as arrays.",
        )
    size = resizing.parse(plan.resize).shape if plan.resize else data.shape[:2]
    if data.shape[:2] != size:
        raise errors.DataError(
            f"data.resize is {plan.resize!r}, but rows of {data.name} have shape {[*data.shape]}",
            mend="Arrays are never resized: leave data.resize out, or give image files.",
        )


def locate(source: str, data_dir: str | None = None, tell: named.Tell = named.quiet) -> str:
    """The name of an embedded set, or the absolute path of the data.

    Arguments and errors are those of `load`.
    """
    if source in EMBEDDED:
        return source
    if not source:
        raise errors.DataError("The name of the data is empty", mend="Give a path or a name.")
    path = Path(source)
    if not path.exists():
        path = _named(source, data_dir or os.environ.get(ENVIRONMENT), tell)
    return str(path.resolve())


def check_outside(out: Path, lies_at: str) -> None:
    """Refuse an output path that would change the data.

    Args:
        out: The output.
        lies_at: The path of the data, as returned by `locate`.

    Raises:
        InputError: The output is the data, or inside it.
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
"""Data sets that come with a dependency."""


def from_npz(path: Path, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """An .npz file, see `layouts.npz`."""
    return layouts.npz(mapped.read_npz(path), str(path), path.stem, plan)


def from_npy(path: Path, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """The file x.npy and those next to it, see `layouts.npy`."""
    if path.name not in ("x.npy", "x_train.npy"):
        raise errors.DataError(
            f"{path} is a single array without labels",
            mend="Rename it to x.npy and save its labels next to it as y.npy, or save both in one "
            ".npz file.",
        )
    return layouts.npy(tree.Alone(path, layouts.NPY), path.parent.name, plan)


def _named(source: str, data_dir: str | None, tell: named.Tell) -> Path:
    if data_dir and (Path(data_dir) / source).exists() and _is_name(source):
        return Path(data_dir) / source
    if source in named.KNOWN:
        return named.obtain(source, data_dir, tell)
    where = f" or under {data_dir}" if data_dir else ""
    hint = "" if data_dir else ", or set SSDGM_DATA_DIR to the folder of named sets"
    raise errors.DataNotFound(
        f"There is no data at {source}{where}",
        mend="Check the spelling; give a folder, an archive, a table, an .npz file or a name "
        f"({', '.join((*EMBEDDED, *named.KNOWN))}){hint}.",
    )


def _is_name(source: str) -> bool:
    return bool(source) and Path(source).name == source and source not in (".", "..")

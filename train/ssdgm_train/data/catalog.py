"""From the word on the command line to a data set: an embedded set, a name, a folder or a file."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ssdgm_runtime import errors, inputs
from ssdgm_train.data import dataset

DIGITS_TEST_ROWS = 450
_IDX = {"x": "train-images", "y": "train-labels", "x_test": "t10k-images", "y_test": "t10k-labels"}


def load(source: str, data_dir: str | None = None) -> dataset.Dataset:
    """Load a data set.

    Args:
        source: `digits`; or the path of an .npz file or of a folder in the MNIST layout; or a name
            looked up under `data_dir`.
        data_dir: Where named sets lie; the environment's `SSDGM_DATA_DIR` by default.

    Raises:
        DataNotFound: Nothing is there.
        DataError: What is there cannot be read or trained on.
    """
    place = locate(source, data_dir)
    if place in EMBEDDED:
        return EMBEDDED[place]()
    path = Path(place)
    return from_folder(path) if path.is_dir() else from_npz(path)


def locate(source: str, data_dir: str | None = None) -> str:
    """The name of an embedded set, or the absolute path of what `source` stands for."""
    if source in EMBEDDED:
        return source
    if not source:
        raise errors.DataError("the data's name is empty", "a path or a name", "")
    path = Path(source)
    if not path.exists():
        path = _named(source, data_dir or os.environ.get("SSDGM_DATA_DIR"))
    return str(path.resolve())


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


def from_npz(path: Path) -> dataset.Dataset:
    """An .npz file with `x`, `y` (-1 = unlabelled), and perhaps `x_test`, `y_test`.

    `x_train`, `y_train` are understood for `x`, `y`.
    """
    found = inputs.read_npz(path)
    train = [found.get(k, found.get(f"{k}_train")) for k in ("x", "y")]
    if train[0] is None or train[1] is None:
        raise errors.DataError(
            f"{path} holds the arrays {sorted(found)}",
            "x and y (or x_train and y_train), perhaps x_test and y_test",
            "Save it with np.savez(path, x=x, y=y); -1 in y stands for an unknown label.",
        )
    if ("x_test" in found) != ("y_test" in found):
        raise errors.DataError(
            f"{path} holds the arrays {sorted(found)}", "x_test and y_test together", ""
        )
    return dataset.make(path.stem, train[0], train[1], found.get("x_test"), found.get("y_test"))


def from_folder(path: Path) -> dataset.Dataset:
    """A folder in the MNIST layout (four IDX files, plain or gzip), or with one .npz file."""
    files = {key: _idx_file(path, stem) for key, stem in _IDX.items()}
    archives = sorted(path.glob("*.npz"))
    if not any(files.values()) and len(archives) == 1:
        return from_npz(archives[0])
    missing = [_IDX[key] for key in files if files[key] is None]
    if missing:
        raise errors.DataError(
            f"{path} has no {', '.join(missing)} file",
            "the four files of the MNIST layout, such as train-images-idx3-ubyte.gz, or one .npz",
            "Give the folder that holds these files.",
        )
    arrays = {key: inputs.read_idx(file) for key, file in files.items() if file is not None}
    return dataset.make(path.resolve().name, **arrays)


def _idx_file(path: Path, stem: str) -> Path | None:
    found = sorted(path.glob(f"{stem}[-.]idx*-ubyte*"))
    return found[0] if found else None


def _named(source: str, data_dir: str | None) -> Path:
    if data_dir and (Path(data_dir) / source).exists() and _is_name(source):
        return Path(data_dir) / source
    where = f" nor under {data_dir}" if data_dir else ""
    hint = "Check the spelling." if data_dir else "Set SSDGM_DATA_DIR to the folder of named sets."
    raise errors.DataNotFound(
        f"no data at {source}{where}",
        f"a folder, an .npz file, or a name: {', '.join(EMBEDDED)}",
        hint,
    )


def _is_name(source: str) -> bool:
    return bool(source) and Path(source).name == source and source not in (".", "..")

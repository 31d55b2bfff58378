"""From files to a data set, recognised by their names: IDX, npz, .mat, CIFAR-10's, images."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import arrays
from ssdgm_train.data import dataset, partnames
from ssdgm_train.data.formats import archived, gaps, images, mapped, pictures, points, views
from ssdgm_train.data.masks import arrays as masks
from ssdgm_train.data.masks import folder
from ssdgm_train.data.places import archive, tree
from ssdgm_train.data.settings import DEFAULTS, MASKS, POINTS, DataPlan
from ssdgm_train.data.tables import labelfile, table, windows
from ssdgm_train.labels import weights

_IDX = {"x": "train-images", "y": "train-labels", "x_test": "t10k-images", "y_test": "t10k-labels"}
_IDX_NAME = re.compile(rf"({'|'.join(_IDX.values())})[-.]idx[^/]*-ubyte[^/]*")
NAMES = ("names", "label_names")
"""The arrays of which one may name tags or numbers."""
WEIGHTS = "sample_weight"
NPY = (
    f"{WEIGHTS}.npy",
    *(f"{key}{part}.npy" for key in "xy" for part in ("", "_train", "_test")),
    *(f"{name}.npy" for name in NAMES),
)
_MAT = {"x": "train_32x32.mat", "x_test": "test_32x32.mat"}
_CIFAR = {"x": tuple(f"data_batch_{n}.bin" for n in range(1, 6)), "x_test": ("test_batch.bin",)}
_CIFAR_CLASSES = "batches.meta.txt"
_PICTURE = (3, 32, 32)
_DOWNLOAD_AGAIN = "Copy or download the file again."


def load(
    files: tree.Tree, name: str, plan: DataPlan = DEFAULTS, packed: bool = False
) -> dataset.Dataset:
    """Read the data set in a folder or an archive.

    Args:
        files: The MNIST layout (four IDX files), one .npz, x.npy and y.npy, SVHN's .mat files,
            CIFAR-10's binary files, tables, images, or one archive of any of these.
        name: The name of the data set in reports.
        plan: How it is read.
        packed: Whether the files come out of an archive, which must not hold another one.

    Raises:
        DataError: The layout is unknown, or a file cannot be read.
    """
    files = _unwrapped(files)
    tops = [n for n in files.names if "/" not in n]
    for is_there, reader in _READERS:
        if is_there(tops):
            return reader(files, name, plan)
    if len(files.names) == 1 == len(tops) and archive.is_archive(tops[0]) and not packed:
        return _archive(files, tops[0], name, plan)
    if folder.is_there(files.names):
        return folder.load(files, name, plan)
    if table.has_tables(files):
        return tabular(files, name, plan)
    if len(tops) < len(files.names) or labelfile.NAME in tops or files.empty:
        return images.load(files, name, plan)
    seen = f"the files {', '.join(tops[:4])}" if tops else "no files"
    raise errors.DataError(
        f"{files.title} is not a data set that can be read: it has {seen}",
        mend="Give a folder with one of: class folders of images; images and a labels.csv; tables "
        "(.csv, .parquet); x.npy and y.npy; one .npz; the four files of the MNIST layout, such as "
        "train-images-idx3-ubyte.gz.",
    )


def tabular(files: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """Tables: one line per row, or one line per moment of a series if `plan.series` is set."""
    load = windows.load if plan.series else table.load
    return load(files, name, plan)


def npz(
    contents: dict[str, NDArray[np.generic]], place: str, name: str, plan: DataPlan = DEFAULTS
) -> dataset.Dataset:
    """The arrays `x`, `y` (-1 = unlabelled), and perhaps `x_test`, `y_test` and `features`.

    `x_train`, `y_train` may stand for `x`, `y`. Rows of several views have an array for each,
    `x.NAME`, in place of `x`. `features` are the names of a row's values, and `sample_weight` how
    much each training row counts. If y has several columns, they are tags, or numbers if the plan
    says so, and `names` or `label_names` are their names.

    Args:
        contents: The arrays by name.
        place: The file's name in messages.
        name: The name of the data set in reports.
        plan: How it is read.

    Raises:
        DataError: An array is missing, or cannot be trained on.
    """
    if views.has_views(contents):
        named = _words(contents, NAMES, place)
        return _weighed(views.of_arrays(contents, place, name, plan, named), contents, place)
    train = [contents.get(k, contents.get(f"{k}_train")) for k in ("x", "y")]
    if train[0] is None or train[1] is None:
        raise errors.DataError(
            f"{place} lacks x or y (or x_train and y_train); it has the arrays {sorted(contents)}",
            mend="Save both with np.savez(path, x=x, y=y), or each with np.save; -1 in y stands "
            "for an unknown label, and x_test and y_test are optional.",
        )
    if ("x_test" in contents) != ("y_test" in contents):
        raise errors.DataError(
            f"{place} has only one of x_test and y_test", mend="Save both, or neither."
        )
    rows = train[0], train[1], contents.get("x_test"), contents.get("y_test")
    names = _words(contents, NAMES, place) if train[1].ndim > 1 else ()
    if plan.labels_as == POINTS:
        rows, names = points.of_arrays(rows, names)
    if plan.labels_as == MASKS:
        return masks.made(name, *masks.parts(*rows), plan, names)
    made = gaps.made(name, rows, plan, names, _words(contents, ("features",), place))
    return _weighed(made, contents, place)


def _weighed(
    made: dataset.Dataset, contents: dict[str, NDArray[np.generic]], place: str
) -> dataset.Dataset:
    """A data set with the weights of its rows, where there are some."""
    if (given := contents.get(WEIGHTS)) is None:
        return made
    return replace(made, weights=weights.checked(f"{place}, {WEIGHTS},", given, len(made.x)))


def _words(
    contents: dict[str, NDArray[np.generic]], names: tuple[str, ...], place: str
) -> tuple[str, ...]:
    """The strings of the first of some arrays that there is; none without one."""
    name = next((name for name in names if name in contents), "")
    words = contents.get(name, np.zeros(0, np.str_))
    if words.dtype.kind != "U":
        raise errors.DataError(
            f"{place} has {name} of dtype {words.dtype}", "strings", f"Write {name}.astype(str)."
        )
    return tuple(words.ravel().tolist())


def _unwrapped(files: tree.Tree) -> tree.Tree:
    """The files inside a single top folder, such as many archives have."""
    while (top := _wrapping(files)) is not None:
        inner = tree.Below(files, top)
        tops = [n for n in inner.names if "/" not in n]
        is_data = any(is_there(tops) for is_there, _ in _READERS) or labelfile.NAME in tops
        is_data = is_data or table.has_tables(inner)
        if not (is_data or len(tops) < len(inner.names) or inner.empty):
            break
        files = inner
    return files


def _wrapping(files: tree.Tree) -> str | None:
    tops = {name.split("/")[0] for name in (*files.names, *files.empty)}
    if len(tops) != 1 or not files.names or "/" not in files.names[0]:
        return None
    (top,) = tops
    part = partnames.part_of_folder(top) in partnames.PARTS
    return None if part or top.lower() in pictures.UNKNOWN else top


def _has_idx(tops: list[str]) -> bool:
    return any(_IDX_NAME.fullmatch(n) for n in tops)


def _idx(files: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    matches = {n: m[1] for n in files.names if (m := _IDX_NAME.fullmatch(n))}
    by_part = {key: next((n for n in matches if matches[n] == s), None) for key, s in _IDX.items()}
    missing = [_IDX[key] for key, file in by_part.items() if file is None]
    if missing:
        raise errors.DataError(
            f"{files.title} has no {', '.join(missing)} file",
            mend="Give the folder that has the four files of the MNIST layout, such as "
            "train-images-idx3-ubyte.gz.",
        )
    parts = {}
    for key, file in by_part.items():
        assert file is not None
        with files.open(file) as stream:
            parts[key] = arrays.idx(stream, tree.place(files, file))
    return gaps.made(name, tuple(parts[key] for key in _IDX), plan)


def _has_npz(tops: list[str]) -> bool:
    return sum(n.lower().endswith(".npz") for n in tops) == 1


def _npz(files: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    file = next(n for n in files.names if n.lower().endswith(".npz") and "/" not in n)
    place, path = tree.place(files, file), files.path(file)
    if path is not None:
        return npz(mapped.read_npz(path), place, name, plan)
    with files.open(file) as stream:
        return npz(arrays.npz(stream, place), place, name, plan)


def _has_npy(tops: list[str]) -> bool:
    return "x.npy" in tops or "x_train.npy" in tops


def npy(files: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """The arrays of `npz`, each in a file of its own, such as `x.npy`."""
    contents = {n.removesuffix(".npy"): mapped.read_npy(files, n) for n in NPY if n in files.names}
    return npz(contents, files.title, name, plan)


def _has_mat(tops: list[str]) -> bool:
    return all(file in tops for file in _MAT.values())


def _mat(files: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    """SVHN's cropped digits: X [32, 32, 3, rows] and y [rows, 1], where 10 stands for 0."""
    parts: dict[str, NDArray[np.generic]] = {}
    for key, file in _MAT.items():
        parts[key], parts[key.replace("x", "y")] = _mat_file(files, file)
    return gaps.made(name, tuple(parts[key] for key in _IDX), plan)


def _mat_file(files: tree.Tree, file: str) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    from scipy import io

    place = tree.place(files, file)
    with files.open(file) as stream:
        try:
            shapes = {key: (shape, kind) for key, shape, kind in io.whosmat(stream)}
            rows = shapes["X"][0][3]
            if shapes != {"X": ((32, 32, 3, rows), "uint8"), "y": ((rows, 1), "uint8")}:
                raise ValueError(f"it contains {shapes}")
            stream.seek(0)
            held = io.loadmat(stream, variable_names=("X", "y"))
        except Exception as error:  # scipy raises many types for damaged files
            raise arrays.damaged(place, ".mat file of SVHN's cropped digits", error) from None
    return np.ascontiguousarray(held["X"].transpose(3, 0, 1, 2)), held["y"].reshape(-1) % 10


def _has_cifar(tops: list[str]) -> bool:
    return all(file in tops for files in _CIFAR.values() for file in files)


def _cifar(files: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    """CIFAR-10's binary files: a byte for the class, then red, green and blue, 32 x 32 each."""
    names = _cifar_names(files)
    parts: dict[str, NDArray[np.generic]] = {}
    for key, members in _CIFAR.items():
        rows = np.concatenate([_cifar_file(files, file) for file in members])
        parts[key] = rows[:, 1:].reshape(-1, *_PICTURE).transpose(0, 2, 3, 1).copy()
        parts[key.replace("x", "y")] = names[rows[:, 0]]
    return gaps.made(name, tuple(parts[key] for key in _IDX), plan)


def _cifar_names(files: tree.Tree) -> NDArray[np.generic]:
    with files.open(_CIFAR_CLASSES) as stream:
        names = stream.read(1 << 16).decode("ascii", errors="replace").split()
    if len(names) != 10:
        place = tree.place(files, _CIFAR_CLASSES)
        raise errors.DataError(
            f"{place} has {len(names)} words", "the names of ten classes", _DOWNLOAD_AGAIN
        )
    return np.array(names)


def _cifar_file(files: tree.Tree, file: str) -> NDArray[np.uint8]:
    width = 1 + int(np.prod(_PICTURE))
    with files.open(file) as stream:
        records = np.frombuffer(stream.read(), np.uint8)
    whole = len(records) % width == 0 and len(records) > 0
    if not whole or int(records.reshape(-1, width)[:, 0].max()) > 9:
        raise errors.DataError(
            f"{tree.place(files, file)} has {len(records)} bytes",
            f"records of {width} that begin with a class from 0 to 9",
            _DOWNLOAD_AGAIN,
        )
    return records.reshape(-1, width)


def _archive(files: tree.Tree, file: str, name: str, plan: DataPlan) -> dataset.Dataset:
    with files.open(file) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        inner = archive.unpack(stream, tree.place(files, file), size)
        return load(inner, name, plan, packed=True)


Reader = Callable[[tree.Tree, str, DataPlan], dataset.Dataset]

_READERS: tuple[tuple[Callable[[list[str]], bool], Reader], ...] = (
    (_has_idx, _idx),
    (_has_npz, _npz),
    (_has_npy, npy),
    (_has_mat, _mat),
    (_has_cifar, _cifar),
    (archived.is_series, archived.load),
)

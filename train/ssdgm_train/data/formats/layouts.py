"""From files to a data set, by the names that they have: IDX, npz, .mat, CIFAR's, images."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import arrays
from ssdgm_train.data import dataset, partnames
from ssdgm_train.data.formats import images, mapped
from ssdgm_train.data.places import archive, tree
from ssdgm_train.data.settings import DEFAULTS, DataPlan
from ssdgm_train.data.tables import labelfile, table, windows

_IDX = {"x": "train-images", "y": "train-labels", "x_test": "t10k-images", "y_test": "t10k-labels"}
_IDX_NAME = re.compile(rf"({'|'.join(_IDX.values())})[-.]idx[^/]*-ubyte[^/]*")
NPY = tuple(f"{key}{part}.npy" for key in "xy" for part in ("", "_train", "_test"))
_MAT = {"x": "train_32x32.mat", "x_test": "test_32x32.mat"}
_CIFAR = {"x": tuple(f"data_batch_{n}.bin" for n in range(1, 6)), "x_test": ("test_batch.bin",)}
_CIFAR_CLASSES = "batches.meta.txt"
_PICTURE = (3, 32, 32)


def load(
    found: tree.Tree, name: str, plan: DataPlan = DEFAULTS, packed: bool = False
) -> dataset.Dataset:
    """Read the data set that lies in a folder or an archive.

    Args:
        found: The MNIST layout (four IDX files), one .npz, x.npy and y.npy, SVHN's two .mat files,
            CIFAR-10's binary files, images as `folder` reads them, or one archive of any of these.
        name: What reports call it.
        plan: How it is to be read.
        packed: These are the files of an archive, which holds no others.

    Raises:
        DataError: It is nothing of this, or cannot be read.
    """
    found = _unwrapped(found)
    tops = [n for n in found.names if "/" not in n]
    for is_there, reader in _READERS:
        if is_there(tops):
            return reader(found, name, plan)
    if len(found.names) == 1 == len(tops) and archive.is_archive(tops[0]) and not packed:
        return _archive(found, tops[0], name, plan)
    if table.are_there(found):
        return tabular(found, name, plan)
    if len(tops) < len(found.names) or labelfile.NAME in tops or found.empty:
        return images.load(found, name, plan)
    seen = f"the files {', '.join(tops[:4])}" if tops else "no files"
    raise errors.DataError(
        f"{found.title} has {seen}",
        "a folder of images for every class, images and a labels.csv, tables (.csv, .parquet), "
        "x.npy and y.npy, the four files of the MNIST layout, such as train-images-idx3-ubyte.gz, "
        "or one .npz",
        "Give the folder that holds these.",
    )


def tabular(found: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """Tables: of rows, or of the moments of series where the plan says which column has these."""
    load = windows.load if plan.series else table.load
    return load(found, name, plan)


def npz(
    found: dict[str, NDArray[np.generic]], place: str, name: str, plan: DataPlan = DEFAULTS
) -> dataset.Dataset:
    """The arrays `x`, `y` (-1 = unlabelled), and perhaps `x_test`, `y_test` and `features`.

    `x_train`, `y_train` are understood for `x`, `y`. `features` are the names of a row's values.
    """
    train = [found.get(k, found.get(f"{k}_train")) for k in ("x", "y")]
    if train[0] is None or train[1] is None:
        raise errors.DataError(
            f"{place} holds the arrays {sorted(found)}",
            "x and y (or x_train and y_train), perhaps x_test and y_test",
            "Save both with np.savez(path, x=x, y=y), or each with np.save; -1 in y stands for an "
            "unknown label.",
        )
    if ("x_test" in found) != ("y_test" in found):
        raise errors.DataError(
            f"{place} holds the arrays {sorted(found)}", "x_test and y_test together", ""
        )
    tests = found.get("x_test"), found.get("y_test")
    named = found.get("features", np.zeros(0, np.str_))
    if named.dtype.kind != "U":
        raise errors.DataError(
            f"{place} has features of dtype {named.dtype}",
            "strings",
            "Write features.astype(str).",
        )
    features = tuple(named.ravel().tolist())
    return dataset.make(name, train[0], train[1], *tests, kind=plan.kind, features=features)


def _unwrapped(found: tree.Tree) -> tree.Tree:
    """What lies in the one folder that holds all, as archives have it."""
    while (top := _wrapping(found)) is not None:
        inner = tree.Below(found, top)
        tops = [n for n in inner.names if "/" not in n]
        known = any(is_there(tops) for is_there, _ in _READERS) or labelfile.NAME in tops
        known = known or table.are_there(inner)
        if not (known or len(tops) < len(inner.names) or inner.empty):
            break
        found = inner
    return found


def _wrapping(found: tree.Tree) -> str | None:
    tops = {name.split("/")[0] for name in (*found.names, *found.empty)}
    if len(tops) != 1 or not found.names or "/" not in found.names[0]:
        return None
    (top,) = tops
    part = partnames.of_folder(top) in partnames.PARTS
    return None if part or top.lower() in images.UNKNOWN else top


def _has_idx(tops: list[str]) -> bool:
    return any(_IDX_NAME.fullmatch(n) for n in tops)


def _idx(found: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    matches = {n: m[1] for n in found.names if (m := _IDX_NAME.fullmatch(n))}
    files = {key: next((n for n in matches if matches[n] == s), None) for key, s in _IDX.items()}
    missing = [_IDX[key] for key, file in files.items() if file is None]
    if missing:
        raise errors.DataError(
            f"{found.title} has no {', '.join(missing)} file",
            "the four files of the MNIST layout, such as train-images-idx3-ubyte.gz",
            "Give the folder that holds these files.",
        )
    read = {}
    for key, file in files.items():
        assert file is not None
        with found.open(file) as stream:
            read[key] = arrays.idx(stream, tree.place(found, file))
    return _made(name, read, plan)


def _made(name: str, read: dict[str, NDArray[np.generic]], plan: DataPlan) -> dataset.Dataset:
    x, y, x_test, y_test = (read[key] for key in _IDX)
    return dataset.make(name, x, y, x_test, y_test, plan.kind)


def _has_npz(tops: list[str]) -> bool:
    return sum(n.lower().endswith(".npz") for n in tops) == 1


def _npz(found: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    file = next(n for n in found.names if n.lower().endswith(".npz") and "/" not in n)
    place, path = tree.place(found, file), found.path(file)
    if path is not None:
        return npz(mapped.read_npz(path), place, name, plan)
    with found.open(file) as stream:
        return npz(arrays.npz(stream, place), place, name, plan)


def _has_npy(tops: list[str]) -> bool:
    return "x.npy" in tops or "x_train.npy" in tops


def npy(found: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """The arrays of `npz`, each in a file of its own, such as `x.npy`."""
    read = {n.removesuffix(".npy"): mapped.read_npy(found, n) for n in NPY if n in found.names}
    return npz(read, found.title, name, plan)


def _has_mat(tops: list[str]) -> bool:
    return all(file in tops for file in _MAT.values())


def _mat(found: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    """SVHN's cropped digits: X [32, 32, 3, rows] and y [rows, 1], where 10 stands for 0."""
    read: dict[str, NDArray[np.generic]] = {}
    for key, file in _MAT.items():
        read[key], read[key.replace("x", "y")] = _mat_file(found, file)
    return _made(name, read, plan)


def _mat_file(found: tree.Tree, file: str) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    from scipy import io

    place = tree.place(found, file)
    with found.open(file) as stream:
        try:
            shapes = {key: (shape, kind) for key, shape, kind in io.whosmat(stream)}
            rows = shapes["X"][0][3]
            if shapes != {"X": ((32, 32, 3, rows), "uint8"), "y": ((rows, 1), "uint8")}:
                raise ValueError(f"it holds {shapes}")
            stream.seek(0)
            held = io.loadmat(stream, variable_names=("X", "y"))
        except Exception as error:  # scipy lets through whatever its parser trips over
            raise arrays.damaged(place, ".mat file of SVHN's cropped digits", error) from None
    return np.ascontiguousarray(held["X"].transpose(3, 0, 1, 2)), held["y"].reshape(-1) % 10


def _has_cifar(tops: list[str]) -> bool:
    return all(file in tops for files in _CIFAR.values() for file in files)


def _cifar(found: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    """CIFAR-10's binary files: a byte for the class, then red, green and blue, 32 x 32 each."""
    names = _cifar_names(found)
    read: dict[str, NDArray[np.generic]] = {}
    for key, files in _CIFAR.items():
        rows = np.concatenate([_cifar_file(found, file) for file in files])
        read[key] = rows[:, 1:].reshape(-1, *_PICTURE).transpose(0, 2, 3, 1).copy()
        read[key.replace("x", "y")] = names[rows[:, 0]]
    return _made(name, read, plan)


def _cifar_names(found: tree.Tree) -> NDArray[np.generic]:
    with found.open(_CIFAR_CLASSES) as stream:
        names = stream.read(1 << 16).decode("ascii", errors="replace").split()
    if len(names) != 10:
        place = tree.place(found, _CIFAR_CLASSES)
        raise errors.DataError(f"{place} has {len(names)} words", "the names of ten classes")
    return np.array(names)


def _cifar_file(found: tree.Tree, file: str) -> NDArray[np.uint8]:
    width = 1 + int(np.prod(_PICTURE))
    with found.open(file) as stream:
        data = np.frombuffer(stream.read(), np.uint8)
    whole = len(data) % width == 0 and len(data) > 0
    if not whole or int(data.reshape(-1, width)[:, 0].max()) > 9:
        raise errors.DataError(
            f"{tree.place(found, file)} has {len(data)} bytes",
            f"a multiple of {width}, each beginning with a class from 0 to 9",
            "Copy or download the file again.",
        )
    return data.reshape(-1, width)


def _archive(found: tree.Tree, file: str, name: str, plan: DataPlan) -> dataset.Dataset:
    with found.open(file) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        inner = archive.unpack(stream, tree.place(found, file), size)
        return load(inner, name, plan, packed=True)


Reader = Callable[[tree.Tree, str, DataPlan], dataset.Dataset]

_READERS: tuple[tuple[Callable[[list[str]], bool], Reader], ...] = (
    (_has_idx, _idx),
    (_has_npz, _npz),
    (_has_npy, npy),
    (_has_mat, _mat),
    (_has_cifar, _cifar),
)

"""Read data as it comes: npy, npz, IDX (plain or gzip), image files and folders of images.

Numpy and the standard library only (images need Pillow, the `[images]` extra). Nothing is rescaled
or unpickled, and nothing resized but images by a policy that is given: what a file holds is what a
graph gets, and a file that holds anything else is an error that says so.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import arrays, images
from ssdgm_runtime.rows import columns, resizing
from ssdgm_runtime.rows.row import Row

Array = NDArray[Any]
PathLike = str | os.PathLike[str]
Shape = tuple[int, ...]

MAX_BYTES = arrays.MAX_BYTES
_ANY = Row()


@dataclass(frozen=True)
class Rows:
    """Rows of data, [n, ...], and the files they came from where each row is a file."""

    x: Array
    names: tuple[str, ...] = ()


def read_idx(path: PathLike) -> Array:
    """Read an IDX file, such as MNIST's, plain or gzip.

    Returns:
        The array as the header describes it, in the machine's byte order.

    Raises:
        DataNotFound: There is no such file.
        DataError: The magic number is wrong, or bytes are missing or left over.
    """
    place = _file(path)
    with open(place, "rb") as stream:
        return arrays.idx(stream, str(place))


def read_npy(path: PathLike) -> Array:
    """Read one array from a .npy file; errors as in `read_npz`."""
    place = _file(path)
    with open(place, "rb") as stream:
        return arrays.npy(stream, str(place))


def read_npz(
    path: PathLike, keys: Sequence[str] = (), max_bytes: int = MAX_BYTES
) -> dict[str, Array]:
    """Read arrays from a .npz file.

    Args:
        path: The file.
        keys: The arrays that must be there; without any, all are read.
        max_bytes: The most that one array may hold once it is unpacked.

    Raises:
        DataNotFound: There is no such file.
        DataError: It is damaged, too big, holds pickled objects, or has no array of that name.
    """
    place = _file(path)
    with open(place, "rb") as stream:
        return arrays.npz(stream, str(place), keys, max_bytes)


def read_images(
    path: PathLike, shape: Shape | None = None, resize: resizing.Resize | None = None
) -> Rows:
    """Read one image, or every image below a folder in the order of their names.

    Args:
        path: The file or folder.
        shape: The shape of one row: [height, width] reads greys, [height, width, 3] colours.
            Without it the first image decides.
        resize: What becomes of images of another size; None: they are errors.

    Returns:
        uint8 [n, *shape] and each image's name, relative to the folder.

    Raises:
        DataNotFound: There is no such file, or the folder has no images.
        DataError: A file is not an image, has another size than `shape`, or more than 8 bits a
            colour.
        MissingExtra: Pillow is not installed.
    """
    place = _path(path)
    files = images.find(place) if place.is_dir() else [_file(place)]
    if not files:
        raise errors.DataNotFound(
            f"The folder {place} has no images",
            f"files that end in {', '.join(sorted(images.SUFFIXES))}",
        )
    base = place if place.is_dir() else place.parent
    rows: list[NDArray[np.uint8]] = []
    for file in files:
        rows.append(images.load(file, rows[0].shape if rows else shape, resize))
    return Rows(np.stack(rows), tuple(f.relative_to(base).as_posix() for f in files))


def read_rows(path: PathLike, row: Row = _ANY) -> Rows:
    """Read rows from whatever is at a path, recognised by its name or first bytes.

    Args:
        path: npy, npz (its array `x`, else `x_test`, else the only one), IDX plain or gzip, an
            image, a folder of images, or a .ts file of series. Where rows have names, also .csv,
            .tsv (plain or .gz), .parquet and .jsonl, columns by their names; where rows are
            windows, long tables of these kinds but the last, each row named as the table names its
            series. Where rows have several views, see `views.read`.
        row: What a row is. Images are read to its shape, arrays are never resized.

    Raises:
        DataNotFound: There is no such file.
        DataError: It cannot be read, a column is missing or holds a value of another kind, or a
            series does not make a window.
        MissingExtra: It is an image and Pillow is not installed, or Parquet without pyarrow.
    """
    place = _path(path)
    if row.views:
        from ssdgm_runtime.readers import views

        if not place.is_dir():
            _file(place)
        return Rows(*views.read(place, row.views))
    if (row.series or row.columns or row.features) and place.is_file():
        table = _of_table(place, row)
        if table is not None:
            return table
    if place.is_dir():
        return read_images(place, row.shape, row.resize)
    suffix = _file(place).suffix.lower()
    _check_names(place)
    if suffix in images.SUFFIXES:
        return read_images(place, row.shape, row.resize)
    reader = _READERS.get(suffix) or _sniff(place)
    return Rows(reader(place))


def _check_names(place: Path) -> None:
    """Refuse a table for rows without names; nobody could tell which column is which value."""
    from ssdgm_runtime.readers import tables

    if tables.is_table(place.name):
        raise errors.DataError(
            f"{place} is a table, and this bundle does not know the names of its rows' values",
            "an .npy or .npz file",
            "Train on a table or a frame with names, or save the columns as an array in the "
            "order of training.",
        )


def _of_table(place: Path, row: Row) -> Rows | None:
    """Rows of a file that is a table by its name, columns by theirs; None for other files."""
    from ssdgm_runtime.readers import jsonlines, tables, windows

    if jsonlines.is_lines(place.name) and not row.series:
        return Rows(_of_objects(jsonlines.read(place), row, str(place)))
    if not tables.is_table(place.name):
        return None
    if row.series and row.shape:
        cut = windows.read(place, row.series, row.shape[1])
        return Rows(cut.x, cut.names)
    x = tables.read(place, row.columns or row.features)
    return Rows(columns.exact(x.reshape(-1, *(row.shape or ())), row.dtype))


def _of_objects(objects: list[dict[str, Any]], row: Row, place: str) -> Array:
    """Rows that are given by the names of their values."""
    from ssdgm_runtime.rows import named
    from ssdgm_runtime.rows.tensor import Tensor

    shape = row.shape or (len(row.columns or row.features),)
    tensor = Tensor(place, row.dtype or "float32", ("batch", *shape))
    every = dict.fromkeys(name for one in objects for name in one)
    whole = [every | one for one in objects]  # what a line leaves out is missing
    if row.columns:
        return named.given(whole, row.columns, tensor)
    rows: Array = named.placed(whole, row.features, tensor)
    return rows


def _first(place: Path) -> Array:
    loaded = read_npz(place)
    for key in ("x", "x_test"):
        if key in loaded:
            return loaded[key]
    if len(loaded) == 1:
        return next(iter(loaded.values()))
    raise errors.DataError(
        f"{place} has arrays {list(loaded)}",
        "one named 'x' or 'x_test'",
        "Rename the inputs to x.",
    )


def _series(place: Path) -> Array:
    from ssdgm_runtime.readers import ts

    with open(place, "rb") as stream:
        return ts.read(stream, str(place)).x


_READERS: dict[str, Callable[[Path], Array]] = {
    ".ts": _series,
    ".npy": read_npy,
    ".npz": _first,
    ".idx": read_idx,
    ".gz": read_idx,
}
_MAGIC: dict[bytes, Callable[[Path], Array]] = {
    b"\x93NUM": read_npy,
    b"PK\x03\x04": _first,
    arrays.GZIP_MAGIC: read_idx,
    b"\x00\x00": read_idx,
}


def _sniff(place: Path) -> Callable[[Path], Array]:
    with open(place, "rb") as stream:
        head = stream.read(4)
    for magic, reader in _MAGIC.items():
        if head.startswith(magic):
            return reader
    raise errors.DataError(
        f"{place} is of an unknown type",
        "npy, npz, IDX (plain or gzip), csv, tsv, parquet, jsonl, an image or a folder",
    )


def _path(path: PathLike) -> Path:
    text = isinstance(path, (str, os.PathLike)) and os.fspath(path)
    if not isinstance(text, str) or not text or "\0" in text:
        raise errors.DataError(f"The path of the data is {path!r}", "a file or folder")
    return Path(text)


def _file(path: PathLike) -> Path:
    place = _path(path)
    if not place.exists():
        raise errors.DataNotFound(f"There is no file {place}", mend="Check the spelling.")
    if not place.is_file():
        raise errors.DataError(f"{place} is not a regular file", "a file or folder")
    if not place.stat().st_size:
        raise errors.DataError(f"{place} is empty", mend="Copy or download the file again.")
    return place

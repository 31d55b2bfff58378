"""Read data as it comes: npy, npz, IDX (plain or gzip), image files and folders of images.

Numpy and the standard library only (images need Pillow, the `[images]` extra). Nothing is
rescaled, resized or unpickled: what a file holds is what a graph gets, and a file that holds
anything else is an error that says so.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, images, sources

Array = NDArray[Any]
PathLike = str | os.PathLike[str]
Shape = tuple[int, ...]

_IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_PIECE = 1 << 20
_AXES = 8
MAX_BYTES = 1 << 34
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Rows:
    """Rows of data, [n, ...], and the files they came from where each row is a file."""

    x: Array
    names: tuple[str, ...] = ()


class Stream(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def read_idx(path: PathLike) -> Array:
    """Read an IDX file, such as MNIST's, plain or gzip.

    Returns:
        The array as the header describes it, in the machine's byte order.

    Raises:
        DataNotFound: Nothing lies there.
        DataError: The magic number is wrong, or bytes are missing or left over.
    """
    import gzip
    import zlib

    place = _file(path)
    with open(place, "rb") as stream:
        packed = stream.read(2) == _GZIP_MAGIC
    with gzip.open(place) if packed else open(place, "rb") as source:
        try:
            return _idx(source, place)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _damaged(place, "gzip file", error) from None


def read_npy(path: PathLike) -> Array:
    """Read one array from a .npy file; errors as in `read_npz`."""
    with open(_file(path), "rb") as stream:
        loaded = _load(Path(path), stream)
        if isinstance(loaded, np.ndarray):
            return loaded
    raise errors.DataError(f"{path} is an npz archive", "a .npy file", "Name it .npz.")


def read_npz(
    path: PathLike, keys: Sequence[str] = (), max_bytes: int = MAX_BYTES
) -> dict[str, Array]:
    """Read arrays from a .npz file.

    Args:
        path: The file.
        keys: The arrays that must be there; without any, all are read.
        max_bytes: The most that one array may hold once it is unpacked.

    Raises:
        DataNotFound: Nothing lies there.
        DataError: It is damaged, too big, holds pickled objects, or has no array of that name.
    """
    place = _file(path)
    with open(place, "rb") as stream:
        loaded = _load(place, stream)
        if isinstance(loaded, np.ndarray):
            raise errors.DataError(f"{place} is a single array", "an npz archive", "Name it .npy.")
        found = list(loaded.files)
        missing = [key for key in keys if key not in found]
        if missing:
            raise errors.DataError(
                f"{place} has arrays {found}", f"an array named {missing[0]!r}", "Rename one."
            )
        return {key: _member(place, loaded, key, max_bytes) for key in keys or found}


def read_images(path: PathLike, shape: Shape | None = None) -> Rows:
    """Read one image, or every image below a folder in the order of their names.

    Args:
        path: The file or folder.
        shape: The shape of one row: [height, width] reads greys, [height, width, 3] colours.
            Without it the first image decides.

    Returns:
        uint8 [n, *shape] and each image's name, relative to the folder.

    Raises:
        DataNotFound: Nothing lies there, or the folder has no images.
        DataError: A file is no image, has another size than `shape`, or more than 8 bits a colour.
        MissingExtra: Pillow is not installed.
    """
    place = _path(path)
    files = images.find(place) if place.is_dir() else [_file(place)]
    if not files:
        raise errors.DataNotFound(
            f"the folder {place} has no images",
            f"files named {', '.join(sorted(images.SUFFIXES))}",
        )
    base = place if place.is_dir() else place.parent
    found: list[NDArray[np.uint8]] = []
    for file in files:
        found.append(images.load(file, found[0].shape if found else shape))
    return Rows(np.stack(found), tuple(f.relative_to(base).as_posix() for f in files))


def read_rows(path: PathLike, shape: Shape | None = None) -> Rows:
    """Read rows from whatever lies at a path, told by its name or first bytes.

    Args:
        path: npy, npz (its array `x`, else `x_test`, else the only one), IDX plain or gzip, an
            image or a folder of images.
        shape: The shape of one row, which images are read to.

    Raises:
        DataNotFound: Nothing lies there.
        DataError: It cannot be read, or as none of these.
        MissingExtra: It is an image and Pillow is not installed.
    """
    place = _path(path)
    if place.is_dir():
        return read_images(place, shape)
    suffix = _file(place).suffix.lower()
    if suffix in images.SUFFIXES:
        return read_images(place, shape)
    reader = _READERS.get(suffix) or _sniff(place)
    return Rows(reader(place))


def _first(place: Path) -> Array:
    arrays = read_npz(place)
    for key in ("x", "x_test"):
        if key in arrays:
            return arrays[key]
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    raise errors.DataError(
        f"{place} has arrays {list(arrays)}",
        "one named 'x' or 'x_test'",
        "Rename the inputs to x.",
    )


_READERS: dict[str, Callable[[Path], Array]] = {
    ".npy": read_npy,
    ".npz": _first,
    ".idx": read_idx,
    ".gz": read_idx,
}
_MAGIC: dict[bytes, Callable[[Path], Array]] = {
    b"\x93NUM": read_npy,
    b"PK\x03\x04": _first,
    _GZIP_MAGIC: read_idx,
    b"\x00\x00": read_idx,
}


def _sniff(place: Path) -> Callable[[Path], Array]:
    with open(place, "rb") as stream:
        head = stream.read(4)
    for magic, reader in _MAGIC.items():
        if head.startswith(magic):
            return reader
    raise errors.DataError(
        f"{place} is of no known kind", "npy, npz, IDX (plain or gzip), an image or a folder"
    )


def _path(path: PathLike) -> Path:
    told = isinstance(path, (str, os.PathLike)) and os.fspath(path)
    if not isinstance(told, str) or not told or "\0" in told:
        raise errors.DataError(f"the path of the data is {path!r}", "a file or folder")
    return Path(told)


def _file(path: PathLike) -> Path:
    place = _path(path)
    if not place.exists():
        raise errors.DataNotFound(f"there is no file {place}", "a file", "Check the spelling.")
    if not place.is_file():
        raise errors.DataError(f"{place} is no regular file", "a file")
    if not place.stat().st_size:
        raise errors.DataError(f"{place} is empty", "a file with data")
    return place


def _idx(stream: Stream, place: Path) -> Array:
    head = stream.read(4)
    plain = len(head) == 4 and head[:2] == b"\0\0" and head[2] in _IDX_TYPES
    if not plain or not 0 < head[3] <= _AXES:
        raise errors.DataError(
            f"{place} begins with {head.hex(' ')}",
            f"an IDX file (00 00, type, number of axes from 1 to {_AXES})",
        )
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise _cut(place, len(sizes), 4 * head[3], "header")
    shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
    dtype = np.dtype(_IDX_TYPES[head[2]])
    if math.prod(max(n, 1) for n in shape) * dtype.itemsize > MAX_BYTES:
        raise _too_big(f"{place} of shape {list(shape)}", MAX_BYTES)
    wanted = math.prod(shape) * dtype.itemsize
    data = _take(stream, wanted + 1)
    if len(data) != wanted:
        raise _cut(place, len(data), wanted, "data")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _take(stream: Stream, most: int) -> bytes:
    """Read in pieces, so that a damaged header cannot ask for all memory at once."""
    pieces: list[bytes] = []
    while most > 0 and (piece := stream.read(min(most, _PIECE))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _cut(place: Path, found: int, wanted: int, what: str) -> errors.DataError:
    much = f"more than {wanted}" if found > wanted else str(found)
    return errors.DataError(
        f"{place} has {much} bytes of {what}", str(wanted), "Copy or download the file again."
    )


def _load(place: Path, stream: IO[bytes]) -> Any:  # noqa: ANN401  (an array or an archive)
    try:
        return np.load(stream, allow_pickle=False)
    except Exception as error:  # numpy lets through whatever its parsers trip over
        raise _damaged(place, "npy or npz file without pickled objects", error) from None


def _member(place: Path, archive: Any, key: str, most: int) -> Array:  # noqa: ANN401
    try:
        _check_member(place, archive.zip, key, most)
        array = archive[key]
    except errors.DataError:
        raise
    except Exception as error:  # as above, and zipfile's and zlib's
        what = f"npz file whose array {key!r} holds numbers, not pickled objects"
        raise _damaged(place, what, error) from None
    if not isinstance(array, np.ndarray):
        raise errors.DataError(f"{key!r} in {place} is no array", "an .npy file in the archive")
    return array


def _check_member(place: Path, archive: Any, key: str, most: int) -> None:  # noqa: ANN401
    """Look at what an array announces before anything of that size is allocated."""
    name = key if key in archive.namelist() else f"{key}.npy"
    size = archive.getinfo(name).file_size
    if size > most:
        raise _too_big(f"{key!r} in {place}, of {size} bytes,", most)
    with archive.open(name) as stream:
        if stream.peek(6)[:6] == np.lib.format.MAGIC_PREFIX:
            sources.check_npy(stream, size)


def _too_big(what: str, most: int) -> errors.DataError:
    return errors.DataError(f"{what} is too big", f"at most {most} bytes", "Split the data.")


def _damaged(place: Path, wanted: str, error: Exception) -> errors.DataError:
    detail = str(error).strip().rstrip(".").splitlines() or [type(error).__name__]
    return errors.DataError(f"{place} cannot be read ({detail[0]})", f"an undamaged {wanted}")

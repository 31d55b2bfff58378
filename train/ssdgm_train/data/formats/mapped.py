"""Files of numpy: small arrays are read, large ones stay in their file and are mapped.

An array of an .npz is mapped where it lies, if it is stored as `np.savez` does; what
`np.savez_compressed` wrote is unpacked into `store.allocate`.
"""

import contextlib
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.readers import arrays, inputs
from ssdgm_runtime.rows import npy
from ssdgm_train.data import store
from ssdgm_train.data.places import tree

_LOCAL = struct.Struct("<4s22xHH")
"""The head of a member: its magic and how long its name and its extra field are."""


def read_npy(folder: tree.Tree, name: str) -> store.Array:
    """The array of an .npy file.

    Raises:
        DataError: It is cut short, is no .npy file, or holds pickled objects.
    """
    path, place = folder.path(name), tree.place(folder, name)
    if path is None or path.stat().st_size < store.LARGE:
        with folder.open(name) as stream:
            return arrays.npy(stream, place)
    with _parsing(place):
        return _lying(path, 0, path.stat().st_size, place)


def read_npz(path: Path) -> dict[str, store.Array]:
    """The arrays of an .npz file.

    Raises:
        DataNotFound: Nothing lies there.
        DataError: It is damaged, too big, or holds pickled objects.
    """
    large = _large(path)
    if not large:
        return inputs.read_npz(path)
    with open(path, "rb") as stream, _parsing(str(path)), zipfile.ZipFile(stream) as archive:
        small = [n.removesuffix(".npy") for n in archive.namelist() if n not in large]
        stream.seek(0)
        by_name = arrays.npz(stream, str(path), small) if small else {}
        for name, info in large.items():
            by_name[name.removesuffix(".npy")] = _member(path, archive, info)
        return by_name


def _large(path: Path) -> dict[str, zipfile.ZipInfo]:
    """The arrays that are not to be held in memory, by their names."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return {}
    with _parsing(str(path)), zipfile.ZipFile(path) as archive:
        infos = {info.filename: info for info in archive.infolist()}
    return {n: i for n, i in infos.items() if n.endswith(".npy") and i.file_size >= store.LARGE}


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> store.Array:
    place = f"{path}/{info.filename}"
    with archive.open(info) as stream:
        if info.compress_type != zipfile.ZIP_STORED:
            return _unpacked(stream, info.file_size, place)
        while stream.read(store.PIECE):  # its checksum is compared at the end
            pass
    with open(path, "rb") as whole:
        whole.seek(info.header_offset)
        magic, name, extra = _LOCAL.unpack(whole.read(_LOCAL.size))
    if magic != zipfile.stringFileHeader:  # type: ignore[attr-defined]
        raise ValueError("a member is not where the archive says")
    begin = info.header_offset + _LOCAL.size + name + extra
    return _lying(path, begin, info.file_size, place)


def _lying(path: Path, begin: int, size: int, place: str) -> store.Array:
    """The array of those bytes of a file, mapped."""
    with open(path, "rb") as stream:
        stream.seek(begin)
        shape, fortran, dtype = npy.header(stream, begin + size)
        offset = stream.tell()
    whole = np.memmap(path, dtype, "r", offset, shape, "F" if fortran else "C")
    return _by_rows(whole, place) if fortran else whole


def _unpacked(stream: tree.Stream, size: int, place: str) -> store.Array:
    if size > arrays.MAX_BYTES:
        raise errors.DataError(
            f"{place} unpacks to {size} bytes",
            f"at most {arrays.MAX_BYTES} where it is compressed",
            "Save it with np.savez.",
        )
    shape, fortran, dtype = npy.header(stream, size)
    whole = store.allocate(shape[::-1] if fortran else shape, dtype, place)
    flat = whole.reshape(-1).view(np.uint8)
    for start, piece in store.pieces(flat):
        data = stream.read(len(piece))
        piece[: len(data)] = np.frombuffer(data, np.uint8)
        if len(data) < len(piece):
            raise EOFError(f"it ends after {start + len(data)} of {len(flat)} bytes")
    stream.read(1)  # its checksum is compared at the end
    return _by_rows(whole.T, place) if fortran else whole


def _by_rows(array: store.Array, place: str) -> store.Array:
    """The same array, each row in one piece."""
    copy = store.allocate(array.shape, array.dtype, place, beside=array)
    for start, piece in store.pieces(array):
        copy[start : start + len(piece)] = piece
        store.give_back(copy)
    return copy


@contextlib.contextmanager
def _parsing(place: str) -> Iterator[None]:
    try:
        yield
    except errors.SsdgmError:
        raise
    except Exception as error:  # numpy, zipfile and zlib let through whatever they trip over
        raise arrays.damaged(place, "npy or npz file without pickled objects", error) from None

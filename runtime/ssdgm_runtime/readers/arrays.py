"""Arrays out of open files: IDX (plain or gzip), npy and npz.

The sizes that a file announces are checked before memory is allocated, and nothing is unpickled.
A file's name is for messages alone, so a member of an archive is read as a file on a disk is.
"""

import math
from collections.abc import Sequence
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows.npy import header

Array = NDArray[Any]

MAX_BYTES = 1 << 34
GZIP_MAGIC = b"\x1f\x8b"
RATIO, FREE = 250, 64 << 20
"""How many times its own size a packed file may unpack to, beyond so many bytes."""
_MAGIC = (np.lib.format.MAGIC_PREFIX, b"PK\x03\x04", b"PK\x05\x06")
_HEAD = len(_MAGIC[0])
_IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_PIECE = 1 << 20
_AXES = 8


class Stream(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def idx(stream: IO[bytes], name: str) -> Array:
    """Read an IDX file, such as MNIST's, plain or gzip.

    Returns:
        The array as the header describes it, in the machine's byte order.

    Raises:
        DataError: The magic number is wrong, or bytes are missing or left over.
    """
    import gzip
    import zlib

    packed = stream.read(2) == GZIP_MAGIC
    size = stream.seek(0, 2)
    stream.seek(0)
    if not packed:
        return _idx(stream, name, MAX_BYTES)
    most = min(MAX_BYTES, max(FREE, RATIO * size))
    try:
        with gzip.GzipFile(fileobj=stream) as source:
            return _idx(source, name, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged(name, "gzip file", error) from None


def npy(stream: IO[bytes], name: str) -> Array:
    """Read one array from a .npy file; errors as in `npz`."""
    loaded = _load(stream, name)
    if isinstance(loaded, np.ndarray):
        return loaded
    raise errors.DataError(f"{name} is an npz archive, not a .npy file", mend="Rename it to .npz.")


def npz(
    stream: IO[bytes], name: str, keys: Sequence[str] = (), max_bytes: int = MAX_BYTES
) -> dict[str, Array]:
    """Read arrays from a .npz file.

    Args:
        stream: The file.
        name: Its name.
        keys: The arrays that must be there; without any, all are read.
        max_bytes: The most that one array may hold once it is unpacked.

    Raises:
        DataError: It is damaged, too big, holds pickled objects, or has no array of that name.
    """
    loaded = _load(stream, name)
    if isinstance(loaded, np.ndarray):
        raise errors.DataError(
            f"{name} is a single array, not an npz archive", mend="Rename it to .npy."
        )
    there = list(loaded.files)
    missing = [key for key in keys if key not in there]
    if missing:
        raise errors.DataError(
            f"{name} has arrays {there}", f"an array named {missing[0]!r}", "Rename one."
        )
    return {key: _member(name, loaded, key, max_bytes) for key in keys or there}


def _idx(stream: Stream, name: str, most: int) -> Array:
    head = stream.read(4)
    if not head:
        raise errors.DataError(f"{name} is empty", mend="Copy or download the file again.")
    plain = len(head) == 4 and head[:2] == b"\0\0" and head[2] in _IDX_TYPES
    if not plain or not 0 < head[3] <= _AXES:
        raise errors.DataError(
            f"{name} begins with {head.hex(' ')}",
            f"an IDX file (00 00, type, number of axes from 1 to {_AXES})",
        )
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise _cut(name, len(sizes), 4 * head[3], "header")
    shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
    dtype = np.dtype(_IDX_TYPES[head[2]])
    if math.prod(max(n, 1) for n in shape) * dtype.itemsize > most:
        raise _too_big(f"{name} of shape {list(shape)}", most)
    wanted = math.prod(shape) * dtype.itemsize
    try:
        data = _take(stream, wanted + 1)
        if len(data) != wanted:
            raise _cut(name, len(data), wanted, "data")
        return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    except MemoryError:
        raise _too_big(f"{name} of shape {list(shape)}", "what fits into memory") from None


def _take(stream: Stream, most: int) -> bytes:
    """Read in pieces, so that a damaged header cannot ask for all memory at once."""
    pieces: list[bytes] = []
    while most > 0 and (piece := stream.read(min(most, _PIECE))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _cut(name: str, size: int, wanted: int, what: str) -> errors.DataError:
    much = f"more than {wanted}" if size > wanted else str(size)
    return errors.DataError(
        f"{name} has {much} bytes of {what}", str(wanted), "Copy or download the file again."
    )


def _load(stream: IO[bytes], name: str) -> Any:  # noqa: ANN401  (an array or an archive)
    try:
        head = stream.read(_HEAD)
        stream.seek(-len(head), 1)
        if head and not head.startswith(_MAGIC):
            raise ValueError(f"it begins with {head.hex(' ')}")  # what numpy would unpickle
        return np.load(stream, allow_pickle=False)
    except Exception as error:  # numpy lets through whatever its parsers trip over
        raise damaged(name, "npy or npz file without pickled objects", error) from None


def _member(name: str, archive: Any, key: str, most: int) -> Array:  # noqa: ANN401
    try:
        _check_member(name, archive.zip, key, most)
        array = archive[key]
    except errors.DataError:
        raise
    except Exception as error:  # as above, and zipfile's and zlib's
        what = f"npz file whose array {key!r} holds numbers, not pickled objects"
        raise damaged(name, what, error) from None
    if not isinstance(array, np.ndarray):
        raise errors.DataError(f"{key!r} in {name} is not an array", "an .npy file in the archive")
    return array


def _check_member(name: str, archive: Any, key: str, most: int) -> None:  # noqa: ANN401
    """Look at what an array announces before anything of that size is allocated."""
    member = key if key in archive.namelist() else f"{key}.npy"
    info = archive.getinfo(member)
    size = info.file_size
    if size > min(most, max(FREE, RATIO * info.compress_size)):
        raise _too_big(
            f"{key!r} in {name}, of {size} bytes from {info.compress_size},",
            min(most, max(FREE, RATIO * info.compress_size)),
        )
    with archive.open(member) as stream:
        if stream.peek(6)[:6] == np.lib.format.MAGIC_PREFIX:
            header(stream, size)


def _too_big(what: str, most: int | str) -> errors.DataError:
    wanted = f"at most {most} bytes" if isinstance(most, int) else most
    return errors.DataError(f"{what} is too big", wanted, "Split the data.")


def damaged(name: str, wanted: str, error: Exception) -> errors.DataError:
    """The error for a file that some parser tripped over."""
    detail = str(error).strip().rstrip(".").splitlines() or [type(error).__name__]
    return errors.DataError(f"{name} cannot be read ({detail[0]})", f"an undamaged {wanted}")

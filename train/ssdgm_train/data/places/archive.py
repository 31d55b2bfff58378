"""Archives of data, read into memory: zip, and tar, plain or gzip.

Nothing is unpacked to disk. Names that lead outside, links, devices and duplicate names are
refused, and so are archives that unpack to too many bytes, before they have filled the memory.
"""

import contextlib
import gzip
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from ssdgm_runtime import errors
from ssdgm_runtime.readers import arrays, images
from ssdgm_train.data.places import tree

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_BYTES = 4 << 30
MAX_FILES = 1_000_000
MAX_GROWTH = 200
"""How many times its own size an archive may unpack to, once that is more than `FREE` bytes."""

FREE = 64 << 20
_BLOCK = 512
_ENCRYPTED = 0x1
_AGAIN = "Copy or download the archive again."


def is_archive(name: str) -> bool:
    """Whether a file is an archive by its name."""
    return name.lower().endswith(SUFFIXES)


def stem(name: str) -> str:
    """The name of an archive without its suffix."""
    suffix = max((s for s in SUFFIXES if name.lower().endswith(s)), key=len, default="")
    return name.removesuffix(name[len(name) - len(suffix) :])


def read_archive(path: Path, max_bytes: int = MAX_BYTES) -> tree.Held:
    """Read an archive.

    Args:
        path: The file.
        max_bytes: The largest total size of its files.

    Raises:
        DataError: It is damaged, too big, or contains an unsafe entry.
    """
    try:
        with open(path, "rb") as stream:
            return unpack(stream, str(path), path.stat().st_size, max_bytes)
    except OSError as error:
        raise tree.unreadable(str(path), error) from None


def unpack(stream: tree.Stream, title: str, size: int, max_bytes: int = MAX_BYTES) -> tree.Held:
    """Read an archive of `size` bytes from an open file; errors as in `read_archive`."""
    most = min(max_bytes, max(FREE, MAX_GROWTH * size))
    members = _zipped if title.lower().endswith(".zip") else _tarred
    files: dict[str, bytes] = {}
    with _parsing(title):
        for name, data in members(stream, title, most):
            if name in files:
                raise _refused(title, f"the name {name!r} twice")
            files[name] = data
    return tree.Held(title, {n: d for n, d in files.items() if not images.hidden(n)})


def _zipped(stream: tree.Stream, title: str, most: int) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(stream) as zipped:
        for count, info in enumerate(zipped.infolist()):
            _check_count(title, count)
            name = _safe(title, info.orig_filename.rstrip("/") or "/")
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(title, f"{name!r}, which is a link or a device")
            if info.flag_bits & _ENCRYPTED:
                raise _refused(title, f"{name!r}, which is encrypted")
            if info.is_dir():
                continue
            with zipped.open(info) as member:
                data = member.read(most + 1)
            most -= len(data)
            if most < 0:
                raise _grown(title)
            if len(data) != info.file_size:
                raise ValueError(f"{name} has another size than announced")
            yield name, data


def _tarred(stream: tree.Stream, title: str, most: int) -> Iterator[tuple[str, bytes]]:
    packed = stream.read(len(arrays.GZIP_MAGIC)) == arrays.GZIP_MAGIC
    stream.seek(0)
    plain = cast(IO[bytes], gzip.GzipFile(fileobj=stream)) if packed else stream
    measured = _Measured(plain, title, most)
    with tarfile.open(fileobj=cast(IO[bytes], measured), mode="r|") as tarred:
        for count, info in enumerate(tarred):
            _check_count(title, count)
            name = _safe(title, info.name) if info.name not in (".", "./") else ""
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                raise _refused(title, f"{name!r}, which is a link or a device")
            member = tarred.extractfile(info)
            assert member is not None
            yield name, member.read()
    measured.finish()


class _Measured:
    """A stream of a tar's bytes that fails once more than allowed have been read."""

    def __init__(self, stream: tree.Stream, title: str, most: int) -> None:
        self._stream, self._title, self._left, self._tail = stream, title, most, b""

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _grown(self._title)
        self._tail = (self._tail + data)[-_BLOCK:]
        return data

    def finish(self) -> None:
        """Read to the end and check that it is complete: a tar ends with blocks of zeros."""
        while self.read(1 << 16):
            pass
        if self._tail.strip(b"\0") or len(self._tail) < _BLOCK:
            raise EOFError("its end is missing")


@contextlib.contextmanager
def _parsing(title: str) -> Iterator[None]:
    try:
        yield
    except errors.SsdgmError:
        raise
    except Exception as error:  # the parsers raise many types for damaged files
        raise _damaged(title, error) from None


def _damaged(title: str, error: Exception) -> errors.DataError:
    detail = str(error).strip().rstrip(".").splitlines() or [type(error).__name__]
    return errors.DataError(f"{title} cannot be read ({detail[0]})", mend=_AGAIN)


def _check_count(title: str, count: int) -> None:
    if count >= MAX_FILES:
        raise _refused(title, f"more than {MAX_FILES} entries")


def _safe(title: str, name: str) -> str:
    tree.check_name(title, name)
    parts = name.removeprefix("./").split("/")
    strange = not name.isprintable() or "\\" in name or name[1:2] == ":"
    if strange or any(part in ("", ".", "..") for part in parts):
        raise _refused(title, f"a file with the unsafe name {name!r}")
    return "/".join(parts)


def _refused(title: str, what: str) -> errors.DataError:
    fix = "Do not use this archive unless you know who made it; pack the files again."
    return errors.DataError(f"{title} contains {what}", mend=fix)


def _grown(title: str) -> errors.DataError:
    return errors.DataError(
        f"{title} unpacks to more than {MAX_BYTES} bytes, or to over {MAX_GROWTH} times its size",
        mend="If you trust it, unpack it and give the folder.",
    )

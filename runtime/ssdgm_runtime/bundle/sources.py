"""Where a bundle's files lie: a folder, or a zip held in memory.

Both give the same thing, the bytes of a name, and refuse what could lead outside or run away:
links, absolute names, `..`, names that another system reads differently, encrypted entries, and
more bytes than the caller allows.
"""

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from ssdgm_runtime import errors

if TYPE_CHECKING:
    import zipfile

_AGAIN = "Copy the bundle again from where it was made."
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED, _STORED, _DEFLATED = 0x1, 0, 8


class Source(Protocol):
    """The files of one bundle."""

    def names(self, *folders: str) -> list[str]:
        """Every file below these folders, as relative names with forward slashes."""

    def has(self, name: str) -> bool:
        """Whether anything lies under a name."""

    def read(self, name: str) -> bytes:
        """The bytes of one file; KeyError where there is none."""


def safe(name: str) -> str:
    """Return a relative name that means the same file, inside the bundle, on every system.

    Raises:
        IntegrityError: It is absolute, climbs, or holds a character that some system interprets.
    """
    plain = name.isascii() and name.isprintable() and not set(name) & set('\\:*?"<>|')
    if not plain or any(part in ("", ".", "..") for part in name.split("/")):
        raise errors.IntegrityError(
            f"The bundle names a file {name!r}",
            "a relative name inside the bundle, of plain ASCII, with forward slashes",
            "Do not use this bundle unless you know who made it.",
        )
    return name


def distinct(names: list[str]) -> None:
    """Refuse two names that are one file where case does not count.

    Raises:
        IntegrityError: There are such names.
    """
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.casefold(), name)
        if twin is not name:
            raise errors.IntegrityError(
                f"The bundle has {name!r} twice (also as {twin!r})", "each name once", _AGAIN
            )


class Folder:
    """A bundle as a directory; every read refuses links, whichever part of the path they are."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root, self._left = root, max_bytes
        self._sizes: dict[str, int] = {}

    def names(self, *folders: str) -> list[str]:
        """Every file below these folders; raises IntegrityError where one cannot be listed."""
        there = [folder for folder in folders if os.path.lexists(self._root / folder)]
        try:
            return sorted(name for folder in there for name in self._walk(folder))
        except OSError as error:  # no folder, no permission, or removed meanwhile
            place = os.path.relpath(error.filename or self._root, self._root)
            raise errors.IntegrityError(
                f"{place} of the bundle cannot be listed ({error.strerror})", mend=_AGAIN
            ) from None

    def has(self, name: str) -> bool:
        """Whether anything lies under a name."""
        return os.path.lexists(self._root / name)

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
        for part in (*reversed(Path(name).parents[:-1]), Path(name)):
            _refuse_link(self._root / part, str(part))
        try:
            descriptor = os.open(self._root / name, os.O_RDONLY | _PLAIN)
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(name) from None
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise errors.IntegrityError(
                    f"{name} of the bundle is not a regular file", mend=_AGAIN
                )
            size = self._claim(name, info.st_size)
            with open(descriptor, "rb", closefd=False) as stream:
                return stream.read(size)
        finally:
            os.close(descriptor)

    def _walk(self, folder: str) -> Iterator[str]:
        _refuse_link(self._root / folder, folder)
        with os.scandir(self._root / folder) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}"
                if _is_link(entry):
                    raise _link(name)
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(name)
                else:
                    yield name

    def _claim(self, name: str, size: int) -> int:
        self._left -= max(0, size - self._sizes.get(name, 0))
        self._sizes[name] = max(size, self._sizes.get(name, 0))
        if self._left < 0:
            raise _too_big()
        return size


class Archive:
    """A bundle as a zip, read into memory once; nothing is unpacked to disk."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        import zipfile

        data = stream.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise _too_big()
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except Exception as error:  # zipfile lets through whatever its parsers trip over
            raise _damaged(str(error)) from None
        files = [i for i in self._zip.infolist() if not i.is_dir()]
        for info in self._zip.infolist():
            safe(info.orig_filename.removesuffix("/") if info.is_dir() else info.orig_filename)
            _check_entry(info)
        distinct([i.filename.removesuffix("/") for i in self._zip.infolist()])
        if sum(i.file_size for i in files) > max_bytes:
            raise _too_big()
        self._files = {i.filename: i for i in files}

    def names(self, *folders: str) -> list[str]:
        """Every file below these folders; without any, all files."""
        return sorted(n for n in self._files if not folders or n.split("/")[0] in folders)

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return name in self._files

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
        info = self._files[name]
        try:
            with self._zip.open(info) as stream:
                data = stream.read(info.file_size + 1)
        except Exception as error:  # as above, and zlib's
            raise _damaged(f"{name}: {error}") from None
        if len(data) != info.file_size:
            raise _damaged(f"{name} has another size than announced")
        return data


def open_source(path: Path, max_bytes: int) -> Source:
    """Open a folder or a zip; `Folder` and `Archive` say what they refuse.

    Raises:
        BundleNotFound: Nothing lies there.
        FormatError: What lies there is neither.
        IntegrityError: It is unsafe, damaged or too big.
    """
    if not path.exists():
        raise errors.BundleNotFound(
            f"There is no bundle at {path}", mend="Give a folder NAME.ssdgm or a zip of it."
        )
    if path.is_dir():
        return Folder(path, max_bytes)
    if path.is_file():
        with open(path, "rb") as stream:
            magic = stream.read(4)
            stream.seek(0)
            if magic in _ZIP_MAGIC:
                return Archive(stream, max_bytes)
    raise errors.FormatError(
        f"{path} is not a bundle", mend="Give a folder NAME.ssdgm or a zip of it."
    )


def _check_entry(info: "zipfile.ZipInfo") -> None:
    if info.flag_bits & _ENCRYPTED or info.compress_type not in (_STORED, _DEFLATED):
        raise errors.IntegrityError(
            f"{info.filename} in the zip is encrypted or compressed in an unusual way",
            mend="Zip the files again without a password, stored or deflated.",
        )
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _link(info.filename)


def _refuse_link(path: Path, name: str) -> None:
    if _is_link(path):
        raise _link(name)


def _is_link(place: "Path | os.DirEntry[str]") -> bool:
    return place.is_symlink() or (hasattr(place, "is_junction") and place.is_junction())


def _link(name: str) -> errors.IntegrityError:
    return errors.IntegrityError(
        f"{name} of the bundle is a link",
        mend="Copy the bundle with its links resolved (cp -rL).",
    )


def _damaged(detail: str) -> errors.IntegrityError:
    return errors.IntegrityError(f"The zip is damaged or cut short ({detail})", mend=_AGAIN)


def _too_big() -> errors.IntegrityError:
    return errors.IntegrityError(
        "The bundle holds more bytes than max_bytes", mend="Raise max_bytes if you trust it."
    )

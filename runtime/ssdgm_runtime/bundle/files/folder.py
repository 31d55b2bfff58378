"""A bundle as a directory."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ssdgm_runtime import errors
from ssdgm_runtime.bundle.files import names, reading

_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_junction: Callable[[str | os.PathLike[str]], bool] = getattr(
    os.path, "isjunction", lambda path: False
)  # Windows' own kind of link to a folder, which Python 3.11 cannot tell


class Folder:
    """A bundle as a directory; every read refuses links, whichever part of the path they are."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root, self._left = str(root), max_bytes
        self._sizes: dict[str, int] = {}

    def names(self, *folders: str) -> list[str]:
        """Every file below these folders; raises IntegrityError where one cannot be listed."""
        there = [folder for folder in folders if os.path.lexists(self._at(folder))]
        listed: list[str] = []
        try:
            for folder in there:
                for name in self._walk(folder):
                    listed.append(name)
                    if len(listed) > names.FILES:
                        raise errors.IntegrityError(
                            f"{folder} of the bundle holds more than {names.FILES} files",
                            mend=names.AGAIN,
                        )
        except OSError as error:  # no folder, no permission, or removed meanwhile
            place = os.path.relpath(error.filename or self._root, self._root)
            raise errors.IntegrityError(
                f"{names.cut(place)} of the bundle cannot be listed ({error.strerror})",
                mend=names.AGAIN,
            ) from None
        return sorted(listed)

    def has(self, name: str) -> bool:
        """Whether anything lies under a name."""
        return os.path.lexists(self._at(name))

    def read(self, name: str, most: int | None = None) -> bytes:
        """The bytes of one file."""
        with self._opened(name, most) as (stream, size):
            return stream.read(size)

    def digest(self, name: str) -> str:
        """The SHA-256 of one file."""
        with self._opened(name) as (stream, size):
            return reading.hashed(stream, name, size)

    @contextlib.contextmanager
    def _opened(self, name: str, most: int | None = None) -> Iterator[tuple[IO[bytes], int]]:
        """A file and its size, neither it nor a folder above it a link."""
        try:
            parts = name.split("/")
            for depth in range(1, len(parts) + 1):
                self._refuse_link("/".join(parts[:depth]))
            descriptor = os.open(self._at(name), os.O_RDONLY | _PLAIN)
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(name) from None
        except OSError as error:
            raise _unread(name, error) from None
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise errors.IntegrityError(
                    f"{names.cut(name)} of the bundle is not a regular file",
                    mend=names.AGAIN,
                )
            reading.check_size(name, info.st_size, most)
            size = self._claim(name, info.st_size)
            with open(descriptor, "rb", closefd=False) as stream:
                yield stream, size
        except OSError as error:
            raise _unread(name, error) from None
        finally:
            os.close(descriptor)

    def _walk(self, folder: str) -> Iterator[str]:
        """Every file below a folder, the folders within in turn."""
        waiting = [folder]
        while waiting:
            place = waiting.pop()
            if place.count("/") >= names.DEPTH:
                raise errors.IntegrityError(
                    f"{names.cut(place)} of the bundle lies more than {names.DEPTH} folders deep",
                    mend=names.AGAIN,
                )
            self._refuse_link(place)
            with os.scandir(self._at(place)) as entries:
                for entry in entries:
                    name = f"{place}/{entry.name}"
                    if entry.is_symlink() or _junction(entry):
                        raise reading.link(name)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
                    else:
                        yield name

    def _at(self, name: str) -> str:
        return os.path.join(self._root, name)

    def _refuse_link(self, name: str) -> None:
        path = self._at(name)
        if os.path.islink(path) or _junction(path):
            raise reading.link(name)

    def _claim(self, name: str, size: int) -> int:
        self._left -= max(0, size - self._sizes.get(name, 0))
        self._sizes[name] = max(size, self._sizes.get(name, 0))
        if self._left < 0:
            raise reading.too_big()
        return size


def _unread(name: str, error: OSError) -> errors.IntegrityError:
    return errors.IntegrityError(
        f"{names.cut(name)} of the bundle cannot be read ({error.strerror})",
        mend=names.AGAIN,
    )

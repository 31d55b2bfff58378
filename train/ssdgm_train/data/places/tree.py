"""The files of a data set by relative name: those of a folder, or the members of an archive."""

import abc
import io
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images

if TYPE_CHECKING:
    Stream = IO[bytes]
else:
    Stream = io.IOBase  # the common base of files, members of archives and BytesIO
_DEEPEST = 100


class Tree(abc.ABC):
    """Files by relative names with forward slashes, without hidden ones.

    Attributes:
        title: The name of the whole in messages.
        names: Every file, sorted by the parts of its name.
        empty: The folders without a file.
    """

    def __init__(self, title: str, names: Iterable[str], empty: Iterable[str] = ()) -> None:
        self.title, self.names, self.empty = title, _ordered(names), _ordered(empty)

    @abc.abstractmethod
    def open(self, name: str) -> Stream:
        """Open one file; the caller closes it.

        Raises:
            DataError: It cannot be read.
        """

    def path(self, name: str) -> Path | None:
        """The path of a file on disk; None if it is not on disk."""
        return None


class Below(Tree):
    """The files below a folder of a tree, such as an archive's single top folder."""

    def __init__(self, whole: Tree, folder: str) -> None:
        self._whole, self._prefix = whole, f"{folder}/"
        within = [self._within(names) for names in (whole.names, whole.empty)]
        super().__init__(f"{whole.title}/{folder}", *within)

    def open(self, name: str) -> Stream:
        """Open one file."""
        return self._whole.open(self._prefix + name)

    def path(self, name: str) -> Path | None:
        """The path of a file on disk."""
        return self._whole.path(self._prefix + name)

    def _within(self, names: tuple[str, ...]) -> list[str]:
        return [n.removeprefix(self._prefix) for n in names if n.startswith(self._prefix)]


class Folder(Tree):
    """A folder on disk; links are followed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        walked = list(_walk(root, "", ()))
        files, empty = ([n for n, is_file in walked if is_file == kind] for kind in (True, False))
        super().__init__(str(root), files, empty)

    def open(self, name: str) -> Stream:
        """Open one file."""
        try:
            stream = open(self._root / name, "rb")  # noqa: SIM115  (the caller closes it)
        except OSError as error:
            raise unreadable(f"{self._root / name}", error) from None
        return stream

    def path(self, name: str) -> Path | None:
        """The path of a file on disk."""
        return self._root / name


class Alone(Folder):
    """One file of a folder on disk, and those of the names `neighbours` that are next to it."""

    def __init__(self, file: Path, neighbours: Iterable[str] = ()) -> None:
        if not file.is_file():
            raise errors.DataError(
                f"{file} is not a regular file", mend="Give the path of a file or a folder."
            )
        self._root = file.parent
        names = {file.name, *(name for name in neighbours if (file.parent / name).is_file())}
        Tree.__init__(self, str(file.parent), names)


class Held(Tree):
    """Files in memory."""

    def __init__(self, title: str, files: dict[str, bytes]) -> None:
        super().__init__(title, files)
        self._files = files

    def open(self, name: str) -> Stream:
        """Open one file."""
        return io.BytesIO(self._files[name])


def place(tree: Tree, name: str) -> str:
    """The name of a file in messages."""
    return f"{tree.title}/{name}"


def check_name(title: str, name: str) -> None:
    """Check that a name can be written in UTF-8.

    Raises:
        DataError: It cannot.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        raise errors.DataError(
            f"{ascii(title)[1:-1]} contains a file whose name is not valid UTF-8, {name!a}",
            mend="Rename it.",
        ) from None


def unreadable(name: str, error: OSError) -> errors.DataError:
    """The error for a file or folder that the system refuses to read."""
    reason = error.strerror or type(error).__name__
    return errors.DataError(
        f"{name} cannot be read ({reason})",
        mend="Check that it exists and that this user may read it.",
    )


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Names in the order of their parts, in which `ssdgm_runtime` reads a folder of images."""
    return tuple(sorted(names, key=lambda name: name.split("/")))


def _walk(
    root: Path, folder: str, above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, bool]]:
    """Every file (True) and every empty folder (False) below a folder, by relative name."""
    here = os.path.join(root, folder)
    try:
        info = os.stat(here)
        with os.scandir(here) as scan:
            entries = [e for e in scan if not images.hidden(e.name)]
    except OSError as error:
        raise unreadable(here, error) from None
    own = (info.st_dev, info.st_ino)
    if info.st_ino and own in above:
        raise errors.DataError(
            f"{here} is a link to one of its own parent folders", mend="Remove the link."
        )
    if len(above) > _DEEPEST:
        raise errors.DataError(
            f"{here} is nested more than {_DEEPEST} folders deep",
            mend="Give a folder closer to the data.",
        )
    if not entries and folder:
        yield folder, False
    for entry in entries:
        name = f"{folder}/{entry.name}" if folder else entry.name
        check_name(str(root), name)
        if entry.is_dir():
            yield from _walk(root, name, (*above, own))
        else:
            _check_regular(entry)
            yield name, True


def _check_regular(entry: "os.DirEntry[str]") -> None:
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        raise unreadable(entry.path, error) from None
    if not stat.S_ISREG(mode):
        raise errors.DataError(
            f"{entry.path} is not a regular file", mend="Remove it from the data."
        )

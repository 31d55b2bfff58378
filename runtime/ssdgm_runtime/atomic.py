"""Files and folders that appear whole or not at all, and never over something a user had.

Everything is made under a hidden name beside its place, brought to disk and renamed there, so who
looks sees nothing or all of it, whatever stops the process. What a killed process leaves behind
has a name that `LEFTOVERS` matches, and is removed when the same is made again.
"""

import contextlib
import errno
import glob
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ssdgm_runtime import errors

PathLike = str | os.PathLike[str]
LEFTOVERS = ".*.part"
CACHE = "SSDGM_CACHE_DIR"
_OWNER = re.compile(r"\.(\d{1,9})-[0-9a-f]{8}\.part$")
_BROKEN = {
    getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EIO", "EFBIG", "EROFS", "ENXIO")
} - {None}
"""What a system says of a disk that is full or broken."""
_READ = os.O_RDWR if os.name == "nt" else os.O_RDONLY  # Windows flushes what it may write only


def cache() -> Path:
    """The folder of downloads: `SSDGM_CACHE_DIR`, or the system's cache folder."""
    if folder := os.environ.get(CACHE):
        return Path(folder)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local") / "ssdgm/cache"
    if sys.platform == "darwin":
        return home / "Library/Caches/ssdgm"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "ssdgm"


def claim(path: PathLike, *, force: bool = False) -> Path:
    """Check that an output file may be written, before the work that it is for.

    Raises:
        OutputExists: Something is there and `force` is not given.
        DataNotFound: There is no folder to write it to.
        NotWritable: It lets nothing be written.
    """
    target = Path(path)
    if target.is_dir() or (os.path.lexists(target) and not force):
        ways = "" if target.is_dir() else " or pass --force (force=True)"
        raise _exists(target, f"Choose another name{ways}.")
    _check_place(target)
    return target


def apart(path: PathLike, **read: PathLike | None) -> None:
    """Refuse an output in the place of what is read for it, or inside; `force` is no excuse.

    Args:
        path: The output.
        read: What is read, by the name that a message has for it. Links are followed, and what is
            not there is ignored.

    Raises:
        InputError: It is such an output.
    """
    beside = os.path.join(os.path.realpath(Path(path).parent), Path(path).name)
    for place in map(Path, (beside, os.path.realpath(path))):  # a link, and what it leads to
        for name, source in read.items():
            if _same(place, source):
                raise _taken(f"{path}, which is the {name}", "another path", "overwritten")
            if any(folder.is_dir() and _same(folder, source) for folder in place.parents):
                raise _taken(f"{path}, inside the {name}", "a path outside of it", "added to")


def write(path: PathLike, data: bytes, *, force: bool = False) -> None:
    """Write a file; `force` replaces the file that is there. Errors as in `claim`."""
    target = claim(path, force=force)
    with draft(target, replace=force) as partial, open(partial, "xb") as stream:
        stream.write(data)


@contextlib.contextmanager
def folder(path: PathLike, *, replace: bool = False) -> Iterator[Path]:
    """Make a folder: the body fills an empty one, which gets its name when the body ends.

        with atomic.folder("runs/a") as partial:
            (partial / "run.json").write_text(text)

    Arguments, errors and what happens when the body fails are those of `draft`.
    """
    with draft(path, replace=replace) as partial:
        partial.mkdir()
        yield partial


@contextlib.contextmanager
def draft(path: PathLike, *, replace: bool = False) -> Iterator[Path]:
    """Make a file or a folder: the body creates it at the path that it is given.

    When the body ends, every file and folder of the draft is brought to disk and the draft is
    renamed to its place. When the body raises anything, an interrupt too, the draft is removed and
    what was there stays.

    Args:
        path: Where it shall be; the folder to hold it must be there.
        replace: Take the place of a file by a file, or of a folder by a folder. A file is replaced
            in one step; a folder is moved aside first, and moved back if its successor cannot be
            renamed, so for a moment nothing is there.

    Raises:
        OutputExists: Something is there, when the body begins or when it ends, and `replace` is
            not given or it is a folder for a file or a file for a folder.
        DataNotFound: There is no folder to make it in.
        NotWritable: It lets nothing be written.
        WriteFailed: The disk is full or broken.
    """
    target = Path(path)
    if os.path.lexists(target) and not replace:
        raise _exists(target)
    _check_place(target)
    sweep(target)
    partial = _beside(target)
    try:
        yield partial
        _sync(partial)
        _place(partial, target, replace)
    except OSError as error:
        if isinstance(error, errors.SsdgmError) or error.errno not in _BROKEN:
            raise
        raise unwritten(target, error) from None
    finally:
        _remove(partial)
    _sync_folder(target.parent)


def unwritten(target: Path, error: OSError) -> errors.WriteFailed:
    """The error for a file or folder that the system could not write."""
    return errors.WriteFailed(
        f"Cannot write {target} ({error.strerror or error})",
        mend="Make room on that disk, or choose another; what was there before is unharmed.",
    )


def sweep(target: Path) -> None:
    """Remove what killed processes left of a file or folder; what a live one is making stays."""
    with contextlib.suppress(OSError):
        for place in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
            owner = _OWNER.search(place.name)
            if owner and not _alive(int(owner[1])):
                _remove(place)


def _alive(pid: int) -> bool:
    """Whether there is a process of this number; true where nobody can tell."""
    if os.name == "nt" or pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _place(partial: Path, target: Path, replace: bool) -> None:
    there = os.path.lexists(target)
    if there and (not replace or partial.is_dir() != target.is_dir()):
        raise _exists(target)
    if not (there and target.is_dir()):
        os.replace(partial, target)
        return
    aside = _beside(target)
    os.rename(target, aside)
    try:
        os.rename(partial, target)
    except BaseException:
        os.rename(aside, target)
        raise
    _remove(aside)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}.part")


def discard(folder: Path) -> None:
    """Remove a folder; a process that is killed on the way leaves a leftover, no half of it.

    Raises:
        WriteFailed: The disk is full or broken.
    """
    aside = _beside(folder)
    try:
        os.rename(folder, aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise unwritten(folder, error) from None


def _sync(path: Path) -> None:
    """Bring a file, or a folder with all that is in it, to disk."""
    for place in (*path.rglob("*"), path):
        if place.is_dir():
            _sync_folder(place)
        elif not place.is_symlink():
            _sync_one(place)


def _sync_folder(path: Path) -> None:
    """Bring a folder's list of names to disk, where the system can: Windows opens no folder."""
    with contextlib.suppress(OSError):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    handle = os.open(path, _READ)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    """Remove what is there, if anything is; a failure must not hide the error that led here."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _check_place(target: Path) -> None:
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise _exists(target, "Choose another name: this is a device or a pipe.")
    if not target.parent.is_dir():
        raise errors.DataNotFound(f"There is no folder {target.parent}", mend="Create it first.")
    if not os.access(target.parent, os.W_OK):
        raise errors.NotWritable(
            f"Cannot write to the folder {target.parent}",
            mend="Choose another folder, or change its permissions.",
        )


def _same(one: Path, other: PathLike | None) -> bool:
    """Whether two paths lead to one thing that is there."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return other is not None and os.path.samefile(one, other)
    return False


def _taken(got: str, want: str, done: str) -> errors.InputError:
    return errors.InputError(
        "out", got, want, f"What is read is never {done}, not even with --force."
    )


def _exists(target: Path, mend: str = "Choose another name.") -> errors.OutputExists:
    return errors.OutputExists(f"{target} already exists", mend=mend)


def check_output(
    path: PathLike,
    kinds: Iterable[str],
    *,
    force: bool = False,
    **read: PathLike | None,
) -> str:
    """Check an output's name and place before any work; its suffix.

    Args:
        path: The output.
        kinds: The suffixes that it may have.
        force: Replace a file that is there, but nothing that is read.
        read: What is read, as `apart` takes it.

    Raises:
        InputError: The name ends in none of the kinds, or it is what is read, or inside.
        OutputExists: Something is there and `force` is not given.
        DataNotFound: There is no folder to write it to.
    """
    suffix, known = Path(path).suffix.lower(), list(kinds)
    if suffix not in known:
        raise errors.InputError(
            "out", repr(str(path)), f"a name that ends in {' or '.join(known)}"
        )
    apart(path, **read)
    claim(path, force=force)
    return suffix

"""Folders that take the place of others, of which no file is lost."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ssdgm_runtime import atomic, errors


@contextlib.contextmanager
def folder(path: atomic.PathLike, *, force: bool) -> Iterator[Path]:
    """Make a folder as `atomic.folder` does; `force` replaces one whose files are all made again.

    Args:
        path: Where it shall be.
        force: Whether one that is there may be replaced.

    Raises:
        OutputExists: Something is there, and `force` is not given or it would lose a file.
        DataNotFound, NotWritable, WriteFailed: As of `atomic.draft`.
    """
    with atomic.folder(path, replace=force) as partial:
        yield partial
        there = (one for one in Path(path).rglob("*") if one.is_symlink() or not one.is_dir())
        lost = (one for one in there if not (partial / one.relative_to(path)).exists())
        if (first := next(lost, None)) is not None:
            raise errors.OutputExists(
                f"{first} would be lost, since it is not written again",
                mend="Choose another name, or remove it.",
            )

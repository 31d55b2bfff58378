"""The files at the place that the data is read from."""

import os
from dataclasses import dataclass
from pathlib import Path

from ssdgm_train.data import catalog
from ssdgm_train.data.places import tree

SHOWN = 6


@dataclass(frozen=True)
class Place:
    """The place of a data set.

    Attributes:
        path: Its absolute path, or the name of an embedded set.
        files: The number of files; 0 for an embedded set.
        bytes: Their total size.
        names: The first few of them, relative to the folder.
    """

    path: str
    files: int
    bytes: int
    names: tuple[str, ...]


def count_files(path: str) -> Place:
    """Count the files of a place that `data.locate` returned.

    Raises:
        DataError: It cannot be read.
    """
    if path in catalog.EMBEDDED:
        return Place(path, 0, 0, ())
    root = Path(path)
    names = tree.Folder(root).names if root.is_dir() else ("",)
    try:
        size = sum(os.stat(root / name).st_size for name in names)
    except OSError as error:
        raise tree.unreadable(path, error) from None
    return Place(path, len(names), size, tuple(n for n in names[:SHOWN] if n))

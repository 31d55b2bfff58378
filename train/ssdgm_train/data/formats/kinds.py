"""Which files can be read, by their names, and what to do about others."""

import re
from pathlib import Path

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images, tables, ts
from ssdgm_train.data.places import archive, tree

READ = (".npz", "x.npy", ts.SUFFIX, *tables.SUFFIXES, *archive.SUFFIXES)
_SHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_PACKED = (".gz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".lzma", ".lz4")
_ZIP = b"PK"


def check_kind(path: Path) -> None:
    """Check that a file is an .npz by its name or a zip by its first bytes.

    Raises:
        DataError: It is neither; the message says what to do.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz" or not path.is_file():
        return
    if suffix not in _SHEETS and _begin(path) == _ZIP:
        return
    raise errors.DataError(
        f"{path} is not a kind of file that can be read",
        f"a folder, or one of {', '.join(READ)}",
        _fix(path),
    )


def _begin(path: Path) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(len(_ZIP))
    except OSError as error:
        raise tree.unreadable(str(path), error) from None


def _fix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in _SHEETS:
        return "Save it as CSV."
    if re.search(r"[-.]idx\d", path.name) or images.is_image(path.name):
        return "Give the folder that it is in."
    if suffix in _PACKED:
        return "Unpack it."
    return "Save it as one of these, or give it the suffix of its contents."

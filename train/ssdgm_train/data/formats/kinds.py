"""Which files are read, by their names, and what is to be done about others."""

import re
from pathlib import Path

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images, tables
from ssdgm_train.data.places import archive, tree

READ = (".npz", "x.npy", *tables.SUFFIXES, *archive.SUFFIXES)
_SHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_PACKED = (".gz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".lzma", ".lz4")
_ZIP = b"PK"


def check(path: Path) -> None:
    """Refuse a file that is no .npz by its name, and no zip by its first bytes.

    Raises:
        DataError: It is of no kind that is read; it says what to do.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz" or not path.is_file():
        return
    if suffix not in _SHEETS and _begin(path) == _ZIP:
        return
    raise errors.DataError(
        f"{path} is of no known kind", f"a folder, or a file named {', '.join(READ)}", _mend(path)
    )


def _begin(path: Path) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(len(_ZIP))
    except OSError as error:
        raise tree.unreadable(str(path), error) from None


def _mend(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in _SHEETS:
        return "Save it as CSV."
    if re.search(r"[-.]idx\d", path.name) or images.is_image(path.name):
        return "Give the folder that it lies in."
    if suffix in _PACKED:
        return "Unpack it."
    return "Save it as one of these, or give it the suffix of what it is."

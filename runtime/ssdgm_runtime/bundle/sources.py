"""Where a bundle's files lie: a folder, or a zip held in memory.

Both give the same thing, the bytes of a name, and refuse what could lead outside or run away:
links, absolute names, `..`, names that another system reads differently, encrypted entries, and
more bytes than the caller allows.
"""

import stat
from pathlib import Path
from typing import Protocol

from ssdgm_runtime import errors
from ssdgm_runtime.bundle.files import names

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


class Source(Protocol):
    """The files of one bundle."""

    def names(self, *folders: str) -> list[str]:
        """Every file below these folders, as relative names with forward slashes.

        Without any, all files of a zip, which are known, and none of a folder.
        """

    def has(self, name: str) -> bool:
        """Whether anything lies under a name."""

    def read(self, name: str, most: int | None = None) -> bytes:
        """The bytes of one file, at most `most`; KeyError where there is none."""

    def digest(self, name: str) -> str:
        """The SHA-256 of one file, of which only a piece at a time is in memory; see `read`."""


def open_source(path: Path, max_bytes: int) -> Source:
    """Open a folder or a zip; `Folder` and `Archive` say what they refuse.

    Raises:
        BundleNotFound: Nothing lies there.
        FormatError: What lies there is neither.
        IntegrityError: It is unsafe, damaged or too big.
    """
    try:
        source = _opened(path, max_bytes)
    except errors.SsdgmError:
        raise
    except FileNotFoundError:
        raise errors.BundleNotFound(
            f"There is no bundle at {path}", mend="Give a folder NAME.ssdgm or a zip of it."
        ) from None
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "it does not fit into memory"
        raise errors.IntegrityError(
            f"{names.cut(str(path))} cannot be opened ({reason})",
            mend="Check the path and its rights.",
        ) from None
    if source is None:
        raise errors.FormatError(
            f"{path} is not a bundle", mend="Give a folder NAME.ssdgm or a zip of it."
        )
    return source


def _opened(path: Path, max_bytes: int) -> Source | None:
    """What lies at a path, if it is a folder or a zip."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        from ssdgm_runtime.bundle.files import folder

        return folder.Folder(path, max_bytes)
    if stat.S_ISREG(mode):
        with open(path, "rb") as stream:
            magic = stream.read(4)
            stream.seek(0)
            if magic in _ZIP_MAGIC:
                from ssdgm_runtime.bundle.files import archive

                return archive.Archive(stream, max_bytes)
    return None

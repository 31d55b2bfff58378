"""A bundle's files as one zip: the same files give the same bytes."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of files by relative name, in sorted order and with one fixed date.

    Args:
        files: Their bytes by their names.
        method: `zipfile.ZIP_STORED` or `zipfile.ZIP_DEFLATED`.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = method
            archive.writestr(entry, files[name])
    return stream.getvalue()


def write(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files as a zip, stored."""
    path.write_bytes(packed(files))

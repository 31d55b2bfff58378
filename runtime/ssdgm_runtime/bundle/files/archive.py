"""A bundle as a zip, in memory."""

import contextlib
import io
import stat
import zipfile
from collections.abc import Iterator
from typing import IO

from ssdgm_runtime import errors
from ssdgm_runtime.bundle.files import names, reading

_ENCRYPTED, _STORED, _DEFLATED = 0x1, 0, 8

RATIO, FREE = 200, 64 << 20
"""How many times its own size a zip may unpack to, beyond so many bytes."""


class Archive:
    """A bundle as a zip, read into memory once; nothing is unpacked to disk."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        data = stream.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise reading.too_big()
        _check_directory(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except Exception as error:  # zipfile lets through whatever its parsers trip over
            raise _damaged(str(error)) from None
        entries = self._zip.infolist()
        for info in entries:
            names.safe(info.orig_filename.removesuffix("/"))
            _check_entry(info)
        names.distinct([i.filename.removesuffix("/") for i in entries])
        self._files = {i.filename: i for i in entries if not i.is_dir()}
        total = sum(i.file_size for i in self._files.values())
        if total > max_bytes:
            raise reading.too_big()
        if total > max(FREE, RATIO * len(data)):
            raise errors.IntegrityError(
                f"The zip unpacks to {total} bytes, more than {RATIO} times its own {len(data)}",
                mend="Unpack it yourself if you trust it, and give the folder.",
            )

    def names(self, *folders: str) -> list[str]:
        """Every file below these folders; without any, all files."""
        return sorted(n for n in self._files if not folders or n.split("/")[0] in folders)

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return name in self._files

    def read(self, name: str, most: int | None = None) -> bytes:
        """The bytes of one file."""
        info = self._files[name]
        reading.check_size(name, info.file_size, most)
        with self._opened(info) as stream:
            data = stream.read(info.file_size + 1)
            if len(data) != info.file_size:
                raise _damaged(f"{names.cut(name)} has another size than announced")
            return data

    def digest(self, name: str) -> str:
        """The SHA-256 of one file."""
        info = self._files[name]
        with self._opened(info) as stream:
            return reading.hashed(stream, name, info.file_size)

    @contextlib.contextmanager
    def _opened(self, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(info) as stream:
                yield stream
        except errors.SsdgmError:
            raise
        except Exception as error:  # as above, and zlib's
            raise _damaged(f"{names.cut(info.filename)}: {error}") from None


def _check_directory(data: bytes) -> None:
    """Refuse a zip whose list of files is larger than that of a bundle, before it is read.

    Each entry of the list takes ten times its bytes in memory.
    """
    end = data.rfind(b"PK\x05\x06", -(1 << 16) - 22)
    size = int.from_bytes(data[end + 12 : end + 16], "little") if end >= 0 else 0
    if size > names.FILES * 256 or b"PK\x06\x07" in data[max(0, end - 20) : max(0, end)]:
        raise errors.IntegrityError(
            f"The zip lists more than the {names.FILES} files that a bundle may have",
            mend=names.AGAIN,
        )


def _check_entry(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED or info.compress_type not in (_STORED, _DEFLATED):
        raise errors.IntegrityError(
            f"{names.cut(info.filename)} in the zip is encrypted or compressed in an unusual way",
            mend="Zip the files again without a password, stored or deflated.",
        )
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise reading.link(info.filename)


def _damaged(detail: str) -> errors.IntegrityError:
    return errors.IntegrityError(f"The zip is damaged or cut short ({detail})", mend=names.AGAIN)

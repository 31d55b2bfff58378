"""How a bundle's files are read, and the refusals that a folder and a zip have in common."""

import hashlib
from typing import IO

from ssdgm_runtime import errors
from ssdgm_runtime.bundle.files import names

PIECE = 1 << 20


def hashed(stream: IO[bytes], name: str, size: int) -> str:
    """The SHA-256 of a file's bytes, of which there are as many as announced."""
    digest, count = hashlib.sha256(), 0
    while piece := stream.read(PIECE):
        digest.update(piece)
        count += len(piece)
        if count > size:
            break
    if count != size:
        raise errors.IntegrityError(
            f"{names.cut(name)} has another size than announced", mend=names.AGAIN
        )
    return digest.hexdigest()


def check_size(name: str, size: int, most: int | None) -> None:
    """Refuse a file that announces more bytes than are wanted."""
    if most is not None and size > most:
        raise errors.IntegrityError(
            f"{names.cut(name)} has {size} bytes", f"at most {most}", names.AGAIN
        )


def link(name: str) -> errors.IntegrityError:
    """The error for a link."""
    return errors.IntegrityError(
        f"{names.cut(name)} of the bundle is a link",
        mend="Copy the bundle with its links resolved (cp -rL).",
    )


def too_big() -> errors.IntegrityError:
    """The error for more bytes than the caller allows."""
    return errors.IntegrityError(
        "The bundle holds more bytes than max_bytes", mend="Raise max_bytes if you trust it."
    )

"""Names of a bundle's files, and the refusals that a folder and a zip have in common."""

import hashlib
from typing import IO

from ssdgm_runtime import errors

AGAIN = "Copy the bundle again from where it was made."

FILES = 4096
"""The most files that a bundle may have."""
DEPTH = 32
"""The most folders within folders."""
NAME = 1024
"""The longest relative name, in characters."""
PIECE = 1 << 20


def safe(name: str) -> str:
    """Return a relative name that means the same file, inside the bundle, on every system.

    Raises:
        IntegrityError: It is absolute, climbs, or holds a character that some system interprets.
    """
    short = len(name) <= NAME and name.count("/") < DEPTH
    plain = name.isascii() and name.isprintable() and not set(name) & set('\\:*?"<>|')
    if not (short and plain) or any(part in ("", ".", "..") for part in name.split("/")):
        raise errors.IntegrityError(
            f"The bundle names a file {cut(name)!r}",
            "a relative name inside the bundle, of plain ASCII, with forward slashes",
            "Do not use this bundle unless you know who made it.",
        )
    return name


def cut(name: str) -> str:
    """A name as a message has it, long ones shortened."""
    return name if len(name) <= 120 else f"{name[:100]}... ({len(name)} characters)"


def distinct(names: list[str]) -> None:
    """Refuse two names that are one file where case does not count.

    Raises:
        IntegrityError: There are such names.
    """
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.casefold(), name)
        if twin is not name:
            raise errors.IntegrityError(
                f"The bundle has {cut(name)!r} twice (also as {cut(twin)!r})",
                "each name once",
                AGAIN,
            )


def hashed(stream: IO[bytes], name: str, size: int) -> str:
    """The SHA-256 of a file's bytes, of which there are as many as announced."""
    digest, count = hashlib.sha256(), 0
    while piece := stream.read(PIECE):
        digest.update(piece)
        count += len(piece)
        if count > size:
            break
    if count != size:
        raise errors.IntegrityError(f"{cut(name)} has another size than announced", mend=AGAIN)
    return digest.hexdigest()


def check_size(name: str, size: int, most: int | None) -> None:
    """Refuse a file that announces more bytes than are wanted."""
    if most is not None and size > most:
        raise errors.IntegrityError(f"{cut(name)} has {size} bytes", f"at most {most}", AGAIN)


def link(name: str) -> errors.IntegrityError:
    """The error for a link."""
    return errors.IntegrityError(
        f"{cut(name)} of the bundle is a link",
        mend="Copy the bundle with its links resolved (cp -rL).",
    )


def too_big() -> errors.IntegrityError:
    """The error for more bytes than the caller allows."""
    return errors.IntegrityError(
        "The bundle holds more bytes than max_bytes", mend="Raise max_bytes if you trust it."
    )

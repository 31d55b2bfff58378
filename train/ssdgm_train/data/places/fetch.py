"""Download one file and keep it only if it is complete and has the pinned digest."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ssdgm_runtime import atomic, errors

Tell = Callable[[int, int, str], None]
"""Called with the bytes downloaded so far, the total bytes, and the file's name."""

TIMEOUT = 30.0
_PIECE = 1 << 18
_TENTHS = 10


@dataclass(frozen=True)
class Remote:
    """A file on the network.

    Attributes:
        urls: Its addresses, in the order in which they are tried.
        size: Its size in bytes.
        sha256: Hexadecimal digest of the bytes.
    """

    urls: tuple[str, ...]
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.urls[0].rsplit("/", 1)[-1]


class FetchError(errors.DataNotFound):
    """A file could not be downloaded; `found` says why."""


def is_whole(place: Path, remote: Remote) -> bool:
    """Whether a file exists and has the pinned digest."""
    try:
        with open(place, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == remote.sha256
    except OSError:
        return False


def fetch(remote: Remote, place: Path, tell: Tell) -> None:
    """Download a file, unless it is there already.

    The bytes are written under a temporary name and renamed once their digest is verified, so an
    interruption leaves nothing behind and concurrent downloads do not disturb one another.

    Args:
        remote: The file.
        place: The path to write; its folder must exist.
        tell: Called at the beginning, at each tenth and at the end.

    Raises:
        FetchError: No address gave the right bytes; the message has the reason for each.
    """
    if is_whole(place, remote):
        return
    reasons = []
    for url in remote.urls:
        try:
            with atomic.draft(place, replace=True) as partial:
                _download(url, remote, partial, tell)
            return
        except (OSError, http.client.HTTPException, _Wrong) as error:
            if isinstance(error, errors.SsdgmError):
                raise
            reasons.append(f"{url}: {_reason(error)}")
    raise FetchError(
        f"{remote.name} could not be downloaded ({'; '.join(reasons)})",
        mend="Check the network connection.",
    )


class _Wrong(Exception):
    """The bytes have the wrong size or digest."""


def _download(url: str, remote: Remote, partial: Path, tell: Tell) -> None:
    digest, done, tenth = hashlib.sha256(), 0, -1
    with urllib.request.urlopen(url, timeout=TIMEOUT) as source, open(partial, "xb") as target:
        while True:
            if done * _TENTHS // remote.size > tenth:
                tenth = done * _TENTHS // remote.size
                tell(done, remote.size, remote.name)
            piece = source.read(_PIECE)
            if not piece:
                break
            done += len(piece)
            if done > remote.size:
                raise _Wrong(f"it has more than {remote.size} bytes")
            digest.update(piece)
            target.write(piece)
    if done < remote.size:
        raise _Wrong(f"it ended after {done} of {remote.size} bytes")
    if digest.hexdigest() != remote.sha256:
        raise _Wrong(f"its SHA-256 is {digest.hexdigest()}, not {remote.sha256}")


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    code = f"{error.code} " if isinstance(error, urllib.error.HTTPError) else ""
    return f"{code}{reason}" if str(reason) else type(error).__name__

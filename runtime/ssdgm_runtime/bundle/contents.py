"""Open a bundle: find its files, hold them inside it, compare them with their digests.

`SHA256SUMS` lists every file of a bundle and is the root of trust; its own digest is the bundle's
id. A file is hashed each time it is read, so the bytes that are used are the bytes that were
listed, whatever happened on the disk in between; a check of all files is extra.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ssdgm_runtime import arguments, errors, jsonfile
from ssdgm_runtime.bundle import manifest, sources
from ssdgm_runtime.bundle.files import names

if TYPE_CHECKING:
    from ssdgm_runtime.bundle.trust.policy import Policy

MANIFEST = "manifest.json"
SUMS, SIGNATURE = "SHA256SUMS", "model.sig"
LISTED = ("models", "golden")
MAX_BYTES = 2 << 30
SUMS_BYTES = 1 << 20
"""The most that SHA256SUMS may hold; a signature may hold twice as much."""

T = TypeVar("T")

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, eq=False, repr=False)
class Bundle:
    """An open bundle.

    Attributes:
        path: Where it was opened.
        id: The SHA-256 of its SHA256SUMS, in hexadecimal.
        manifest: What it says of itself.
        digests: Each listed file's SHA-256, by relative name.
        signer: The fingerprint of the policy's key that signed it, or empty.
    """

    path: Path
    id: str
    manifest: manifest.Manifest
    digests: Mapping[str, str]
    _source: sources.Source
    signer: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The listed files, sorted."""
        return tuple(sorted(self.digests))

    def read(self, name: str) -> bytes:
        """The bytes of a listed file, hashed now.

        Raises:
            IntegrityError: It is not listed, is missing, or differs from its digest.
        """
        return _read_listed(self._source, self.digests, name)

    def look(self) -> None:
        """Look whether the listed files are there, and no other under models/ and golden/.

        Raises:
            IntegrityError: A file is missing or not listed; none is read.
        """
        there = set(self._source.names(*LISTED))
        unlisted = sorted(there - set(self.digests))
        if unlisted:
            raise errors.IntegrityError(
                f"{names.cut(unlisted[0])} is not listed in {SUMS}",
                mend="Remove it, or copy the bundle again from where it was made.",
            )
        for name in self.paths:
            if name not in there and not self._source.has(name):
                raise _missing(name)

    def check(self) -> None:
        """Hash every listed file, and look for files that should be listed.

        Raises:
            IntegrityError: A file is missing, differs, or lies unlisted under models/ or golden/.
        """
        self.look()
        for name in self.paths:
            if _from(partial(self._source.digest, name), name) != self.digests[name]:
                raise _differs(name)


def open_bundle(
    path: str | os.PathLike[str],
    *,
    max_bytes: int = MAX_BYTES,
    verify: bool = True,
    policy: "Policy | None" = None,
) -> Bundle:
    """Open a bundle from its folder or from a zip of it.

    Args:
        path: The folder, or a zip with the same files at its root.
        max_bytes: The most that its files may hold together.
        verify: Hash all files now. Without it a file is hashed when it is read: what is used is
            checked either way, and what is not used costs nothing.
        policy: Who must vouch for it, which is looked at before the manifest is.

    Raises:
        InputError: `path` is no path.
        BundleNotFound: Nothing lies at `path`.
        FormatError: What lies there is no bundle.
        UnsupportedVersion: The bundle has a format that this reader does not know.
        IntegrityError: A file is missing, unlisted or unsafe, or one that was read differs from
            its digest.
        Untrusted: The policy does not take it.
    """
    place = Path(os.path.abspath(_text(path)))
    source = sources.open_source(place, arguments.count(max_bytes, "max_bytes", 1, 1 << 62))
    _check_layout(source, place)
    sums = _read(source, SUMS, SUMS_BYTES)
    digests, key, signer = _parse_sums(sums), _sha256(sums), ""
    if policy is not None:
        signature = _read(source, SIGNATURE, 2 * SUMS_BYTES) if source.has(SIGNATURE) else None
        signer = policy.check(names.cut(str(place)), key, signature)
    document = manifest.loads(_read_listed(source, digests, MANIFEST, jsonfile.MAX_BYTES))
    bundle = Bundle(place, key, document, digests, source, signer)
    for variant in bundle.manifest.variants:
        _check_variant(variant, digests)
    bundle.check() if verify else bundle.look()
    return bundle


def _text(path: object) -> str:
    given = os.fspath(path) if isinstance(path, (str, os.PathLike)) else path
    if not isinstance(given, str) or not given or "\0" in given:
        shown = f"{given!r}"[:80] if isinstance(given, (str, bytes)) else type(given).__name__
        raise errors.InputError("path", shown, "a bundle's path, a string or pathlib.Path")
    return given


def _check_layout(source: sources.Source, place: Path) -> None:
    try:
        source.read(MANIFEST, jsonfile.MAX_BYTES)
    except KeyError:
        inner = any(name.endswith(f"/{MANIFEST}") for name in source.names())
        raise errors.FormatError(
            f"{place} is not a bundle: it has no {MANIFEST} at the root",
            "",
            "Zip the files inside the folder, not the folder."
            if inner
            else "Give the folder NAME.ssdgm or a zip of its files.",
        ) from None


def _check_variant(variant: manifest.Variant, digests: Mapping[str, str]) -> None:
    if names.safe(variant.path) not in digests:
        raise errors.IntegrityError(
            f"{names.cut(variant.path)} of the manifest is not listed in {SUMS}", mend=names.AGAIN
        )


def _read_listed(
    source: sources.Source, digests: Mapping[str, str], name: str, most: int | None = None
) -> bytes:
    if name not in digests:
        raise errors.IntegrityError(f"{names.cut(name)} is not listed in {SUMS}", mend=names.AGAIN)
    data = _read(source, name, most)
    if _sha256(data) != digests[name]:
        raise _differs(name)
    return data


def _read(source: sources.Source, name: str, most: int | None = None) -> bytes:
    return _from(partial(source.read, name, most), name)


def _from(read: Callable[[], T], name: str) -> T:
    """What a source gives of a file; raises IntegrityError where it cannot."""
    try:
        return read()
    except KeyError:
        raise _missing(name) from None
    except (OSError, MemoryError) as error:
        if isinstance(error, errors.SsdgmError):
            raise
        reason = getattr(error, "strerror", None) or "it does not fit into memory"
        raise errors.IntegrityError(
            f"{names.cut(name)} of the bundle cannot be read ({reason})", mend=names.AGAIN
        ) from None


def _missing(name: str) -> errors.IntegrityError:
    return errors.IntegrityError(f"{names.cut(name)} is missing from the bundle", mend=names.AGAIN)


def _differs(name: str) -> errors.IntegrityError:
    return errors.IntegrityError(
        f"{names.cut(name)} differs from its digest in {SUMS}", mend=names.AGAIN
    )


def _parse_sums(data: bytes) -> dict[str, str]:
    try:
        *lines, rest = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise _bad_sums(1) from None
    if rest:
        raise _bad_sums(len(lines) + 1)
    if len(lines) > names.FILES:
        raise errors.IntegrityError(
            f"{SUMS} lists {len(lines)} files", f"at most {names.FILES}", names.AGAIN
        )
    pairs = [_parse_line(line, n) for n, line in enumerate(lines, 1)]
    names.distinct([name for _, name in pairs])
    return {name: digest for digest, name in pairs}


def _parse_line(line: str, number: int) -> tuple[str, str]:
    digest, name = line[:64], line[66:]
    if line[64:66] != "  " or len(digest) != 64 or not _HEX.issuperset(digest) or not name:
        raise _bad_sums(number)
    return digest, names.safe(name)


def _bad_sums(number: int) -> errors.IntegrityError:
    return errors.IntegrityError(
        f"Line {number} of {SUMS} cannot be read",
        "<64 hexadecimal digits>  <relative name>",
        names.AGAIN,
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""Sign a bundle: add `model.sig` to its folder or zip, and change nothing else of it."""

import io
import os
import zipfile
from pathlib import Path

from ssdgm_runtime import atomic, errors
from ssdgm_runtime.bundle import contents
from ssdgm_runtime.bundle.trust import keys, statement


def sign(bundle: str | os.PathLike[str], key: keys.Key, *, force: bool = False) -> tuple[str, str]:
    """Sign a bundle, all of whose files are compared with their digests first.

    Args:
        bundle: The folder, or the zip.
        key: A private key: the path of its PEM file, or its bytes.
        force: Replace a signature that is there.

    Returns:
        The bundle's id and the key's fingerprint.

    Raises:
        BundleError: The bundle cannot be read, or differs from its digests.
        OutputExists: It is signed, and `force` is not given.
        DataNotFound, DataError, InputError: The key cannot be read, or is no private one.
        NotWritable, WriteFailed: The signature cannot be written.
        MissingExtra: cryptography is not installed.
    """
    secret = keys.private(key if isinstance(key, bytes) else keys.read(key))
    opened = contents.open_bundle(bundle, verify=True)
    digests = {**opened.digests, contents.SUMS: opened.id}
    payload = statement.compose(opened.path.name, digests)
    made = keys.sign(secret, statement.signed(payload))
    print_ = keys.fingerprint(secret.public_key())
    data = statement.dumps(statement.Signature(payload, made, print_))
    if opened.path.is_dir():
        place = opened.path / statement.SIGNATURE
        if os.path.lexists(place) and not force:
            raise _signed(opened.path)
        atomic.write(place, data, force=force)
    else:
        _into_zip(opened.path, data, force)
    return opened.id, print_


def _into_zip(path: Path, data: bytes, force: bool) -> None:
    """Write a zip again with the signature in it, its other entries as they are."""
    stream = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stream, "w") as new:
        if statement.SIGNATURE in old.namelist() and not force:
            raise _signed(path)
        for entry in old.infolist():
            if entry.filename != statement.SIGNATURE:
                new.writestr(entry, old.read(entry))
        added = zipfile.ZipInfo(statement.SIGNATURE, date_time=(1980, 1, 1, 0, 0, 0))
        added.external_attr = 0o644 << 16
        new.writestr(added, data)
    atomic.write(path, stream.getvalue(), force=True)


def _signed(path: Path) -> errors.OutputExists:
    return errors.OutputExists(
        f"{path} is signed already", mend="Pass --force (force=True) to sign it anew."
    )

"""What platforms share: a bundle's own files, and a new folder of files."""

import hashlib
from collections.abc import Mapping

from ssdgm_runtime import atomic, errors
from ssdgm_runtime.bundle import contents


def files(opened: contents.Bundle) -> dict[str, bytes]:
    """A bundle's files by their names, every one hashed; a signature is of the maker's copy."""
    read = {name: opened.read(name) for name in opened.paths}
    sums = "".join(f"{opened.digests[name]}  {name}\n" for name in opened.paths).encode()
    if hashlib.sha256(sums).hexdigest() != opened.id:
        raise errors.FormatError(
            f"{contents.SUMS} is not sorted by name", mend="Convert the run again."
        )
    return {**read, contents.SUMS: sums}


def write(out: atomic.PathLike, parts: Mapping[str, bytes], *, force: bool) -> None:
    """Write files by their relative names into a new folder; `force` replaces one.

    Raises:
        OutputExists, DataNotFound, NotWritable: The folder cannot be made.
    """
    with atomic.folder(out, replace=force) as partial:
        for name, data in parts.items():
            place = partial / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)

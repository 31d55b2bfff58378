"""What platforms share: a bundle's own files, and a new folder of files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ssdgm_runtime import atomic, errors, replacing
from ssdgm_runtime.bundle import contents, sources


def files(opened: contents.Bundle) -> dict[str, bytes]:
    """A bundle's files by their names, every one hashed; a signature is of the maker's copy."""
    read = {name: opened.read(name) for name in opened.paths}
    sums = "".join(f"{opened.digests[name]}  {name}\n" for name in opened.paths).encode()
    if hashlib.sha256(sums).hexdigest() != opened.id:
        raise errors.FormatError(
            f"{contents.SUMS} is not sorted by name", mend="Convert the run again."
        )
    return {**read, contents.SUMS: sums}


def signed(opened: contents.Bundle) -> dict[str, bytes]:
    """A bundle's files as `files` gives them, and its signature where it has one."""
    source = sources.open_source(opened.path, contents.MAX_BYTES)
    own = {contents.SIGNATURE} if source.has(contents.SIGNATURE) else set()
    return {**files(opened), **{name: source.read(name, 2 * contents.SUMS_BYTES) for name in own}}


def fill(folder: Path, parts: Mapping[str, bytes]) -> None:
    """Write files by their relative names into a folder that is there."""
    for name, data in parts.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def write(out: atomic.PathLike, parts: Mapping[str, bytes], *, force: bool) -> None:
    """Write files by their relative names into a folder; see `replacing.folder`."""
    with replacing.folder(out, force=force) as partial:
        fill(partial, parts)

"""Files that appear whole or not at all, and never over something a user had."""

import contextlib
import os
from pathlib import Path

from ssdgm_runtime import errors

PathLike = str | os.PathLike[str]


def claim(path: PathLike, *, force: bool = False) -> Path:
    """Check that an output may be written, before the work that it is for.

    Raises:
        OutputExists: Something is there and `force` is not given.
        DataNotFound: There is no folder to write it to.
    """
    target = Path(path)
    if target.is_dir() or (os.path.lexists(target) and not force):
        raise errors.OutputExists(
            f"{target} exists already",
            "a path where nothing is",
            "Choose another name, or pass --force (force=True) to replace a file.",
        )
    if not target.parent.is_dir():
        raise errors.DataNotFound(
            f"there is no folder {target.parent}", "a folder to write to", "Make it first."
        )
    return target


def write(path: PathLike, data: bytes, *, force: bool = False) -> None:
    """Write a file beside its place and rename it there; errors as in `claim`."""
    target = claim(path, force=force)
    draft = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        with open(draft, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        raise

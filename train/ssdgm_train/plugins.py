"""What users bring along: values of their own files and of installed packages.

A value of a file is named `path/to/file.py:NAME`. Naming a file runs it.
"""

import hashlib
import importlib.util
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

from ssdgm_train.settings import RecipeError

PYTHON, OWN = ".py", ".py:"
"""What the name of a value of a file has between the file and the value."""


def absolute(name: str) -> str:
    """A name with the file's path written out, so that it holds in any folder."""
    if OWN not in name:
        return name
    path, attribute = _parted(name)
    return f"{path.resolve()}:{attribute}"


def names(group: str) -> tuple[str, ...]:
    """The names of a group of entry points."""
    return tuple(point.name for point in metadata.entry_points(group=group))


def find(name: str, group: str) -> object:
    """A value of a file, or of the entry point of a group; None where there is none.

    Raises:
        RecipeError: The file or package cannot be imported.
    """
    if OWN in name:
        path, attribute = _parted(name)
        return getattr(module(path), attribute, None)
    for point in metadata.entry_points(group=group, name=name):
        try:
            return point.load()
        except Exception as error:
            raise RecipeError(f"{name} cannot be imported ({error})") from error
    return None


def module(path: Path) -> ModuleType:
    """The module of a file, run once for all values that it has.

    Raises:
        RecipeError: There is no such file, or it cannot be imported.
    """
    if not path.is_file():
        raise RecipeError(
            f"There is no file {path}",
            mend="Correct its path; a run needs the file of its method where it was.",
        )
    place = path.resolve()
    name = f"{path.stem}_{hashlib.sha256(str(place).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made  # dataclasses look their module up
    try:
        spec.loader.exec_module(made)
    except Exception as error:
        del sys.modules[name]
        kind = type(error).__name__
        raise RecipeError(f"{path} cannot be imported ({kind}: {error})") from error
    return made


def _parted(name: str) -> tuple[Path, str]:
    path, _, attribute = name.rpartition(":")
    return Path(path).expanduser(), attribute

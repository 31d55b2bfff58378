"""From a method's name to the method: one of the family, an installed one, or one of a file.

A method of one's own is a `method.Method` in a file, named `path/to/file.py:METHOD`, or in an
installed package, which names it under the entry points of the group `ssdgm_train.methods`.
Naming a file runs it.
"""

import hashlib
import importlib.util
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

from ssdgm_train.method import Method
from ssdgm_train.methods import METHODS
from ssdgm_train.settings import RecipeError

GROUP = "ssdgm_train.methods"
OWN = ".py:"
"""What the name of a method of a file has between the file and the method."""


def names() -> tuple[str, ...]:
    """The methods that have a name: those of the family and installed ones."""
    return (*METHODS, *(point.name for point in metadata.entry_points(group=GROUP)))


def absolute(name: str) -> str:
    """A method's name with the file's path written out, so that it holds in any folder."""
    if OWN not in name:
        return name
    path, attribute = _parted(name)
    return f"{path.resolve()}:{attribute}"


def find(name: str) -> Method:
    """A method.

    Args:
        name: A key of `METHODS`, the name of an entry point, or `file.py:ATTRIBUTE`.

    Raises:
        RecipeError: There is no such method, or its file or package cannot be imported.
    """
    if name in METHODS:
        return METHODS[name]
    if OWN in name:
        path, attribute = _parted(name)
        return _checked(getattr(_module(path), attribute, None), name)
    for point in metadata.entry_points(group=GROUP, name=name):
        try:
            return _checked(point.load(), name)
        except Exception as error:
            raise RecipeError(f"The method {name} cannot be imported ({error})") from error
    raise RecipeError(
        f"The method is {name!r}",
        f"one of {', '.join(names())}",
        "A method of your own is named file.py:METHOD.",
    )


def _parted(name: str) -> tuple[Path, str]:
    path, _, attribute = name.rpartition(":")
    return Path(path).expanduser(), attribute


def _module(path: Path) -> ModuleType:
    """The module of a file, run once for all methods that it has."""
    if not path.is_file():
        raise RecipeError(
            f"There is no file {path}", mend="Put the method's file back, or correct its path."
        )
    place = path.resolve()
    name = f"{path.stem}_{hashlib.sha256(str(place).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        kind = type(error).__name__
        raise RecipeError(f"{path} cannot be imported ({kind}: {error})") from error
    return module


def _checked(value: object, name: str) -> Method:
    if not isinstance(value, Method):
        raise RecipeError(
            f"{name} is {type(value).__name__}",
            "a ssdgm_train.method.Method",
            "Name the attribute that holds it, such as METHOD.",
        )
    return value

"""From a method's name to the method: one of the family, an installed one, or one of a file.

A method of one's own is a `method.Method` in a file, named `path/to/file.py:METHOD`, or in an
installed package, which names it under the entry points of the group `ssdgm_train.methods`.
"""

from pathlib import Path
from typing import NoReturn

from ssdgm_train import plugins
from ssdgm_train.method import Method
from ssdgm_train.methods import METHODS
from ssdgm_train.settings import RecipeError

GROUP = "ssdgm_train.methods"


def names() -> tuple[str, ...]:
    """The methods that have a name: those of the family and installed ones."""
    return (*METHODS, *plugins.names(GROUP))


def find(name: str) -> Method:
    """A method.

    Args:
        name: A key of `METHODS`, the name of an entry point, or `file.py:ATTRIBUTE`.

    Raises:
        RecipeError: There is no such method, or its file or package cannot be imported.
    """
    if name in METHODS:
        return METHODS[name]
    if name.endswith(plugins.PYTHON):
        _check_file(f"{name}:")
    own = plugins.find(name, GROUP)
    if isinstance(own, Method):
        return own
    if own is None and plugins.OWN in name:
        _check_file(name)
    if own is None:
        raise RecipeError(
            f"The method is {name!r}",
            f"one of {', '.join(names())}",
            "A method of your own is named file.py:METHOD.",
        )
    raise RecipeError(
        f"{name} is {type(own).__name__}",
        "a ssdgm_train.method.Method",
        "Name the attribute that holds it, such as METHOD.",
    )


def _check_file(name: str) -> NoReturn:
    """Raise for a file of which no method, or none that it has, is named."""
    path, _, attribute = name.rpartition(":")
    there = vars(plugins.module(Path(path).expanduser()))
    known = [key for key, value in there.items() if isinstance(value, Method)]
    problem = f"{path} has no {attribute}" if attribute else f"{path} is a file"
    if not known:
        raise RecipeError(
            f"{path} has no method",
            "a ssdgm_train.method.Method in it",
            "Give it a name in the file, such as METHOD.",
        )
    raise RecipeError(problem, "file.py:NAME", f"Name its method: {path}:{known[0]}.")

"""From a method's name to the method: one of the family, an installed one, or one of a file.

A method of one's own is a `method.Method` in a file, named `path/to/file.py:METHOD`, or in an
installed package, which names it under the entry points of the group `ssdgm_train.methods`.
"""

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
    own = plugins.find(name, GROUP)
    if isinstance(own, Method):
        return own
    if own is None and plugins.OWN not in name:
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

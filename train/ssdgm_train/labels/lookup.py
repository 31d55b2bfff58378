"""From the name of a label space to its class: one of `SPACES`, an installed one, or of a file.

A space of one's own is a frozen dataclass that implements `Space` and has a class method
`stated`, in a file, named `path/to/file.py:CLASS`, or in an installed package, which names it
under the entry points of the group `ssdgm_train.labels`. Once found it is among `SPACES`, by the
name that run records and manifests write.
"""

import dataclasses
from typing import Any, cast

from ssdgm_train import plugins
from ssdgm_train.labels import SPACES, Space
from ssdgm_train.settings import RecipeError

GROUP = "ssdgm_train.labels"


FAMILY = frozenset({"auto", *SPACES})
"""What a recipe may say of labels without naming a space of one's own."""


def is_own(name: str) -> bool:
    """Whether a name is of a space that is none of the family."""
    return name not in FAMILY and (plugins.OWN in name or name in plugins.names(GROUP))


def find(name: str) -> Any:  # noqa: ANN401  (a class of `Space` with `stated`)
    """The class of a label space.

    Raises:
        RecipeError: There is none, or its file or package cannot be imported.
    """
    if name in FAMILY:
        return SPACES[name]
    own = plugins.find(name, GROUP)
    if not (isinstance(own, type) and dataclasses.is_dataclass(own) and hasattr(own, "stated")):
        kind = own.__name__ if isinstance(own, type) else type(own).__name__
        raise RecipeError(
            f"{name} is {kind}",
            "a dataclass of a label space, with a class method `stated`",
            "Name the class, as in file.py:CLASS.",
        )
    SPACES[_written(own)] = cast(type[Space], own)
    return own


def _written(space: Any) -> str:  # noqa: ANN401
    """The name that a space writes, the value of its field `space`."""
    (named,) = (each for each in dataclasses.fields(space) if each.name == "space")
    made: Any = named.default_factory
    return str(named.default if made is dataclasses.MISSING else made())

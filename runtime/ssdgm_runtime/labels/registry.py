"""The label spaces by name, each imported for the first bundle that has it."""

from typing import TYPE_CHECKING

from ssdgm_runtime import errors, jsonfile

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Space

SPACES = {
    "classes": "ssdgm_runtime.labels.classes",
    "tags": "ssdgm_runtime.labels.tags",
}
"""Modules; each has a function `parse` from the field `labels` of a manifest to a space, and
`line` from one of its records to text."""


def parse(section: jsonfile.Json) -> "Space":
    """The field `labels` of a manifest.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
        UnsupportedVersion: It is a space that this version does not know.
    """
    name = jsonfile.get(section, "space", str)
    if name not in SPACES:
        raise errors.UnsupportedVersion(
            f"The labels of this bundle are of the space {name[:40]!r}",
            f"one of {', '.join(SPACES)}",
            "Update ssdgm-runtime.",
        )
    import importlib

    space: Space = importlib.import_module(SPACES[name]).parse(section)
    return space


def line(space: str, record: jsonfile.Json) -> str:
    """One of the records of a space, of `Space.records`, as text for people."""
    import importlib

    text: str = importlib.import_module(SPACES[space]).line(record)
    return text

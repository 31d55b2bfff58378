"""The label spaces by name, each imported for the first bundle that has it."""

from typing import TYPE_CHECKING, Any

from ssdgm_runtime import errors, jsonfile

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Space

SPACES = {
    "classes": "ssdgm_runtime.labels.classes",
    "tags": "ssdgm_runtime.labels.tags",
    "numbers": "ssdgm_runtime.labels.continuous",
    "one-class": "ssdgm_runtime.labels.one_class",
    "masks": "ssdgm_runtime.labels.dense",
}
"""Modules; each has a function `parse` from the field `labels` of a manifest to a space, and
`line` from one of its records to text. A space of one's own is a module that is added here, or
that an installed package names under the entry points of the group `ssdgm_runtime.labels`."""

GROUP = "ssdgm_runtime.labels"


def parse(section: jsonfile.Json) -> "Space":
    """The field `labels` of a manifest.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
        UnsupportedVersion: It is a space that this version does not know.
    """
    name = jsonfile.get(section, "space", str)
    module = _module(name)
    if module is None:
        raise errors.UnsupportedVersion(
            f"The labels of this bundle are of the space {name[:40]!r}",
            f"one of {', '.join(SPACES)}",
            "Update ssdgm-runtime.",
        )
    space: Space = module.parse(section)
    return space


def line(space: str, record: jsonfile.Json) -> str:
    """One of the records of a space, of `Space.records`, as text for people."""
    module = _module(space)
    assert module is not None, f"no label space {space}"
    text: str = module.line(record)
    return text


def _module(name: str) -> Any:  # noqa: ANN401  (a module with `parse` and `line`)
    """The module of a space, imported now if it is not yet; None where there is none."""
    import importlib

    if name not in SPACES:
        from importlib import metadata

        SPACES.update({p.name: p.value for p in metadata.entry_points(group=GROUP, name=name)})
    return importlib.import_module(SPACES[name]) if name in SPACES else None

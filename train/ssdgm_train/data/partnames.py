"""What folders, files and cells call the parts of a data set, in letters of either case."""

import re
from collections.abc import Callable, Iterable

from ssdgm_runtime import errors
from ssdgm_runtime.readers import tables

TRAIN, TEST = PARTS = ("train", "test")
OTHER = "validation"
"""Rows apart, of which there are none: they are drawn from the training rows."""

_OTHERS = ("val", "valid", "validate", "validation", "dev", "eval", "evaluation", "holdout")
_NAMES = {"train": TRAIN, "training": TRAIN, "test": TEST, "testing": TEST}
_NAMES |= dict.fromkeys(_OTHERS, OTHER)
_NAME = re.compile(rf"({'|'.join(_NAMES)})([-_ ]?(set|data|images))?(?![^\W\d_])", re.IGNORECASE)
"""A word of its own: `test`, `test_1` and `test-set`, not `testcenter`."""

_END = re.compile(rf"(?<![^\W\d_])({'|'.join(_NAMES)})$", re.IGNORECASE)


def of_folder(name: str) -> str:
    """The part that a folder is by its name; empty where it is none."""
    return _part(_NAME.fullmatch(name))


def of_file(name: str) -> str:
    """The part that the name of a table begins or ends with; empty where it does with none."""
    return _part(_NAME.match(name) or _END.search(tables.stem(name)))


def of_files(names: Iterable[str], told: Callable[[str], str]) -> list[str]:
    """The part of each of several files, one of `PARTS`; what all of them are says nothing.

    Args:
        names: Theirs.
        told: The place of one.

    Raises:
        DataError: One holds validation rows.
    """
    said = {name: of_file(name) for name in names}
    if len(set(said.values())) == 1:
        return [TRAIN] * len(said)
    other = next((name for name, part in said.items() if part == OTHER), None)
    if other is not None:
        raise errors.DataError(
            f"{told(other)} has the name of validation rows",
            "training and test rows alone",
            "Call it train: validation rows are drawn from the training rows.",
        )
    return [part or TRAIN for part in said.values()]


def of_cells(words: Iterable[str | None], told: Callable[[int], str]) -> list[str]:
    """What a column of parts says of its rows; `told` is the place of one.

    Raises:
        DataError: It says neither train nor test.
    """
    said = [(word or "").lower() for word in words]
    strange = next((row for row, word in enumerate(said) if word not in PARTS), None)
    if strange is not None:
        raise errors.DataError(f"{told(strange)} is {said[strange]!r}", "train or test")
    return said


def _part(found: re.Match[str] | None) -> str:
    return _NAMES[found[1].lower()] if found else ""

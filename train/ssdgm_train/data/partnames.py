"""Names of the parts of a data set in folders, files and cells; case does not matter."""

import re
from collections.abc import Callable, Iterable

from ssdgm_runtime import errors
from ssdgm_runtime.readers import tables

TRAIN, TEST = PARTS = ("train", "test")
OTHER = "validation"
"""A part that data must not bring along: validation rows are drawn from the training rows."""

_OTHERS = ("val", "valid", "validate", "validation", "dev", "eval", "evaluation", "holdout")
_NAMES = {"train": TRAIN, "training": TRAIN, "test": TEST, "testing": TEST}
_NAMES |= dict.fromkeys(_OTHERS, OTHER)
_NAME = re.compile(rf"({'|'.join(_NAMES)})([-_ ]?(set|data|images))?(?![^\W\d_])", re.IGNORECASE)
"""Matches a part as a separate word: `test`, `test_1` and `test-set`, not `testcenter`."""

_END = re.compile(rf"(?<![^\W\d_])({'|'.join(_NAMES)})$", re.IGNORECASE)


def part_of_folder(name: str) -> str:
    """The part that a folder's name stands for; empty if it is not the name of a part."""
    return _part(_NAME.fullmatch(name))


def part_of_file(name: str) -> str:
    """The part that the name of a table begins or ends with; empty if there is none."""
    return _part(_NAME.match(name) or _END.search(tables.stem(name)))


def parts_of_files(names: Iterable[str], place: Callable[[str], str]) -> list[str]:
    """The part of each file, one of `PARTS`; if all names agree, every file is for training.

    Args:
        names: The files' names.
        place: From a name to the file's place in messages.

    Raises:
        DataError: A file is named like validation rows.
    """
    said = {name: part_of_file(name) for name in names}
    if len(set(said.values())) == 1:
        return [TRAIN] * len(said)
    other = next((name for name, part in said.items() if part == OTHER), None)
    if other is not None:
        raise errors.DataError(
            f"{place(other)} is named like validation rows",
            mend="Rename it to train: validation rows are drawn from the training rows.",
        )
    return [part or TRAIN for part in said.values()]


def parts_of_cells(words: Iterable[str | None], place: Callable[[int], str]) -> list[str]:
    """The part of each row from the cells of its column of parts.

    Args:
        words: The cells.
        place: From a row's number to the cell's place in messages.

    Raises:
        DataError: A cell is neither train nor test.
    """
    said = [(word or "").lower() for word in words]
    strange = next((row for row, word in enumerate(said) if word not in PARTS), None)
    if strange is not None:
        raise errors.DataError(f"{place(strange)} is {said[strange]!r}", "train or test")
    return said


def _part(match: re.Match[str] | None) -> str:
    return _NAMES[match[1].lower()] if match else ""

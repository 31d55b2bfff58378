"""What the columns of a table are: which has the labels, which are numbers, which are categories.

Words that all read as numbers are numbers, words that are all true or false are booleans, and
other words name categories. All the training rows of a file tell it, held-out ones too: which
categories a model has seen is for `problem` to say.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from ssdgm_runtime import columns, errors
from ssdgm_train.data import cells
from ssdgm_train.data.plan import DataPlan

MOST = 1000
"""Categories of a column, or classes."""

LABEL = ("label", "class", "target", "y")
SPLIT = "split"
UNLABELLED = "-1"
_LEAVE = "Leave it out with --set 'data.ignore=[\"{}\"]'"


@dataclass(frozen=True)
class Roles:
    """Which column serves what.

    Attributes:
        label: The labels'.
        split: The one that says train or test; empty if there is none.
        features: All others that are not to be left out, in the order of the head.
    """

    label: str
    split: str
    features: tuple[str, ...]

    @property
    def read(self) -> tuple[str, ...]:
        """All columns that are read."""
        return (*self.features, self.label, *([self.split] if self.split else []))


def roles(names: Sequence[str], place: str, plan: DataPlan) -> Roles:
    """Find the column of labels, and what is left.

    Raises:
        DataError: A column that the recipe names is not there, or none can be told to hold labels.
    """
    wanted = {"data.ignore": plan.ignore, "data.categorical": plan.categorical}
    single = {"data.label": plan.label, "data.series": plan.series, "data.time": plan.time}
    for setting, asked in (wanted | {k: (name,) for k, name in single.items() if name}).items():
        for name in set(asked) - set(names):
            raise errors.DataError(
                f"{place} has no column {name!r}; it has {columns.some(names)}",
                f"the column that {setting} names",
                "Correct the name.",
            )
    label = plan.label or _label(names, place)
    split = SPLIT if SPLIT in names and SPLIT not in (label, *plan.ignore) else ""
    features = tuple(n for n in names if n not in (label, split, *plan.ignore))
    if not features:
        raise errors.DataError(f"{place} has no column beside {label!r}", "columns to learn from")
    return Roles(label, split, features)


def _label(names: Sequence[str], place: str) -> str:
    found = [name for name in names if name.lower() in LABEL]
    if len(found) != 1:
        many = f"the columns {columns.some(found)}" if found else "no column"
        raise errors.DataError(
            f"{place} has {many} that could hold the labels; it has {columns.some(names)}",
            f"one named {', '.join(LABEL[:-1])} or {LABEL[-1]}",
            "Name it, such as with --label NAME.",
        )
    return found[0]


@dataclass
class Seen:
    """What a column has shown so far.

    Attributes:
        count: Values that are there.
        numbers: Those that are numbers, by their type or as they read.
        truths: Those that are truth values.
        distinct: The distinct values as words, one more than `MOST` at most.
        odd: The place of the first that is no number, and its word.
    """

    count: int = 0
    numbers: int = 0
    truths: int = 0
    distinct: dict[str, None] = field(default_factory=dict)
    odd: tuple[str, str] = ("", "")

    def add(self, array: cells.Array, told: cells.Told, *, names: bool = False) -> None:
        """Look at some values, cleaned; `names` says that numbers are categories."""
        there = len(array) - array.null_count
        self.count += there
        if cells.is_text(array):
            numbers = cells.like_numbers(array)
            self.numbers += int(numbers.sum())
            self.truths += int(cells.like_truths(array).sum())
            self._odd(array, numbers, told)
        else:
            self.truths += there * cells.is_truth(array)
            self.numbers += there * (not cells.is_truth(array))
        if (cells.is_text(array) or names) and len(self.distinct) <= MOST:
            self.distinct |= dict.fromkeys(cells.distinct(array))

    def _odd(self, array: cells.Array, numbers: cells.Mask, told: cells.Told) -> None:
        if self.odd[0] or not self.numbers:
            return
        rows = np.flatnonzero(~numbers & cells.there(array))
        if len(rows):
            self.odd = told(int(rows[0])), array[int(rows[0])].as_py()


def column(name: str, seen: Seen, place: str, *, names: bool) -> columns.Column:
    """What a column is, all its values seen.

    Args:
        name: Its name.
        seen: Its values.
        place: What messages call the table.
        names: Whether its numbers are categories.

    Raises:
        DataError: It holds nothing, numbers and words, or too many words.
    """
    mend = _LEAVE.format(name)
    if not seen.count:
        raise errors.DataError(f"{place}, column {name!r}, is empty throughout", "values", mend)
    if seen.truths == seen.count and not names:
        return columns.Column(name, columns.BOOLEAN, columns.TRUTH)
    if seen.numbers == seen.count and not names:
        return columns.Column(name)
    if 2 * seen.numbers > seen.count and not names:
        where, word = seen.odd
        raise errors.DataError(
            f"{where} is {word!r} in a column of {seen.numbers} numbers",
            "a number, or nothing",
            f"Correct it, or say that numbers are names: --set 'data.categorical=[\"{name}\"]'",
        )
    if len(seen.distinct) > MOST:
        raise errors.DataError(
            f"{place}, column {name!r}, holds more than {MOST} different words",
            f"numbers, or at most {MOST} categories",
            mend,
        )
    return columns.Column(name, columns.CATEGORY, tuple(ordered(seen.distinct)))


def ordered(found: Collection[str]) -> list[str]:
    """Words in their order, or in that of the whole numbers that all of them are."""
    return sorted(found, key=int) if whole(found) else sorted(found)


def whole(found: Collection[str]) -> bool:
    """Whether all words are whole numbers as they are usually written."""
    return all(w.removeprefix("-").isdecimal() and w.isascii() and str(int(w)) == w for w in found)


def classes(name: str, seen: Seen, place: str) -> tuple[str, ...]:
    """The labels that a column holds, -1 left out.

    Raises:
        DataError: It holds none, one, or so many that they are no classes.
    """
    found = ordered(seen.distinct.keys() - {UNLABELLED})
    if not found:
        raise errors.DataError(
            f"{place}, column {name!r}, is empty throughout",
            "labels in some rows of every class",
            "Label some, or name another column with --label.",
        )
    if len(found) > MOST:
        raise errors.DataError(
            f"{place}, column {name!r}, holds more than {MOST} different labels",
            f"at most {MOST} classes",
            "Name the column of the classes with --label.",
        )
    if len(found) < 2:
        raise errors.DataError(
            f"{place}, column {name!r}, knows one class, {found[0]!r}",
            "at least two classes",
            "Label some rows of every class.",
        )
    return tuple(found)

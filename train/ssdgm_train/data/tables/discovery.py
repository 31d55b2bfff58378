"""What the columns of a table are: which has the labels, which are numbers, which are categories.

Words that all read as numbers are numbers, words that are all true or false are booleans, and
other words name categories. All the training rows of a file tell it, held-out ones too: which
categories a model has seen is for `problem` to say.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.tables import cells

MOST = 1000
"""Categories of a column, or classes."""

LONGEST = 256
"""Characters of a category or class; anything longer is a text."""

LABEL = ("label", "class", "target", "y")
SPLIT = "split"
UNLABELLED = "-1"
_FOREIGN = re.compile(
    r"[+-]?[0-9.]+,[0-9]+"  # 0,5
    r"|[+-]?[0-9]{1,3}([,'’ \u00a0\u202f][0-9]{3})+([.,][0-9]+)?"  # 1,234,567.5 and 1'234
    r"|[$€£¥] ?[+-]?[0-9][0-9.,]*|[+-]?[0-9][0-9.,]* ?[%$€£¥]"  # $1.50 and 3 %
)
"""Numbers by other habits than ours, or with units."""

_LEAVE = "Leave it out with --set 'data.ignore=[\"{}\"]'."


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
        DataError: A column that the recipe names is not there, none can be told to hold labels, or
            all are one.
    """
    _check_parted(names, place)
    wanted = {"data.ignore": plan.ignore, "data.categorical": plan.categorical}
    single = {"data.label": plan.label, "data.series": plan.series, "data.time": plan.time}
    for setting, asked in (wanted | {k: (name,) for k, name in single.items() if name}).items():
        for name in set(asked) - set(names):
            raise errors.DataError(
                f"{place} has no column {name!r}; it has {columns.some(names)}",
                f"the column that {setting} names",
                "Correct the name.",
            )
    rest = [name for name in names if name not in plan.ignore]
    label = plan.label or _label(rest, place)
    rest = [name for name in rest if name != label]
    parts = [name for name in rest if name.lower() == SPLIT][:1]
    features = tuple(name for name in rest if name not in parts)
    if not features:
        raise errors.DataError(f"{place} has no column beside {label!r}", "columns to learn from")
    if "" in features:
        raise errors.DataError(
            f"{place} has a column without a name",
            "names; such columns often number the rows",
            _LEAVE.format(""),
        )
    return Roles(label, "".join(parts), features)


def _check_parted(names: Sequence[str], place: str) -> None:
    """Refuse a head of one name that looks like several with something else between them."""
    marks = [mark for mark in "|;\t^: " if len(names) == 1 and mark in names[0]]
    if marks:
        raise errors.DataError(
            f"{place} has one column, {names[0]!r}",
            "columns with commas, semicolons or tabs between them",
            f"If {marks[0]!r} stands between them, save the file with commas.",
        )


def unseen(where: str, label: str | None, classes: Sequence[str], what: str) -> errors.DataError:
    """The error of a label at some place, that of a row or series to test on."""
    return errors.DataError(
        f"{where} is {repr(label) if label else 'empty'} in a test {what}",
        f"a label that is known from training, among {columns.some(classes)}",
        f"Label it, or remove the {what}.",
    )


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
        typed: Those that are no words by their type.
        numbers: Those that are numbers, by their type or as they read.
        truths: Those that are truth values.
        distinct: The distinct words, one more than `MOST` at most.
        odd: The first word that is no number; empty if there is none.
        where: The way to its place.
    """

    count: int = 0
    typed: int = 0
    numbers: int = 0
    truths: int = 0
    distinct: cells.Array = None
    odd: str = ""
    where: Callable[[], str] = str

    @property
    def words(self) -> list[str]:
        """The distinct words."""
        return [] if self.distinct is None else self.distinct.to_pylist()

    def add(self, array: cells.Array, told: cells.Told, *, names: bool = False) -> None:
        """Look at some values, cleaned; `names` says that numbers are categories."""
        there, text = len(array) - array.null_count, cells.is_text(array)
        self.count += there
        if text:
            numbers = cells.like_numbers(array)
            self.numbers += int(numbers.sum())
            self.truths += int(cells.like_truths(array).sum())
            self._odd(array, numbers, told)
        else:
            self.typed += there
            self.truths += there * cells.is_truth(array)
            self.numbers += there * (not cells.is_truth(array))
        if (text or names) and (self.distinct is None or len(self.distinct) <= MOST + 1):
            self.distinct = cells.distinct(array, self.distinct, MOST + 2)

    def _odd(self, array: cells.Array, numbers: cells.Mask, told: cells.Told) -> None:
        rows = np.flatnonzero(~numbers & cells.there(array))
        if len(rows) and not self.odd:
            row = int(rows[0])
            self.odd, self.where = array[row].as_py(), partial(told, row)


def column(name: str, seen: Seen, place: str, *, names: bool) -> columns.Column:
    """What a column is, all its values seen.

    Args:
        name: Its name.
        seen: Its values.
        place: What messages call the table.
        names: Whether its numbers are categories.

    Raises:
        DataError: It holds nothing, numbers and words, too many words, or texts.
    """
    if not seen.count:
        raise errors.DataError(
            f"{place}, column {name!r}, is empty throughout", "values", _LEAVE.format(name)
        )
    if not names:
        if seen.truths == seen.count:
            return columns.Column(name, columns.BOOLEAN, columns.TRUTH)
        if seen.numbers == seen.count:
            return columns.Column(name)
        _check_words(name, seen, place)
    found = seen.words
    _check_most(name, found, place, "categories", _LEAVE.format(name))
    return columns.Column(name, columns.CATEGORY, tuple(ordered(found)))


def _check_words(name: str, seen: Seen, place: str) -> None:
    """Refuse values that are numbers and words, or numbers by the habits of another country."""
    mend = f"or say that numbers are names: --set 'data.categorical=[\"{name}\"]'"
    if 2 * seen.numbers > seen.count and seen.odd:
        raise errors.DataError(
            f"{seen.where()} is {seen.odd!r} in a column of {seen.numbers} numbers",
            "a number, or nothing",
            f"Correct it, {mend}",
        )
    if seen.typed:
        raise errors.DataError(
            f"{place}, column {name!r}, is of several types, {seen.typed} values no words",
            "numbers alone, truth values or words",
            f"Correct it, {mend}",
        )
    others = [word for word in seen.words if not cells.is_number(word)]
    if seen.odd and all(map(_FOREIGN.fullmatch, (seen.odd, *others))):
        raise errors.DataError(
            f"{seen.where()} is {seen.odd!r}",
            "numbers with a decimal point, without marks between thousands and without units",
            f"Write them so, {mend}",
        )


def _check_most(name: str, found: Collection[str], place: str, what: str, mend: str) -> None:
    """Refuse so many words, or so long ones, that they name no categories."""
    if len(found) > MOST:
        raise errors.DataError(
            f"{place}, column {name!r}, holds more than {MOST} different {what}",
            f"at most {MOST} {what}",
            mend,
        )
    length = max(map(len, found))
    if length > LONGEST:
        raise errors.DataError(
            f"{place}, column {name!r}, holds a text of {length} characters",
            f"words of at most {LONGEST}",
            mend,
        )


def ordered(found: Collection[str]) -> list[str]:
    """Words in their order, or in that of the whole numbers that all of them are."""
    return sorted(found, key=int) if whole(found) else sorted(found)


def whole(found: Collection[str]) -> bool:
    """Whether all words are whole numbers as they are usually written, none of an endless one."""
    return all(re.fullmatch("-?(0|[1-9][0-9]{0,17})", word) and word != "-0" for word in found)


def label(word: str) -> str:
    """The label that a word is, as `cells.words` has it; empty where it stands for none."""
    found = columns.as_word(word)
    return "" if found in (*columns.MISSING, UNLABELLED) else found


def check_signs(name: str, found: Collection[str], place: str) -> None:
    """Refuse labels that are whole numbers below 0.

    Raises:
        DataError: One is.
    """
    least = ordered(found)[0]
    if whole(found) and least.startswith("-"):
        raise errors.DataError(
            f"{place}, column {name!r}, has the label {least}",
            "labels from 0, or -1 where one is not known",
            "Leave cells empty where no label is known.",
        )


def classes(name: str, words: Collection[str], place: str) -> tuple[str, ...]:
    """The labels that a column's distinct words are, -1 left out.

    Raises:
        DataError: There is none, one, or so many or so long ones that they are no classes.
    """
    found = ordered(set(words) - {UNLABELLED})
    if not found:
        raise errors.DataError(
            f"{place}, column {name!r}, is empty throughout",
            "labels in some rows of every class",
            "Label some, or name another column with --label.",
        )
    mend = "Name the column of the classes with --label."
    if len(found) > MOST and all(map(cells.is_number, found)):
        mend = f"They look like measurements, as no method here predicts. {mend}"
    _check_most(name, found, place, "classes", mend)
    check_signs(name, found, place)
    if len(found) < 2:
        raise errors.DataError(
            f"{place}, column {name!r}, knows one class, {found[0]!r}",
            "at least two classes",
            "Label some rows of every class.",
        )
    return tuple(found)

"""Find out what the columns of a table are: classes, numbers, booleans or categories.

A column whose words are all numbers is numeric, one of true and false is boolean, other words are
categories. All training rows count, held-out ones too; `statement` decides what a model has seen.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.rows import cells, columns, dates
from ssdgm_train.data import targets
from ssdgm_train.data.tables import arrow

MOST = 1000
"""The most categories of a column, or classes."""

LONGEST = 256
"""The most characters of a category or class; anything longer is free text."""

IDS, NEARLY = 20, 0.98
"""The fewest different values of an identifier, and their smallest share; rows may be repeated."""

BLANKS = 3
"""So many blanks a value, on average, make a text of it."""

UNLABELLED = "-1"
_NAMED = re.compile("(^|[^a-z])(id|uuid|guid|index|key)s?$|[a-z]I[dD]$|^unnamed: 0$", re.ASCII)
"""Names of identifiers."""

_FOREIGN = re.compile(
    r"[+-]?[0-9.]+,[0-9]+"  # 0,5
    r"|[+-]?[0-9]{1,3}([,'’ \u00a0\u202f][0-9]{3})+([.,][0-9]+)?"  # 1,234,567.5 and 1'234
    r"|[$€£¥] ?[+-]?[0-9][0-9.,]*|[+-]?[0-9][0-9.,]* ?[%$€£¥]"  # $1.50 and 3 %
)
"""Numbers in a local format, or with units."""

LEAVE = "Leave it out with --set 'data.ignore=[\"{}\"]'."


def unseen(where: str, label: str | None, classes: Sequence[str], what: str) -> errors.DataError:
    """The error for a test label that is missing or not in training; `what` is row or series."""
    known = columns.some(classes)
    return errors.DataError(
        f"{where} is {label!r} in a test {what}, but the training labels are {known}"
        if label
        else f"{where} is empty in a test {what}, which needs one of the labels {known}",
        mend=f"Correct the label, or remove the {what}.",
    )


@dataclass
class Seen:
    """Statistics of the values of a column that were read so far.

    Attributes:
        count: Values that are not missing.
        typed: Those whose type is not text.
        numbers: Those that are numbers, by their type or as text.
        truths: Those that are booleans, by their type or as text.
        distinct: The distinct words, at most one more than needed to exceed `MOST`.
        dates: Those that are dates, by their type or as text.
        whole: Those that are whole numbers, by their type or as text.
        different: How many distinct values each piece has, together.
        odd: The first word that is not a number; empty if there is none.
        where: Returns its place.
    """

    count: int = 0
    typed: int = 0
    numbers: int = 0
    truths: int = 0
    dates: int = 0
    whole: int = 0
    different: int = 0
    distinct: arrow.Array = None
    odd: str = ""
    where: Callable[[], str] = str

    @property
    def words(self) -> list[str]:
        """The distinct words."""
        return [] if self.distinct is None else self.distinct.to_pylist()

    def add(self, array: arrow.Array, where: arrow.Where, *, names: bool = False) -> None:
        """Count some cleaned values in; with `names`, numbers are categories."""
        present, text = len(array) - array.null_count, arrow.is_text(array)
        self.count += present
        self.different += arrow.different(array)
        if text:
            self.dates += int(arrow.like_dates(array).sum())
            self.whole += int(arrow.like_whole(array).sum())
            numbers = arrow.like_numbers(array)
            self.numbers += int(numbers.sum())
            self.truths += int(arrow.like_truths(array).sum())
            self._odd(array, numbers, where)
        else:
            self.typed += present
            self.dates += present * arrow.is_date(array)
            self.truths += present * arrow.is_truth(array)
            self.whole += present * arrow.is_whole(array)
            self.numbers += present * (not arrow.is_truth(array) and not arrow.is_date(array))
        if (text or names) and (self.distinct is None or len(self.distinct) <= MOST + 1):
            self.distinct = arrow.distinct(array, self.distinct, MOST + 2)

    def _odd(self, array: arrow.Array, numbers: arrow.Mask, where: arrow.Where) -> None:
        rows = np.flatnonzero(~numbers & arrow.present(array))
        if len(rows) and not self.odd:
            row = int(rows[0])
            self.odd, self.where = array[row].as_py(), partial(where, row)


def column(name: str, seen: Seen, place: str, *, names: bool) -> columns.Column:
    """The kind of a column and its categories, once all values were read.

    Args:
        name: Its name.
        seen: The statistics of its values.
        place: The table's name in messages.
        names: Whether its numbers are categories.

    Raises:
        DataError: It is empty, mixes numbers and words, or has too many or too long words.
    """
    if not seen.count:
        raise errors.DataError(
            f"{place}, column {name!r}, is completely empty", mend=LEAVE.format(name)
        )
    if not names:
        if seen.truths == seen.count:
            return columns.Column(name, columns.BOOLEAN, columns.TRUTH)
        if seen.dates == seen.count:
            return columns.Column(name, unit=dates.UNIT)
        if seen.numbers == seen.count:
            return columns.Column(name)
        _check_words(name, seen, place)
        _check_texts(name, seen, place)
    words = seen.words
    _check_most(name, words, place, "categories", LEAVE.format(name))
    return columns.Column(name, columns.CATEGORY, tuple(ordered(words)))


def identifies(name: str, seen: Seen) -> bool:
    """Whether a column only tells rows apart: nearly all its words are different.

    So are most measurements, so whole numbers are taken for identifiers by their name alone.
    """
    if seen.different < max(IDS, NEARLY * seen.count) or seen.dates == seen.count:
        return False
    if seen.numbers == seen.count:
        return seen.whole == seen.count and _NAMED.search(name) is not None
    return not 2 * seen.numbers > seen.count and not _is_text(seen)


def left(
    features: Sequence[str], seen: Mapping[str, Seen], kept: Collection[str]
) -> tuple[str, ...]:
    """The columns that only tell rows apart, but for `kept` ones; none, if all are such."""
    names = tuple(n for n in features if n not in kept and identifies(n, seen[n]))
    return names if len(names) < len(features) else ()


def _is_text(seen: Seen) -> bool:
    """Whether the words are sentences, hardly any of which comes twice."""
    words = seen.words
    if len(words) < IDS or 2 * seen.different < seen.count:
        return False
    return sum(word.count(" ") for word in words) >= BLANKS * len(words)


def _check_texts(name: str, seen: Seen, place: str) -> None:
    """Refuse sentences, of which no method here makes anything."""
    if _is_text(seen):
        raise errors.DataError(
            f"{place}, column {name!r}, has texts, such as {seen.words[0][:40]!r}",
            "numbers, dates, or words that many rows have",
            f"{LEAVE.format(name)} Or turn it into numbers first, such as an embedding's.",
        )


def _check_words(name: str, seen: Seen, place: str) -> None:
    """Refuse values that mix numbers and words, or numbers in a local format."""
    otherwise = f"or treat the column as categories: --set 'data.categorical=[\"{name}\"]'"
    if 2 * seen.numbers > seen.count and seen.odd:
        raise errors.DataError(
            f"{seen.where()} is {seen.odd!r} in a column of {seen.numbers} numbers",
            mend="Correct it or leave the cell empty; if it stands for a missing value, say so: "
            f"--set 'data.missing=[\"{seen.odd}\"]'; {otherwise}",
        )
    if seen.typed:
        raise errors.DataError(
            f"{place}, column {name!r}, mixes words with {seen.typed} values of other types",
            mend=f"Correct it, {otherwise}",
        )
    others = [word for word in seen.words if not arrow.is_number(word)]
    if seen.odd and all(map(_FOREIGN.fullmatch, (seen.odd, *others))):
        raise errors.DataError(
            f"{seen.where()} is {seen.odd!r}, a number in a local format or with a unit",
            mend="Write numbers with a decimal point, without thousands separators and units, "
            f"{otherwise}",
        )


def _check_most(name: str, words: Collection[str], place: str, what: str, fix: str) -> None:
    """Refuse too many words, or too long ones, to be categories."""
    if len(words) > MOST:
        raise errors.DataError(
            f"{place}, column {name!r}, has more than {MOST} different {what}", mend=fix
        )
    length = max(map(len, words))
    if length > LONGEST:
        raise errors.DataError(
            f"{place}, column {name!r}, has a text of {length} characters",
            f"words of at most {LONGEST}",
            fix,
        )


def ordered(words: Collection[str]) -> list[str]:
    """Words sorted, as numbers if all of them are whole numbers."""
    return sorted(words, key=int) if whole(words) else sorted(words)


def whole(words: Collection[str]) -> bool:
    """Whether all words are whole numbers of at most 18 digits in their usual notation."""
    return all(re.fullmatch("-?(0|[1-9][0-9]{0,17})", word) and word != "-0" for word in words)


def label(word: str) -> str:
    """A word as a label, written as by `arrow.words`; empty if it stands for a missing label."""
    named = cells.as_word(word)
    return "" if named in (*cells.MISSING, UNLABELLED) else named


def measured(word: str) -> str:
    """A word as a number that is a label; empty if it stands for a missing one."""
    text = word.strip()
    return "" if text in cells.MISSING else text


def check_signs(name: str, labels: Collection[str], place: str) -> None:
    """Refuse labels that are negative whole numbers.

    Raises:
        DataError: A label is negative.
    """
    least = ordered(labels)[0]
    if whole(labels) and least.startswith("-"):
        raise errors.DataError(
            f"{place}, column {name!r}, has the label {least}",
            "labels from 0, or -1 for unknown ones",
            "Leave cells empty where the label is not known.",
        )


def classes(
    name: str,
    words: Collection[str],
    place: str,
    blank: Collection[str] = (),
    least: int = 2,
) -> tuple[str, ...]:
    """The classes among the distinct words of a column of labels, without -1 and `blank`.

    Raises:
        DataError: There are fewer than `least` classes, too many, or too long ones.
    """
    labels = ordered(set(words) - {UNLABELLED, *blank})
    if not labels and not least:
        return ()
    if not labels:
        raise errors.DataError(
            f"{place}, column {name!r}, has no labels",
            mend="Label some rows of every class, or name another column with --label.",
        )
    fix = "Name the column of the classes with --label."
    if len(labels) > MOST and all(map(arrow.is_number, labels)):
        fix = f"If they are measurements, predict them with {targets.MEASURED}. {fix}"
    _check_most(name, labels, place, "classes", fix)
    check_signs(name, labels, place)
    if len(labels) < least:
        raise errors.DataError(
            f"{place}, column {name!r}, has only one class, {labels[0]!r}",
            mend="Label some rows of at least two classes.",
        )
    return tuple(labels)

"""Labels that may be no classes: too many different numbers, or hardly two rows a label.

Such data would train without a complaint and mean nothing, so it is an error that asks. A folder a
class has said so by itself, and `data.labels_as` says it for all other data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ssdgm_runtime import errors
from ssdgm_train.data import dataset
from ssdgm_train.data.settings import CLASSES, DataPlan
from ssdgm_train.data.tables import cells

MOST_NUMBERS = 20
"""Different numbers that are taken for classes; more of them look like measurements."""

LEAST = 2
"""Labelled rows a class, on average."""

SAY = (
    "If every one is a class, say so: --labels-as classes, in a recipe "
    'data.labels_as = "classes", in Python labels_as="classes".'
)
_SHOWN, _LONGEST = 3, 40


@dataclass(frozen=True)
class Doubt:
    """Why labels may be no classes.

    Attributes:
        topic: Two or three words.
        found: What they are.
        expected: What classes would be.
        mend: What to do.
    """

    topic: str
    found: str
    expected: str
    mend: str


def of(data: dataset.Dataset) -> Doubt | None:
    """What speaks against the labels of a data set; None if nothing does."""
    size, labelled = len(data.classes), data.labelled
    if data.sorted:
        return None
    if size > MOST_NUMBERS and all(cells.is_number(str(value)) for value in data.classes):
        numbers = sorted(data.classes, key=float)
        return Doubt(
            "labels like measurements",
            f"the labels of {data.name} are {size:,} different numbers ({_some(numbers)}) in "
            f"{labelled:,} rows, which look like measurements",
            f"classes, {MOST_NUMBERS} different numbers at most",
            f"{SAY} No method here predicts measurements: cut them into a few ranges, or take "
            "other labels.",
        )
    if labelled < LEAST * size:
        return Doubt(
            "hardly a row a label",
            f"the labels of {data.name} are {size:,} different ones ({_some(data.classes)}) in "
            f"{labelled:,} labelled rows, which look like names of rows",
            f"classes, each with {LEAST} labelled rows on average",
            f"{SAY} Otherwise take other labels, or label more rows.",
        )
    return None


def check(data: dataset.Dataset, plan: DataPlan) -> None:
    """Ask, where labels may be no classes and nobody has said that they are.

    Raises:
        DataError: They may be none.
    """
    found = None if plan.labels_as == CLASSES else of(data)
    if found is not None:
        raise errors.DataError(found.found, found.expected, found.mend)


def _some(classes: Sequence[int | str]) -> str:
    """The first few and the last."""
    told = [str(value) for value in classes]
    told = [word if len(word) <= _LONGEST else f"{word[:_LONGEST]}..." for word in told]
    few = [*told[:_SHOWN], "...", told[-1]] if len(told) > _SHOWN + 1 else told
    return ", ".join(few)

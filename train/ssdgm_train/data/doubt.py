"""Labels that may not be classes: too many different numbers, or hardly two rows per label.

Such data would train without complaint and mean nothing, so it is an error that asks. One folder
per class is a clear answer, and `data.labels_as` is one for all other data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ssdgm_runtime import errors
from ssdgm_train.data import dataset, targets
from ssdgm_train.data.settings import AUTO, CLASSES, DataPlan
from ssdgm_train.data.tables import arrow
from ssdgm_train.labels import lookup

MOST_NUMBERS = 20
"""The most different numbers that count as classes; more of them look like measurements."""

LEAST = 2
"""The fewest labelled rows per class, on average."""

SAY = (
    "If every one is a class, say so: --labels-as classes, in a recipe "
    'data.labels_as = "classes", in Python labels_as="classes".'
)
_SHOWN, _LONGEST = 3, 40


@dataclass(frozen=True)
class Doubt:
    """Why labels may not be classes.

    Attributes:
        topic: Two or three words.
        message: What the labels look like, with how many there are.
        mend: What to do.
    """

    topic: str
    message: str
    mend: str


def doubt_about(data: dataset.Dataset) -> Doubt | None:
    """The reason to doubt that labels are classes; None if there is none, or they are none."""
    size, labelled = len(data.classes), data.labelled
    if data.named_by == dataset.FOLDERS or data.space != targets.CLASSES:
        return None
    if size > MOST_NUMBERS and all(arrow.is_number(str(value)) for value in data.classes):
        numbers = sorted(data.classes, key=float)
        return Doubt(
            "labels like measurements",
            f"The labels of {data.name} look like measurements: {size:,} different numbers "
            f"({_listed(numbers)}) in {labelled:,} rows",
            f"If they are measurements, predict them with {targets.MEASURED}. {SAY}",
        )
    if labelled < LEAST * size:
        return Doubt(
            "hardly a row a label",
            f"The labels of {data.name} look like names of rows: {size:,} different ones "
            f"({_listed(data.classes)}) in {labelled:,} labelled rows",
            f"{SAY} Otherwise use other labels, or label more rows.",
        )
    return None


def check_labels(data: dataset.Dataset, plan: DataPlan) -> None:
    """Refuse labels that may not be classes, unless the recipe says that they are.

    Raises:
        DataError: They may not be classes, or are not what the recipe says that they are.
    """
    if plan.class_weight and data.space != targets.CLASSES:
        raise errors.DataError(
            f"data.class_weight is set, but the labels of {data.name} are {data.space}",
            mend="Leave it out; weights of rows are sample_weight, or data.weight of a table.",
        )
    if lookup.is_own(plan.labels_as):
        return
    if plan.read_as not in (AUTO, data.space):
        raise errors.DataError(
            f"data.labels_as is {plan.labels_as}, but the labels of {data.name} are {data.space}",
            mend="Leave data.labels_as out. A row has tags where y has several columns of 0 and "
            "1, or --label names several columns of a table; otherwise it has a class. "
            f"Measurements are {targets.MEASURED}.",
        )
    doubt = None if plan.labels_as == CLASSES else doubt_about(data)
    if doubt is not None:
        raise errors.DataError(doubt.message, mend=doubt.mend)


def _listed(classes: Sequence[int | str]) -> str:
    """The first few and the last."""
    words = [str(value) for value in classes]
    words = [word if len(word) <= _LONGEST else f"{word[:_LONGEST]}..." for word in words]
    return ", ".join([*words[:_SHOWN], "...", words[-1]] if len(words) > _SHOWN + 1 else words)

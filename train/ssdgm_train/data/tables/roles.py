"""What the columns of a table are for: labels, the division into parts, features."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.tables import discovery

LABEL = ("label", "class", "target", "y")
SPLIT = "split"


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are used for.

    Attributes:
        labels: The column of labels, or several columns of tags or numbers.
        split: The column that says train or test; empty if there is none.
        features: All others but the ignored ones, in the order of the header.
        measured: Whether labels are numbers.
        weight: The column of weights; empty if there is none.
    """

    labels: tuple[str, ...]
    split: str
    features: tuple[str, ...]
    measured: bool = False
    weight: str = ""

    @property
    def read(self) -> tuple[str, ...]:
        """All columns that are read."""
        return (*self.features, *self.labels, *filter(None, (self.split, self.weight)))

    @property
    def label(self) -> str:
        """The first column of labels."""
        return self.labels[0]

    @property
    def tags(self) -> tuple[str, ...]:
        """The columns of tags; none where labels are classes or numbers."""
        return self.labels if len(self.labels) > 1 and not self.measured else ()


def roles(names: Sequence[str], place: str, plan: DataPlan) -> Roles:
    """Find the columns of labels, parts and features in the header of a table.

    Raises:
        DataError: A named column does not exist, the column of labels is not clear, or the header
            has a single column.
    """
    _check_separated(names, place)
    named = asked(names, plan.label)
    _check_named(names, place, plan, named)
    apart = (*plan.ignore, *filter(None, (plan.weight,)))
    rest = [name for name in names if name not in apart]
    labels = named or (_label(rest, place),)
    rest = [name for name in rest if name not in labels]
    parts = [name for name in rest if name.lower() == SPLIT][:1]
    features = tuple(name for name in rest if name not in parts)
    if not features:
        raise errors.DataError(
            f"{place} has no column to learn from besides {columns.some(labels)}",
            mend="Add columns of features, or ignore fewer.",
        )
    if "" in features:
        raise errors.DataError(
            f"{place} has a column without a name, which often numbers the rows",
            mend=discovery.LEAVE.format(""),
        )
    return Roles(labels, "".join(parts), features, plan.measured, plan.weight)


def asked(names: Sequence[str], label: str) -> tuple[str, ...]:
    """The columns of labels that a recipe names, once each, such as "heat, age" or "*_x, *_y".

    A name that the header has is one column, whatever signs are in it; a pattern that fits no
    column stays as it is.
    """
    if label in (*names, ""):
        return (label,) if label else ()
    parts = [part.strip() for part in label.split(",")]
    fitting = [[part] if part in names else fnmatch.filter(names, part) for part in parts]
    pairs = zip(parts, fitting, strict=True)
    return tuple(dict.fromkeys(name for part, fits in pairs for name in fits or [part]))


def _check_named(
    names: Sequence[str], place: str, plan: DataPlan, labels: tuple[str, ...]
) -> None:
    """Refuse names of columns that the table does not have."""
    single = {"data.series": plan.series, "data.time": plan.time, "data.weight": plan.weight}
    wanted = {
        "data.ignore": plan.ignore,
        "data.categorical": plan.categorical,
        "data.label": labels,
        **{setting: (name,) for setting, name in single.items() if name},
    }
    for setting, columns_named in wanted.items():
        for name in sorted(set(columns_named) - set(names)):
            raise errors.DataError(
                f"{place} has no column {name!r}, which {setting} names; it has the columns "
                f"{columns.some(names)}",
                mend="Correct the name.",
            )


def _check_separated(names: Sequence[str], place: str) -> None:
    """Refuse a header of one name that looks like several with another separator."""
    marks = [mark for mark in "|;\t^: " if len(names) == 1 and mark in names[0]]
    if marks:
        raise errors.DataError(
            f"{place} has only one column, {names[0]!r}; columns are separated by commas, "
            "semicolons or tabs",
            mend=f"If {marks[0]!r} separates columns here, save the file with commas.",
        )


def _label(names: Sequence[str], place: str) -> str:
    candidates = [name for name in names if name.lower() in LABEL]
    if len(candidates) != 1:
        raise errors.DataError(
            f"{place} has several columns that could be the labels: {columns.some(candidates)}"
            if candidates
            else f"{place} has no column named {', '.join(LABEL[:-1])} or {LABEL[-1]}; it has the "
            f"columns {columns.some(names)}",
            mend="Name the column of labels, for example with --label NAME.",
        )
    return candidates[0]

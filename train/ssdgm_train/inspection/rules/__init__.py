"""The rules that turn measurements of a data set into findings, most serious first."""

from collections.abc import Iterator

from ssdgm_train.inspection import seen
from ssdgm_train.inspection.rules import classes, columns, equal, pixels, tags

RULES: tuple[seen.Rule, ...] = (
    equal.conflicts,
    equal.contradictions,
    classes.doubtful,
    classes.blanks,
    classes.alike,
    columns.label,
    equal.leaks,
    classes.few,
    classes.imbalance,
    classes.shares,
    tags.few,
    tags.single,
    columns.sentinels,
    columns.outliers,
    columns.left,
    columns.identifiers,
    columns.coarse,
    columns.gaps,
    columns.constant,
    pixels.floats,
    pixels.flat,
    pixels.counts,
    equal.again,
)


OF_CLASSES = (
    classes.doubtful,
    classes.blanks,
    classes.alike,
    columns.label,
    classes.few,
    classes.imbalance,
    classes.shares,
)
"""Those that say nothing of tags."""


def judge(measured: seen.Seen) -> Iterator[seen.Finding]:
    """Yield the findings of every rule."""
    for rule in RULES:
        if measured.tagged is None or rule not in OF_CLASSES:
            yield from rule(measured)

"""The rules that turn measurements of a data set into findings, most serious first."""

from collections.abc import Iterator

from ssdgm_train.data import targets
from ssdgm_train.inspection import seen
from ssdgm_train.inspection.rules import classes, columns, equal, numbers, pixels, tags

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
    numbers.minus_one,
    numbers.distinct,
    numbers.skewed,
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
"""Those that say nothing of tags and numbers."""

OF_NAMES = (equal.conflicts, equal.contradictions)
"""Those that say nothing of numbers and masks, of which equal rows may have different ones."""


def judge(measured: seen.Seen) -> Iterator[seen.Finding]:
    """Yield the findings of every rule."""
    space = measured.data.space
    skipped = () if space == targets.CLASSES else OF_CLASSES
    unnamed = space in (targets.NUMBERS, targets.MASKS)
    skipped = (*skipped, *OF_NAMES) if unnamed else skipped
    for rule in RULES:
        if rule not in skipped:
            yield from rule(measured)

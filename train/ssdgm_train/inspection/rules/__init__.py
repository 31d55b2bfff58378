"""The rules that turn measurements of a data set into findings, most serious first."""

from collections.abc import Iterator

from ssdgm_train.inspection import seen
from ssdgm_train.inspection.rules import classes, columns, equal, pixels

RULES: tuple[seen.Rule, ...] = (
    equal.conflicts,
    equal.contradictions,
    classes.doubtful,
    columns.label,
    equal.leaks,
    classes.few,
    classes.imbalance,
    classes.shares,
    columns.sentinels,
    columns.outliers,
    columns.identifiers,
    columns.coarse,
    columns.gaps,
    columns.constant,
    pixels.floats,
    pixels.flat,
    pixels.counts,
    equal.again,
)


def judge(measured: seen.Seen) -> Iterator[seen.Finding]:
    """Yield the findings of every rule."""
    for rule in RULES:
        yield from rule(measured)

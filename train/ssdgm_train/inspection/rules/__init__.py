"""What is suspicious in a data set: rules from what was seen to findings, gravest first."""

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


def judge(found: seen.Seen) -> Iterator[seen.Finding]:
    """What every rule has to say."""
    for rule in RULES:
        yield from rule(found)

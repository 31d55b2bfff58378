"""Labels that are numbers: few different ones, a long tail, or -1 that may stand for none."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted

FEW = 10
"""So few different numbers may be classes."""

SKEWED = 2.0
"""The skewness from which on a logarithm is worth a try."""

LEAST = 20
"""The fewest labels that say something of their distribution."""


def distinct(seen: Seen) -> Iterator[Finding]:
    """Numbers that have few different values."""
    for name, known in _known(seen):
        values = np.unique(known)
        if len(known) >= LEAST and len(values) <= FEW:
            yield Finding(
                NOTE,
                "few different labels",
                f"{name!r} has only {counted(len(values), 'different value')} in "
                f"{len(known):,} labels",
                "If they name classes, predict these: leave --labels-as numbers out.",
            )


def minus_one(seen: Seen) -> Iterator[Finding]:
    """Labels of -1 where no other is negative."""
    for name, known in _known(seen):
        count = int((known == -1).sum())
        if count > 1 and known.min() == -1:
            yield Finding(
                WARNING,
                "-1 among numbers",
                f"{counted(count, 'label')} of {name!r} are -1, and no other is negative; they "
                "count as measured",
                "If they stand for unknown labels, write NaN, or leave the cells empty.",
            )


def skewed(seen: Seen) -> Iterator[Finding]:
    """Positive numbers with a long tail."""
    for name, known in _known(seen):
        if len(known) < LEAST or known.min() <= 0 or known.std() == 0:
            continue
        skewness = float((((known - known.mean()) / known.std()) ** 3).mean())
        if skewness > SKEWED:
            yield Finding(
                NOTE,
                "a long tail",
                f"the labels {name!r} are positive and most are small: the median is "
                f"{np.median(known):.4g} and the largest {known.max():.4g}",
                "A few large ones decide the root mean squared error; predicting their logarithm "
                "weighs errors by the size of labels.",
            )


def _known(seen: Seen) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """The known training labels of each number by its name; none of other labels."""
    if seen.numbers is None:
        return
    for name, column in zip(seen.data.classes, seen.data.y.T, strict=True):
        known = column[~np.isnan(column)]
        if len(known):
            yield str(name), known

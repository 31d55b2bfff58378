"""Labels: no classes, too few of a class, very different numbers, other shares in the test set."""

from collections.abc import Iterator

import numpy as np

from ssdgm_train.data import doubt
from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted, quoted, some

LEAST = 2
"""Labels of a class: one to train on, one to validate."""

HEAVY = 20
"""The most frequent class has so many times the labels of the least frequent."""

OTHER = 1.5
"""A share is another if it differs by this factor and by `SURE` standard errors."""

SURE = 4.0
PRINTED = 20
"""Classes whose prior is written out."""


def doubtful(seen: Seen) -> Iterator[Finding]:
    """Labels that look like measurements, or like names of rows."""
    found = None if seen.meant else doubt.of(seen.data)
    if found is not None:
        yield Finding(WARNING, found.topic, found.found, found.mend)


def few(seen: Seen) -> Iterator[Finding]:
    """Classes without two labels."""
    short = np.flatnonzero(seen.counts < LEAST)
    if len(short):
        names = [seen.data.classes[i] for i in short]
        told = [f"{quoted([seen.data.classes[i]])[0]} has {seen.counts[i]}" for i in short]
        yield Finding(
            WARNING,
            "too few labels",
            f"{counted(len(short), 'class has', 'classes have')} fewer than {LEAST} labelled "
            f"training rows: {some(told)}",
            "Label more rows of them, at least one to train on and one for validation, or remove "
            "the class.",
            classes=tuple(names),
        )


def imbalance(seen: Seen) -> Iterator[Finding]:
    """Classes with very different numbers of labels."""
    most, least = int(seen.counts.argmax()), int(seen.counts.argmin())
    high, low = int(seen.counts[most]), int(seen.counts[least])
    if low and high >= HEAVY * low:
        names = [seen.data.classes[i] for i in (most, least)]
        known, rare = quoted(names)
        yield Finding(
            WARNING,
            "imbalance",
            f"class {known} has {high:,} labels and class {rare} has {low:,}",
            "A model that never says the rare class has a low error: look at the confusion matrix "
            f"in the report. The prior is uniform unless you set it{_prior(seen)}.",
            classes=tuple(names),
        )


SMALLEST = 1e-4
"""Of a class in a prior that is proposed."""


def _prior(seen: Seen) -> str:
    if len(seen.counts) > PRINTED:
        return ": data.prior in a recipe"
    shares = np.maximum(np.round(seen.counts / seen.counts.sum(), 4), SMALLEST)
    shares[shares.argmax()] += 1 - shares.sum()
    return f": --set data.prior=[{','.join(f'{share:.4g}' for share in shares)}]"


def shares(seen: Seen) -> Iterator[Finding]:
    """Classes with another share among the test rows than among the labels."""
    n, m = int(seen.counts.sum()), int(seen.tests.sum())
    if not m:
        return
    p, q = seen.counts / n, seen.tests / m
    error = np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    other = (np.maximum(p, q) > OTHER * np.minimum(p, q)) & (np.abs(p - q) > SURE * error)
    found = np.flatnonzero(other)
    if len(found):
        names = [seen.data.classes[i] for i in found]
        told = [f"{quoted([seen.data.classes[i]])[0]} {p[i]:.1%} and {q[i]:.1%}" for i in found]
        drawn = not seen.data.fully_labelled
        yield Finding(
            NOTE if drawn else WARNING,
            "other shares in the test set",
            f"{counted(len(found), 'class has', 'classes have')} another share of the labels than "
            f"of the test rows: {some(told)}",
            "The test error weighs classes as the test set has them; if the world does too, set "
            "data.prior to its shares.",
            classes=tuple(names),
        )

"""Labels: not classes, too few of a class, imbalance, different shares in the test set."""

import collections
import json
import re
import shlex
from collections.abc import Iterator

import numpy as np

from ssdgm_train.data import doubt
from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted, listed, quoted

BLANKS = {
    *("unknown", "?", "??", "n/a", "none", "missing", "unlabelled", "unlabeled", "undefined"),
    *("not known", "no label", "tbd", "-", "--", "nil", "void"),
}
"""Words that often stand for a label that is not known."""

LEAST = 2
"""The fewest labels of a class: one to train on, one to validate."""

HEAVY = 20
"""Ratio of the most to the least frequent class from which on labels are imbalanced."""

OTHER = 1.5
"""Shares are different if they differ by this factor and by `SURE` standard errors."""

SURE = 4.0
PRINTED = 20
"""The most classes whose prior is written out."""


def doubtful(seen: Seen) -> Iterator[Finding]:
    """Labels that look like measurements, or like names of rows."""
    reason = None if seen.meant else doubt.doubt_about(seen.data)
    if reason is not None:
        yield Finding(WARNING, reason.topic, reason.message, reason.mend)


def blanks(seen: Seen) -> Iterator[Finding]:
    """Classes whose names say that the label is not known."""
    names = [name for name in seen.data.classes if str(name).strip().lower() in BLANKS]
    if names:
        array = ",".join(json.dumps(str(name)) for name in names)
        yield Finding(
            WARNING,
            "is this an unknown label?",
            f"{counted(len(names), 'class is', 'classes are')} called {listed(quoted(names))}, "
            f"{counted(int(sum(_labels(seen, name) for name in names)), 'row')} in all",
            "If rows with it have no known label, say so: --set "
            f"{shlex.quote(f'data.unlabelled=[{array}]')}; they then train as unlabelled rows.",
            classes=tuple(names),
        )


def alike(seen: Seen) -> Iterator[Finding]:
    """Classes whose names differ only in case, blanks and dashes."""
    same = collections.defaultdict(list)
    for name in seen.data.classes:
        same[re.sub(r"[\s_-]+", "", str(name)).lower()].append(name)
    for names in same.values():
        if len(names) > 1:
            counts = [f"{quoted([name])[0]} ({_labels(seen, name)})" for name in names]
            yield Finding(
                WARNING,
                "classes with nearly one name",
                f"{listed(counts)} differ only in capitals, blanks or dashes",
                "If they are one class, write its name in one way.",
                classes=tuple(names),
            )


def _labels(seen: Seen, name: int | str) -> int:
    return int(seen.counts[seen.data.classes.index(name)])


def few(seen: Seen) -> Iterator[Finding]:
    """Classes with fewer than `LEAST` labels."""
    short = np.flatnonzero(seen.counts < LEAST)
    if len(short):
        names = [seen.data.classes[i] for i in short]
        counts = [f"{quoted([seen.data.classes[i]])[0]} has {seen.counts[i]}" for i in short]
        yield Finding(
            WARNING,
            "too few labels",
            f"{counted(len(short), 'class has', 'classes have')} fewer than {LEAST} labelled "
            f"training rows: {listed(counts)}",
            "Label more of their rows, at least one to train on and one for validation, or remove "
            "the class.",
            classes=tuple(names),
        )


def imbalance(seen: Seen) -> Iterator[Finding]:
    """Classes with very different numbers of labels."""
    most, least = int(seen.counts.argmax()), int(seen.counts.argmin())
    high, low = int(seen.counts[most]), int(seen.counts[least])
    if low and high >= HEAVY * low:
        names = [seen.data.classes[i] for i in (most, least)]
        frequent, rare = quoted(names)
        yield Finding(
            WARNING,
            "imbalance",
            f"class {frequent} has {high:,} labels and class {rare} has {low:,}",
            "A model that never predicts the rare class has a low error: look at the confusion "
            f"matrix in the report. The prior is uniform unless you set it{_prior(seen)}.",
            classes=tuple(names),
        )


SMALLEST = 1e-4
"""The smallest probability of a class in a proposed prior."""


def _prior(seen: Seen) -> str:
    if len(seen.counts) > PRINTED:
        return ": data.prior in a recipe"
    shares = np.maximum(np.round(seen.counts / seen.counts.sum(), 4), SMALLEST)
    shares[shares.argmax()] += 1 - shares.sum()
    return f": --set data.prior=[{','.join(f'{share:.4g}' for share in shares)}]"


def shares(seen: Seen) -> Iterator[Finding]:
    """Classes whose shares of the test rows and of the labels differ."""
    n, m = int(seen.counts.sum()), int(seen.tests.sum())
    if not m:
        return
    p, q = seen.counts / n, seen.tests / m
    error = np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    other = (np.maximum(p, q) > OTHER * np.minimum(p, q)) & (np.abs(p - q) > SURE * error)
    differing = np.flatnonzero(other)
    if len(differing):
        names = [seen.data.classes[i] for i in differing]
        each = [
            f"{quoted([seen.data.classes[i]])[0]} {p[i]:.1%} and {q[i]:.1%}" for i in differing
        ]
        drawn = not seen.data.fully_labelled
        yield Finding(
            NOTE if drawn else WARNING,
            "other shares in the test set",
            f"{counted(len(differing), 'class has', 'classes have')} different shares of the "
            f"labels and of the test rows: {listed(each)}",
            "The test error weights classes by their shares of the test set; if these are the "
            "shares in use, set data.prior to them.",
            classes=tuple(names),
        )

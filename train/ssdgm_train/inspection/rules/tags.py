"""Tags: on too few rows, or exactly one on every row."""

from collections.abc import Iterator

import numpy as np

from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted, listed, quoted

LEAST = 2
"""The fewest rows of a tag: one to train on, one to validate."""


def few(seen: Seen) -> Iterator[Finding]:
    """Tags on fewer than `LEAST` rows."""
    short = np.flatnonzero(seen.counts < LEAST)
    if seen.tagged and len(short):
        names = [seen.data.classes[i] for i in short]
        yield Finding(
            WARNING,
            "too few rows",
            f"{counted(len(short), 'tag is', 'tags are')} on fewer than {LEAST} training rows: "
            f"{listed(quoted(names))}",
            "Label more rows that have them, or leave these tags out.",
            classes=tuple(names),
        )


def single(seen: Seen) -> Iterator[Finding]:
    """Rows each of which has exactly one tag, as if tags were classes."""
    tagged = seen.tagged
    if tagged and tagged.complete > LEAST and tagged.single == tagged.complete:
        yield Finding(
            NOTE,
            "one tag a row",
            f"all {tagged.complete:,} rows whose tags are all known have exactly one",
            "If a row can have but one, they are classes, and a model that knows it errs less: "
            "write y.argmax(1), or one column of names.",
        )

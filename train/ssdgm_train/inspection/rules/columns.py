"""Columns: identifiers, copies of the label, placeholders of missing values, outliers."""

import json
import shlex
from collections.abc import Iterator, Sequence

import numpy as np

from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import dates
from ssdgm_train import problems
from ssdgm_train.inspection import features
from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted, listed, quoted

IDS = 20
"""The fewest different values of a column of identifiers."""

NEARLY = 0.98
"""The smallest share of different values in a column of identifiers; rows may be repeated."""

SAME = 0.99
"""The smallest share of rows on which a column equals the label; some labels may be wrong."""

FAR = 20.0
"""An outlier is this many times the span of the middle 90 % beyond their end."""

FEW, COMMON_SHARE = 3, 0.01
"""The most outliers of a column: this number, or this share of its values."""

SENTINELS = {sign * (10**n - 1) for n in range(1, 8) for sign in (1, -1)} | {-1}
"""Numbers that often stand for a missing value: -1, and nines such as 999."""

MOSTLY = 0.5
EXACT = 2**24
"""Whole numbers up to this one are exact in float32."""


def _numbers(seen: Seen) -> list[int]:
    """The indices of columns of numbers, for rows and tables."""
    if seen.data.kind not in (problems.ROWS, problems.TABLE):
        return []
    return [i for i, f in enumerate(seen.features) if f.kind == table.NUMBER and f.distinct]


def _present(seen: Seen, index: int) -> features.Floats:
    column = seen.sample[:, index]
    present: features.Floats = column[~np.isnan(column)]
    return present


def _without(seen: Seen, names: Sequence[str]) -> str:
    """Say how to leave columns out."""
    it = "it" if len(names) == 1 else "them"
    if not seen.named:
        return f"leave {it} out of x"
    array = ",".join(map(json.dumps, names))
    return f"leave {it} out: --set {shlex.quote(f'data.ignore=[{array}]')}"


def label(seen: Seen) -> Iterator[Finding]:
    """Columns that determine the label: each value has one label, and each label one value."""
    if len(seen.labels) < IDS or seen.data.kind not in (problems.ROWS, problems.TABLE):
        return
    names = [
        feature.name
        for i, feature in enumerate(seen.features)
        if feature.distinct <= len(seen.data.classes) and _is_label(seen, i)
    ]
    if names:
        yield Finding(
            WARNING,
            "a column is the label",
            f"{listed(quoted(names))} has one value for every class, on at least {SAME:.0%} of "
            f"{counted(len(seen.labels), 'labelled row')}",
            f"If it is the label under another name, {_without(seen, names)}.",
            columns=tuple(names),
        )


def _is_label(seen: Seen, index: int) -> bool:
    """Whether most rows of each value have the same label, a different one for each value."""
    values, codes = np.unique(seen.known[:, index], return_inverse=True)
    table = np.zeros((len(values), len(seen.data.classes)), np.int64)
    np.add.at(table, (codes.reshape(-1), seen.labels), 1)
    apart = len(set(table.argmax(1).tolist())) == len(values) == len(np.unique(seen.labels))
    return apart and bool(table.max(1).sum() >= SAME * len(seen.labels))


def sentinels(seen: Seen) -> Iterator[Finding]:
    """Values such as -999 that are repeated at an extreme, far from all others."""
    for i in _numbers(seen):
        distinct, counts = np.unique(_present(seen, i), return_counts=True)
        if len(distinct) < 4:
            continue
        for end, nearest, last in ((0, 1, -1), (-1, -2, 0)):
            value, next_to, other = distinct[end], distinct[nearest], distinct[last]
            if counts[end] > 1 and value in SENTINELS and _apart(value, next_to, other):
                name = seen.features[i].name
                where = seen.sampled[seen.sample[:, i] == value].tolist()
                yield Finding(
                    WARNING,
                    "a placeholder of missing values",
                    f"{quoted([name])[0]} is {value:g} in {seen.counted(len(where))} "
                    f"({listed(where)}), while its other values are {_range(next_to, other)}",
                    _blank(seen),
                    columns=(name,),
                    rows=tuple(where[: features.COMMON]),
                )


def _apart(value: float, next_to: float, other: float) -> bool:
    """Whether a value alone is negative, or is farther from the others than they span."""
    return bool((value < 0 <= next_to) or abs(value - next_to) > abs(next_to - other))


def _range(one: float, other: float) -> str:
    return f"from {min(one, other):g} to {max(one, other):g}"


def _blank(seen: Seen) -> str:
    if seen.named:
        return (
            "If it stands for an unknown value, leave these cells empty, or name it in "
            "data.missing, such as --set 'data.missing=[\"-999\"]'."
        )
    return "If it stands for an unknown value, give a table, whose cells may be empty."


def outliers(seen: Seen) -> Iterator[Finding]:
    """Columns with a few values so far off that they determine the scale of all others."""
    sentinel = {name for finding in sentinels(seen) for name in finding.columns}
    for i in _numbers(seen):
        feature = seen.features[i]
        low, high = feature.quantiles[0], feature.quantiles[-1]
        edge = FAR * (high - low)
        column = seen.sample[:, i]
        far = (column > high + edge) | (column < low - edge)
        most = max(FEW, COMMON_SHARE * len(_present(seen, i)))
        if edge > 0 and 0 < far.sum() <= most and feature.name not in sentinel:
            where = seen.sampled[far]
            wild = column[far][np.abs(column[far] - feature.quantiles[2]).argmax()]
            yield Finding(
                WARNING,
                "huge outliers",
                f"{quoted([feature.name])[0]} is up to {wild:g} in {seen.counted(len(where))} "
                f"({listed(where.tolist())}), while 90 % of its values are {_range(low, high)}",
                "Check these rows; clip them or take logarithms, otherwise they determine how the "
                "column is standardised and all other values look alike.",
                columns=(feature.name,),
                rows=tuple(where[: features.COMMON].tolist()),
            )


def left(seen: Seen) -> Iterator[Finding]:
    """Columns that training leaves out, since they only tell rows apart."""
    if names := seen.data.left:
        array = ",".join(map(json.dumps, names))
        yield Finding(
            NOTE,
            "left out as an identifier",
            f"{listed(quoted(names))} has a value of its own in nearly every row, so nothing is "
            "learnt from it",
            f"Keep it as categories with --set {shlex.quote(f'data.categorical=[{array}]')}; "
            "dates are read as such if they are written as 2026-01-31.",
            columns=tuple(names),
        )


def identifiers(seen: Seen) -> Iterator[Finding]:
    """Columns of whole numbers or words, no dates, in which nearly all values are different."""
    days = {column.name for column in seen.data.columns if column.unit == dates.UNIT}
    for i, feature in enumerate(seen.features):
        if seen.data.kind not in (problems.ROWS, problems.TABLE):
            return
        if feature.name in days:
            continue
        values = _present(seen, i)
        every = feature.distinct >= max(IDS, NEARLY * len(values))
        if every and bool((values == np.trunc(values)).all()):
            words = "words" if feature.kind != table.NUMBER else "whole numbers"
            yield Finding(
                WARNING,
                "looks like an identifier",
                f"{quoted([feature.name])[0]} has {feature.distinct:,} different {words} in "
                f"{seen.counted(len(values))}",
                f"If it only tells rows apart, {_without(seen, [feature.name])}; then inspect "
                "again, as with this column no two rows are equal.",
                columns=(feature.name,),
            )


def rounded(seen: Seen) -> list[str]:
    """The names of columns whose whole numbers are too large to be exact in float32."""
    columns = ((seen.features[i].name, _present(seen, i)) for i in _numbers(seen))
    return [
        name
        for name, values in columns
        if np.abs(values).max() > EXACT and bool((values == np.trunc(values)).all())
    ]


def coarse(seen: Seen) -> Iterator[Finding]:
    """Columns of whole numbers that are too large to be exact."""
    named = {feature.name: feature for feature in seen.features}
    for feature in map(named.__getitem__, rounded(seen)):
        low, high = feature.low or 0.0, feature.high or 0.0
        large = f"has whole numbers up to {max(-low, high):.0f}"
        same = f"is {high:.0f} in all rows, possibly rounded from different whole numbers"
        yield Finding(
            WARNING if low == high else NOTE,
            "numbers lose digits",
            f"{quoted([feature.name])[0]} {same if low == high else large}, but float32 is exact "
            f"only up to {EXACT}",
            f"If they are identifiers, {_without(seen, [feature.name])}; if they are times, "
            "subtract the first.",
            columns=(feature.name,),
        )


def gaps(seen: Seen) -> Iterator[Finding]:
    """Columns that are mostly missing."""
    count = seen.positions.rows
    sparse = [f for f in seen.features if MOSTLY * count < f.missing < count]
    if sparse and seen.named:
        names = [f.name for f in sparse]
        shares = [f"'{f.name}' in {f.missing / count:.0%}" for f in sparse]
        yield Finding(
            WARNING,
            "mostly missing",
            f"{counted(len(sparse), 'column is', 'columns are')} missing in most rows: "
            f"{listed(shares)}",
            f"If they carry no information, {_without(seen, names)}.",
            columns=tuple(names),
        )


def constant(seen: Seen) -> Iterator[Finding]:
    """Columns that never change."""
    if seen.data.kind == problems.IMAGE:
        return
    names, owner = features.owners(seen.data)
    changing = set(owner[~seen.positions.constant].tolist())
    lost = rounded(seen)  # they may have varied before they became float32
    unchanging = [name for i, name in enumerate(names) if i not in changing and name not in lost]
    if unchanging:
        yield Finding(
            WARNING if seen.named else NOTE,
            "constant columns",
            f"{counted(len(unchanging), 'column never changes', 'columns never change')}: "
            f"{listed(quoted(unchanging))}",
            f"Constant columns carry no information: {_without(seen, unchanging)}.",
            columns=tuple(unchanging),
        )

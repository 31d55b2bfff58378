"""Columns: names and numbers that are no quantities, values that stand for none, wild ones."""

import json
import shlex
from collections.abc import Iterator, Sequence

import numpy as np

from ssdgm_runtime.rows import columns as table
from ssdgm_train import problems
from ssdgm_train.inspection import features
from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted, quoted, some

IDS = 20
"""Different values from which on a column may be one of identifiers."""

NEARLY = 0.98
"""The share of values that are different in a column of identifiers, as rows may be repeated."""

SAME = 0.99
"""The share of labelled rows on which a column is the label, as some labels may be wrong."""

FAR = 20.0
"""An outlier lies so many times the span of the middle 90 % beyond its end."""

FEW, COMMON_SHARE = 3, 0.01
"""How many outliers there may be, and else their share."""

SENTINELS = {sign * (10**n - 1) for n in range(1, 8) for sign in (1, -1)} | {-1}
"""-1, and nines: what is written for what is not known."""

MOSTLY = 0.5
EXACT = 2**24
"""Whole numbers up to this are exact in float32."""


def _numbers(seen: Seen) -> list[int]:
    """The columns of numbers of rows and tables."""
    if seen.data.kind not in (problems.ROWS, problems.TABLE):
        return []
    return [i for i, f in enumerate(seen.features) if f.kind == table.NUMBER and f.distinct]


def _present(seen: Seen, index: int) -> features.Floats:
    column = seen.sample[:, index]
    found: features.Floats = column[~np.isnan(column)]
    return found


def _without(seen: Seen, names: Sequence[str]) -> str:
    """How to leave columns out."""
    it = "it" if len(names) == 1 else "them"
    if not seen.named:
        return f"leave {it} out of x"
    listed = ",".join(map(json.dumps, names))
    return f"leave {it} out: --set {shlex.quote(f'data.ignore=[{listed}]')}"


def label(seen: Seen) -> Iterator[Finding]:
    """Columns that tell the label: each value has one label, and each label one value."""
    if len(seen.labels) < IDS or seen.data.kind not in (problems.ROWS, problems.TABLE):
        return
    found = [
        feature.name
        for i, feature in enumerate(seen.features)
        if feature.distinct <= len(seen.data.classes) and _is_label(seen, i)
    ]
    if found:
        yield Finding(
            WARNING,
            "a column is the label",
            f"{some(quoted(found))} has one value for every class, on at least {SAME:.0%} of "
            f"{counted(len(seen.labels), 'labelled row')}",
            f"If it is the label under another name, {_without(seen, found)}.",
            columns=tuple(found),
        )


def _is_label(seen: Seen, index: int) -> bool:
    """Whether most rows of a value have one label, another for each value."""
    values, codes = np.unique(seen.known[:, index], return_inverse=True)
    table = np.zeros((len(values), len(seen.data.classes)), np.int64)
    np.add.at(table, (codes.reshape(-1), seen.labels), 1)
    apart = len(set(table.argmax(1).tolist())) == len(values) == len(np.unique(seen.labels))
    return apart and bool(table.max(1).sum() >= SAME * len(seen.labels))


def sentinels(seen: Seen) -> Iterator[Finding]:
    """Values such as -999 that are repeated at an extreme, apart from all others."""
    for i in _numbers(seen):
        distinct, counts = np.unique(_present(seen, i), return_counts=True)
        if len(distinct) < 4:
            continue
        for end, beside, last in ((0, 1, -1), (-1, -2, 0)):
            value, next_to, other = distinct[end], distinct[beside], distinct[last]
            if counts[end] > 1 and value in SENTINELS and _apart(value, next_to, other):
                name = seen.features[i].name
                where = seen.sampled[seen.sample[:, i] == value].tolist()
                yield Finding(
                    WARNING,
                    "a value that may stand for none",
                    f"{quoted([name])[0]} is {value:g} in {seen.counted(len(where))} "
                    f"({some(where)}), else {_range(next_to, other)}",
                    _blank(seen),
                    columns=(name,),
                    rows=tuple(where[: features.COMMON]),
                )


def _apart(value: float, next_to: float, other: float) -> bool:
    """Whether a value has a sign of its own, or lies farther off than the others span."""
    return bool((value < 0 <= next_to) or abs(value - next_to) > abs(next_to - other))


def _range(one: float, other: float) -> str:
    return f"from {min(one, other):g} to {max(one, other):g}"


def _blank(seen: Seen) -> str:
    if seen.named:
        return "If it means that the value is not known, leave these cells empty."
    return "If it means that the value is not known, give a table, whose cells may be empty."


def outliers(seen: Seen) -> Iterator[Finding]:
    """Columns where a few values are so far off that they squeeze all others together."""
    told = {name for finding in sentinels(seen) for name in finding.columns}
    for i in _numbers(seen):
        feature = seen.features[i]
        low, high = feature.quantiles[0], feature.quantiles[-1]
        edge = FAR * (high - low)
        column = seen.sample[:, i]
        far = (column > high + edge) | (column < low - edge)
        most = max(FEW, COMMON_SHARE * len(_present(seen, i)))
        if edge > 0 and 0 < far.sum() <= most and feature.name not in told:
            where = seen.sampled[far]
            wild = column[far][np.abs(column[far] - feature.quantiles[2]).argmax()]
            yield Finding(
                WARNING,
                "huge outliers",
                f"{quoted([feature.name])[0]} is up to {wild:g} in {seen.counted(len(where))} "
                f"({some(where.tolist())}), while 90 % lie from {low:g} to {high:g}",
                "Check these rows; clip them or take logarithms, or the column is standardised by "
                "them and all other values look alike.",
                columns=(feature.name,),
                rows=tuple(where[: features.COMMON].tolist()),
            )


def identifiers(seen: Seen) -> Iterator[Finding]:
    """Columns in which every value is another one, whole numbers or words."""
    for i, feature in enumerate(seen.features):
        if seen.data.kind not in (problems.ROWS, problems.TABLE):
            return
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
                "again, as with it no two rows are equal.",
                columns=(feature.name,),
            )


def rounded(seen: Seen) -> list[str]:
    """Columns of whole numbers so large that float32 may have made different ones equal."""
    found = ((seen.features[i].name, _present(seen, i)) for i in _numbers(seen))
    return [
        name
        for name, values in found
        if np.abs(values).max() > EXACT and bool((values == np.trunc(values)).all())
    ]


def coarse(seen: Seen) -> Iterator[Finding]:
    """Columns of whole numbers that are too large to be told apart."""
    named = {feature.name: feature for feature in seen.features}
    for feature in map(named.__getitem__, rounded(seen)):
        low, high = feature.low or 0.0, feature.high or 0.0
        told = f"has whole numbers up to {max(-low, high):.0f}"
        same = f"is {high:.0f} throughout, where other whole numbers may have been"
        yield Finding(
            WARNING if low == high else NOTE,
            "numbers lose digits",
            f"{quoted([feature.name])[0]} {same if low == high else told}, and float32 has "
            f"them exactly only up to {EXACT}",
            f"If they are identifiers, {_without(seen, [feature.name])}; if they are times, "
            "subtract the first.",
            columns=(feature.name,),
        )


def gaps(seen: Seen) -> Iterator[Finding]:
    """Columns that are mostly missing."""
    count = seen.positions.rows
    found = [f for f in seen.features if MOSTLY * count < f.missing < count]
    if found and seen.named:
        names = [f.name for f in found]
        told = [f"'{f.name}' in {f.missing / count:.0%}" for f in found]
        yield Finding(
            WARNING,
            "mostly missing",
            f"{counted(len(found), 'column is', 'columns are')} missing in most rows: "
            f"{some(told)}",
            f"If they tell nothing, {_without(seen, names)}.",
            columns=tuple(names),
        )


def constant(seen: Seen) -> Iterator[Finding]:
    """Columns that never change."""
    if seen.data.kind == problems.IMAGE:
        return
    names, owner = features.owners(seen.data)
    changing = set(owner[~seen.positions.constant].tolist())
    lost = rounded(seen)  # what was told apart before float32 is no constant
    found = [name for i, name in enumerate(names) if i not in changing and name not in lost]
    if found:
        yield Finding(
            WARNING if seen.named else NOTE,
            "constant columns",
            f"{counted(len(found), 'column never changes', 'columns never change')}: "
            f"{some(quoted(found))}",
            f"What never changes tells nothing: {_without(seen, found)}.",
            columns=tuple(found),
        )

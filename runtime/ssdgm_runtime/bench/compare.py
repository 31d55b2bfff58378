"""A report beside an older one: conditions that fail, and whatever could not be compared.

A condition is a metric, `>` or `<`, and a limit: `p95>+10%` fails where p95 is more than a tenth
above the baseline's, `rows_per_s<-5%` where it is more than a twentieth below, `load_ms>80` where
it is above 80, whatever the baseline. Cells are matched by their key, and nothing that a
condition could not look at is ignored in silence.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ssdgm_runtime import arguments, errors, jsonfile
from ssdgm_runtime.bench import fingerprint, request

Json = dict[str, Any]
SCHEMA = "1.0"

KEY = (
    *("component", "variant", "provider", "threads", "batch", "concurrency"),
    *("arrival", "batcher"),
)
_LATENCIES = ("mean", "min", "p50", "p90", "p95", "p99", "p999", "max", "stdev")
CELL = {name: f"{name}_ms" for name in _LATENCIES} | {
    name: name for name in ("rows_per_s", "cpu_s_per_1000_rows", "cores")
}
COLD = {"cold_ms": "total_ms", "cold_load_ms": "load_ms", "rss_peak": "rss_peak"}
METRICS = (*CELL, "ratio", "load_ms", *COLD)
"""What a condition may look at: of cells, of sessions (load_ms), of cold starts."""

_CONDITION = re.compile(
    r"\s*([a-z0-9_.]+)\s*([<>])\s*([+-]?)(\d{1,15}(?:\.\d{1,15})?)\s*(%?)\s*", re.A
)
_WRITE = "Write one with: bench BUNDLE -o REPORT.json"
_ALIASES = {"p99.9": "p999"}


@dataclass(frozen=True)
class Condition:
    """A limit on a metric: of its change in percent if `relative`, else of its value."""

    text: str
    metric: str
    above: bool
    limit: float
    relative: bool

    def fails(self, new: float, old: float | None) -> bool:
        """Whether a value is beyond the limit."""
        edge = self.limit
        if self.relative:
            assert old is not None
            edge = old * (1 + self.limit / 100)
        return new > edge if self.above else new < edge


def condition(text: str) -> Condition:
    """Read a condition.

    Raises:
        InputError: It cannot be read; the message shows examples.
    """
    match = _CONDITION.fullmatch(text)
    example = "such as 'p95>+10%', 'rows_per_s<-5%' or 'load_ms>80'"
    if match is None:
        want = f"a metric, > or <, and a limit, {example}"
        raise errors.InputError("--fail-if", arguments.shown(text), want)
    word, side, sign, number, percent = match.groups()
    metric = _ALIASES.get(word, word)
    if metric not in METRICS:
        want = f"a metric among {', '.join(METRICS)}"
        raise errors.InputError("--fail-if", arguments.shown(text), want)
    if percent and sign != ("+" if side == ">" else "-"):
        want = f"a change towards the worse side of the limit, {example}"
        raise errors.InputError("--fail-if", arguments.shown(text), want)
    if sign and not percent:
        want = f"a change in percent or a value without a sign, {example}"
        raise errors.InputError("--fail-if", arguments.shown(text), want)
    limit = float(sign + number)
    return Condition(text.strip(), metric, side == ">", limit, bool(percent))


def conditions(texts: Sequence[str], *, baseline: bool) -> tuple[Condition, ...]:
    """Read conditions, with commas between them or not.

    Args:
        texts: The conditions.
        baseline: Whether there is one to compare with.

    Raises:
        InputError: One cannot be read, or asks for a change and there is no baseline.
    """
    parsed = tuple(condition(part) for text in texts for part in text.split(","))
    for one in parsed:
        if one.relative and not baseline:
            got, want = f"{arguments.shown(one.text)}, a change", "a baseline to compare with"
            hint = "Pass an older report as --baseline."
            raise errors.InputError("--fail-if", got, want, hint)
    return parsed


def read(path: request.PathLike) -> Json:
    """Read a baseline.

    Raises:
        DataNotFound: There is no such file.
        DataError: It is not a report of a benchmark, or of another version.
    """
    place = Path(path)
    if not place.is_file():
        raise errors.DataNotFound(f"There is no file {place}", mend=_WRITE)
    try:
        report = jsonfile.loads(place.read_bytes(), str(place))
    except errors.FormatError as error:
        raise errors.DataError(error.found, "a report of bench", _WRITE) from None
    if not isinstance(report, dict) or not isinstance(report.get("schema_version"), str):
        raise errors.DataError(f"{place} is not a report of bench", mend=_WRITE)
    if report["schema_version"].split(".")[0] != SCHEMA.split(".")[0]:
        raise errors.DataError(
            f"{place} has schema version {arguments.shown(report['schema_version'])}",
            f"{SCHEMA.split('.')[0]}.x",
            "Measure the baseline again with this version.",
        )
    return report


def judge(report: Json, old: Json | None, wanted: Sequence[Condition]) -> Json:
    """Hold a report against conditions, and beside a baseline if there is one.

    Returns:
        `passed`: no condition failed, and each could look at one value at least. `failures`,
        `missing` (what could not be compared, in words), `warnings` (what makes the comparison
        doubtful), `changes` of the cells in both, `checked` values.
    """
    failures: list[Json] = []
    missing: list[str] = [] if old is None else _unmatched(report, old)
    checked = 0
    blind = []
    for one in wanted:
        pairs = list(_pairs(one, report, old))
        seen = [(where, new, past) for where, new, past, why in pairs if not why]
        missing += [f"{one.text}: {where}: {why}" for where, _, _, why in pairs if why]
        failures += [_failure(one, *pair) for pair in seen if one.fails(pair[1], pair[2])]
        checked += len(seen)
        if not seen:
            blind.append(f"{one.text}: there was nothing to look at")
    return {
        "baseline": _told(old),
        "conditions": [asdict(one) for one in wanted],
        "checked": checked,
        "passed": not failures and not blind,
        "failures": failures,
        "missing": [*missing, *blind],
        "warnings": [] if old is None else _warnings(report, old),
        "changes": [] if old is None else list(_changes(report, old)),
    }


Found = tuple[str, float, float | None, str]


def _pairs(one: Condition, report: Json, old: Json | None) -> Iterator[Found]:
    """Where a metric is, its value now and before, and why they cannot be compared."""
    before = _values(old, one.metric) if old is not None else {}
    for where, new in _values(report, one.metric).items():
        past = before.get(where)
        if new is None:
            yield where, 0.0, None, _unknown(report, one.metric)
        elif one.relative and past is None:
            yield where, new, None, "not in the baseline"
        elif one.relative and past is not None and past <= 0:
            yield where, new, past, "zero in the baseline"
        else:
            yield where, new, past, ""


def _unknown(report: Json, metric: str) -> str:
    why = _at(report, "cold_start", "failed") if metric in COLD else None
    return "not measured: too few calls" if why is None else f"not measured: {why}"


def _values(report: Json, metric: str) -> dict[str, float | None]:
    """A metric's values in a report, by where they are."""
    if metric in CELL:
        cells = _named(report, "cells", KEY)
        return {where: _number(cell, "model", CELL[metric]) for where, cell in cells}
    if metric == "ratio":
        cells = _named(report, "cells", KEY)
        return {where: _number(cell, "ratios", "raw", "value") for where, cell in cells}
    if metric in COLD:
        cold = _at(report, "cold_start")
        there = isinstance(cold, dict)
        return {"cold start": _number(cold, "model", COLD[metric])} if there else {}
    sessions = _named(report, "sessions", ("variant", "requested", "threads"))
    return {where: _number(one, "load_ms") for where, one in sessions}


def _named(report: Json, part: str, key: Sequence[str]) -> list[tuple[str, Json]]:
    entries = report.get(part)
    tables = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    return [(" ".join(_word(name, e.get(name)) for name in key), e) for e in tables]


def _word(name: str, value: object) -> str:
    return (
        f"{name}={value}" if name in ("threads", "batch", "concurrency", "batcher") else str(value)
    )


def _number(table: object, *path: str) -> float | None:
    value = _at(table, *path)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number beyond every float
        return None


def _at(table: object, *path: str) -> object:
    for step in path:
        table = table.get(step) if isinstance(table, dict) else None
    return table


def _failure(one: Condition, where: str, new: float, old: float | None) -> Json:
    failure = {"condition": one.text, "where": where, "new": new, "old": old}
    return {**failure, "change": _change(new, old)}


def _change(new: float, old: float | None) -> float | None:
    """By which share a value grew; None where no number says it."""
    growth = new / old - 1 if old else math.inf
    return growth if math.isfinite(growth) else None


def _unmatched(report: Json, old: Json) -> list[str]:
    new, past = (dict(_named(r, "cells", KEY)) for r in (report, old))
    return [f"{where}: not in the baseline" for where in new if where not in past] + [
        f"{where}: only in the baseline" for where in past if where not in new
    ]


def _changes(report: Json, old: Json) -> Iterator[Json]:
    for metric in ("p50", "p95", "rows_per_s"):
        before = _values(old, metric)
        for where, new in _values(report, metric).items():
            past = before.get(where)
            change = None if new is None else _change(new, past)
            if change is not None:
                yield {"where": where, "metric": metric, "new": new, "old": past, "change": change}


def _warnings(report: Json, old: Json) -> list[str]:
    fields = fingerprint.COMPARED
    pairs = {f: (_at(old, "environment", f), _at(report, "environment", f)) for f in fields}
    warnings = [
        f"the baseline's {name} is {arguments.shown(a)}, here it is {arguments.shown(b)}"
        for name, (a, b) in pairs.items()
        if a != b
    ]
    rivals = [_at(table, "settings", "against") for table in (old, report)]
    if rivals[0] != rivals[1]:
        engines = " and ".join(map(arguments.shown, rivals))
        warnings.append(
            f"the two were measured against other engines, {engines}, which cost time too"
        )
    if old.get("id") != report.get("id"):
        warnings.append(f"the baseline is of another bundle, {arguments.shown(old.get('id'))}")
    for which, table in (("baseline", old), ("report", report)):
        cells = [cell for _, cell in _named(table, "cells", KEY)]
        shaky = sum(_at(cell, "model", "noisy") is True for cell in cells)
        if shaky:
            warnings.append(f"{shaky} of {len(cells)} cells of the {which} are noisy")
    return warnings


def _told(old: Json | None) -> Json | None:
    return None if old is None else {key: old.get(key) for key in ("bundle", "id", "started")}

"""A benchmark's report as lines for people: one a cell, what is the same for all said once."""

from collections.abc import Iterator
from typing import Any

from ssdgm_runtime import terminal

Json = dict[str, Any]

_SAME = ("variant", "provider", "threads", "concurrency", "arrival", "batcher")
_HEADS = {"component": "graph", "concurrency": "callers"}
_STEPS = "   "
_SMALL, _FINE, _COARSE = 0.1, 4, 3  # ms, and digits after the point


def bench(report: Json) -> str:
    """The result of `commands.bench`."""
    cells = report["cells"]
    same = [k for k in _SAME if len({cell[k] for cell in cells}) < 2]
    digits = _FINE if min(cell["model"]["p50_ms"] for cell in cells) < _SMALL else _COARSE
    rows = [_row(cell, same, digits) for cell in cells]
    lines = [
        *_where(report),
        ", ".join(f"{_HEADS.get(k, k)} {_word(cells[0][k])}" for k in same if cells[0][k]),
        terminal.table([tuple(row.values()) for row in rows], tuple(rows[0])),
        *_notes(report),
        *(_session(one) for one in report["sessions"]),
        *_cold(report["cold_start"]),
        *(line for one in report["variants"] for line in _variant(one)),
        *_compared(report["comparison"]),
    ]
    return "\n".join(map(terminal.lines, lines))


def _where(report: Json) -> Iterator[str]:
    machine = report["environment"]
    loads = machine["load_average"]
    busy = f", load average {loads['start'][0]:.1f}" if loads["start"] else ""
    quota = f", quota {machine['quota']:g}" if machine["quota"] else ""
    yield f"{report['bundle']} {report['id'][:12]}, {report['started']}"
    yield (
        f"{machine['cpu']}, {machine['processors']} processors{quota}{busy}, "
        f"onnxruntime {machine['onnxruntime']}"
    )


def _row(cell: Json, same: list[str], digits: int) -> dict[str, str]:
    """A cell's columns by their heads."""
    own, kept = cell["model"], [k for k in ("component", *_SAME) if k not in same]
    row = {_HEADS.get(k, k): _word(cell[k]) for k in kept}
    row["batch"] = str(cell["batch"])
    row |= {"p50 ms": _ms(own["p50_ms"], digits)}
    row |= {"95 %": _interval(own["p50_interval_ms"], digits)}
    row |= {f"{k} ms": _ms(own[f"{k}_ms"], digits) for k in ("p95", "p99")}
    row |= {"rows/s": f"{own['rows_per_s']:.0f}", "cores": f"{own['cores']:.2f}"}
    if own["queue"]:
        row["calls/s"] = f"{own['queue']['achieved_per_s']:.0f}"
        row["wait p95"] = _ms(own["queue"]["wait_p95_ms"], digits)
    for name, ratio in cell["ratios"].items():
        row[f"x {name} (95 %)"] = f"{ratio['value']:.2f} ({_interval(ratio['interval'], 2)})"
    row[""] = " ".join(_flags(own))
    return row


def _flags(timing: Json) -> Iterator[str]:
    if timing["noisy"]:
        yield "noisy"
    queue = timing["queue"]
    if queue and queue["growing"]:
        yield "queue grows"
    if queue and queue["unserved"]:
        yield f"{queue['unserved']} unserved"


def _notes(report: Json) -> Iterator[str]:
    timings = [cell["model"] for cell in report["cells"]]
    yield "95 %: how sure this one run is of its figure; another run may lie outside"
    if report["cells"][0]["ratios"]:
        yield "x NAME: the model's median over that of NAME on the same graph, in alternation"
    if any(t["noisy"] for t in timings):
        yield "noisy: the medians of five windows differ by more than 10 %; close other programs"
    if any("queue grows" in _flags(t) for t in timings):
        yield "queue grows: more calls come than are served; latencies depend on how long it ran"
    if any(t["queue"] and t["queue"]["unserved"] for t in timings):
        yield "unserved: calls given up; the percentiles are of the others, and too small"
    floors = [cell["floor_ms"] for cell in report["cells"] if cell["floor_ms"] is not None]
    if floors:
        worst = _ms(max(floors), _FINE)
        yield f"a call that does nothing has p50 {worst} ms on such a schedule: it is in all times"


def _session(one: Json) -> str:
    return (
        f"opened and warmed up in {one['load_ms']:.1f} ms"
        f" (provider {one['requested']}, variant {one['variant']}, threads {one['threads']})"
    )


def _cold(cold: Json | None) -> Iterator[str]:
    if cold is None:
        return
    if "failed" in cold:
        yield f"cold start: {cold['failed']}"
        return
    own, bare = cold["model"], cold["bare"]
    yield (
        f"cold start: {own['total_ms']:.0f} ms to the first answer, {cold['ratio_total']:.2f} x"
        f" bare onnxruntime's {bare['total_ms']:.0f} (medians of {cold['starts']})"
    )
    for name, one in (("model", own), ("bare", bare)):
        steps = ", ".join(f"{step} {ms:.1f}" for step, ms in one["steps_ms"].items())
        held = one["rss_peak"]
        memory = f"; peak memory {held / 1e6:.0f} MB" if held else ""
        yield f"{_STEPS}{name:6}{steps} ms{memory}"


_MEASURES = {"error": ("error", "%"), "rmse": ("RMSE", "% of the labels' deviation")}
"""What an error is, and its unit."""


def _variant(one: Json) -> Iterator[str]:
    reported, kept, measured = one["reported"], one["golden"], one["measured"]
    parts = [f"{one['bytes'] / 1e3:.0f} kB"]
    name, unit = _MEASURES[one.get("measure", "error")]
    if one["component"] == "classifier" and reported["test_error"] is not None:
        known = f"test {name} {100 * reported['test_error']:.2f} {unit}"
        parts.append(f"{known} when it was trained")
    if reported["gate"]:
        parts.append(f"gate {_pairs(reported['gate'])}")
    if measured:
        rows, error = measured["rows"], measured["error"]
        parts.append(f"{name} {100 * error:.2f} {unit} of {rows} rows here")
    if kept:
        same = "" if kept["agreement"] is None else f", {100 * kept['agreement']:g} % predicted so"
        parts.append(f"{kept['max_abs']:.1e} from {kept['reference']}'s golden rows{same}")
    yield f"{one['component']} {one['variant']}: {', '.join(parts)}"


def _compared(comparison: Json | None) -> Iterator[str]:
    if comparison is None:
        return
    for change in comparison["changes"]:
        if change["metric"] == "p50":
            yield f"p50 {100 * change['change']:+.1f} %  {change['where']}"
    yield from (f"warning: {text}" for text in comparison["warnings"])
    yield from (f"missing: {text}" for text in comparison["missing"])
    for one in comparison["failures"]:
        change = "" if one["change"] is None else f" ({100 * one['change']:+.1f} %)"
        old = "" if one["old"] is None else f", before {one['old']:.4g}{change}"
        yield f"FAILED {one['condition']}: {one['where']}: {one['new']:.4g}{old}"
    if comparison["conditions"]:
        verdict = "passed" if comparison["passed"] else "FAILED"
        count, checked = len(comparison["conditions"]), comparison["checked"]
        yield f"{verdict}: {count} conditions, {checked} values looked at"


def _pairs(table: Json) -> str:
    return ", ".join(f"{name} {value}" for name, value in table.items())


def _word(value: object) -> str:
    return str(value).removesuffix("ExecutionProvider")


def _ms(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"


def _interval(pair: list[float] | None, digits: int) -> str:
    return "-" if pair is None else f"{pair[0]:.{digits}f}-{pair[1]:.{digits}f}"

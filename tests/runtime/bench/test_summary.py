from typing import Any

import pytest

from ssdgm_runtime.bench import summary

Json = dict[str, Any]


def cell(batch: int, p50: float = 1.25, **more: Any) -> Json:  # noqa: ANN401
    model = {
        "p50_ms": p50, "p95_ms": 2.0, "p99_ms": 10.0, "rows_per_s": 12345.6, "cores": 1.04,
        "p50_interval_ms": [1.2, 1.3], "noisy": False, "queue": None,
    }  # fmt: skip
    key = {"component": "decoder", "variant": "cpu-fp32", "provider": "CPUExecutionProvider"}
    rest = {"threads": 1, "batch": batch, "concurrency": 1, "arrival": "closed", "batcher": False}
    rest |= {"floor_ms": None}
    ratios = {"raw": {"value": 1.25, "interval": [1.2, 1.31]}}
    return {**key, **rest, "model": model, "ratios": ratios, **more}


def report(*cells: Json, **more: Any) -> Json:  # noqa: ANN401
    environment = {"cpu": "A CPU", "processors": 2, "quota": 1.5, "onnxruntime": "1.32.0"}
    loads = {"load_average": {"start": [0.25, 0, 0], "end": None}}
    session = {"load_ms": 7.04, "requested": "auto", "variant": "auto", "threads": 1}
    return {
        "bundle": "tiny", "id": "ab" * 32, "started": "2014-06-20T00:00:00+00:00",
        "environment": {**environment, **loads}, "cells": list(cells), "sessions": [session],
        "variants": [], "cold_start": None, "comparison": None, **more,
    }  # fmt: skip


def test_a_line_a_cell_and_what_is_the_same_once() -> None:
    lines = summary.bench(report(cell(64), cell(1))).split("\n")
    assert lines[0] == "tiny abababababab, 2014-06-20T00:00:00+00:00"
    assert lines[1] == "A CPU, 2 processors, quota 1.5, load average 0.2, onnxruntime 1.32.0"
    assert lines[2] == "variant cpu-fp32, provider CPU, threads 1, callers 1, arrival closed"
    head, first, second = lines[3:6]
    assert head.split("  ")[0] == "graph"
    assert first.split() == [
        *("decoder", "64", "1.250", "1.200-1.300", "2.000", "10.000", "12346", "1.04"),
        *("1.25", "(1.20-1.31)"),
    ]
    assert second.split()[:2] == ["decoder", "1"]
    assert lines[-1].startswith("opened and warmed up in 7.0 ms")


def test_what_differs_is_a_column() -> None:
    text = summary.bench(report(cell(1), cell(1, threads=2, variant="cpu-int8")))
    assert "graph    variant   threads  batch" in text
    assert "decoder  cpu-int8        2      1" in text


def test_small_times_have_more_digits() -> None:
    assert "0.0123" in summary.bench(report(cell(1, p50=0.01234)))


def test_what_is_doubtful_is_marked_and_explained() -> None:
    queue = {"achieved_per_s": 90.4, "wait_p95_ms": 33.0, "growing": True, "unserved": 7}
    shaky = cell(1, floor_ms=0.0123)
    shaky["model"] |= {"noisy": True, "queue": queue, "p50_interval_ms": None}
    text = summary.bench(report(shaky))
    assert "noisy queue grows 7 unserved" in text
    assert "\nunserved: calls given up; the percentiles are of the others" in text
    assert "\na call that does nothing has p50 0.0123 ms on such a schedule" in text
    assert "\nnoisy: the medians of five windows" in text
    assert "\nqueue grows: more calls come" in text
    calm = summary.bench(report(cell(1)))
    assert not any(word in calm for word in ("noisy:", "unserved", "does nothing"))
    assert "\n95 %: how sure this one run is of its figure" in calm


def test_cold_starts_that_failed() -> None:
    text = summary.bench(report(cell(1), cold_start={"failed": "a fresh process failed"}))
    assert "cold start: a fresh process failed" in text.split("\n")


def test_cold_starts_and_accuracy() -> None:
    kind = {"total_ms": 100.0, "steps_ms": {"numpy": 60.0, "answer": 40.0}, "rss_peak": 70e6}
    cold = {"starts": 5, "ratio_total": 1.5, "model": kind, "bare": {**kind, "rss_peak": None}}
    golden = {"max_abs": 1e-6, "reference": "fp32", "agreement": 0.995}
    variant = {
        "component": "classifier", "variant": "int8", "bytes": 2500, "golden": golden,
        "reported": {"test_error": 0.047, "gate": {"passed": True}},
        "measured": {"rows": 100, "error": 0.05},
    }  # fmt: skip
    text = summary.bench(report(cell(1), cold_start=cold, variants=[variant]))
    assert "cold start: 100 ms to the first answer, 1.50 x bare onnxruntime's 100" in text
    assert "model numpy 60.0, answer 40.0 ms; peak memory 70 MB" in text
    assert "bare  numpy 60.0, answer 40.0 ms\n" in text
    assert (
        "classifier int8: 2 kB, test error 4.70 % when it was trained, gate passed True, error"
        " 5.00 % of 100 rows here, 1.0e-06 from fp32's golden rows, 99.5 % predicted so"
    ) in text


@pytest.mark.parametrize("passed", [True, False])
def test_a_comparison(passed: bool) -> None:
    failure = {"condition": "p95>+10%", "where": "here", "new": 3.0, "old": 2.0, "change": 0.5}
    change = {"metric": "p50", "where": "there", "new": 1.0, "old": 2.0, "change": -0.5}
    found = {
        "conditions": [{}], "checked": 4, "passed": passed, "failures": [failure],
        "missing": ["that"], "warnings": ["beware"], "changes": [change],
    }  # fmt: skip
    lines = summary.bench(report(cell(1), comparison=found)).split("\n")[-5:]
    assert lines == [
        "p50 -50.0 %  there",
        "warning: beware",
        "missing: that",
        "FAILED p95>+10%: here: 3, before 2 (+50.0 %)",
        f"{'passed' if passed else 'FAILED'}: 1 conditions, 4 values looked at",
    ]


def test_a_failure_whose_change_is_no_number() -> None:
    failure = {"condition": "p95>1", "where": "here", "new": 3.0, "old": 0.0, "change": None}
    found = {
        "conditions": [{}], "checked": 1, "passed": False, "failures": [failure],
        "missing": [], "warnings": [], "changes": [],
    }  # fmt: skip
    text = summary.bench(report(cell(1), comparison=found))
    assert "FAILED p95>1: here: 3, before 0\n" in text


def test_control_characters_are_not_obeyed() -> None:
    text = summary.bench(report(cell(1), bundle="a\x1b[31m"))
    assert "\x1b" not in text

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ssdgm_export.bench import chart

Json = dict[str, Any]


def timing(p50: float, sure: bool = True) -> Json:
    pair = [0.9 * p50, 1.2 * p50] if sure else None
    return {"p50_ms": p50, "p95_ms": 2 * p50, "p50_interval_ms": pair}


def cell(component: str, **more: Any) -> Json:  # noqa: ANN401
    key = {"variant": "cpu-fp32", "provider": "CPUExecutionProvider", "threads": 1, "batch": 1}
    against = {"raw": timing(0.5), "mine": timing(0.25, sure=False)}
    rest = {"concurrency": 1, "model": timing(1.0), "against": against}
    return {"component": component, **key, **rest, **more}


def report(*cells: Json) -> Json:
    place = {"cpu": "A $CPU$", "onnxruntime": "1.32.0"}
    return {"bundle": "tiny", "environment": place, "cells": list(cells)}


CASES = {
    "one cell": [cell("classifier")],
    "batches": [cell("classifier", batch=n) for n in (1, 8, 64)],
    "callers": [cell("classifier", concurrency=n) for n in (1, 4)],
    "all of it": [
        cell(name, batch=n, threads=t, variant=v)
        for name in ("classifier", "decoder")
        for n in (8, 1)
        for t in (1, 2)
        for v in ("a", "b", "c")
    ],
}


@pytest.mark.parametrize("cells", CASES.values(), ids=CASES)
def test_a_report_is_a_picture(cells: list[Json]) -> None:
    image = np.asarray(Image.open(io.BytesIO(chart.png(report(*cells)))).convert("RGB"))
    panels = len({c["component"] for c in cells})
    assert image.shape[1] == round(chart.WIDE * panels * chart.DPI)
    coloured = np.ptp(image.astype(int), axis=2) > 60
    assert coloured.any()


def test_the_same_report_is_the_same_picture() -> None:
    assert chart.png(report(*CASES["batches"])) == chart.png(report(*CASES["batches"]))


def test_lines_are_named_by_engine_and_by_what_varies(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[tuple[list[int], str]] = []
    line = chart._line

    def seen(axes: Any, x: list[int], found: list[Json], look: tuple[str, str, str]) -> None:  # noqa: ANN401
        names.append((x, look[2]))
        line(axes, x, found, look)

    monkeypatch.setattr(chart, "_line", seen)
    chart.png(report(*CASES["callers"]))
    assert names == [
        ([1, 4], "ssdgm_runtime"), ([1, 4], "bare onnxruntime"), ([1, 4], "mine")
    ]  # fmt: skip
    names.clear()
    chart.png(report(cell("a"), cell("a", batch=8, threads=2)))
    assert names[0] == ([1], "ssdgm_runtime, threads 1")
    assert names[-1] == ([8], "mine, threads 2")

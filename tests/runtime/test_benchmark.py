import json
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import benchmark, errors, model


@pytest.mark.parametrize("which", ["tiny", "noisy"])
def test_a_cell_for_each_graph_and_batch(request: pytest.FixtureRequest, which: str) -> None:
    opened = request.getfixturevalue(which)
    report = benchmark.run(opened, batches=(1, 9), seconds=1e-3)
    cells = {(c.component, c.batch): c for c in report.cells}
    assert set(cells) == {(g, n) for g in ("classifier", "encoder", "decoder") for n in (1, 9)}
    for cell in report.cells:
        assert cell.rounds >= 5
        for timing in (cell.model, cell.bare):
            assert 0 < timing.p50_ms <= timing.p95_ms <= timing.p99_ms
            assert timing.rows_per_s == pytest.approx(cell.batch / timing.p50_ms * 1e3)
        assert cell.ratio == pytest.approx(cell.model.p50_ms / cell.bare.p50_ms)
    assert report.load_ms > 0
    table = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert table["environment"]["providers"]["decoder"] == "CPUExecutionProvider"
    assert table["environment"]["threads"] == 1


def test_rounds_alternate_and_percentiles_are_those_of_the_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = []
    clock = iter(np.arange(1000) / 1000.0)
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: float(next(clock)))
    own, plain = benchmark._interleave(
        lambda: order.append("a"), lambda: order.append("b"), seconds=0.05
    )
    assert len(own) == len(plain) >= 5
    measured = order[2 * benchmark._WARMUP :]
    assert measured[:8] == ["b", "a", "a", "b", "b", "a", "a", "b"]
    timing = benchmark._timing([0.001, 0.002, 0.003], rows=4)
    assert timing.p50_ms == pytest.approx(2.0)
    assert timing.rows_per_s == pytest.approx(2000)


@pytest.mark.parametrize("bad", [{"batches": (0,)}, {"batches": (1.5,)}, {"seconds": 0}])
def test_bad_arguments(tiny: model.Model, bad: dict[str, Any]) -> None:
    with pytest.raises(errors.InputError):
        benchmark.run(tiny, **bad)

"""The checked-in bundle that the converter really made."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import model

GOLDEN = Path(__file__).parents[2] / "golden" / "m2-tiny.ssdgm"


@pytest.fixture(scope="module", params=[1, 2])
def opened(request: pytest.FixtureRequest) -> Iterator[model.Model]:
    with model.load(GOLDEN, provider="cpu", threads=request.param) as found:
        yield found


def test_it_is_small() -> None:
    assert 0 < sum(p.stat().st_size for p in GOLDEN.rglob("*") if p.is_file()) < 50_000


def test_it_checks_itself(opened: model.Model) -> None:
    report = opened.verify()
    assert report.passed, report.to_json()
    assert len(report.checks) == 3


def test_it_does_all_that_an_m2_can(opened: model.Model) -> None:
    assert opened.tasks == ("classify", "encode", "reconstruct", "generate")
    drawn = opened.generate(list(opened.labels), n=4, seed=0, sample=True)
    x = drawn.as_input()
    found = opened.classify(x)
    np.testing.assert_allclose(found.probs.sum(1), 1, rtol=1e-5)
    assert opened.encode(x).mean.shape == drawn.z.shape
    assert opened.reconstruct(x, drawn.y).shape == x.shape
    parts = np.concatenate([opened.classify(x[i : i + 3]).logits for i in range(0, len(x), 3)])
    np.testing.assert_allclose(parts, found.logits, rtol=1e-4, atol=1e-5)

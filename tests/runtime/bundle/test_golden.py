"""The checked-in bundle that the converter really made."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ssdgm_runtime import model
from ssdgm_runtime.bundle import manifest

GOLDEN = Path(__file__).parents[2] / "golden" / "m2-tiny.ssdgm"
PINNED = GOLDEN.with_name("format-1.0.ssdgm")
"""Never made again: what format 1 was, and what it has to compute for good."""


@pytest.fixture(scope="module", params=[(GOLDEN, 1), (GOLDEN, 2), (PINNED, 1)])
def opened(request: pytest.FixtureRequest) -> Iterator[model.Model]:
    path, threads = request.param
    with model.load(path, provider="cpu", threads=threads) as found:
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


def test_a_bundle_of_format_1_computes_what_it_computes_as_format_2(
    tmp_path: Path, reseal: Callable[[Path], Path]
) -> None:
    folder = Path(shutil.copytree(PINNED, tmp_path / "two.ssdgm"))
    text = (folder / "manifest.json").read_text()
    assert json.loads(text)["additional_metadata"]["ssdgm"]["format"] == "1.0"
    (folder / "manifest.json").write_text(manifest.dumps(manifest.loads(text)))
    settings = {"provider": "cpu", "threads": 1}
    with model.load(PINNED, **settings) as old, model.load(reseal(folder), **settings) as new:
        assert (old.info["format"], new.info["format"]) == ("1.0", "2.0")
        assert (old.labels, old.space) == (new.labels, new.space)
        for one, same in zip(everything(old), everything(new), strict=True):
            np.testing.assert_array_equal(one, same)


def everything(opened: model.Model) -> Iterator[np.ndarray]:
    """What a bundle gives for rows of its own."""
    for sample in (False, True):
        drawn = opened.generate(n=40, seed=5, sample=sample)
        yield from (drawn.x, drawn.y, drawn.z, drawn.labels)
    x = drawn.as_input()
    answer, posterior = opened.classify(x), opened.encode(x)
    yield from (answer.logits, answer.probs, answer.labels, opened.predict(x), opened.classes_)
    yield from (posterior.mean, posterior.scale, opened.reconstruct(x, 1))

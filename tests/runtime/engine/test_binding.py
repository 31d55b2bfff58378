"""Twins on a GPU: what is copied there and back, and that answers are the same."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from engines import CPU, CUDA, TENSORRT, Engine

from ssdgm_runtime import model
from ssdgm_runtime.engine import binding, session
from ssdgm_runtime.engine.options import Options


@pytest.fixture(name="fake")
def _fake(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine([TENSORRT, CUDA, CPU], loads=(TENSORRT, CUDA, CPU))
    monkeypatch.setattr(session, "engine", lambda: engine)
    return engine


@pytest.fixture(name="gpu")
def _gpu(data: Path, fake: Engine) -> Iterator[model.Model]:
    with model.load(data / "tiny.ssdgm", provider="cuda", threads=1) as opened:
        yield opened


class TestCopies:
    def test_what_graphs_share_goes_there_once(
        self, gpu: model.Model, fake: Engine, tiny: model.Model, images: np.ndarray
    ) -> None:
        found = gpu.reconstruct(images)
        assert fake.copies.count("there") == 1  # x; its probabilities and latents are there
        assert fake.copies.count("back") == 3  # probabilities, means, reconstructions
        np.testing.assert_array_equal(found, tiny.reconstruct(images))

        fake.copies.clear()
        latent = gpu.encode(images, "one")
        assert fake.copies == ["there", "there", "back", "back"]
        np.testing.assert_array_equal(latent.mean, tiny.encode(images, "one").mean)

    def test_one_graph_is_left_to_the_session(
        self, gpu: model.Model, fake: Engine, tiny: model.Model, images: np.ndarray
    ) -> None:
        found = gpu.classify(images)
        assert fake.copies == ["there", "back", "back"]
        np.testing.assert_array_equal(found.probs, tiny.classify(images).probs)

    def test_in_pieces_answers_are_the_same(
        self, data: Path, fake: Engine, tiny: model.Model, images: np.ndarray
    ) -> None:
        options = Options(max_batch=4)
        with model.load(data / "tiny.ssdgm", provider="tensorrt", options=options) as opened:
            found = opened.reconstruct(images)
        np.testing.assert_array_equal(found, tiny.reconstruct(images))

    def test_nothing_outlives_the_call(self, gpu: model.Model, images: np.ndarray) -> None:
        first = gpu.reconstruct(images)
        changed = images.copy()
        images[:] = 0
        assert not np.array_equal(gpu.reconstruct(images), first)
        images[:] = changed
        np.testing.assert_array_equal(gpu.reconstruct(images), first)
        assert getattr(binding._local, "twins", None) is None

    def test_the_device_is_the_one_of_the_options(
        self, data: Path, fake: Engine, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        places = []
        there = fake._there
        fake.OrtValue.ortvalue_from_numpy = lambda array, *place: (
            places.append(place),
            there(array, *place),
        )[1]
        options = Options(provider_options={"device_id": "1"})
        with model.load(data / "tiny.ssdgm", provider="cuda", options=options) as opened:
            opened.reconstruct(images)
        assert places == [("cuda", 1)]


class TestKept:
    def test_other_threads_have_their_own(self, gpu: model.Model, images: np.ndarray) -> None:
        seen = []
        with binding.kept(CUDA):
            assert binding._local.twins == {}
            look = threading.Thread(
                target=lambda: seen.append(getattr(binding._local, "twins", None))
            )
            look.start()
            look.join()
        assert seen == [None]

    def test_within_another(self) -> None:
        with binding.kept(CUDA):
            outer = binding._local.twins
            with binding.kept(TENSORRT):
                assert binding._local.twins is not outer
            assert binding._local.twins is outer

    def test_the_cpu_has_no_twins(self, tiny: model.Model, images: np.ndarray) -> None:
        with binding.kept(CPU):
            assert getattr(binding._local, "twins", None) is None
        ort = session.engine()
        assert binding.wrap(ort, ort, CPU, {}) is ort


def test_the_real_engine_binds_so(graph: bytes, opened: Callable[..., session.Session]) -> None:
    """The same calls, with the one device that there is."""
    ort = session.engine()
    real = ort.InferenceSession(graph, providers=[CPU])
    bound = binding.Bound(ort, real, "cpu", 0)
    x = np.random.default_rng(0).integers(0, 16, (40, 4, 4)).astype(np.uint8)[::2]
    wanted = real.run(["probs", "logits"], {"x": x})
    with binding.kept(CUDA):
        for _ in range(6):
            found = bound.run(["probs", "logits"], {"x": x})
        assert len(binding._local.twins) <= binding._MOST
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(bound.run(["probs"], {"x": x})) == 1

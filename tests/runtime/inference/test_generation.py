from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.engine.options import Options
from ssdgm_runtime.inference import noise


def test_rows_are_grouped_by_entry(tiny: model.Model) -> None:
    found = tiny.generate(["two", "zero"], n=3, seed=0)
    assert found.x.shape == (6, 4, 4)
    assert found.x.dtype == np.float32
    assert found.labels.tolist() == [2, 2, 2, 0, 0, 0]
    assert found.z.shape == (6, 2)
    assert (found.seed, len(found)) == (0, 6)


def test_labels_in_every_form(tiny: model.Model) -> None:
    one = tiny.generate("one", n=4, seed=0).x
    for y in (1, [1], ["one"], [[0.0, 1.0, 0.0]], np.array([1])):
        np.testing.assert_array_equal(tiny.generate(y, n=4, seed=0).x, one)


def test_a_seed_gives_the_same_rows_and_another_gives_others(tiny: model.Model) -> None:
    for sample in (False, True):
        a, b, c = (tiny.generate(0, n=5, seed=s, sample=sample).x for s in (4, 4, 5))
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_a_fresh_seed_is_returned(tiny: model.Model) -> None:
    first, second = tiny.generate(0, n=2), tiny.generate(0, n=2)
    assert first.seed != second.seed
    again = tiny.generate(0, n=2, seed=first.seed)
    np.testing.assert_array_equal(again.x, first.x)


@pytest.mark.parametrize("which", ["tiny", "noisy"])
@pytest.mark.parametrize("sample", [False, True])
def test_the_same_samples_however_they_are_chunked(data: Path, which: str, sample: bool) -> None:
    found = []
    for size in (1, 7, 256):
        options = Options(max_batch=size)
        path = data / f"{which}.ssdgm"
        with model.load(path, provider="cpu", threads=1, options=options) as opened:
            found.append(opened.generate(n=40, seed=11, sample=sample))
    for other in found[1:]:
        for name in ("x", "y", "z"):
            np.testing.assert_array_equal(getattr(other, name), getattr(found[0], name))


def test_more_threads_draw_the_same_noise(data: Path, tiny: model.Model) -> None:
    expected = tiny.generate(n=40, seed=11)
    with model.load(data / "tiny.ssdgm", provider="cpu", threads=2) as opened:
        found = opened.generate(n=40, seed=11)
    np.testing.assert_array_equal(found.z, expected.z)
    np.testing.assert_allclose(found.x, expected.x, rtol=1e-5, atol=1e-5)


def test_z_is_the_stream_of_its_name(tiny: model.Model) -> None:
    found = tiny.generate(0, n=6, seed=2, temperature=0.5)
    np.testing.assert_array_equal(found.z, np.float32(0.5) * noise.draw(2, "z", 6, 2))


def test_without_labels_they_come_from_the_prior(tiny: model.Model) -> None:
    found = tiny.generate(n=4000, seed=0)
    shares = np.bincount(found.labels, minlength=3) / 4000
    np.testing.assert_allclose(shares, [0.5, 0.25, 0.25], atol=0.03)
    np.testing.assert_array_equal(tiny.generate(n=10, seed=0).y, found.y[:10])
    np.testing.assert_array_equal(found.y.sum(1), 1)


def test_means_by_default_and_draws_on_demand(tiny: model.Model, noisy: model.Model) -> None:
    mean, drawn = (tiny.generate(1, n=50, seed=0, sample=s) for s in (False, True))
    assert not np.array_equal(mean.x, mean.x.round())
    np.testing.assert_array_equal(drawn.x, drawn.x.round())
    assert drawn.x.min() >= 0
    assert drawn.x.max() <= 16
    assert abs((drawn.x - mean.x).mean()) < 0.2
    other = noisy.generate("yes", n=5, seed=0, sample=True)
    assert not np.allclose(other.x, noisy.generate("yes", n=5, seed=0).x)


def test_further_noise_is_drawn_always(noisy: model.Model) -> None:
    expected = noisy.generate("yes", n=9, seed=0)
    feeds = {"y": expected.y, "z": expected.z, "a": noise.draw(0, "a", 9, 1)}
    np.testing.assert_array_equal(expected.x, noisy.graphs.run("decoder", feeds, 9, "x")["x"])
    drawn = noisy.generate("yes", n=9, seed=0, sample=True)
    np.testing.assert_array_equal(drawn.z, expected.z)
    parameters = noisy.graphs.run("decoder", feeds, 9, "mean", "scale")
    x = parameters["mean"] + parameters["scale"] * noise.draw(0, "x", 9, 3)
    np.testing.assert_allclose(drawn.x, x, rtol=1e-6)


class TestGivenLatents:
    Z = np.random.default_rng(0).standard_normal((6, 2))

    def test_they_are_used(self, tiny: model.Model) -> None:
        found = tiny.generate(1, z=self.Z)
        np.testing.assert_array_equal(found.z, self.Z.astype(np.float32))
        assert found.labels.tolist() == [1] * 6
        assert tiny.generate(z=self.Z, seed=0).y.shape == (6, 3)
        assert tiny.generate([0, 1, 2], n=2, z=self.Z).labels.tolist() == [0, 0, 1, 1, 2, 2]
        assert tiny.generate([0, 1, 2, 0, 1, 2], z=self.Z).labels.tolist() == [0, 1, 2, 0, 1, 2]

    @pytest.mark.parametrize("settings", [{"y": [0, 1]}, {"y": 0, "n": 5}, {"y": [0, 1], "n": 2}])
    def test_of_another_number(self, tiny: model.Model, settings: dict[str, Any]) -> None:
        with pytest.raises(errors.InputError, match="z is of 6 rows; expected"):
            tiny.generate(z=self.Z, **settings)

    def test_of_another_kind(self, tiny: model.Model) -> None:
        for bad in (self.Z[:, :1], self.Z[0], np.zeros((2, 2), int), np.full((2, 2), np.nan)):
            with pytest.raises(errors.InputError, match="z is"):
                tiny.generate(0, z=bad)

    def test_a_temperature_would_be_ignored(self, tiny: model.Model) -> None:
        with pytest.raises(errors.InputError, match=r"temperature is 2\.0; expected 1\.0"):
            tiny.generate(0, z=self.Z, temperature=2.0)


@pytest.mark.parametrize(
    "bad",
    [
        {"n": -1},
        {"n": 1.5},
        {"seed": -1},
        {"seed": 0.5},
        {"seed": True},
        {"temperature": 0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"y": "seven"},
        {"y": 3},
        {"y": [[1.0, 2.0]]},
        {"y": [[0.0, 1.0, np.inf]]},
    ],
)
def test_bad_arguments(tiny: model.Model, bad: dict[str, Any]) -> None:
    with pytest.raises(errors.InputError, match=f"{next(iter(bad))} is"):
        tiny.generate(**bad)


def test_no_rows(tiny: model.Model, noisy: model.Model) -> None:
    for sample in (False, True):
        for request in ({"n": 0}, {"y": 1, "n": 0}, {"y": [], "n": 3}):
            found = tiny.generate(**request, seed=0, sample=sample)
            assert (found.x.shape, found.y.shape, found.z.shape) == ((0, 4, 4), (0, 3), (0, 2))
            assert found.as_input().shape == (0, 4, 4)


class TestLikelihood:
    def load(self, edit: Callable[..., Path], value: dict[str, Any] | None) -> model.Model:
        def change(document: object) -> None:
            document["additional_metadata"]["ssdgm"]["likelihood"] = value

        return model.load(edit(change))

    @pytest.mark.parametrize("value", [None, {"name": "poisson"}, {"name": "gaussian"}])
    def test_nothing_to_sample_from(
        self, edit: Callable[..., Path], value: dict[str, Any] | None
    ) -> None:
        with self.load(edit, value) as opened:
            assert opened.generate(0, n=2, seed=0).x.shape == (2, 4, 4)
            with pytest.raises(errors.TaskUnavailable, match="bernoulli, binomial, gaussian"):
                opened.generate(0, n=2, seed=0, sample=True)

    def test_bernoulli(self, edit: Callable[..., Path]) -> None:
        with self.load(edit, {"name": "bernoulli", "low": 1, "step": 4}) as opened:
            assert set(np.unique(opened.generate(0, n=20, seed=0, sample=True).x)) == {1.0, 5.0}


def test_what_was_generated_can_be_classified(tiny: model.Model, noisy: model.Model) -> None:
    found = tiny.generate(["zero", "two"], n=4, seed=0)
    x = found.as_input()
    assert x.dtype == np.uint8
    np.testing.assert_array_equal(x, found.x.round())
    assert tiny.classify(x).labels.shape == (8,)
    assert noisy.classify(noisy.generate(n=4, seed=0).as_input()).labels.shape == (4,)


def test_rounding_and_clipping_to_the_input() -> None:
    from ssdgm_runtime.inference import answers

    x, nothing = np.float32([[-3.2, 0.4, 0.6, 254.7, 300]]), np.zeros((1, 0), np.float32)
    found = {
        kind: answers.Samples(x, nothing, nothing, 0, kind).as_input()
        for kind in ("uint8", "int64", "float32")
    }
    assert found["uint8"].tolist() == [[0, 0, 1, 255, 255]]
    assert found["int64"].tolist() == [[-3, 0, 1, 255, 300]]
    np.testing.assert_array_equal(found["float32"], x)

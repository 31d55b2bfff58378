"""Bundles beyond an M2: a graph that gives z, a decoder without z, one that scores."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.console import commands
from ssdgm_runtime.inference import noise
from ssdgm_runtime.pictures import latent

X = np.random.default_rng(3).standard_normal((20, 3)).astype(np.float32)


class TestPrior:
    def test_it_gives_the_latent_that_the_decoder_gets(self, mixture: model.Model) -> None:
        drawn = mixture.generate(["no", "unlabelled 1"], n=3, seed=5)
        eps, a = noise.draw(5, "eps_z", 6, 2), noise.draw(5, "a", 6, 1)
        z = mixture.graphs.run("prior", {"y": drawn.y, "eps_z": eps}, 6)["z"]
        np.testing.assert_array_equal(drawn.z, z)
        x = mixture.graphs.run("decoder", {"z": z, "a": a}, 6, "x")["x"]
        np.testing.assert_array_equal(drawn.x, x)
        assert drawn.labels.tolist() == [0] * 3 + [2] * 3

    def test_temperature_scales_its_noise_and_no_other(self, mixture: model.Model) -> None:
        drawn = mixture.generate("yes", n=4, seed=5, temperature=0.5)
        eps = noise.draw(5, "eps_z", 4, 2) * np.float32(0.5)
        z = mixture.graphs.run("prior", {"y": drawn.y, "eps_z": eps}, 4)["z"]
        np.testing.assert_array_equal(drawn.z, z)
        feeds = {"z": z, "a": noise.draw(5, "a", 4, 1)}
        np.testing.assert_array_equal(drawn.x, mixture.graphs.run("decoder", feeds, 4, "x")["x"])

    def test_labels_come_from_their_own_prior(self, mixture: model.Model) -> None:
        many = mixture.generate(n=2000, seed=1)
        np.testing.assert_allclose(many.y.mean(0), (0.25, 0.25, 0.5), atol=0.04)
        assert mixture.space.labelled == 2

    def test_latents_that_are_given_need_none(self, mixture: model.Model) -> None:
        z = np.ones((4, 2), np.float32)
        given = mixture.generate(z=z, seed=0)
        np.testing.assert_array_equal(given.z, z)
        assert given.y.shape == (4, 0)
        assert given.labels.tolist() == [-1] * 4
        with pytest.raises(errors.InputError, match="this decoder takes no label"):
            mixture.generate("no", z=z)

    def test_draws_are_the_same_however_they_are_chunked(
        self, data: Path, mixture: model.Model
    ) -> None:
        few = model.Options(max_batch=3)
        whole = mixture.generate(n=10, seed=2, sample=True)
        with model.load(data / "mixture.ssdgm", options=few, threads=1) as opened:
            chunked = opened.generate(n=10, seed=2, sample=True)
        np.testing.assert_allclose(chunked.x, whole.x, rtol=1e-5)
        np.testing.assert_array_equal(chunked.y, whole.y)

    def test_reconstructions_go_around_it(self, mixture: model.Model) -> None:
        z = mixture.encode(X, "no").mean
        x = mixture.graphs.run("decoder", {"z": z}, 20, "x")["x"]
        np.testing.assert_array_equal(mixture.reconstruct(X, "no"), x)

    def test_a_line_of_styles_keeps_its_noise(self, mixture: model.Model) -> None:
        picture = latent.styles(mixture.conditionals, 2, 7)
        eps = noise.draw(7, "eps_z", 2, 2).repeat(3, axis=0)
        z = mixture.graphs.run("prior", {"y": picture.y, "eps_z": eps}, 6)["z"]
        np.testing.assert_array_equal(picture.z, z)
        assert picture.labels.tolist() == [0, 1, 2] * 2

    def test_a_walk_needs_rows(self, mixture: model.Model, tmp_path: Path) -> None:
        with pytest.raises(errors.InputError, match="because a graph gives the latent"):
            latent.walk(mixture.conditionals, 3)
        plane = latent.plane_of(mixture.conditionals, X)
        assert len(latent.walk(mixture.conditionals, 3, plane)) == 9
        with pytest.raises(errors.TaskUnavailable, match="its decoder takes no label"):
            latent.analogies(mixture.conditionals, X)

    def test_commands_generate_by_component(self, data: Path, tmp_path: Path) -> None:
        table = commands.generate(data / "mixture.ssdgm", tmp_path / "a.npz", n=2, seed=0)
        assert table["classes"] == ["no", "yes", "unlabelled 1"]
        assert table["rows"] == 6


class TestDecoderWithoutLatent:
    def test_its_noise_is_drawn(self, adversary: model.Model) -> None:
        drawn = adversary.generate("yes", n=5, seed=3)
        feeds = {"y": drawn.y, "a": noise.draw(3, "a", 5, 1)}
        np.testing.assert_array_equal(drawn.x, adversary.graphs.run("decoder", feeds, 5, "x")["x"])
        assert drawn.z.shape == (5, 0)
        cool = adversary.generate("yes", n=5, seed=3, temperature=0.5)
        feeds["a"] = feeds["a"] * np.float32(0.5)
        np.testing.assert_array_equal(cool.x, adversary.graphs.run("decoder", feeds, 5, "x")["x"])
        assert adversary.generate(n=4, seed=3, sample=True).x.shape == (4, 3)

    def test_what_needs_a_latent_is_refused(self, adversary: model.Model) -> None:
        with pytest.raises(errors.InputError, match="this decoder takes no latent"):
            adversary.generate("yes", z=np.zeros((1, 2), np.float32))
        for draw in (latent.styles, latent.walk):
            with pytest.raises(errors.TaskUnavailable, match="its decoder takes no z"):
                draw(adversary.conditionals, 2)
        with pytest.raises(errors.TaskUnavailable, match="its decoder takes no z"):
            adversary.reconstruct(X)


class TestScorer:
    def test_one_number_for_each_row(self, mixture: model.Model) -> None:
        found = mixture.score(X)
        scores = found.score
        assert np.isnan(found.rank).all()
        assert np.isnan(found.log_prob).all()
        assert found.inlier is None
        assert (scores.shape, scores.dtype) == ((20,), np.float32)
        np.testing.assert_array_equal(
            scores, mixture.graphs.run("scorer", {"x": X}, 20)["score"][:, 0]
        )
        assert mixture.tasks == ("classify", "encode", "reconstruct", "generate", "score")
        assert mixture.score(X, batch_size=3).score == pytest.approx(scores, rel=1e-5)

    def test_a_bundle_without_one(self, tiny: model.Model, images: np.ndarray) -> None:
        with pytest.raises(errors.TaskUnavailable, match="cannot score: it has no scorer"):
            tiny.score(images)


def io(document: Any) -> Any:  # noqa: ANN401
    return document["additional_metadata"]["ssdgm"]["io"]


def wider(tensors: list[dict[str, Any]], name: str) -> None:
    next(t for t in tensors if t["name"] == name)["shape"] = ["batch", 7]


CHANGES: dict[str, Callable[[Any], object]] = {
    "z is noise and given": lambda d: io(d)["decoder"]["noise"].append("z"),
    "another z": lambda d: wider(io(d)["prior"]["outputs"], "z"),
    "noise of two shapes": lambda d: wider(io(d)["decoder"]["inputs"], "a"),
    "no z": lambda d: io(d)["prior"]["outputs"][0].update(name="u"),
    "another input": lambda d: io(d)["prior"]["noise"].clear(),
    "labels of a scorer": lambda d: io(d)["scorer"]["inputs"][1].update(name="y"),
    "two scores": lambda d: wider(io(d)["scorer"]["outputs"], "score"),
    "no score": lambda d: io(d)["scorer"]["outputs"][0].update(name="s"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_no_bundle_has(data: Path, change: Callable[[Any], object]) -> None:
    document = json.loads((data / "mixture.ssdgm/manifest.json").read_text())
    manifest.parse(document)
    change(document)
    with pytest.raises(errors.FormatError):
        manifest.parse(document)

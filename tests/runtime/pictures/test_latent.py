"""The pictures, over a few lines of numpy and over bundles."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import interface
from ssdgm_runtime.engine.options import Options
from ssdgm_runtime.inference import conditionals, noise
from ssdgm_runtime.labels import classes
from ssdgm_runtime.pictures import latent, planes
from ssdgm_runtime.rows.tensor import Tensor

SPACE = classes.Classes(("zero", "one", "two"), (0, 1, 2), (0.5, 0.25, 0.25))
K = len(SPACE.names)


def walked(opened: model.Model, n: int, x: Any = None, classes: Any = None) -> latent.Picture:  # noqa: ANN401
    """A walk in the plane of rows, where there are some."""
    plane = None if x is None else latent.plane_of(opened.conditionals, x)
    return latent.walk(opened.conditionals, n, plane, classes)


def tensor(name: str, *row: int, dtype: str = "float32") -> Tensor:
    return Tensor(name, dtype, ("batch", *row))


def declared(z: int, labelled: tuple[str, ...] = ("encoder", "decoder")) -> dict[str, Any]:
    """What the parts below eat and give: x uint8 [2, 2] and `z` latents."""
    x, y, latent = tensor("x", 2, 2, dtype="uint8"), tensor("y", K), tensor("z", z)
    e, d = ((y,) if part in labelled else () for part in ("encoder", "decoder"))
    return {
        "classifier": interface.Graph((x,), (tensor("probs", K),)),
        "encoder": interface.Graph((x, *e), (tensor("z_mean", z),)),
        "decoder": interface.Graph((*d, latent), (tensor("x", 2, 2),), ("z",)),
    }


def run(component: str, feeds: conditionals.Arrays, z: int = 2) -> conditionals.Arrays:
    """A model in numpy: all tanh of fixed random matrices; without y where none is given."""
    flat = np.concatenate([v.reshape(len(v), -1).astype(np.float32) for v in feeds.values()], 1)
    width = {"classifier": K, "encoder": z, "decoder": 4}[component]
    weights = np.random.default_rng(len(component)).standard_normal((flat.shape[1], width))
    found = np.tanh(flat @ weights.astype(np.float32))
    if component == "classifier":
        return {"probs": np.exp(found) / np.exp(found).sum(1, keepdims=True)}
    return {"z_mean": found} if component == "encoder" else {"x": found.reshape(-1, 2, 2)}


def toy(
    z: int = 2, labelled: tuple[str, ...] = ("encoder", "decoder")
) -> conditionals.Conditionals:
    return conditionals.Conditionals(declared(z, labelled), SPACE, lambda c, f: run(c, f, z))


X = np.random.default_rng(4).integers(0, 17, (5, 2, 2)).astype(np.uint8)


class TestStyles:
    def test_a_line_keeps_its_latent_and_a_column_its_class(self) -> None:
        found = latent.styles(toy(), 4, 7)
        assert (found.lines, found.columns, len(found), found.seed) == (4, 3, 12, 7)
        latents = found.z.reshape(4, 3, 2)
        np.testing.assert_array_equal(latents[:, 0], noise.draw(7, "z", 4, 2))
        for column in range(3):
            np.testing.assert_array_equal(latents[:, column], latents[:, 0])
        assert found.labels.reshape(4, 3).tolist() == [[0, 1, 2]] * 4
        expected = run("decoder", {"y": found.y, "z": found.z})["x"]
        np.testing.assert_array_equal(found.x, expected)

    def test_classes_that_are_named_are_the_columns(self) -> None:
        found = latent.styles(toy(), 2, 7, ["two", "zero"])
        assert found.labels.reshape(found.lines, -1).tolist() == [[2, 0], [2, 0]]
        alone = latent.styles(toy(), 2, 7, "one")
        assert (alone.lines, alone.columns) == (2, 1)

    def test_more_lines_leave_the_first_as_they_are(self) -> None:
        few, many = (latent.styles(toy(), n, 3) for n in (2, 5))
        np.testing.assert_array_equal(many.z[:6], few.z)
        assert not np.array_equal(latent.styles(toy(), 2, 4).z, few.z)

    def test_a_fresh_seed_is_returned(self) -> None:
        first, second = latent.styles(toy(), 2), latent.styles(toy(), 2)
        assert first.seed != second.seed
        np.testing.assert_array_equal(latent.styles(toy(), 2, first.seed).x, first.x)

    def test_a_latent_is_the_one_of_generate(self, tiny: model.Model) -> None:
        found = latent.styles(tiny.conditionals, 3, seed=5)
        for line in range(3):
            for k in range(3):
                rows = tiny.generate(k, 3, seed=5)
                np.testing.assert_array_equal(found.x[3 * line + k], rows.x[line])


class TestAnalogies:
    def test_the_first_column_is_the_rows_themselves(self) -> None:
        found = latent.analogies(toy(), X)
        assert (found.lines, found.columns, found.seed) == (5, 4, None)
        assert found.x.dtype == np.float32
        np.testing.assert_array_equal(found.x.reshape(5, 4, 2, 2)[:, 0], X)
        probs = run("classifier", {"x": X})["probs"]
        np.testing.assert_array_equal(found.y.reshape(5, 4, K)[:, 0], probs)

    def test_the_others_have_its_style_in_every_class(self) -> None:
        found = latent.analogies(toy(), X, [0, 1, 2, 1, 0])
        own = np.eye(K, dtype=np.float32)[[0, 1, 2, 1, 0]]
        z = run("encoder", {"x": X, "y": own})["z_mean"]
        np.testing.assert_array_equal(found.z.reshape(5, 4, 2), z[:, None].repeat(4, axis=1))
        y = found.y.reshape(5, 4, K)
        np.testing.assert_array_equal(y[:, 0], own)
        for k in range(K):
            label = np.eye(K, dtype=np.float32)[[k] * 5]
            np.testing.assert_array_equal(y[:, 1 + k], label)
            np.testing.assert_allclose(
                found.x.reshape(5, 4, 2, 2)[:, 1 + k],
                run("decoder", {"y": label, "z": z})["x"],
                rtol=1e-6,
            )

    def test_labels_are_the_classifiers_where_none_are_given(self) -> None:
        probs = run("classifier", {"x": X})["probs"]
        np.testing.assert_array_equal(
            latent.analogies(toy(), X).x, latent.analogies(toy(), X, probs).x
        )

    def test_they_meet_the_reconstruction(self, tiny: model.Model, images: np.ndarray) -> None:
        found = latent.analogies(tiny.conditionals, images, "one", classes="one")
        np.testing.assert_array_equal(found.x[1::2], tiny.reconstruct(images, "one"))

    def test_rows_of_columns(self, noisy: model.Model) -> None:
        x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
        found = latent.analogies(noisy.conditionals, x, ["no", "yes", "no", "yes"])
        assert found.x.shape == (12, 3)
        np.testing.assert_array_equal(found.x[::3], x)


class TestWalk:
    def test_two_latents_are_at_the_quantiles_of_the_prior(self) -> None:
        found = latent.walk(toy(), 4, classes=1)
        normal = NormalDist()
        steps = np.float32([normal.inv_cdf(p) for p in (0.125, 0.375, 0.625, 0.875)])
        assert (found.lines, found.columns, found.seed) == (4, 4, None)
        latents = found.z.reshape(4, 4, 2)
        for i in range(4):
            np.testing.assert_array_equal(latents[i, :, 0], steps)
            np.testing.assert_array_equal(latents[:, i, 1], steps)
        assert set(found.labels.tolist()) == {1}
        np.testing.assert_array_equal(found.x, run("decoder", {"y": found.y, "z": found.z})["x"])

    def test_one_cell_is_the_centre(self) -> None:
        found = latent.walk(toy(), 1, classes=0)
        np.testing.assert_array_equal(found.z, [[0, 0]])

    def test_every_class_has_its_lines(self) -> None:
        found = latent.walk(toy(), 2)
        assert (found.lines, found.columns) == (6, 2)
        assert found.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
        latents = found.z.reshape(3, 4, 2)
        np.testing.assert_array_equal(latents[0], latents[2])

    def test_a_decoder_without_labels_has_one_walk(self) -> None:
        found = latent.walk(toy(labelled=()), 3)
        assert (found.lines, found.columns, found.y.shape) == (3, 3, (9, 0))
        assert set(found.labels.tolist()) == {-1}

    def test_a_plane_is_walked_from_its_centre(self) -> None:
        plane = np.array([[1, 2, 3], [0.5, 0, 0], [0, 0, 2]])
        found = latent.walk(toy(3), 3, plane, 0)
        q = NormalDist().inv_cdf(5 / 6)
        latents = found.z.reshape(3, 3, 3)
        np.testing.assert_allclose(latents[1, 1], [1, 2, 3])
        np.testing.assert_allclose(latents[1, 2], [1 + q / 2, 2, 3], rtol=1e-6)
        np.testing.assert_allclose(latents[0, 1], [1, 2, 3 - 2 * q], rtol=1e-6)

    def test_further_latents_need_rows(self) -> None:
        with pytest.raises(errors.InputError) as caught:
            latent.walk(toy(3), 2)
        assert str(caught.value) == (
            "plane is not given; expected [3, 3], because the latent has 3 dimensions and not 2."
            " Pass rows of data, from which it is computed (--rows)."
        )
        found = latent.walk(toy(3), 2, latent.plane_of(toy(3), X))
        assert found.z.shape == (12, 3)

    def test_rows_give_two_latents_a_plane_too(
        self, tiny: model.Model, images: np.ndarray
    ) -> None:
        plane = planes.principal(tiny.encode(images).mean)
        found = walked(tiny, 1, images, classes=0)
        np.testing.assert_allclose(found.z, plane[:1], rtol=1e-6)
        assert not np.allclose(walked(tiny, 3, images).z, walked(tiny, 3).z)


class TestPrincipalPlane:
    AXES = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]

    def means(self, *scales: float) -> np.ndarray:
        drawn = np.random.default_rng(1).standard_normal((4000, 4)) * scales
        return (drawn - drawn.mean(0)) @ self.AXES.T + [1, 2, 3, 4]

    def test_it_is_where_the_means_vary_most(self) -> None:
        means = self.means(0.1, 2, 0.2, 1)
        centre, first, second = planes.principal(means)
        np.testing.assert_allclose(centre, [1, 2, 3, 4], rtol=1e-5)
        for found, axis, length in ((first, 1, 2), (second, 3, 1)):
            assert np.linalg.norm(found) == pytest.approx(length, rel=0.05)
            assert abs(found @ self.AXES[:, axis]) == pytest.approx(length, rel=0.05)
            along = (means - centre) @ (found / np.linalg.norm(found))
            assert np.linalg.norm(found) == pytest.approx(along.std(), rel=1e-5)

    def test_the_signs_are_settled(self) -> None:
        means = self.means(0.1, 2, 0.2, 1)
        mirrored = 2 * means.mean(0) - means
        found, other = planes.principal(means), planes.principal(mirrored)
        np.testing.assert_allclose(found, other, atol=1e-6)
        for direction in found[1:]:
            assert direction[np.abs(direction).argmax()] > 0

    @pytest.mark.parametrize(
        ("means", "got"),
        [
            (np.zeros((2, 4)), r"float64 \[2, 4\]"),
            (np.zeros((9, 1)), r"float64 \[9, 1\]"),
            (np.zeros(9), r"float64 \[9\]"),
            (np.zeros((9, 4), int), r"int64 \[9, 4\]"),
            (np.full((9, 4), np.nan), r"not finite in 9 of 9 rows \(first: row 0\)"),
        ],
    )
    def test_what_spans_no_plane(self, means: np.ndarray, got: str) -> None:
        with pytest.raises(errors.InputError, match=f"means is {got}; expected"):
            planes.principal(means)


def of(opened: model.Model) -> list[latent.Picture]:
    """One of each; for a model that takes the rows of `tiny`."""
    x = np.random.default_rng(3).integers(0, 17, (30, 4, 4)).astype(np.uint8)
    return [
        latent.styles(opened.conditionals, 9, seed=2),
        latent.analogies(opened.conditionals, x[:7]),
        walked(opened, 5),
        walked(opened, 5, x, classes="two"),
    ]


@pytest.mark.parametrize("size", [1, 7, 256])
def test_the_same_pictures_however_they_are_chunked(
    data: Path, tiny: model.Model, size: int
) -> None:
    options = Options(max_batch=size)
    with model.load(data / "tiny.ssdgm", provider="cpu", threads=1, options=options) as other:
        for one, same in zip(of(tiny), of(other), strict=True):
            for name in ("x", "y", "z"):
                np.testing.assert_array_equal(getattr(one, name), getattr(same, name))


def test_a_bundle_and_a_numpy_callable_draw_the_same_pictures(
    data: Path, tiny: model.Model
) -> None:
    pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    bundle = tiny.graphs.bundle

    def evaluate(component: str, feeds: conditionals.Arrays) -> conditionals.Arrays:
        graph = ReferenceEvaluator(bundle.read(f"models/{component}/fp32/model.onnx"))
        return dict(zip(graph.output_names, graph.run(None, feeds), strict=True))

    source = conditionals.Conditionals(bundle.manifest.graphs, tiny.space, evaluate)
    x = np.random.default_rng(3).integers(0, 17, (30, 4, 4)).astype(np.uint8)
    found = [
        latent.styles(source, 9, 2),
        latent.analogies(source, x[:7]),
        latent.walk(source, 5),
        latent.walk(source, 5, latent.plane_of(source, x), "two"),
    ]
    for one, same in zip(of(tiny), found, strict=True):
        assert (one.lines, one.columns, one.seed) == (same.lines, same.columns, same.seed)
        for name in ("x", "y", "z"):
            np.testing.assert_allclose(
                getattr(one, name), getattr(same, name), rtol=1e-4, atol=1e-5
            )


class TestWhatAPartLacks:
    def test_labels(self) -> None:
        for labelled, part in ((("decoder",), "encoder"), (("encoder",), "decoder")):
            with pytest.raises(
                errors.TaskUnavailable,
                match=f"cannot draw analogies: its {part} takes no label. Convert",
            ):
                latent.analogies(toy(labelled=labelled), X)
        with pytest.raises(
            errors.TaskUnavailable, match="draw styles: its decoder takes no label"
        ):
            latent.styles(toy(labelled=("encoder",)), 2)
        with pytest.raises(errors.TaskUnavailable, match="its decoder takes no label"):
            latent.walk(toy(labelled=()), 2, classes="one")

    def test_graphs(self, without: Callable[..., Path], images: np.ndarray) -> None:
        with model.load(without("encoder")) as found:
            assert walked(found, 2).x.shape == (12, 4, 4)
            for call in (
                lambda: latent.analogies(found.conditionals, images),
                lambda: walked(found, 2, images),
            ):
                with pytest.raises(errors.TaskUnavailable, match=r"draw .*: it has no encoder"):
                    call()

    def test_a_decoder(self, without: Callable[..., Path], images: np.ndarray) -> None:
        with model.load(without("decoder")) as found:
            for call in (
                lambda: latent.styles(found.conditionals, 8),
                lambda: walked(found, 8),
                lambda: latent.analogies(found.conditionals, images),
            ):
                with pytest.raises(errors.TaskUnavailable, match=r"draw .*: it has no decoder"):
                    call()

    def test_a_classifier(self, without: Callable[..., Path], images: np.ndarray) -> None:
        with model.load(without("classifier")) as found:
            assert latent.analogies(found.conditionals, images[:2], 1).x.shape == (8, 4, 4)
            with pytest.raises(errors.TaskUnavailable, match="draw analogies without y"):
                latent.analogies(found.conditionals, images)

    def test_one_shape(self) -> None:
        other = interface.Graph((tensor("y", K), tensor("z", 2)), (tensor("x", 4),))
        source = replace(toy(), graphs={**declared(2), "decoder": other})
        with pytest.raises(
            errors.TaskUnavailable, match=r"gives rows of shape \[4\]; expected \[2, 2\]"
        ):
            latent.analogies(source, X)


HOSTILE = {
    "no lines": (
        lambda m, x: latent.styles(m.conditionals, 0),
        "n is 0; expected a whole number from 1",
    ),
    "no walk": (lambda m, x: walked(m, 0), "n is 0; expected a whole number from 1"),
    "half a line": (lambda m, x: latent.styles(m.conditionals, 1.5), "n is 1.5"),
    "too many lines": (
        lambda m, x: latent.styles(m.conditionals, 2**31 - 1),
        "n is 6442450941 rows in all",
    ),
    "too long a walk": (lambda m, x: walked(m, 2**20), "rows in all; expected at most"),
    "no seed": (lambda m, x: latent.styles(m.conditionals, 2, seed=-1), "seed is -1"),
    "unknown class": (lambda m, x: walked(m, 2, classes="nine"), "classes is 'nine'; expected an"),
    "unknown index": (lambda m, x: latent.styles(m.conditionals, 2, classes=3), "classes is 3"),
    "no class": (
        lambda m, x: latent.styles(m.conditionals, 2, classes=[]),
        "classes is empty; expected at least one",
    ),
    "class of NaN": (lambda m, x: walked(m, 2, classes=np.full((1, 3), np.nan)), "classes is not"),
    "no rows": (
        lambda m, x: latent.analogies(m.conditionals, x[:0]),
        "x is empty; expected at least one row",
    ),
    "other shape": (
        lambda m, x: latent.analogies(m.conditionals, x[:, :3]),
        r"x is uint8 \[30, 3, 4\]; expected uint8",
    ),
    "scaled rows": (
        lambda m, x: latent.analogies(m.conditionals, x / 16),
        r"\(x \* 16\)\.round\(\)",
    ),
    "other labels": (
        lambda m, x: latent.analogies(m.conditionals, x, [0, 1]),
        "y is 2 labels; expected one for each",
    ),
    "unknown label": (lambda m, x: latent.analogies(m.conditionals, x, "nine"), "y is 'nine'"),
    "few rows": (lambda m, x: walked(m, 2, x[:2]), r"means is float32 \[2, 2\]; expected floats"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_arguments(tiny: model.Model, images: np.ndarray, case: str) -> None:
    call, message = HOSTILE[case]
    with pytest.raises(errors.InputError, match=message):
        call(tiny, images)


def test_rows_of_nan(noisy: model.Model) -> None:
    x = np.float32([[0, 0, 0], [0, np.nan, 0], [1, 1, 1]])
    for call in (lambda: latent.analogies(noisy.conditionals, x), lambda: walked(noisy, 2, x)):
        with pytest.raises(
            errors.InputError, match=r"x is not finite in 1 of 3 rows \(first: row 1"
        ):
            call()


@pytest.mark.parametrize(
    ("plane", "message"),
    [
        (
            np.zeros((2, 2)),
            r"plane is float32 \[2, 2\]; expected \[3, 2\], a centre and two directions",
        ),
        (np.zeros((3, 3)), r"plane is float64 \[3, 3\]; expected float32 \[n, 2\]"),
        (np.zeros((3, 2), int), r"plane is int64 \[3, 2\]"),
        (np.full((3, 2), np.inf), "plane is not finite"),
        (np.full((3, 2), 3e38), "plane is not finite"),
    ],
)
def test_hostile_planes(plane: np.ndarray, message: str) -> None:
    with pytest.raises(errors.InputError, match=message):
        latent.walk(toy(), 9, plane)


def test_noise_that_is_not_drawn_is_zero(noisy: model.Model) -> None:
    found = latent.styles(noisy.conditionals, 3, seed=0)
    feeds = {"y": found.y, "z": found.z, "a": np.zeros((6, 1), np.float32)}
    np.testing.assert_array_equal(found.x, noisy.graphs.run("decoder", feeds, 6, "x")["x"])

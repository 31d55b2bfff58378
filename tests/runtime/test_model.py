import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import ssdgm_runtime
from ssdgm_runtime import errors, model
from ssdgm_runtime.engine.options import Options

Anything = Any


def open_tiny(data: Path, **settings: Anything) -> model.Model:
    return model.load(data / "tiny.ssdgm", provider="cpu", **settings)


def test_what_a_model_says_of_itself(tiny: model.Model, data: Path) -> None:
    assert tiny.tasks == ("classify", "encode", "reconstruct", "generate")
    assert tiny.labels == ("zero", "one", "two")
    assert tiny.classes_.tolist() == [10, 20, 30]
    assert tiny.classes_ is tiny.classes_
    assert not tiny.classes_.flags.writeable
    assert tiny.info["variants"]["decoder"] == {"name": "cpu-fp32", "precision": "fp32"}
    assert tiny.info["path"] == str(data / "tiny.ssdgm")
    assert {p.active for p in tiny.placement().values()} == {"CPUExecutionProvider"}
    assert repr(tiny).startswith("<Model tiny ")
    assert model.load(data / "tiny.ssdgm").info["id"] == tiny.info["id"]


class TestClassify:
    def test_answers(self, tiny: model.Model, images: np.ndarray) -> None:
        found = tiny.classify(images)
        assert found.logits.shape == found.probs.shape == (30, 3)
        assert found.logits.dtype == found.probs.dtype == np.float32
        assert found.labels.dtype == np.int64
        np.testing.assert_allclose(found.probs.sum(1), 1, rtol=1e-5)
        np.testing.assert_array_equal(found.labels, found.probs.argmax(1))
        assert found.names == [tiny.labels[i] for i in found.labels]
        assert set(found.names) == set(tiny.labels)
        assert len(found) == 30

    def test_top(self, tiny: model.Model, images: np.ndarray) -> None:
        found = tiny.classify(images)
        best = found.top(2)
        assert [row[0][0] for row in best] == found.names
        assert all(row[0][1] >= row[1][1] for row in best)
        assert [len(row) for k in (1, 3, 9) for row in found.top(k)[:1]] == [1, 3, 3]

    def test_the_same_in_the_words_of_scikit_learn(
        self, tiny: model.Model, noisy: model.Model, images: np.ndarray
    ) -> None:
        found = tiny.classify(images)
        assert tiny.predict(images).tolist() == [(10, 20, 30)[i] for i in found.labels]
        np.testing.assert_array_equal(tiny.predict_proba(images), found.probs)
        assert set(noisy.predict(np.zeros((2, 3), np.float32))) <= {"no", "yes"}

    def test_however_it_is_chunked(
        self, tiny: model.Model, data: Path, images: np.ndarray
    ) -> None:
        whole = tiny.classify(images)
        for size in (1, 2, 7, 29, 30, 1000):
            np.testing.assert_array_equal(
                tiny.classify(images, batch_size=size).logits, whole.logits
            )
        with open_tiny(data, threads=1, options=Options(max_batch=4)) as other:
            np.testing.assert_array_equal(other.classify(images).logits, whole.logits)

    def test_no_rows(self, tiny: model.Model, images: np.ndarray) -> None:
        found = tiny.classify(images[:0])
        assert found.logits.shape == (0, 3)
        assert (found.labels.shape, found.names, found.top(2)) == ((0,), [], [])
        assert tiny.predict(images[:0]).dtype == np.int64

    def test_noise_is_zero(self, noisy: model.Model) -> None:
        x = np.random.default_rng(0).standard_normal((9, 3)).astype(np.float32)
        zero = noisy.graphs.run("classifier", {"x": x, "a": np.zeros((9, 1), np.float32)}, 9)
        other = noisy.graphs.run("classifier", {"x": x, "a": np.ones((9, 1), np.float32)}, 9)
        np.testing.assert_array_equal(noisy.classify(x).logits, zero["logits"])
        assert not np.allclose(other["logits"], zero["logits"])

    def test_bad_arguments(self, tiny: model.Model, images: np.ndarray) -> None:
        for bad in (0, -1, 1.5, "2"):
            with pytest.raises(errors.InputError, match="batch_size"):
                tiny.classify(images, batch_size=bad)
        with pytest.raises(
            errors.InputError, match=r"\(x \* 16\)\.round\(\)\.astype\(np\.uint8\)"
        ):
            tiny.classify(images / 16)
        with pytest.raises(errors.InputError, match=r"x\[None\]"):
            tiny.predict(images[0])


class TestEncode:
    def test_labels_in_every_form(self, tiny: model.Model, images: np.ndarray) -> None:
        one = tiny.encode(images, "one")
        assert one.mean.shape == one.scale.shape == (30, 2)
        assert (one.scale > 0).all()
        assert len(one) == 30
        weights = np.tile(np.float32([0, 1, 0]), (30, 1))
        for y in (1, np.int64(1), [1] * 30, ["one"] * 30, weights, weights.astype(int)):
            np.testing.assert_array_equal(tiny.encode(images, y).mean, one.mean)
        assert not np.allclose(tiny.encode(images, "two").mean, one.mean)

    def test_the_classifiers_own_probabilities_by_default(
        self, tiny: model.Model, images: np.ndarray
    ) -> None:
        expected = tiny.encode(images, tiny.predict_proba(images))
        np.testing.assert_array_equal(tiny.encode(images).mean, expected.mean)

    def test_no_rows(self, tiny: model.Model, images: np.ndarray) -> None:
        for y in (None, "one", []):
            assert tiny.encode(images[:0], y).mean.shape == (0, 2)
            assert tiny.reconstruct(images[:0], y).shape == (0, 4, 4)

    def test_bad_labels(self, tiny: model.Model, images: np.ndarray) -> None:
        for y in ("three", 3, [0], np.zeros((30, 2)), np.full((30, 3), np.nan)):
            for method in (tiny.encode, tiny.reconstruct):
                with pytest.raises(errors.InputError, match="y is"):
                    method(images, y)

    def test_reconstruct(self, tiny: model.Model, images: np.ndarray) -> None:
        found = tiny.reconstruct(images, "two")
        expected = tiny.generate("two", z=tiny.encode(images, "two").mean)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected.x)
        probs = tiny.predict_proba(images)
        np.testing.assert_array_equal(tiny.reconstruct(images), tiny.reconstruct(images, probs))


class TestWithoutGraphs:
    def test_a_classifier_alone(self, without: Callable[..., Path], images: np.ndarray) -> None:
        with model.load(without("encoder", "decoder")) as found:
            assert found.tasks == ("classify",)
            assert found.classify(images).logits.shape == (30, 3)
            for call in (found.encode, found.reconstruct):
                with pytest.raises(errors.TaskUnavailable, match="It has classifier;"):
                    call(images)
            with pytest.raises(errors.TaskUnavailable, match="cannot generate: it has no decoder"):
                found.generate()

    def test_no_classifier(self, without: Callable[..., Path], images: np.ndarray) -> None:
        with model.load(without("classifier")) as found:
            assert found.tasks == ("encode", "reconstruct", "generate")
            assert found.encode(images, 0).mean.shape == (30, 2)
            for call in (found.encode, found.reconstruct):
                with pytest.raises(
                    errors.TaskUnavailable, match="without y: it has no classifier"
                ):
                    call(images)
            with pytest.raises(errors.TaskUnavailable):
                found.predict(images)

    def test_graphs_that_take_no_label(
        self, edit: Callable[..., Path], bundle: Path, build: ModuleType
    ) -> None:
        """An M1: q(z | x) and p(x | z)."""
        onnx = pytest.importorskip("onnx")
        assert onnx
        x, z = ("x", "float32", (2,)), ("z", "float32", (2,))
        outputs = [("z_mean", "float32", (2,)), ("z_scale", "float32", (2,))]
        encode = [("Identity", ["x"], ["z_mean"], {}), ("Exp", ["x"], ["z_scale"], {})]
        graphs = {
            "encoder": (encode, [x], outputs),
            "decoder": ([("Neg", ["z"], ["x"], {})], [z], [x]),
        }
        for name, (nodes, inputs, results) in graphs.items():
            data = build.model(nodes, inputs, results, {})
            (bundle / f"models/{name}/fp32/model.onnx").write_bytes(data)

        def change(document: object) -> None:
            section = document["additional_metadata"]["ssdgm"]
            section["likelihood"] = None
            del document["components"]["classifier"], section["io"]["classifier"]
            for name, (_, *sides) in graphs.items():
                for side, tensors in zip(("inputs", "outputs"), sides, strict=True):
                    section["io"][name][side] = [
                        {"name": n, "dtype": d, "shape": ["batch", *s]} for n, d, s in tensors
                    ]

        rows = np.float32([[1, -2], [3, 4]])
        with model.load(edit(change)) as found:
            np.testing.assert_array_equal(found.encode(rows).mean, rows)
            np.testing.assert_array_equal(found.reconstruct(rows), -rows)
            drawn = found.generate(n=3, seed=0)
            np.testing.assert_array_equal(drawn.x, -drawn.z)
            assert drawn.y.shape == (3, 0)
            assert drawn.labels.tolist() == [-1, -1, -1]
            for call in (lambda: found.encode(rows, 0), lambda: found.generate(0)):
                with pytest.raises(errors.InputError, match="y is given; expected None"):
                    call()


class TestLife:
    def test_pickle_opens_the_bundle_again(
        self, data: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with open_tiny(data, threads=1, options=Options(max_batch=5)) as first:
            packed = pickle.dumps(first)
            expected = first.classify(images).logits
        assert len(packed) < 2000
        monkeypatch.chdir(tmp_path)
        with pickle.loads(packed) as second:
            np.testing.assert_array_equal(second.classify(images).logits, expected)
            assert second.graphs.plan.options.max_batch == 5

    def test_a_relative_path_is_remembered_whole(
        self, bundle: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(bundle.parent)
        with model.load("tiny.ssdgm") as opened:
            (tmp_path / "x").mkdir(exist_ok=True)
            monkeypatch.chdir(tmp_path / "x")
            with pickle.loads(pickle.dumps(opened)) as other:
                assert other.info["path"] == str(bundle)

    def test_closed(self, data: Path, images: np.ndarray) -> None:
        opened = open_tiny(data)
        opened.close()
        opened.close()
        with pytest.raises(errors.InputError, match="This model is closed"):
            opened.classify(images)

    def test_closed_after_use(self, data: Path, images: np.ndarray) -> None:
        """What a call has settled does not outlive the model."""
        opened = open_tiny(data, threads=2)
        calls = (
            lambda: opened.predict_proba(images),
            lambda: opened.predict_proba(images[:1]),
            lambda: opened.classify(images, batch_size=4),
            lambda: opened.encode(images),
            lambda: opened.reconstruct(images, 1),
            lambda: opened.generate(1, sample=True),
        )
        for call in calls:
            call()
        opened.close()
        for call in calls:
            with pytest.raises(errors.InputError, match="This model is closed"):
                call()

    def test_warmup_opens_everything(self, data: Path) -> None:
        with open_tiny(data) as opened:
            opened.warmup()
            assert len(opened.placement()) == 3

    def test_a_file_that_changes_before_it_is_needed(
        self, bundle: Path, images: np.ndarray
    ) -> None:
        with model.load(bundle) as opened:
            path = bundle / "models/decoder/fp32/model.onnx"
            path.write_bytes(path.read_bytes() + b"\0")
            assert opened.classify(images)
            with pytest.raises(errors.IntegrityError, match="differs from its digest"):
                opened.generate(0)

    def test_sixty_four_threads_on_one_model(self, data: Path, images: np.ndarray) -> None:
        """Every call answers as if it were alone, whichever call opens which session."""
        with open_tiny(data, threads=2) as opened, open_tiny(data, threads=2) as alone:
            expected = [alone.classify(images[i : i + 12]).logits for i in range(8)]
            wanted = alone.generate(1, n=5, seed=3, sample=True).x
            start = threading.Barrier(64)

            def work(i: int) -> bool:
                k = i % 8
                start.wait()
                for _ in range(5):
                    found = opened.classify(images[k : k + 12]).logits
                    np.testing.assert_array_equal(found, expected[k])
                    drawn = opened.generate(1, n=5, seed=3, sample=True).x
                    np.testing.assert_array_equal(drawn, wanted)
                return True

            with ThreadPoolExecutor(64) as pool:
                assert all(pool.map(work, range(64)))

    def test_a_variant_by_name_or_precision(self, data: Path, images: np.ndarray) -> None:
        for variant in ("fp32", "cpu-fp32", "gpu-fp32"):
            with open_tiny(data, variant=variant) as opened:
                assert opened.classify(images)
        with open_tiny(data, variant="fp32") as opened:
            assert opened.info["variants"]["encoder"]["name"] == "cpu-fp32"
        with open_tiny(data, variant="gpu-fp32") as opened:
            assert opened.info["variants"]["encoder"]["name"] == "gpu-fp32"
        with pytest.raises(errors.InputError, match="variant is 'int8'; expected auto or one of"):
            open_tiny(data, variant="int8")

    def test_bad_settings(self, data: Path) -> None:
        with pytest.raises(errors.InputError):
            open_tiny(data, threads=0)
        with pytest.raises(errors.InputError, match=r"options\.max_batch is 0"):
            Options(max_batch=0)
        for field in ("session_config", "provider_options"):
            with pytest.raises(errors.InputError, match=f"{field} is 3; expected a mapping"):
                Options(**{field: 3})
        with pytest.raises(errors.InputError, match="spinning is 'no'; expected True or False"):
            Options(spinning="no")  # type: ignore[arg-type]
        with pytest.raises(errors.InputError, match="max_bytes is '3'; expected a whole number"):
            open_tiny(data, max_bytes="3")

    @pytest.mark.parametrize(("name", "kind"), [("options", "Options"), ("policy", "Policy")])
    def test_a_dict_where_a_class_of_ours_is_expected(
        self, data: Path, name: str, kind: str
    ) -> None:
        for other, hint in (({"a": 1}, f" Try: ssdgm_runtime.{kind}(**{name})"), ("a", "")):
            with pytest.raises(errors.InputError) as caught:
                open_tiny(data, **{name: other})
            got = f"{name} is a {type(other).__name__}; expected ssdgm_runtime.{kind}"
            assert str(caught.value) == got + (f".{hint}" if hint else "")
        with pytest.raises(
            errors.InputError, match="provider is 'gpu'; expected one of auto, cpu"
        ):
            model.load(data / "tiny.ssdgm", provider="gpu")
        with pytest.raises(TypeError):
            open_tiny(data, colour="blue")

    def test_a_manifest_that_does_not_fit_the_graph(
        self, edit: Callable[..., Path], images: np.ndarray
    ) -> None:
        def change(document: object) -> None:
            tensor = document["additional_metadata"]["ssdgm"]["io"]["classifier"]["inputs"][0]
            tensor["dtype"] = "int8"

        with pytest.raises(errors.FormatError, match="as the manifest says"):
            model.load(edit(change))


def test_the_public_names() -> None:
    for name in ssdgm_runtime.__all__:
        assert getattr(ssdgm_runtime, name) is not None
    assert ssdgm_runtime.load is model.load


def test_a_damaged_graph_is_found_when_it_is_used_or_when_all_are_checked(
    bundle: Path, images: np.ndarray
) -> None:
    place = bundle / "models/decoder/fp32/model.onnx"
    place.write_bytes(place.read_bytes()[:-1] + b"?")
    with pytest.raises(errors.IntegrityError, match=r"decoder.*differs from its digest"):
        model.load(bundle, verify=True)
    with model.load(bundle) as opened:
        assert len(opened.classify(images)) == len(images)
        with pytest.raises(errors.IntegrityError, match=r"decoder.*differs from its digest"):
            opened.generate(0, seed=0)
        with pytest.raises(errors.IntegrityError, match=r"decoder.*differs from its digest"):
            opened.verify()


@pytest.mark.parametrize("n", [0, 1, 5, 40])
def test_probabilities_into_the_caller_s_array(data: Path, images: np.ndarray, n: int) -> None:
    rows = np.take(images, np.arange(n), axis=0, mode="wrap")
    with model.load(data / "tiny.ssdgm", options=model.Options(max_batch=16)) as opened:
        out = np.full((n, len(opened.labels)), np.nan, np.float32)
        assert opened.predict_proba(rows, out=out) is out
        np.testing.assert_array_equal(out, opened.predict_proba(rows))
        wide = np.zeros((n, 2 * len(opened.labels)), np.float32)
        opened.predict_proba(rows, out=wide[:, ::2])
        np.testing.assert_array_equal(wide[:, ::2], out)
        assert not wide[:, 1::2].any()


def test_an_array_that_cannot_take_probabilities(data: Path, images: np.ndarray) -> None:
    with model.load(data / "tiny.ssdgm") as opened:
        n, k = len(images), len(opened.labels)
        fixed = np.zeros((n, k), np.float32)
        fixed.flags.writeable = False
        wrong = (np.zeros((n, k)), np.zeros((n, k + 1), np.float32), fixed, [[0.0] * k] * n)
        for out in wrong:
            with pytest.raises(errors.InputError, match=r"a writable float32 array .*np\.empty"):
                opened.predict_proba(images, out=out)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [0, 1, 20])
def test_reconstructions_into_the_caller_s_array(data: Path, images: np.ndarray, n: int) -> None:
    with model.load(data / "tiny.ssdgm", options=model.Options(max_batch=8)) as opened:
        rows = images[:n]
        out = np.full(rows.shape, np.nan, np.float32)
        assert opened.reconstruct(rows, out=out) is out
        np.testing.assert_array_equal(out, opened.reconstruct(rows))
        with pytest.raises(errors.InputError, match="a writable float32 array"):
            opened.reconstruct(rows, out=rows)

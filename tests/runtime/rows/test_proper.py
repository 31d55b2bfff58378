"""What a graph may not answer with, wherever the answer is asked for."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.engine import failures
from ssdgm_runtime.rows import proper

Make = Callable[..., Path]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [1, 10, 5000])
@pytest.mark.parametrize("rows", [1, 3])
def test_what_is_not_finite_is_found_wherever_it_is(bad: float, size: int, rows: int) -> None:
    array = np.full((rows, size), np.float32(1 / size))
    looks = (proper.finite, proper.shares, proper.truths, proper.scale)
    assert all(look(array) for look in looks)
    array[-1, -1] = bad
    assert not any(look(array) for look in looks)
    found = failures.improper("x", proper.FINITE, array, ["z"], 5)
    assert isinstance(found, errors.InputError)
    assert f"output x is not finite in 1 rows (first: row {4 + rows})" in str(found)
    assert "of z for" in str(found)


def test_numbers_whose_squares_overflow_are_finite() -> None:
    assert proper.finite(np.full((2, 3), 3e38, np.float32))


@pytest.mark.parametrize("rows", [1, 2, 8, 64, 300])
@pytest.mark.parametrize("width", [1, 3, 10, 100])
def test_rows_that_are_no_probabilities(rows: int, width: int) -> None:
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(width), rows).astype(np.float32)
    assert proper.shares(p)
    assert proper.shares(p.astype(np.float16))
    for change in (-0.5, 0.01, 1.0, 1e30):
        other = p.copy()
        other[-1, 0] += change
        assert not proper.shares(other)
    if width > 1:
        moved = p.copy()
        moved[-1, :2] = p[-1, 0] + 2, p[-1, 1] - 2  # the sum is what it was
        assert not proper.shares(moved)
        assert rows == 1 or not proper.shares(np.concatenate([p[1:], p[:1] * 2, p[:1] * 0]))


def test_no_rows_are_proper() -> None:
    for look in (proper.finite, proper.shares, proper.truths, proper.scale):
        assert look(np.zeros((0, 3), np.float32))


def test_probabilities_of_half_precision_are_proper() -> None:
    random = np.random.default_rng(1)
    for width in (2, 10, 1000):
        logits = random.standard_normal((200, width)).astype(np.float32)
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        assert proper.shares(p.astype(np.float16).astype(np.float32))


def test_truths_and_scales() -> None:
    assert proper.truths(np.array([[0, 1, 0.5]], np.float32))
    assert not proper.truths(np.array([[1.1]], np.float32))
    assert not proper.truths(np.array([[-0.1]], np.float32))
    assert not proper.scale(np.array([[1.0, 0.0]], np.float32))
    assert not proper.scale(np.array([[1.0, -1.0]], np.float32))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("width", [1, 2, 10, 24, 25, 64, 65])
def test_a_single_row_is_judged_as_among_others(width: int, dtype: str) -> None:
    random = np.random.default_rng(width)
    odd = [np.nan, np.inf, -np.inf, -0.0, 0.0, -1e-7, -0.02, 1.02, 5.0, -5.0]
    looks = (proper.finite, proper.shares, proper.truths, proper.scale)
    for trial in range(120):
        row = random.dirichlet(np.ones(width))
        for place in random.integers(0, width, trial % 3):
            row[place] = random.choice(odd)
        one = row.astype(dtype)[None]
        for look in looks:
            assert look(one) == look(np.concatenate([one, one])), (look, one)


class TestGraphs:
    """Bundles whose digests are right and whose graphs answer with something else."""

    @pytest.fixture
    def change(
        self, build: ModuleType, bundle: Path, reseal: Callable[[Path], Path]
    ) -> Callable[..., Path]:
        onnx = pytest.importorskip("onnx")

        def run(component: str, output: str, op: str, number: float | None = None) -> Path:
            """A copy of `tiny` in which one node more makes an output."""
            place = bundle / f"models/{component}/fp32/model.onnx"
            graph = onnx.load(place)
            for node in graph.graph.node:
                for names in (node.input, node.output):
                    names[:] = ["before" if name == output else name for name in names]
            inputs = ["before"]
            if number is not None:
                inputs.append("number")
                weight = np.float32(number)
                graph.graph.initializer.append(onnx.numpy_helper.from_array(weight, "number"))
            graph.graph.node.append(onnx.helper.make_node(op, inputs, [output]))
            place.write_bytes(graph.SerializeToString())
            return reseal(bundle)

        return run

    @pytest.mark.parametrize("rows", [1, 5, 300])
    @pytest.mark.parametrize(
        ("op", "number", "text"),
        [
            ("Mul", 2.0, "expected probabilities, none below 0, that sum to one in every row"),
            ("Neg", None, "expected probabilities"),
            ("Sub", 0.3, "expected probabilities"),
            ("Add", np.nan, "not finite"),
            ("Add", np.inf, "not finite"),
        ],
    )
    def test_probabilities(
        self, change: Make, images: np.ndarray, op: str, number: float, text: str, rows: int
    ) -> None:
        x = np.resize(images, (rows, 4, 4))
        with model.load(change("classifier", "probs", op, number), provider="cpu") as opened:
            for call in (
                opened.classify,
                opened.predict,
                opened.predict_proba,
                opened.encode,
                opened.reconstruct,
                lambda x: opened.classify(x, batch_size=2),
                lambda x: list(opened.classify_iter(x)),
            ):
                with pytest.raises((errors.FormatError, errors.InputError), match=text):
                    call(x)

    @pytest.mark.parametrize(("op", "number"), [("Neg", None), ("Mul", 0.0), ("Add", np.nan)])
    def test_scales(self, change: Make, images: np.ndarray, op: str, number: float) -> None:
        text = "output z_scale is .*(standard deviations above 0|not finite)"
        with model.load(change("encoder", "z_scale", op, number), provider="cpu") as opened:
            for x in (images[:1], images):
                with pytest.raises(errors.SsdgmError, match=text):
                    opened.encode(x, 0)

    def test_what_is_drawn_from(self, change: Make) -> None:
        with model.load(change("decoder", "probs", "Mul", 3.0), provider="cpu") as opened:
            with pytest.raises(errors.FormatError, match=r"probs is .* from 0 to 1"):
                opened.generate(0, 5, sample=True, seed=1)
            with pytest.raises(errors.FormatError, match="in row"):
                opened.generate(0, 300, sample=True, seed=1)

    def test_tags(self, data: Path, images: np.ndarray) -> None:
        call = model.load(data / "tagged.ssdgm", provider="cpu").graphs.call(
            "classifier", "test", "logits", "probs"
        )
        good = np.array([[0.2, 0.9, 0.9]], np.float32)
        call.check((good, good), ["x"])
        with pytest.raises(errors.FormatError, match="probabilities from 0 to 1"):
            call.check((good, good * 2), ["x"])

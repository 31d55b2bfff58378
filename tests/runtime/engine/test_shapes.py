"""Graphs that declare one shape and answer with another, which shows when they are run alone."""

from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import tolerance
from ssdgm_runtime.engine import opening, session
from ssdgm_runtime.engine.options import Plan

Y, Z = ("y", "float32", (3,)), ("z", "float32", (2,))
X, IMAGE = ("x", "uint8", (4, 4)), ("x", "float32", (4, 4))
Nodes = list[tuple[str, list[str], list[str], dict[str, object]]]


def late(name: str, numbers: list[int], feed: str) -> tuple[Nodes, dict[str, np.ndarray]]:
    """Whole numbers that are known only when the graph runs, whatever the feed is."""
    nodes: Nodes = [
        ("ReduceSum", [feed], [f"{name}_sum"], {"keepdims": 0}),
        ("Mul", [f"{name}_sum", "nothing"], [f"{name}_zero"], {}),
        ("Add", [f"{name}_zero", f"{name}_numbers"], [f"{name}_float"], {}),
        ("Cast", [f"{name}_float"], [name], {"to": 7}),
    ]
    return nodes, {f"{name}_numbers": np.array(numbers, np.float32), "nothing": np.float32(0)}


class Maker:
    """Puts graphs of another shape into a copy of `tiny`; its golden rows are what they should be.

    Args:
        build: How graphs are made.
        bundle: The copy.
        reseal: Makes its digests fit.
    """

    def __init__(self, build: ModuleType, bundle: Path, reseal: Callable[[Path], Path]) -> None:
        pytest.importorskip("onnx")
        self.build, self.bundle, self.reseal = build, bundle, reseal

    def decoder(self, numbers: list[int], node: str) -> bytes:
        """x is `whole`, what `late` numbers or `one` more row make of it."""
        given, weights = late("late", numbers, "z")
        cut = [("Slice", ["whole", "first", "late"], ["x"], {})]
        # of a length that is not known either, so that no rank can be inferred
        count, lengths = late("count", [len(numbers)], "z")
        free = ("Slice", ["late", "first", "count"], ["free"], {})
        shaped = [*count, free, ("Reshape", ["whole", "free"], ["x"], {})]
        longer = [("Concat", ["whole", "one"], ["x"], {"axis": 0})]
        nodes: Nodes = [
            ("Concat", ["y", "z"], ["yz"], {"axis": 1}),
            ("MatMul", ["yz", "w"], ["flat"], {}),
            ("Reshape", ["flat", "square"], ["whole"], {}),
            *(given if node != "longer" else []),
            *{"cut": cut, "shaped": shaped, "longer": longer}[node],
            ("Identity", ["whole"], ["probs"], {}),
        ]
        weights |= lengths | {
            "w": np.linspace(0, 0.05, 80, dtype=np.float32).reshape(5, 16),
            "square": np.array([-1, 4, 4]),
            "first": np.array([0]),
            "one": np.ones((1, 4, 4), np.float32),
        }
        outputs = [IMAGE, ("probs", "float32", (4, 4))]
        return self.build.model(nodes, [Y, Z], outputs, weights)

    def classifier(self, width: int, *, said: str | int = 3) -> bytes:
        """Logits so wide; `said` is the width that they and the probabilities declare."""
        given, weights = late("late", [width], "flat")
        nodes: Nodes = [
            ("Cast", ["x"], ["float"], {"to": 1}),
            ("Reshape", ["float", "square"], ["flat"], {}),
            ("MatMul", ["flat", "w"], ["whole"], {}),
            *given,
            ("Slice", ["whole", "first", "late", "axis"], ["logits"], {}),
            ("Softmax", ["logits"], ["probs"], {"axis": 1}),
        ]
        weights |= {
            "w": np.linspace(-0.1, 0.1, 80, dtype=np.float32).reshape(16, 5),
            "square": np.array([-1, 16]),
            "first": np.array([0]),
            "axis": np.array([1]),
        }
        outputs = [(name, "float32", (said,)) for name in ("logits", "probs")]
        return self.build.model(nodes, [X], outputs, weights)

    def put(self, component: str, wrong: bytes, right: bytes) -> Path:
        """A bundle with the wrong graph and the golden rows of the right one."""
        inputs = {"classifier": [X], "decoder": [Y, Z]}[component]
        files = self.build._golden(component, right, inputs)
        self.build.write(self.bundle, files | {f"models/{component}/fp32/model.onnx": wrong})
        return self.reseal(self.bundle)


@pytest.fixture
def maker(build: ModuleType, bundle: Path, reseal: Callable[[Path], Path]) -> Maker:
    return Maker(build, bundle, reseal)


RIGHT = ([2**20], "cut")
WRONG = {
    "one row": ([1], "cut", "[1, 4, 4]"),
    "a row too few": ([-1], "cut", "[4, 4, 4]"),
    "no row": ([0], "cut", "[0, 4, 4]"),
    "a row too many": ([], "longer", "[6, 4, 4]"),
    "an axis too many": ([-1, 4, 4, 1], "shaped", "[5, 4, 4, 1]"),
    "an axis too few": ([-1, 16], "shaped", "[5, 16]"),
    "no axis of its own": ([1, -1], "shaped", "[1, 80]"),
    "other axes": ([-1, 2, 8], "shaped", "[5, 2, 8]"),
}
DECODED = {
    "generate": lambda m: m.generate(0, 5),
    "given z": lambda m: m.generate(0, z=np.zeros((5, 2), np.float32)),
    "reconstruct": lambda m: m.reconstruct(np.zeros((5, 4, 4), np.uint8)),
    "run": lambda m: m.graphs.run("decoder", feeds(5), 99),
    "written": lambda m: m.graphs.call("decoder", "run", "x")(feeds(5), 99, image()),
}


def feeds(n: int) -> dict[str, np.ndarray]:
    return {"y": np.ones((n, 3), np.float32), "z": np.ones((n, 2), np.float32)}


def image() -> np.ndarray:
    return np.zeros((5, 4, 4), np.float32)


@pytest.mark.parametrize("way", WRONG)
def test_a_decoder_of_other_rows_is_refused_at_every_call(maker: Maker, way: str) -> None:
    *given, shape = WRONG[way]
    folder = maker.put("decoder", maker.decoder(*given), maker.decoder(*RIGHT))
    with model.load(folder, provider="cpu") as opened:
        for call in DECODED.values():
            with pytest.raises(errors.FormatError) as caught:
                call(opened)
            assert caught.value.found == (
                f"models/decoder/fp32/model.onnx answers 5 rows with x float32 {shape}"
            )
            assert caught.value.expected == "float32 [5, 4, 4], as the manifest says"
            assert caught.value.mend
        with pytest.raises(errors.FormatError, match="as the manifest says"):
            opened.verify()


def test_a_decoder_of_one_row_is_not_spread_over_a_chunk(maker: Maker) -> None:
    folder = maker.put("decoder", maker.decoder([1], "cut"), maker.decoder(*RIGHT))
    with model.load(folder, provider="cpu") as opened:
        for size in (2, 3, 5):
            with pytest.raises(errors.FormatError, match=rf"answers {size} rows with x"):
                opened.graphs.run("decoder", feeds(5), size)
        with pytest.raises(errors.FormatError, match="answers 256 rows with x"):
            opened.generate(0, 300)
        assert opened.graphs.run("decoder", feeds(1), 1)["x"].shape == (1, 4, 4)
        assert opened.graphs.run("decoder", feeds(5), 1)["x"].shape == (5, 4, 4)


def test_a_graph_as_it_declares_itself_passes(maker: Maker) -> None:
    right = maker.decoder(*RIGHT)
    with model.load(maker.put("decoder", right, right), provider="cpu") as opened:
        assert opened.verify().passed
        assert opened.generate(0, 300).x.shape == (300, 4, 4)
        assert opened.generate(0, 0).x.shape == (0, 4, 4)


def test_no_rows_are_asked_and_one_is_answered(maker: Maker) -> None:
    graph = maker.decoder([], "longer")
    opened = session.Session("graph", lambda: graph, Plan(provider="cpu"))
    with pytest.raises(errors.FormatError, match=r"answers 0 rows with x float32 \[1, 4, 4\]"):
        opened.run(feeds(0))
    assert opened.run(feeds(0), ["probs"])["probs"].shape == (0, 4, 4)


def streamed(opened: model.Model, rows: np.ndarray) -> Iterable[object]:
    return list(opened.classify_iter(rows, batch_size=2))


def batched(opened: model.Model, rows: np.ndarray) -> object:
    with opened.batcher() as together:
        return [future.result(20) for future in [together.submit(row) for row in rows]]


CLASSIFIED = {
    "classify": lambda m, x: m.classify(x),
    "predict": lambda m, x: m.predict(x),
    "probabilities": lambda m, x: m.predict_proba(x),
    "in pieces": lambda m, x: m.classify(x, batch_size=2),
    "written": lambda m, x: m.predict_proba(x, out=np.zeros((len(x), 3), np.float32)),
    "streamed": streamed,
    "batched": batched,
    "encode": lambda m, x: m.encode(x),
    "verify": lambda m, x: m.verify(),
    "warm": lambda m, x: m.warmup(),
}


@pytest.mark.parametrize("call", CLASSIFIED)
@pytest.mark.parametrize("width", [5, 1])
def test_a_classifier_of_other_labels_is_refused_at_every_call(
    maker: Maker, call: str, width: int
) -> None:
    folder = maker.put("classifier", maker.classifier(width), maker.classifier(3))
    with (
        model.load(folder, provider="cpu") as opened,
        pytest.raises(errors.FormatError, match=rf"(logits|probs) float32 \[\d+, {width}\]"),
    ):
        CLASSIFIED[call](opened, np.zeros((5, 4, 4), np.uint8))


def test_a_width_that_is_not_said_is_refused_when_the_graph_opens(maker: Maker) -> None:
    wrong = maker.classifier(5, said="k")
    with pytest.raises(errors.FormatError, match=r"probs float32 \[batch, k\].*manifest says"):
        model.load(maker.put("classifier", wrong, maker.classifier(3)), provider="cpu")


def test_another_dtype_than_declared(
    opened: Callable[..., session.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wide:
        def __init__(self, real: session.Ort) -> None:
            self.real, self._sess = real, None  # nothing beneath, as with another engine

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

        def run(self, *given: object) -> list[np.ndarray]:
            return [array.astype(np.float64) for array in self.real.run(*given)]

    create = opening.create

    def wide(*given: object) -> tuple[Wide, str]:
        real, provider = create(*given)
        return Wide(real), provider

    monkeypatch.setattr(opening, "create", wide)
    with pytest.raises(errors.FormatError, match=r"logits float64 .*expected float32 \[2, 3\]"):
        opened(provider="cpu").run({"x": np.zeros((2, 4, 4), np.uint8)})


@pytest.mark.parametrize("shape", [(1, 3), (3,), (6, 1), (6, 3, 1), ()])
def test_arrays_of_two_shapes_never_agree(shape: tuple[int, ...]) -> None:
    one, other = np.zeros(shape), np.zeros((6, 3))
    for pair in ((one, other), (other, one)):
        assert tolerance.gaps(*pair, 1.0, 1.0) == (tolerance.HUGE, tolerance.HUGE)

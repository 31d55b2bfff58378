"""Deadlines and memory of graphs, failures of the engine, and graphs in processes of their own."""

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle.graph import check
from ssdgm_runtime.engine.budgets import deadlines
from ssdgm_runtime.engine.isolation import frames, process
from ssdgm_runtime.engine.options import Options, Plan

X = np.random.default_rng(0).integers(0, 17, (5, 4, 4)).astype(np.uint8)
Put = Callable[..., Path]


@pytest.fixture
def put(build: ModuleType, bundle: Path, reseal: Callable[[Path], Path]) -> Put:
    """A copy of `tiny` whose classifier has further nodes, of an output that nobody asks for."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper

    def run(*nodes: Any, weights: dict[str, np.ndarray] | None = None) -> Path:  # noqa: ANN401
        place = bundle / "models/classifier/fp32/model.onnx"
        graph = onnx.load(place)
        graph.graph.node.extend(nodes)
        for name, value in (weights or {}).items():
            graph.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
        output = helper.make_tensor_value_info(nodes[-1].output[0], onnx.TensorProto.FLOAT, None)
        graph.graph.output.append(output)
        place.write_bytes(graph.SerializeToString())
        return reseal(bundle)

    return run


def node(op: str, inputs: str, output: str, **attributes: object) -> object:
    from onnx import helper

    return helper.make_node(op, inputs.split(), [output], **attributes)


def loop() -> object:
    """An endless loop over one float."""
    from onnx import TensorProto as Types
    from onnx import helper

    ports = [
        helper.make_tensor_value_info(name, kind, [])
        for name, kind in (("i", Types.INT64), ("on", Types.BOOL), ("v", Types.FLOAT))
    ]
    outs = [
        helper.make_tensor_value_info(name, kind, [])
        for name, kind in (("go", Types.BOOL), ("w", Types.FLOAT))
    ]
    body = helper.make_graph(
        [node("Identity", "on", "go"), node("Add", "v v", "w")], "body", ports, outs
    )
    return helper.make_node("Loop", ["many", "yes", "start"], ["ever"], body=body)


ENDLESS = {"many": np.array(2**62), "yes": np.array(True)}
START = ("ReduceMax", "logits", "start")


class TestDeadlines:
    def test_a_graph_that_never_ends_is_stopped(self, put: Put) -> None:
        start = node(*START, keepdims=0)
        options = Options(deadline_ms=100, operators=("Loop",))
        with model.load(
            put(start, loop(), weights=ENDLESS), provider="cpu", options=options
        ) as opened:
            begin = time.monotonic()
            for _ in range(2):
                with pytest.raises(errors.DeadlineExceeded) as caught:
                    opened.graphs.open("classifier").run({"x": X}, ["ever"])
            assert time.monotonic() - begin < 5
            text = str(caught.value)
            assert "models/classifier/fp32/model.onnx took longer than 100 ms on x uint8" in text
            assert opened.generate(0, 3).x.shape == (3, 4, 4)

    def test_what_is_in_time_is_not_stopped_later(self, data: Path) -> None:
        with model.load(data / "tiny.ssdgm", options=Options(deadline_ms=50)) as opened:
            wanted = opened.classify(X).probs
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                np.testing.assert_array_equal(opened.classify(X).probs, wanted)

    def test_there_is_a_thread_only_where_there_is_a_deadline(self, data: Path) -> None:
        code = (
            "import threading, numpy as np, ssdgm_runtime\n"
            "def names(): return [t.name for t in threading.enumerate()]\n"
            f"path, x = {str(data / 'tiny.ssdgm')!r}, np.zeros((1, 4, 4), np.uint8)\n"
            "ssdgm_runtime.load(path).classify(x)\n"
            "assert names() == ['MainThread'], names()\n"
            "options = ssdgm_runtime.Options(deadline_ms=1000)\n"
            "models = [ssdgm_runtime.load(path, options=options) for _ in range(3)]\n"
            "for m in models: m.classify(x)\n"
            "assert names() == ['MainThread', 'ssdgm-deadlines'], names()\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_deadlines_of_many_are_kept_apart(self) -> None:
        stopped = []
        ends = [(0.3, "late"), (0.05, "soon")]
        bodies = [
            threading.Thread(target=self.wait, args=(seconds, name, stopped))
            for seconds, name in ends
        ]
        for body in bodies:
            body.start()
        for body in bodies:
            body.join()
        assert stopped == ["soon", "late"]
        with deadlines.within(10, lambda: stopped.append("never")):
            pass
        assert stopped == ["soon", "late"]

    def wait(self, seconds: float, name: str, stopped: list[str]) -> None:
        done = threading.Event()
        with deadlines.within(seconds, lambda: (stopped.append(name), done.set())):
            assert done.wait(5)

    @pytest.mark.parametrize("value", [0, -1, np.nan, "1"])
    def test_none(self, data: Path, value: Any) -> None:  # noqa: ANN401
        with pytest.raises(errors.InputError, match="deadline_ms"):
            model.load(data / "tiny.ssdgm", options=Options(deadline_ms=value))


def test_operators_are_names(data: Path) -> None:
    for wrong in ("Loop", (1,)):
        with pytest.raises(errors.InputError, match=r"options\.operators"):
            model.load(data / "tiny.ssdgm", options=Options(operators=wrong))


class TestFailures:
    def test_what_an_engine_cannot_compute(self, put: Put) -> None:
        late = node("Gather", "logits far", "row", axis=0)
        place = put(late, weights={"far": np.array([100])})
        with model.load(place, provider="cpu") as opened:
            with pytest.raises(errors.EngineError) as caught:
                opened.graphs.run("classifier", {"x": X}, 5, "logits", "probs")
            with pytest.raises(errors.EngineError):
                opened.classify(X)
        text = str(caught.value)
        assert "model.onnx failed on x uint8 [5, 4, 4]" in text
        assert "verify" in text
        assert len(text) < 600

    def test_more_memory_than_there_is(self, put: Put) -> None:
        size = [node(*START, keepdims=0), node("Cast", "start", "whole", to=7)]
        size += [node("Mul", "whole none", "zero"), node("Add", "zero huge", "shape")]
        big = [node("ConstantOfShape", "shape", "big"), node("ReduceSum", "big", "sum")]
        weights = {"none": np.array([0]), "huge": np.array([1 << 60])}
        place = put(*size, *big, weights=weights)
        with (
            model.load(place, provider="cpu") as opened,
            pytest.raises((errors.OutOfMemory, errors.EngineError)),
        ):
            opened.classify(X)


LIMITED = """
import sys
import numpy as np
import ssdgm_runtime
from ssdgm_runtime import Options, errors
x = np.zeros((5, 4, 4), np.uint8)
opened = ssdgm_runtime.load(sys.argv[1], options=Options(memory_mb=64))
opened.graphs.open("classifier").run({"x": x}, ["probs"])
try:
    ssdgm_runtime.load(sys.argv[1], options=Options(memory_mb=65))
except errors.InputError as error:
    assert "one limit a process" in str(error)
else:
    raise AssertionError
"""


def test_memory_is_limited_for_a_process(put: Put, data: Path) -> None:
    size = [node(*START, keepdims=0), node("Cast", "start", "whole", to=7)]
    size += [node("Mul", "whole none", "zero"), node("Add", "zero huge", "shape")]
    big = [node("ConstantOfShape", "shape", "big"), node("ReduceSum", "big", "sum")]
    weights = {"none": np.array([0]), "huge": np.array([100 << 20])}
    place = put(*size, *big, weights=weights)
    subprocess.run([sys.executable, "-c", LIMITED, str(data / "tiny.ssdgm")], check=True)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(place)], capture_output=True, text=True, check=False
    )
    assert "OutOfMemory: models/classifier/fp32/model.onnx ran out of memory" in done.stderr


@pytest.fixture(scope="module")
def apart(data: Path) -> Iterator[model.Model]:
    with model.load(data / "tiny.ssdgm", isolated=True) as opened:
        yield opened


class TestIsolation:
    def test_answers_are_those_of_a_model(
        self, apart: model.Model, tiny: model.Model, images: np.ndarray
    ) -> None:
        np.testing.assert_array_equal(apart.classify(images).probs, tiny.classify(images).probs)
        np.testing.assert_array_equal(apart.encode(images).mean, tiny.encode(images).mean)
        np.testing.assert_array_equal(
            apart.generate(None, 9, seed=3, sample=True).x,
            tiny.generate(None, 9, seed=3, sample=True).x,
        )
        assert apart.verify().passed
        assert apart.placement().keys() == tiny.placement().keys()
        assert apart.classify(images[:0]).probs.shape == (0, 3)

    def test_many_threads_at_once(
        self, apart: model.Model, tiny: model.Model, images: np.ndarray
    ) -> None:
        wanted, wrong = tiny.predict_proba(images), list[int]()

        def ask(row: int) -> None:
            for _ in range(5):
                p = apart.predict_proba(images[row : row + 1])
                if not np.allclose(p, wanted[row : row + 1], atol=1e-5):
                    wrong.append(row)

        threads = [threading.Thread(target=ask, args=(row,)) for row in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_a_copy_opens_processes_of_its_own(self, apart: model.Model) -> None:
        with apart.again() as other:
            np.testing.assert_array_equal(other.classify(X).probs, apart.classify(X).probs)

    def test_a_process_that_was_killed_is_started_again(self, data: Path) -> None:
        with model.load(data / "tiny.ssdgm", threads=1, isolated=True) as opened:
            wanted = opened.classify(X).probs
            (engine,) = opened.graphs.open("classifier")._engines.values()
            engine._process.kill()
            with pytest.raises(errors.EngineError, match=r"ended|said"):
                opened.classify(X)
            np.testing.assert_array_equal(opened.classify(X).probs, wanted)
            process = engine._process
        del opened, engine
        assert process.wait(5) is not None

    def test_what_kills_an_engine_kills_its_process(
        self, put: Put, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As an engine's fault that nobody knows yet would."""
        monkeypatch.setattr(check, "check", lambda data, name, more: None)
        smallest = {"a": np.array([-(2**63)]), "b": np.array([-1])}
        place = put(node("Div", "a b", "q"), node("Cast", "q", "d", to=1), weights=smallest)
        with pytest.raises(errors.FormatError, match=r"cannot load .* ended by signal 8"):
            model.load(place, isolated=True)

    def test_one_that_never_ends_or_fills_the_memory(self, put: Put) -> None:
        start = node(*START, keepdims=0)
        options = Options(deadline_ms=800, operators=("Loop",), memory_mb=128)
        place = put(start, loop(), weights=ENDLESS)
        with model.load(place, isolated=True, options=options) as opened:
            with pytest.raises(errors.DeadlineExceeded, match="800 ms"):
                opened.graphs.open("classifier").run({"x": X}, ["ever"])
            assert opened.graphs.open("encoder")

    def test_only_on_the_cpu(self) -> None:
        with pytest.raises(errors.InputError, match="cpu, as isolated is given"):
            process.Engine("graph", b"", Plan(provider="cuda"))

    def test_its_process_has_no_files_left_to_open(self, data: Path) -> None:
        code = (
            "from ssdgm_runtime.engine import child, session\n"
            "session.engine()\n"
            "child._confine(64)\n"
            "for act in (lambda: open('/etc/hostname'), lambda: bytearray(300 << 20)):\n"
            "    try: act()\n"
            "    except (OSError, MemoryError): continue\n"
            "    raise AssertionError\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class TestFrames:
    """The other process may say anything."""

    def said(self, content: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
        return frames.receive(io.BytesIO(content), 1 << 20)

    def header(self, text: str, body: bytes = b"") -> bytes:
        return len(text).to_bytes(4, "little") + text.encode() + body

    def test_arrays_come_as_they_went(self) -> None:
        reader, writer = os.pipe()
        arrays = [np.arange(6, dtype=np.float32).reshape(2, 3).T, np.zeros((0, 4), np.uint8)]
        with open(writer, "wb") as stream:
            frames.send(stream, {"a": 1}, arrays)
        with open(reader, "rb") as stream:
            header, got = frames.receive(stream, 1 << 20)
        assert header == {"a": 1}
        for one, other in zip(arrays, got, strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff\xff\xff\xff",
            b"\x02\0\0\0{",
            b"\x02\0\0\0[]",
            b"\x04\0\0\0\xff\xff\xff\xff",
        ],
    )
    def test_no_header(self, content: bytes) -> None:
        with pytest.raises((EOFError, ValueError, TypeError, LookupError, AttributeError)):
            self.said(content)

    @pytest.mark.parametrize(
        "arrays",
        [
            '[["float32", [1073741824]]]',
            '[["float32", [-1, -1]]]',
            '[["float32", [0, 99999999999999]]]',
            '[["object", [1]]]',
            '[["float32", [true]]]',
            '[["float32", [1.5]]]',
            '[["float32", 3]]',
            '[["float32", [200000]], ["float32", [200000]]]',
            '[["uint8", [4]]]',
            "3",
            "[1]",
        ],
    )
    def test_arrays_that_cannot_be(self, arrays: str) -> None:
        body = bytes(800_000) if "200000" in arrays else b"ab"
        with pytest.raises((EOFError, ValueError, TypeError, LookupError)):
            self.said(self.header(f'{{"arrays": {arrays}}}', body))


def test_an_isolated_engine_answers_errors_of_the_other_process(data: Path) -> None:
    with model.load(data / "tiny.ssdgm", isolated=True) as opened:
        (engine,) = opened.graphs.open("classifier")._engines.values()
        assert isinstance(engine, process.Engine)
        with pytest.raises(RuntimeError, match=r"INVALID_ARGUMENT|Required inputs"):
            engine.run(["probs"], {})
        assert engine.run(["probs"], {"x": X})[0].shape == (5, 3)

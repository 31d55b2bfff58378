"""One graph at a time: what the tracer lowers, strips and refuses."""

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_export.graphs import modules, trace
from ssdgm_runtime.bundle import interface
from ssdgm_runtime.engine import session
from ssdgm_runtime.rows import tensor as declared

X = declared.Tensor("x", "float32", ("batch", 3))
PROPERTIES = {"ssdgm.graph": "classifier", "ssdgm.format": "1.0"}


class Layer(nn.Module):
    """Any function of x as a graph's module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> tuple[Tensor]:
        return (self.function(*tensors),)


def graph(function: Callable[[Tensor], Tensor]) -> modules.Graph:
    spec = interface.Graph((X,), (declared.Tensor("y", "float32", ("batch", 3)),))
    return modules.Graph("classifier", Layer(function).eval(), spec)


def run(data: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    y: NDArray[np.float32] = session.engine().InferenceSession(data).run(["y"], {"x": x})[0]
    return y


def test_softplus_is_lowered_and_right_far_from_zero() -> None:
    data = trace.trace(graph(nn.functional.softplus), PROPERTIES)
    assert "Softplus" not in {n.op_type for n in onnx.load_from_string(data).graph.node}
    x = np.linspace(-100, 100, 3003, dtype=np.float32).reshape(-1, 3)
    y, exact = run(data, x), np.logaddexp(0, x.astype(np.float64))
    assert np.isfinite(y).all()
    steps = 2 * np.finfo(np.float32).eps  # of numbers near 1, of which the logarithm is taken
    np.testing.assert_allclose(y, exact, rtol=1e-6, atol=steps)


def test_softplus_is_finite_at_the_ends_of_float32() -> None:
    data = trace.trace(graph(nn.functional.softplus), PROPERTIES)
    big = np.finfo(np.float32).max
    np.testing.assert_array_equal(
        run(data, np.array([[-big, 0, big]], np.float32)),
        np.array([[0, np.log(2), big]], np.float32),
    )


def test_another_softplus_is_refused_and_not_computed_wrongly() -> None:
    with pytest.raises(Exception, match="beta") as caught:
        trace.trace(graph(lambda x: nn.functional.softplus(x, beta=2.0)), PROPERTIES)
    causes = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert any(isinstance(error, trace.ExportError) or "beta 2" in str(error) for error in causes)


def test_the_same_graph_gives_the_same_bytes() -> None:
    one, other = (trace.trace(graph(torch.tanh), PROPERTIES) for _ in range(2))
    assert one == other


def test_names_inside_are_places_and_not_the_exporter_s_counters() -> None:
    layers = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    made = onnx.load_from_string(trace.trace(graph(layers), PROPERTIES)).graph
    assert [n.name for n in made.node] == [f"{n.op_type}_{i}" for i, n in enumerate(made.node)]
    inner = [name for node in made.node for name in node.output][:-1]
    assert inner == [f"v{i}" for i in range(len(inner))]
    assert [value.name for value in made.output] == ["y"]
    assert {t.name for t in made.initializer} == {
        f"function.{layer}.{part}" for layer in (0, 2) for part in ("weight", "bias")
    }


def test_randomness_inside_a_graph_is_refused() -> None:
    with pytest.raises(trace.ExportError, match="noise must be an input"):
        trace.trace(graph(lambda x: x + torch.randn_like(x)), PROPERTIES)


def test_dropout_is_traced_as_it_is_in_evaluation() -> None:
    layer = nn.Dropout(0.5).eval()
    data = trace.trace(graph(layer), PROPERTIES)
    x = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(run(data, x), x)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    trace.trace(graph(torch.tanh), PROPERTIES)
    assert capfd.readouterr() == ("", "")


def model() -> ir.Model:
    return ir.from_proto(onnx.load_from_string(trace.trace(graph(torch.tanh), PROPERTIES)))


def _foreign(model: ir.Model) -> None:
    model.opset_imports["com.example"] = 1
    model.graph[0].domain = "com.example"


def _external(model: ir.Model) -> None:
    tensor = ir.ExternalTensor("w.data", 0, 4, ir.DataType.FLOAT, shape=ir.Shape([1]), name="w")
    model.graph.initializers.add(ir.Value(name="w", const_value=tensor))


def _old(model: ir.Model) -> None:
    model.opset_imports[""] = 17


def _new(model: ir.Model) -> None:
    model.ir_version = 11


def _random(model: ir.Model) -> None:
    model.graph.append(ir.node("RandomNormal", []))


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (_foreign, "com.example"),
        (_external, "outside the file"),
        (_old, "opset"),
        (_new, "IR version 11"),
        (_random, "RandomNormal"),
    ],
)
def test_every_rule_refuses_what_it_is_for(
    damage: Callable[[ir.Model], None], complaint: str
) -> None:
    sound = model()
    assert not any(rule(sound) for rule in trace.RULES)
    damage(sound)
    complaints = list(filter(None, (rule(sound) for rule in trace.RULES)))
    assert len(complaints) == 1
    assert complaint in complaints[0]

"""Folding changes which nodes compute a graph, and nothing of what it computes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ssdgm_export.graphs import folding

WIDTH, ROWS = 6, 4
RANDOM = np.random.default_rng(7)
CONSTANTS = {
    "w": RANDOM.normal(size=(WIDTH, 5)),
    "wt": RANDOM.normal(size=(5, WIDTH)),
    "v": RANDOM.normal(size=(5, 3)),
    "b": RANDOM.normal(size=5),
    "c": RANDOM.normal(size=3),
    "one": np.ones(()),
    "nought": np.zeros(5),
    "half": np.full(4, 0.5),
    "two": np.array(2.5),
    "each": RANDOM.uniform(0.5, 2, size=WIDTH),
    "line": RANDOM.uniform(0.5, 2, size=(1, 5)),
    "rows": RANDOM.normal(size=(ROWS, 1)),
    "five": RANDOM.normal(size=5),
    "k": RANDOM.normal(size=(1, 1, 3, 3)),
    "kb": RANDOM.normal(size=1),
}
SIZES = {"sizes": [1, 4], "shape": [-1, 1, 2, 3], "turned": [-1, 2, 3, 1], "long": [-1, WIDTH]}
Node = tuple[Any, ...]


def model(nodes: Sequence[Node], outputs: Sequence[str] = ("y",)) -> onnx.ModelProto:
    """A model of (operator, inputs, outputs, attributes) with every constant above."""
    steps = [
        helper.make_node(kind, inputs.split(), made.split(), **(rest[0] if rest else {}))
        for kind, inputs, made, *rest in nodes
    ]
    graph = helper.make_graph(
        steps,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", WIDTH])],
        [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "columns"])
            for n in outputs
        ],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in CONSTANTS.items()],
    )
    for name, sizes in SIZES.items():
        graph.initializer.append(numpy_helper.from_array(np.array(sizes), name))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def fold(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model after folding."""
    model = ir.from_proto(proto)
    folding.fold(model)
    return ir.to_proto(model)


def folded(proto: onnx.ModelProto) -> list[str]:
    """The operators that are left; what they compute has not changed."""
    x = np.random.default_rng(8).normal(size=(ROWS, WIDTH)).astype(np.float32)
    before = ReferenceEvaluator(proto).run(None, {"x": x})
    proto = fold(proto)
    onnx.checker.check_model(proto)
    after = ReferenceEvaluator(proto).run(None, {"x": x})
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)
    read = {name for node in proto.graph.node for name in node.input}
    assert {t.name for t in proto.graph.initializer} <= read
    return [node.op_type for node in proto.graph.node]


GEMM = ("Gemm", "h w b", "y")


@pytest.mark.parametrize(
    "nodes",
    [
        [("Div", "x two", "h"), GEMM],
        [("Mul", "two x", "h"), GEMM],
        [("Constant", "", "node", {"value_float": 2.5}), ("Mul", "x node", "h"), GEMM],
        [("Sub", "x each", "h"), GEMM],
        [("Add", "each x", "h"), GEMM],
        [("Sub", "x each", "g"), ("Div", "g each", "h"), GEMM],
        [("Div", "x each", "h"), ("Gemm", "h wt b", "y", {"transB": 1})],
        [("Gemm", "x w", "h"), ("Add", "h five", "y")],
        [("Gemm", "x w b", "h"), ("Div", "h two", "y")],
        [("Gemm", "x w b", "h"), ("Mul", "h line", "y")],
        [("Gemm", "x w b", "h"), ("Sub", "h five", "g"), ("Div", "g two", "y")],
        [("Div", "x two", "g"), ("Gemm", "g w b", "h"), ("Mul", "h two", "y")],
        [("Gemm", "x w b", "h"), ("Mul", "h one", "g"), ("Add", "g nought", "y")],
        [("Gemm", "x w b", "h"), ("Split", "h", "y rest", {"axis": 1, "num_outputs": 2})],
        [("Gemm", "x w b", "h"), ("Split", "h", "rest y", {"axis": -1, "num_outputs": 2})],
        [("Gemm", "x w b", "h"), ("Split", "h sizes", "rest y", {"axis": 1})],
    ],
)
def test_it_goes_into_the_weights(nodes: list[Node]) -> None:
    assert folded(model(nodes)) == ["Gemm"]


PARTS = ("Gemm", "x w b", "h"), ("Split", "h sizes", "y g", {"axis": 1})


def test_what_is_done_to_one_part_of_a_product_goes_into_its_columns() -> None:
    scaled = [*PARTS, ("Mul", "g two", "e"), ("Add", "e half", "f"), ("Exp", "f", "z")]
    assert folded(model(scaled, ("y", "z"))) == ["Gemm", "Split", "Exp"]
    assert folded(model([*PARTS, ("Mul", "y two", "z")], ("g", "z"))) == ["Gemm", "Split"]


@pytest.mark.parametrize(
    ("rest", "outputs"),
    [
        ([("Mul", "g two", "z")], ("y", "g", "z")),  # the part is asked for as it is
        ([("Mul", "g two", "e"), ("Add", "e g", "z")], ("y", "z")),
        ([("Exp", "h", "e"), ("Mul", "g two", "z")], ("y", "z", "e")),  # so is the whole
        ([("Add", "y five", "z")], ("g", "z")),  # one column becomes five
        ([("Mul", "g rows", "z")], ("y", "z")),
    ],
)
def test_a_part_that_others_read_is_left_alone(rest: list[Node], outputs: tuple[str, ...]) -> None:
    nodes = [*PARTS, *rest]
    assert folded(model(nodes, outputs)) == [kind for kind, *_ in nodes]


def test_what_changes_nothing_goes_without_a_product() -> None:
    assert folded(model([("Relu", "x", "h"), ("Mul", "h one", "g"), ("Exp", "g", "y")])) == [
        "Relu",
        "Exp",
    ]


def test_a_value_that_several_products_read_goes_into_each() -> None:
    nodes = [
        ("Div", "x two", "h"),
        ("Gemm", "h w b", "p"),
        ("Gemm", "h wt b", "q", {"transB": 1}),
        ("Add", "p q", "y"),
    ]
    assert folded(model(nodes)) == ["Gemm", "Gemm", "Add"]


def test_weights_that_two_products_share_are_changed_for_one() -> None:
    nodes = [("Div", "x two", "h"), ("Gemm", "h w b", "y"), ("Gemm", "x w b", "z")]
    assert folded(model(nodes, ("y", "z"))) == ["Gemm", "Gemm"]


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([("Div", "x two", "h"), GEMM], ("y", "h")),  # its value is asked for
        ([("Gemm", "x w b", "h"), ("Div", "h two", "y")], ("y", "h")),
        ([("Div", "x two", "h"), ("Gemm", "h w b", "g"), ("Relu", "h", "y")], ("y", "g")),
        ([("Gemm", "x w b", "h"), ("Sub", "five h", "y")], ("y",)),  # the other way round
        ([("Gemm", "x w b", "h"), ("Mul", "h rows", "y")], ("y",)),  # by row
        ([("Gemm", "x w b", "h"), ("Mul", "h h", "y")], ("y",)),
        ([("Add", "x rows", "h"), GEMM], ("y",)),
        ([("Div", "x two", "h"), ("Gemm", "h w b", "y", {"alpha": 2.0})], ("y",)),
        ([("Gemm", "x w b", "h"), ("Div", "h two", "g"), ("Add", "g h", "y")], ("y",)),
        ([("Gemm", "x w b", "h"), ("Split", "h sizes", "y z", {"axis": 1})], ("y", "z")),
        ([("Gemm", "x w b", "h"), ("Split", "h", "y z", {"axis": 0, "num_outputs": 2})], ("y",)),
        ([("Relu", "x", "h"), ("Div", "h two", "y")], ("y",)),
    ],
)
def test_what_would_change_an_answer_stays(nodes: list[Node], outputs: tuple[str, ...]) -> None:
    assert folded(model(nodes, outputs)) == [kind for kind, *_ in nodes]


CONV = ("Conv", "m k kb", "o", {"pads": [1, 1, 1, 1]})
FLAT = ("Reshape", "o long", "y")


@pytest.mark.parametrize(
    ("nodes", "left"),
    [
        ([("Div", "x two", "g"), ("Reshape", "g shape", "m"), CONV, FLAT], ["Reshape"]),
        (
            [
                ("Mul", "two x", "g"),
                ("Reshape", "g turned", "t"),
                ("Transpose", "t", "m", {"perm": [0, 3, 1, 2]}),
                CONV,
                FLAT,
            ],
            ["Reshape", "Transpose"],
        ),
        (
            [
                ("Sub", "x two", "h"),
                ("Div", "h two", "g"),
                ("Reshape", "g shape", "m"),
                CONV,
                FLAT,
            ],
            ["Sub", "Reshape"],
        ),
    ],
)
def test_a_factor_goes_into_a_convolution_and_a_shift_stays(
    nodes: list[Node], left: list[str]
) -> None:
    """Where the border is padded, it is with noughts of what comes after the shift."""
    assert folded(model(nodes)) == [*left, "Conv", "Reshape"]


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([("Mul", "x each", "g"), ("Reshape", "g shape", "m"), CONV, FLAT], ("y",)),
        ([("Mul", "x two", "g"), ("Reshape", "g shape", "m"), CONV, FLAT], ("y", "g")),
        (
            [
                ("Mul", "x two", "g"),
                ("Reshape", "g shape", "m"),
                CONV,
                ("Add", "o m", "d"),
                ("Reshape", "d long", "y"),
            ],
            ("y",),
        ),
    ],
)
def test_a_factor_that_others_see_stays_before_a_convolution(
    nodes: list[Node], outputs: tuple[str, ...]
) -> None:
    assert folded(model(nodes, outputs)) == [kind for kind, *_ in nodes]


@pytest.mark.parametrize("offset", [0.0, 3.0, 1e4, 1e7])
def test_a_shift_that_would_cost_digits_stays_before_its_product(offset: float) -> None:
    mean, spread = np.full(WIDTH, offset, np.float32), np.float32(max(offset, 1.0) * 1e-4)
    proto = model([("Sub", "x mean", "a"), ("Div", "a spread", "s"), ("Gemm", "s v6 c", "y")])
    weights = np.random.default_rng(9).normal(size=(WIDTH, 3)).astype(np.float32)
    for name, value in {"mean": mean, "spread": spread, "v6": weights}.items():
        proto.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    x = mean + spread * np.random.default_rng(8).normal(size=(ROWS, WIDTH)).astype(np.float32)
    wanted = (x.astype(float) - mean) / spread @ weights.astype(float) + CONSTANTS["c"]
    proto = fold(proto)
    (y,) = ReferenceEvaluator(proto).run(None, {"x": x})
    assert np.abs(y - wanted).max() < 1e-4
    kept = {node.op_type for node in proto.graph.node}
    assert kept == ({"Sub", "Gemm"} if offset else {"Gemm"})

"""What a graph may be: operators, sizes and divisions; the wire format has a test of its own."""

import re
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wire import message, number, varint

from ssdgm_runtime import errors
from ssdgm_runtime.bundle.graph import check, fields, limits, operators, wire

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
Node = Any  # or whatever else onnx has


def model(
    *nodes: Node, weights: dict[str, np.ndarray] | None = None, dtype: int = FLOAT, **more: Node
) -> bytes:
    """A graph of x [batch, 3] to what its last node gives."""
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", dtype, ["batch", 3])],
        [onnx.ValueInfoProto(name=nodes[-1].output[0])] if nodes else [],
        [numpy_helper.from_array(np.asarray(w), k) for k, w in (weights or {}).items()],
    )
    opsets = more.pop("opset_imports", [helper.make_opsetid("", 18)])
    made = helper.make_model(graph, **{"opset_imports": opsets, "ir_version": 10, **more})
    return bytes(made.SerializeToString())


def node(op: str, inputs: str = "x", outputs: str = "out", **attributes: Node) -> Node:
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def refusal(data: bytes, *more: str) -> str:
    with pytest.raises(errors.FormatError) as caught:
        check.check(data, "graph", more)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


def loop(body: list[Node]) -> Node:
    inner = helper.make_graph(
        body,
        "body",
        [helper.make_tensor_value_info(n, t, []) for n, t in (("i", INT64), ("on", 9), ("v", 1))],
        [onnx.ValueInfoProto(name=n) for n in ("go", "w")],
    )
    return helper.make_node("Loop", ["many", "yes", "x"], ["out"], body=inner)


ON = [node("Identity", "on", "go"), node("Identity", "v", "w")]


class TestOperators:
    @pytest.mark.parametrize(
        "op", ["RandomNormalLike", "Bernoulli", "Multinomial", "Dropout", "SequenceEmpty", "Mod"]
    )
    def test_those_that_are_no_function_of_tensors_are_refused(self, op: str) -> None:
        assert f"uses the operator '{op}'" in refusal(model(node(op)))

    def test_one_that_the_caller_names_is_allowed(self) -> None:
        data = model(node("RandomNormalLike"))
        check.check(data, "graph", ("RandomNormalLike",))
        assert "Options(operators=('RandomNormalLike',))" in refusal(data)

    def test_another_domain_is_allowed_by_its_name(self) -> None:
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        data = model(node("Gelu", domain="com.microsoft"), opset_imports=opsets)
        assert "com.microsoft" in refusal(data)
        check.check(data, "graph", ("com.microsoft:Gelu",))
        assert "'com.microsoft:Gelu'" in refusal(data, "com.microsoft:Other")

    def test_a_loop_is_allowed_by_its_name_and_what_is_in_it_is_not(self) -> None:
        assert "'Loop'" in refusal(model(loop(ON)))
        check.check(model(loop(ON)), "graph", ("Loop",))
        within = [ON[0], node("RandomNormalLike", "v", "w")]
        assert "'RandomNormalLike'" in refusal(model(loop(within)), "Loop")

    def test_a_graph_in_an_operator_that_has_none_is_refused(self) -> None:
        data = model(node("Relu", body=loop(ON).attribute[0].g))
        assert "'Relu'" in refusal(data)

    def test_functions_are_refused_whatever_is_in_them(self) -> None:
        opsets = [helper.make_opsetid("", 18)]
        inner = helper.make_function("f", "F", ["a"], ["b"], [node("Bernoulli", "a", "b")], opsets)
        data = model(node("Relu"), functions=[inner])
        assert "defines 1 operators of its own" in refusal(data, "f:F")

    def test_every_operator_of_the_list_is_one_of_the_opset(self) -> None:
        for name in operators.GIVES:
            assert onnx.defs.get_schema(name, limits.OPSET, "").name == name


THREE = numpy_helper.from_array(np.array([3]))
SMALLEST = {"a": np.array([np.iinfo(np.int64).min]), "b": np.array([-1])}


class TestDivision:
    """The engine divides the smallest whole number by -1 when it opens a graph, and dies of it."""

    def test_constants(self) -> None:
        assert "divides" in refusal(model(node("Div", "a b"), weights=SMALLEST))

    @pytest.mark.parametrize(
        "whole",
        [
            [node("Cast", "x", "a", to=INT64)],
            [node("Shape", "x", "a")],
            [node("TopK", "x one", "most a")],
            [node("TopK", "x one", "most a0"), node("Neg", "a0", "a")],
            [node("ArgMax", "x", "a")],
            [node("Cast", "x", "i", to=6), node("Where", "yes i i", "a")],
            [node("Shape", "x", "s"), node("OneHot", "s one many", "a")],
            [node("Constant", "", "a", value_int=3)],
            [node("Shape", "x", "s"), node("ConstantOfShape", "s", "a", value=THREE)],
            [node("CastLike", "x one", "a")],
        ],
    )
    def test_whatever_gives_whole_numbers(self, whole: list[Node]) -> None:
        weights = {"one": np.array([1]), "many": np.array([0, 1]), "yes": np.array([True])}
        data = model(*whole, node("Div", "a a"), weights=weights)
        assert "divides what may be whole numbers" in refusal(data)

    def test_before_its_source_or_without_one(self) -> None:
        assert "divides" in refusal(model(node("Div", "y y"), node("Relu", "x", "y")))

    def test_of_an_input_of_whole_numbers(self) -> None:
        assert "divides" in refusal(model(node("Div", "x x"), dtype=INT64))

    def test_two_values_of_one_name(self) -> None:
        nodes = [node("Shape", "x", "a"), node("Cast", "x", "a", to=1), node("Div", "a a")]
        assert "two values of the name 'a'" in refusal(model(*nodes))

    @pytest.mark.parametrize(
        "floats",
        [
            [node("Cast", "i", "a", to=1)],
            [node("Relu", "x", "a")],
            [node("TopK", "x one", "a b")],
            [node("Where", "yes x x", "a")],
            [node("Constant", "", "a", value_float=3.0)],
            [node("Shape", "x", "s"), node("ConstantOfShape", "s", "a")],
            [node("DequantizeLinear", "i f", "a")],
        ],
    )
    def test_of_floating_point_is_allowed(self, floats: list[Node]) -> None:
        f = np.array([1], np.float32)
        weights = {"i": np.array([1], np.int8), "yes": np.array([True]), "f": f}
        weights["one"] = np.array([1])
        check.check(model(*floats, node("Div", "a f"), weights=weights), "graph")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (node("GatherND", "x i", batch_dims=-1), "batch_dims of a node GatherND is -1"),
        (node("MaxPool", kernel_shape=[0]), "kernel_shape of a node MaxPool is 0"),
        (node("Conv", "x x", group=0), "group of a node Conv is 0"),
        (node("Conv", "x x", pads=[-1, 0]), "pads of a node Conv is -1"),
        (node("Softmax", axis=2**40), "axis of a node Softmax is 1099511627776"),
        (node("Cast", to=8), "a Cast gives type 8"),
        (node("Constant", "", value_string="a"), "gives text"),
    ],
)
def test_attributes(made: Node, text: str) -> None:
    made.output[:] = ["out"]
    assert text in refusal(model(made, weights={"i": np.array([[0]])}))


def test_an_input_without_a_name_that_the_engine_reads_past() -> None:
    made = helper.make_node("LayerNormalization", ["x", "x", ""], ["out"])
    assert "has an input without a name" in refusal(model(made))


def tensor(**changes: Node) -> bytes:
    made = numpy_helper.from_array(np.zeros((2, 3), np.float32), "w")
    for key, value in changes.items():
        if isinstance(value, list):
            getattr(made, key)[:] = value
        else:
            setattr(made, key, value)
    whole = onnx.load_from_string(model(node("Relu")))
    whole.graph.initializer.append(made)
    return bytes(whole.SerializeToString())


@pytest.mark.parametrize(
    "changes",
    [
        {"dims": [2**40, 2**20]},
        {"dims": [2, -3]},
        {"dims": [2, 2]},
        {"dims": [1] * 8 + [6]},
        {"data_type": 8},
        {"data_type": 14},
        {"data_type": 0},
        {"data_type": 11},
        {"float_data": [1.0]},
        {"string_data": [b"a"]},
        {"raw_data": bytes(23)},
        {"raw_data": b""},
    ],
)
def test_tensors_of_other_sizes_and_types(changes: dict[str, Any]) -> None:
    assert "the tensor 'w'" in refusal(tensor(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"raw_data": b"", "dims": [0, 3]},
        {"raw_data": b"", "float_data": [0.0] * 6},
        {"raw_data": b"", "data_type": 7, "int64_data": [-1, 2**62, 300, 0, 1, 2]},
        {"raw_data": b"", "data_type": 3, "int32_data": [-1, -128, 127, 0, 1, 2]},
        {"raw_data": b"", "data_type": 11, "double_data": [0.5] * 6},
        {"raw_data": bytes(12), "data_type": 10},
        {"dims": [1, 1, 6, 1]},
    ],
)
def test_tensors_that_hold_what_their_shape_says(changes: dict[str, Any]) -> None:
    check.check(tensor(**changes), "graph")


ONES = {f"w{n}": np.ones((n, 1), np.float32) for n in (1, 300, 5000)}
WIDE = {f"v{n}": np.ones((1, n), np.float32) for n in (1, 300, 5000)}
SIZE = {"size": np.array([1 << 40]), "half": np.float32(0.5)}


class TestConstants:
    """What is made of constants alone is made while a graph is opened, before any deadline."""

    @pytest.mark.parametrize(
        ("nodes", "text"),
        [
            ([node("Add", "w5000 v5000")], "makes 25000000 numbers of constants"),
            ([node("MatMul", "w5000 v5000")], "makes 25000000 numbers"),
            ([node("Neg", "w5000", "a"), node("Mul", "a v5000")], "makes 25000000"),
            ([node("Concat", "w5000 w5000", "a", axis=0), node("Gather", "a v5000")], "makes"),
            ([node("Transpose", "w5000", "a"), node("Add", "a w5000")], "makes 25000000"),
            ([node("Constant", "", "a", value_ints=[9, 9]), node("Expand", "w1 a")], "Expand"),
            ([node("ConstantOfShape", "size")], "a node ConstantOfShape computes a constant"),
            ([node("Expand", "w1 size")], "a node Expand computes a constant"),
            ([node("Tile", "w1 size")], "a node Tile computes"),
            ([node("Range", "half size half")], "a node Range computes"),
        ],
    )
    def test_too_much(self, nodes: list[Node], text: str) -> None:
        assert text in refusal(model(*nodes, weights=ONES | WIDE | SIZE))

    @pytest.mark.parametrize(
        "nodes",
        [
            [node("Mul", "w5000 half")],
            [node("Mul", "w5000 w5000")],
            [node("Add", "w300 v300")],
            [node("MatMul", "w300 v300")],
            [node("Transpose", "w5000", "a"), node("Mul", "a half", "b"), node("Mul", "x b")],
            [node("Shape", "x", "a"), node("Gather", "a zero", "b"), node("Expand", "x b")],
        ],
    )
    def test_what_weights_may_be_made_of(self, nodes: list[Node]) -> None:
        weights = ONES | WIDE | SIZE | {"zero": np.array([0])}
        check.check(model(*nodes, weights=weights), "graph")


def version(**changes: Node) -> bytes:
    return model(node("Relu"), **changes)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (version(ir_version=11), "IR version 11, later than 10"),
        (version(opset_imports=[helper.make_opsetid("", 17)]), "opsets [17]"),
        (version(opset_imports=[helper.make_opsetid("ai.onnx", 18)] * 2), "opsets [18, 18]"),
        (version(opset_imports=[]), "opsets []"),
        (version() + message(20, b""), "graphs for training"),
        (version(doc_string="d" * 4097), "a text of 4097 bytes"),
        (version().replace(b"Relu", b"Re\xff\xfe"), "no UTF-8"),
    ],
)
def test_versions_and_texts(data: bytes, text: str) -> None:
    assert text in refusal(data)


BASE = number(1, 10)
DEEP = b""
for _ in range(30):
    DEEP = message(6, message(1, message(5, DEEP)))
PLAIN = BASE + message(8, number(2, 18))
RELU = message(1, message(4, b"Relu"))
MANY: dict[str, Callable[[], bytes]] = {
    "fields": lambda: BASE + b"\x42\x00" * (1 << 20),
    "dimensions": lambda: BASE + message(7, message(5, b"\x08\x00" * (1 << 20))),
    "inputs": lambda: BASE + message(7, message(1, b"\x0a\x00" * (1 << 20))),
    "metadata": lambda: BASE + b"\x72\x00" * (1 << 20) + message(7, b""),
    "nodes": lambda: PLAIN + message(7, RELU * 10_001),
    "initialisers": lambda: PLAIN + message(7, message(5, number(1, 0) + number(2, 1)) * 10_001),
    "levels": lambda: BASE + message(7, message(1, message(5, DEEP))),
    "lengths": lambda: PLAIN + message(7, message(5, number(2, 1) + message(1, bytes(1 << 22)))),
}


@pytest.mark.parametrize("what", MANY)
def test_many_of_them_take_little_time(what: str) -> None:
    data = MANY[what]()
    begin = time.process_time()
    assert re.search("more than|no whole array", refusal(data))
    assert time.process_time() - begin < 2


def test_fields_take_little_memory() -> None:
    data = MANY["fields"]()
    tracemalloc.start()
    try:
        assert str(limits.FIELDS) in refusal(data)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_a_message_cuts_long_names() -> None:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("d" * 4000, 1)]
    for data in (
        model(node("R" * 4000)),
        model(node("Relu", "x", "a" * 4000), node("Relu", "x", "a" * 4000)),
        model(node("Relu"), opset_imports=opsets),
        model(node("Softmax", **{"a" * 4000: 2**40})),
    ):
        refusal(data)


def test_a_span_of_whole_numbers_is_read_as_far_as_it_is_wanted() -> None:
    body = b"".join(map(varint, (0, 300, 2**64 - 1, 5)))
    file = wire.File(BASE + message(7, message(5, message(1, body))))
    (span,) = file.model.one(7).all(5)[0].all(1)
    from ssdgm_runtime.bundle.graph import tensors

    assert tensors.whole(file, span, 3) == [0, 300, 2**64 - 1]
    assert fields.of("tensor")[1 << 3 | 2].type == "packed int64"


def test_the_page_lists_every_limit_and_operator() -> None:
    page = (Path(check.__file__).parents[3] / "FORMAT.md").read_text(encoding="utf-8")
    for name, value in vars(limits).items():
        if name.isupper():
            assert f"`{name}`" in page
            assert f"{value:,}" in page or value in (0, 8, 24, 10, 18)
    section = page.split("of the default domain:")[1].split("A reader may")[0]
    assert set(re.findall(r"`(\w+)`", section)) == set(operators.GIVES)

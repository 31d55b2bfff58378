"""Hostile graphs, each made by code from the classifier of a small bundle: name to its bytes."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import wire
from onnx import TensorProto, helper, numpy_helper
from wire import message, number, varint

Model = Any
FLOAT, INT64, INT32 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32


def node(op: str, inputs: str, output: str = "extra", **attributes: Any) -> Any:  # noqa: ANN401
    return helper.make_node(op, inputs.split(), output.split(), **attributes)


class Maker:
    """Makes graphs of one that is good.

    Args:
        data: The classifier of `tiny`: x uint8 [batch, 4, 4] to logits and probs [batch, 3].
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    def model(self) -> Model:
        return onnx.load_from_string(self.data)

    def extra(self, *nodes: Any, weights: dict[str, Any] | None = None) -> bytes:  # noqa: ANN401
        """With further nodes and weights, of an output that nobody asked for."""
        model = self.model()
        model.graph.node.extend(nodes)
        for name, value in (weights or {}).items():
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        model.graph.output.append(onnx.ValueInfoProto(name=nodes[-1].output[0]))
        return bytes(model.SerializeToString())

    def instead(self, output: str, op: str, value: Any = None) -> bytes:  # noqa: ANN401
        """With one node more behind an output."""
        model = self.model()
        for made in model.graph.node:
            for names in (made.input, made.output):
                names[:] = ["before" if name == output else name for name in names]
        inputs = ["before"]
        if value is not None:
            inputs.append("value")
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), "value"))
        model.graph.node.append(helper.make_node(op, inputs, [output]))
        return bytes(model.SerializeToString())

    def changed(self, change: Callable[[Model], object]) -> bytes:
        model = self.model()
        change(model)
        return bytes(model.SerializeToString())

    def tensor(self, body: bytes) -> bytes:
        """With an initialiser of these bytes, in a graph that protobuf would join to its own."""
        fields = wire.read(self.data, onnx.ModelProto.DESCRIPTOR)
        graph = next(field for field in fields if field.tag == 7 << 3 | 2)
        graph.value.append(wire.Field(5 << 3 | 2, body))  # type: ignore[union-attr]
        return wire.write(fields)

    def every(self) -> Iterator[tuple[str, bytes]]:
        """All of them."""
        for table in (_bytes, _sizes, _operators, _divisions, _constants, _versions, _answers):
            yield from table(self).items()


INSIDE = message(8, b"w") + number(2, 1) + message(9, bytes(4))
ENTRY = message(1, b"location") + message(2, b"weights.bin")
LATE = [
    node("ReduceMax", "logits", "top", keepdims=0),
    node("Cast", "top", "whole", to=INT64),
    node("Mul", "whole none", "zero"),
]
NONE = {"none": np.array([0])}


def _bytes(make: Maker) -> dict[str, bytes]:
    """Bytes that can be read in two ways, or that name other files."""
    return {
        "weights in another file": make.tensor(
            message(8, b"w") + number(2, 1) + message(13, ENTRY) + number(14, 1)
        ),
        "weights elsewhere under a tag above 32 bits": make.tensor(
            INSIDE + message(13, ENTRY, high=1) + varint(14 << 3 | 1 << 32) + b"\1"
        ),
        "a place above 32 bits": make.tensor(INSIDE + number(14, 2**32 + 1)),
        "two graphs": make.data + message(7, message(5, INSIDE)),
        "a needless byte": make.data + varint(14 << 3 | 2, 1) + b"\0",
        "a group": make.data + b"\x3b\x3c",
        "a field of a later version": make.data + number(26, 1),
        "the mark of another format": make.data[:2] + b"\x12\x04ORTM" + make.data[2:],
        "cut short": make.data[:-7],
        "a length beyond the end": make.data + b"\x72\xff\xff\xff\xff\x0f",
        "a type above 32 bits": make.tensor(
            message(8, b"w") + number(2, 2**32 + 1) + message(9, bytes(4))
        ),
        "text that is no UTF-8": make.data.replace(b"Tanh", b"T\xff\xfeh"),
        "nothing": b"",
    }


def _sizes(make: Maker) -> dict[str, bytes]:
    deep = b""
    for _ in range(40):
        deep = message(6, message(1, message(5, deep)))
    many = [node("Identity", "logits", f"n{i}") for i in range(10_001)]
    empty = message(5, number(1, 0) + number(2, 1))
    return {
        "a million fields": make.data + b"\x42\x00" * 1_000_000,
        "a million dimensions": make.tensor(b"\x08\x01" * 1_000_000),
        "forty levels": make.data[:-4] + message(20, message(1, message(1, message(5, deep)))),
        "ten thousand nodes": make.extra(*many),
        "ten thousand tensors": make.data + message(7, empty * 10_001),
        "a name of a megabyte": make.extra(node("Relu", "logits", "a" * (1 << 20))),
        "nine axes": make.extra(node("Relu", "w"), weights={"w": np.zeros((1,) * 9, np.float32)}),
        "a shape beyond the bytes": make.tensor(
            message(8, b"w") + number(1, 2**40) + number(1, 2**22) + number(2, 1)
        ),
        "a negative length": make.tensor(message(8, b"w") + number(1, 2**64 - 4) + number(2, 1)),
        "bytes beyond the shape": make.tensor(INSIDE + number(1, 0)),
        "sparse tensors": make.changed(
            lambda m: m.graph.sparse_initializer.append(
                helper.make_sparse_tensor(
                    helper.make_tensor("s", FLOAT, [1], [1.0]),
                    helper.make_tensor("i", INT64, [1], [0]),
                    [2**20, 2**20],
                )
            )
        ),
        "forty thousand attributes": make.extra(
            node("Relu", "logits", **{f"a{i}": "v" for i in range(40_000)})
        ),
    }


def _function(name: str, calls: str, times: int = 2) -> Any:  # noqa: ANN401
    values = ["a", *(f"v{i}" for i in range(times - 1)), "b"]
    domain = "" if calls == "Identity" else "f"
    inner = [
        helper.make_node(calls, [values[i]], [values[i + 1]], domain=domain) for i in range(times)
    ]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("f", 1)]
    return helper.make_function("f", name, ["a"], ["b"], inner, opsets)


def _called(make: Maker, *functions: Any) -> bytes:  # noqa: ANN401
    def change(model: Model) -> None:
        model.functions.extend(functions)
        model.opset_import.append(helper.make_opsetid("f", 1))
        last = helper.make_node(functions[-1].name, ["logits"], ["extra"], domain="f")
        model.graph.node.append(last)

    return make.changed(change)


def _body(*nodes: Any) -> Any:  # noqa: ANN401
    kinds = (("i", INT64), ("on", TensorProto.BOOL), ("v", FLOAT))
    inputs = [helper.make_tensor_value_info(n, k, []) for n, k in kinds]
    outputs = [onnx.ValueInfoProto(name=name) for name in ("go", "w")]
    return helper.make_graph(list(nodes), "body", inputs, outputs)


def _operators(make: Maker) -> dict[str, bytes]:
    go = [node("Identity", "on", "go"), node("Add", "v v", "w")]
    limits = {"many": np.array(2**62), "yes": np.array(True), "start": np.float32(1)}
    branch = helper.make_graph([node("Identity", "logits", "t")], "t", [], [onnx.ValueInfoProto()])
    branch.output[0].name = "t"
    sampled = {
        name: make.extra(node(name, "logits"))
        for name in ("RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial")
    }
    drop = {"share": np.float32(0.5), "yes": np.array(True)}
    return {
        **sampled,
        "RandomNormal": make.extra(node("RandomNormal", "", shape=[2])),
        "Dropout": make.extra(node("Dropout", "logits share yes"), weights=drop),
        "a random function": _called(make, _function("F", "Identity"), _function("G", "F")),
        "functions that double": _called(
            make,
            _function("F0", "Identity"),
            *(_function(f"F{i + 1}", f"F{i}") for i in range(14)),
        ),
        "a function of itself": _called(make, _function("F", "F")),
        "an endless loop": make.extra(
            helper.make_node("Loop", ["many", "yes", "start"], ["extra"], body=_body(*go)),
            weights=limits,
        ),
        "a branch": make.extra(
            helper.make_node("If", ["yes"], ["extra"], then_branch=branch, else_branch=branch),
            weights={"yes": np.array(True)},
        ),
        "a scan": make.extra(
            helper.make_node("Scan", ["logits"], ["extra"], body=_body(*go), num_scan_inputs=1)
        ),
        "a graph where none belongs": make.extra(node("Relu", "logits", body=_body(*go))),
        "another domain": make.extra(node("Gelu", "logits", domain="com.microsoft")),
        "an unknown domain": make.extra(node("Relu", "logits", domain="evil")),
        "text": make.extra(node("Cast", "logits", to=TensorProto.STRING)),
        "a tensor of text": make.extra(
            node("Identity", "w"), weights={"w": np.array([b"a"], object)}
        ),
        "a sequence": make.extra(node("SequenceConstruct", "logits")),
        "an optional": make.extra(node("Optional", "logits")),
        "as many rows as there are": make.extra(node("NonZero", "logits")),
        "a convolution of no group": make.extra(
            node("Conv", "w w", group=0), weights={"w": np.zeros((1, 1, 2, 2), np.float32)}
        ),
        "negative batch dimensions": make.extra(
            node("GatherND", "logits i", batch_dims=-1), weights={"i": np.array([[0]])}
        ),
        "an input that is read past its end": make.extra(
            helper.make_node("LayerNormalization", ["logits", "logits", ""], ["extra"])
        ),
        "a pool of no kernel": make.extra(
            node("MaxPool", "w", kernel_shape=[0, 0]),
            weights={"w": np.zeros((1, 1, 2, 2), np.float32)},
        ),
    }


def _divisions(make: Maker) -> dict[str, bytes]:
    """Divisions of whole numbers, by which the engine's process ends."""
    least = {
        kind: {"a": np.array([np.iinfo(kind).min], kind), "b": np.array([-1], kind)}
        for kind in (np.int64, np.int32)
    }
    one = {"one": np.array([1])}
    return {
        "constants": make.extra(node("Div", "a b"), weights=least[np.int64]),
        "constants of 32 bits": make.extra(node("Div", "a b"), weights=least[np.int32]),
        "remainders": make.extra(node("Mod", "a b"), weights=least[np.int64]),
        "indices": make.extra(
            node("TopK", "logits one", "most i"),
            node("Sub", "i i", "o"),
            node("Div", "i o"),
            weights=one,
        ),
        "numbers made on the way": make.extra(*LATE, node("Div", "whole zero"), weights=NONE),
        "a name of two types": make.extra(
            node("Shape", "logits", "s"), node("Cast", "logits", "s", to=1), node("Div", "s s")
        ),
    }


def _constants(make: Maker) -> dict[str, bytes]:
    """Constants that fill the memory while a graph is opened."""
    w = {"one": np.ones((1, 1), np.float32), "size": np.array([1 << 36]), "n": np.array(1 << 36)}
    wide = {"a": np.ones((9000, 1), np.float32), "b": np.ones((1, 9000), np.float32)}
    zero = {"o": np.array(0), "one1": np.array(1)}
    return {
        "Expand": make.extra(node("Expand", "one size"), weights=w),
        "Tile": make.extra(
            node("Tile", "one twice"), weights=w | {"twice": np.array([1 << 18, 1 << 18])}
        ),
        "ConstantOfShape": make.extra(node("ConstantOfShape", "size"), weights=w),
        "Range": make.extra(node("Range", "o n one1"), weights=w | zero),
        "a sum of a row and a column": make.extra(node("Add", "a b"), weights=wide),
        "their product": make.extra(node("MatMul", "a b"), weights=wide),
    }


def _versions(make: Maker) -> dict[str, bytes]:
    def opsets(*versions: int) -> Callable[[Model], None]:
        def change(model: Model) -> None:
            del model.opset_import[:]
            model.opset_import.extend(helper.make_opsetid("", v) for v in versions)

        return change

    return {
        "an older opset": make.changed(opsets(11)),
        "two opsets": make.changed(opsets(18, 7)),
        "no opset": make.changed(opsets()),
        "a later file format": make.changed(lambda m: setattr(m, "ir_version", 11)),
        "training": make.data + message(20, b""),
    }


def _answers(make: Maker) -> dict[str, bytes]:
    """What shows when a graph runs: wrong answers, and too much of time or memory."""
    first = {"first": np.array([0]), "end": np.array([1]), "axis": np.array([0])}

    def renamed(model: Model) -> None:
        model.graph.input[0].name = "pixels"
        for made in model.graph.node:
            made.input[:] = ["pixels" if name == "x" else name for name in made.input]

    def cut(model: Model) -> None:
        made = next(n for n in model.graph.node if n.op_type == "Softmax")
        made.input[0] = "few"
        sliced = node("Slice", "logits first late axis", "few")
        model.graph.node.remove(made)
        late = node("Add", "zero end", "late")
        model.graph.node.extend([*LATE, late, sliced, made])
        for name, value in {**first, **NONE}.items():
            model.graph.initializer.append(numpy_helper.from_array(value, name))

    big = {**NONE, "huge": np.array([20_000_000_000])}
    shape = node("Add", "zero huge", "shape")
    square = {**NONE, "side": np.array([1 << 11, 1 << 11])}
    work = [node("MatMul", f"m{i} m{i}", f"m{i + 1}") for i in range(40)]
    return {
        "an input of another name": make.changed(renamed),
        "an output that lacks": make.changed(lambda m: m.graph.output.pop()),
        "probabilities of one row for all": make.changed(cut),
        "probabilities that are NaN": make.instead("probs", "Add", np.float32(np.nan)),
        "probabilities of two": make.instead("probs", "Mul", np.float32(2)),
        "probabilities below zero": make.instead("probs", "Neg"),
        "logits without end": make.instead("logits", "Add", np.float32(np.inf)),
        "rows that are not there": make.extra(
            node("Gather", "logits far", axis=0), weights={"far": np.array([100])}
        ),
        "eighty gigabytes": make.extra(
            *LATE, shape, node("ConstantOfShape", "shape"), weights=big
        ),
        "minutes of work": make.extra(
            *LATE,
            node("Add", "zero side", "shape"),
            node("ConstantOfShape", "shape", "m0"),
            *work,
            weights=square,
        ),
    }

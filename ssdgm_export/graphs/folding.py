"""Constant arithmetic around matrix products goes into their weights.

Scaling before a product, a temperature after it, outputs of it that nobody uses: each is a node
that a small model waits for, and none is needed. Weights are combined in float64 and rounded once.
What a graph computes stays the same but for that rounding, see `products`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ssdgm_export.graphs.products import Affine, Doubles, Product

Array = NDArray[Any]


def fold(model: onnx.ModelProto) -> None:
    """Simplify a model in place until no rule finds anything."""
    while any(rule(_Graph(model.graph)) for rule in RULES):
        pass
    _prune(model.graph)


class _Graph:
    """Who makes and who reads each value, and the constants."""

    def __init__(self, proto: onnx.GraphProto) -> None:
        self.proto = proto
        self.constants = {t.name: numpy_helper.to_array(t) for t in proto.initializer}
        self.makers = {name: node for node in proto.node for name in node.output}
        self.outputs = {value.name for value in proto.output}

    def readers(self, name: str) -> list[onnx.NodeProto]:
        return [node for node in self.proto.node if name in node.input]

    def private(self, name: str) -> bool:
        """Whether but one node reads a value, and it is no output of the graph."""
        return len(self.readers(name)) == 1 and name not in self.outputs

    def affine(self, node: onnx.NodeProto) -> tuple[str, Affine] | None:
        """What an elementwise node with one constant reads and does; None for any other node."""
        if node.op_type not in AFFINE:
            return None
        left, right = (self.constants.get(name) for name in node.input)
        if right is not None and left is None and _flat(right):
            return node.input[0], AFFINE[node.op_type](_doubles(right))
        if left is not None and right is None and _flat(left) and node.op_type in ("Add", "Mul"):
            return node.input[1], AFFINE[node.op_type](_doubles(left))
        return None

    def product(self, node: onnx.NodeProto) -> Product | None:
        """A Gemm with constant weights that are its alone; None for any other node."""
        if node.op_type != "Gemm" or any(name not in self.constants for name in node.input[1:]):
            return None
        given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if given.get("transA", 0) or given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1:
            return None
        weight = self.constants[node.input[1]].astype(np.float64)
        weight = weight.T if given.get("transB", 0) else weight
        shared = len(node.input) > _BIAS
        bias = self.constants[node.input[_BIAS]] if shared else np.zeros(weight.shape[1])
        if bias.shape != weight.shape[1:]:
            return None
        return Product(weight, bias.astype(np.float64))

    def made(self, name: str) -> tuple[onnx.NodeProto, Product] | None:
        """The product that makes a value, if one does."""
        maker = self.makers.get(name)
        found = None if maker is None else self.product(maker)
        return None if maker is None or found is None else (maker, found)

    def write(self, node: onnx.NodeProto, found: Product, source: str) -> None:
        """Make a Gemm compute a product of another value, with weights of its own."""
        names = [f"val_{node.output[0]}_{kind}" for kind in ("weight", "bias")]
        for name, value in zip(names, (found.weight, found.bias), strict=True):
            self.keep(name, value)
        node.input[:] = [source, *names]
        del node.attribute[:]

    def keep(self, name: str, value: Doubles) -> None:
        """Store a constant under a name, over what was there."""
        for tensor in [t for t in self.proto.initializer if t.name == name]:
            self.proto.initializer.remove(tensor)
        array = np.ascontiguousarray(value, dtype=np.float32)
        self.proto.initializer.append(numpy_helper.from_array(array, name))

    def skip(self, node: onnx.NodeProto, source: str) -> None:
        """Remove a node whose readers are to read another value."""
        for reader in self.readers(node.output[0]):
            reader.input[:] = [source if n == node.output[0] else n for n in reader.input]
        self.proto.node.remove(node)

    def convolutions(self, name: str) -> list[onnx.NodeProto]:
        """What convolves a value with constant weights; none if anything else reads it."""
        found: list[onnx.NodeProto] = []
        for reader in self.readers(name):
            through = reader.op_type in MOVES
            last = reader.op_type == "Conv" and reader.input[1] in self.constants
            inner = self.convolutions(reader.output[0]) if through else [reader] * last
            if not inner or reader.input[0] != name:
                return []
            found += inner
        return [] if name in self.outputs else found


_BIAS = 2
MOVES = ("Reshape", "Transpose")
AFFINE: Mapping[str, Callable[[Doubles], Affine]] = {
    "Add": lambda c: Affine(np.ones(1), c),
    "Sub": lambda c: Affine(np.ones(1), -c),
    "Mul": lambda c: Affine(c, np.zeros(1)),
    "Div": lambda c: Affine(1 / c, np.zeros(1)),
}


def _flat(constant: Array) -> bool:
    """Whether a constant varies along the last axis at most, and is a float."""
    return constant.dtype == np.float32 and constant.size == max(constant.shape[-1:], default=1)


def _doubles(constant: Array) -> Doubles:
    return constant.astype(np.float64).reshape(-1)


def _idle(graph: _Graph) -> bool:
    """Drop a node that changes nothing."""
    for node in graph.proto.node:
        found = graph.affine(node)
        if found and found[1].nothing and node.output[0] not in graph.outputs:
            graph.skip(node, found[0])
            return True
    return False


def _scaled_before(graph: _Graph) -> bool:
    """Fold what is done to a product's input into its weights."""
    for node, found, source in _affines(graph):
        readers = graph.readers(node.output[0])
        products = [graph.product(reader) for reader in readers]
        taken = all(r.input[0] == node.output[0] for r in readers)
        if readers and taken and all(products) and node.output[0] not in graph.outputs:
            if not all(product is not None and product.takes(found) for product in products):
                continue
            for reader, product in zip(readers, products, strict=True):
                assert product is not None
                graph.write(reader, product.after(found), source)
            graph.proto.node.remove(node)
            return True
    return False


def _scaled_convolution(graph: _Graph) -> bool:
    """Fold one factor of a convolution's whole input into its weights: padding stays zero."""
    for node, found, source in _affines(graph):
        readers = graph.convolutions(node.output[0])
        if readers and found.factor.size == 1 and not found.shift.any():
            for reader in readers:
                name = f"val_{reader.output[0]}_weight"
                graph.keep(name, graph.constants[reader.input[1]] * found.factor)
                reader.input[1] = name
            graph.skip(node, source)
            return True
    return False


def _scaled_after(graph: _Graph) -> bool:
    """Fold what is done to a product's output into its weights."""
    for node, found, source in _affines(graph):
        made = graph.made(source)
        if made is None or not graph.private(source):
            continue
        maker, product = made
        fits = max(found.factor.size, found.shift.size) in (1, product.bias.size)
        if fits and product.bears(found):
            graph.proto.node.remove(node)
            maker.output[0] = node.output[0]
            graph.write(maker, product.before(found), maker.input[0])
            return True
    return False


def _scaled_part(graph: _Graph) -> bool:
    """Fold what is done to one part of a product's output into those columns of its weights."""
    for node, found, source in _affines(graph):
        split = graph.makers.get(source)
        if split is None or split.op_type != "Split" or not graph.private(source):
            continue
        made, index = graph.made(split.input[0]), list(split.output).index(source)
        part = _part(graph, split, index, len(made[1].bias)) if made else None
        if made is None or part is None or not graph.private(split.input[0]):
            continue
        if max(found.factor.size, found.shift.size) not in (1, part.stop - part.start):
            continue
        maker, product = made
        factor, shift = np.ones(len(product.bias)), np.zeros(len(product.bias))
        factor[part], shift[part] = found.factor, found.shift
        if not product.bears(Affine(factor, shift)):
            continue
        graph.proto.node.remove(node)
        split.output[index] = node.output[0]
        graph.write(maker, product.before(Affine(factor, shift)), maker.input[0])
        return True
    return False


def _cut(graph: _Graph) -> bool:
    """Leave those outputs of a product away of which nothing is used."""
    for node in [n for n in graph.proto.node if n.op_type == "Split"]:
        used = [i for i, n in enumerate(node.output) if graph.readers(n) or n in graph.outputs]
        made = graph.made(node.input[0])
        if made is None or len(used) != 1:
            continue
        maker, product = made
        part = _part(graph, node, used[0], len(product.bias))
        if part is None or not graph.private(node.input[0]):
            continue
        graph.proto.node.remove(node)
        maker.output[0] = node.output[used[0]]
        less = Product(product.weight[:, part], product.bias[part])
        graph.write(maker, less, maker.input[0])
        return True
    return False


def _part(graph: _Graph, node: onnx.NodeProto, index: int, width: int) -> slice | None:
    """Which columns of a matrix an output of a Split has; None where it cuts otherwise."""
    given = {a.name: a.i for a in node.attribute}
    if given.get("axis", 0) not in (-1, 1):
        return None
    if len(node.input) > 1:
        sizes = graph.constants.get(node.input[1])
        if sizes is None:
            return None
        ends = np.cumsum([0, *sizes])
    else:
        each = -(-width // given.get("num_outputs", len(node.output)))
        ends = np.minimum(each * np.arange(len(node.output) + 1), width)
    return slice(int(ends[index]), int(ends[index + 1]))


def _affines(graph: _Graph) -> Iterator[tuple[onnx.NodeProto, Affine, str]]:
    for node in list(graph.proto.node):
        found = graph.affine(node)
        if found:
            yield node, found[1], found[0]


RULES: tuple[Callable[[_Graph], bool], ...] = (
    _idle,
    _cut,
    _scaled_before,
    _scaled_convolution,
    _scaled_after,
    _scaled_part,
)
"""Each changes one thing and says whether it did."""


def _prune(proto: onnx.GraphProto) -> None:
    """Drop constants and descriptions of values that nothing reads any more."""
    read = {name for node in proto.node for name in node.input}
    made = {name for node in proto.node for name in node.output}
    for tensor in [t for t in proto.initializer if t.name not in read]:
        proto.initializer.remove(tensor)
    for value in [v for v in proto.value_info if v.name not in made]:
        proto.value_info.remove(value)

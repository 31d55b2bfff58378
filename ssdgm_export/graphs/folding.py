"""Constant arithmetic around matrix products goes into their weights.

Scaling before a product, a temperature after it, outputs of it that nobody uses: each is a node
that a small model waits for, and none is needed. Weights are combined in float64 and rounded once.
What a graph computes stays the same but for that rounding, see `products`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes import common

from ssdgm_export.graphs.products import Affine, Doubles, Product

Array = NDArray[Any]
Rule = Callable[[ir.Node], bool]
AffineRule = Callable[[ir.Node, ir.Value, Affine], bool]

MOVES = ("Reshape", "Transpose")
AFFINE: Mapping[str, Callable[[Doubles], Affine]] = {
    "Add": lambda c: Affine(np.ones(1), c),
    "Sub": lambda c: Affine(np.ones(1), -c),
    "Mul": lambda c: Affine(c, np.zeros(1)),
    "Div": lambda c: Affine(1 / c, np.zeros(1)),
}
COMMUTE = ("Add", "Mul")


def fold(model: ir.Model) -> None:
    """Simplify a model in place until no rule changes anything."""
    while any(rule(node) for rule in RULES for node in model.graph):
        pass
    common.RemoveUnusedNodesPass()(model)


def _of_affine(rule: AffineRule) -> Rule:
    """A rule for elementwise nodes with one constant: it gets what they read and what they do."""

    def applied(node: ir.Node) -> bool:
        read = _affine(node)
        return read is not None and rule(node, *read)

    return applied


@_of_affine
def _idle(node: ir.Node, source: ir.Value, affine: Affine) -> bool:
    """Drop a node that changes nothing."""
    if not affine.nothing or node.outputs[0].is_graph_output():
        return False
    return _skip(node, source)


def _cut(node: ir.Node) -> bool:
    """Leave those outputs of a product away of which nothing is used."""
    used = [i for i, v in enumerate(node.outputs) if v.uses() or v.is_graph_output()]
    split = _split(node.outputs[used[0]]) if len(used) == 1 else None
    if split is None:
        return False
    maker, product, part = split
    _replace(node.outputs[used[0]], maker.outputs[0])
    return _write(maker, Product(product.weight[:, part], product.bias[part]), maker.inputs[0])


@_of_affine
def _scaled_before(node: ir.Node, source: ir.Value, affine: Affine) -> bool:
    """Fold what is done to a product's input into its weights."""
    value = node.outputs[0]
    products = [(reader, _product(reader)) for reader in value.consumers()]
    taking = [(reader, p) for reader, p in products if p is not None and p.takes(affine)]
    if not taking or len(taking) < len(products) or value.is_graph_output():
        return False
    for reader, product in taking:
        _write(reader, product.after(affine), source)
    return _remove(node)


@_of_affine
def _scaled_convolution(node: ir.Node, source: ir.Value, affine: Affine) -> bool:
    """Fold one factor of a convolution's whole input into its weights: padding stays zero."""
    convolutions = _convolutions(node.outputs[0])
    if not convolutions or affine.factor.size != 1 or affine.shift.any():
        return False
    for convolution, weight in convolutions:
        _store(convolution, 1, weight * affine.factor)
    return _skip(node, source)


@_of_affine
def _scaled_after(node: ir.Node, source: ir.Value, affine: Affine) -> bool:
    """Fold what is done to a product's output into its weights."""
    maker = source.producer()
    product = _product(maker)
    if maker is None or product is None or not _private(source):
        return False
    if not affine.fits(product.bias.size) or not product.bears(affine):
        return False
    _replace(node.outputs[0], source)
    return _write(maker, product.before(affine), maker.inputs[0])


@_of_affine
def _scaled_part(node: ir.Node, source: ir.Value, affine: Affine) -> bool:
    """Fold what is done to one part of a product's output into those columns of its weights."""
    split = _split(source) if _private(source) else None
    if split is None or not affine.fits(split[2].stop - split[2].start):
        return False
    maker, product, part = split
    factor, shift = np.ones(product.bias.size), np.zeros(product.bias.size)
    factor[part], shift[part] = affine.factor, affine.shift
    if not product.bears(Affine(factor, shift)):
        return False
    _replace(node.outputs[0], source)
    return _write(maker, product.before(Affine(factor, shift)), maker.inputs[0])


def _filled(node: ir.Node) -> bool:
    """Hold a constant of a shape that is known, instead of computing it."""
    shape = _constant(node.inputs[0]) if node.op_type == "ConstantOfShape" else None
    if shape is None or node.graph is None or node.outputs[0].is_graph_output():
        return False
    given = node.attributes.get("value")
    value = np.zeros(1, np.float32) if given is None else given.as_tensor().numpy()
    whole = np.full(shape.astype(np.int64), value[0], value.dtype)
    name = f"{node.outputs[0].name}_filled"
    constant = ir.Value(name=name, const_value=ir.tensor(whole, name=name))
    node.graph.initializers.add(constant)
    return _skip(node, constant)


RULES: tuple[Rule, ...] = (
    _filled,
    _idle,
    _cut,
    _scaled_before,
    _scaled_convolution,
    _scaled_after,
    _scaled_part,
)
"""Each changes one thing and says whether it did."""


def _constant(value: ir.Value | None) -> Array | None:
    tensor = None if value is None else ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def _private(value: ir.Value) -> bool:
    """Whether it is read but once, and no output of the graph."""
    return len(value.uses()) == 1 and not value.is_graph_output()


def _affine(node: ir.Node) -> tuple[ir.Value, Affine] | None:
    """What an elementwise node with one constant reads and does; None for any other node."""
    if node.op_type not in AFFINE:
        return None
    value, other = node.inputs
    if node.op_type in COMMUTE and _constant(other) is None:
        value, other = other, value
    constant = _constant(other)
    if value is None or constant is None or _constant(value) is not None:
        return None
    # a float that varies along the last axis at most
    if constant.dtype != np.float32 or constant.size != max(constant.shape[-1:], default=1):
        return None
    return value, AFFINE[node.op_type](constant.astype(np.float64).reshape(-1))


def _product(node: ir.Node | None) -> Product | None:
    """A Gemm with constant weights; None for any other node."""
    if node is None or node.op_type != "Gemm":
        return None
    given = node.attributes
    plain = given.get_float("alpha", 1.0) == given.get_float("beta", 1.0) == 1
    constants = [_constant(value) for value in node.inputs[1:]]
    if not plain or given.get_int("transA") or any(c is None for c in constants):
        return None
    weight, *rest = (c.astype(np.float64) for c in constants if c is not None)
    weight = weight.T if given.get_int("transB") else weight
    bias = rest[0] if rest else np.zeros(weight.shape[1])
    return Product(weight, bias) if bias.shape == weight.shape[1:] else None


def _convolutions(value: ir.Value) -> list[tuple[ir.Node, Array]]:
    """What convolves a value with constant weights; none if anything else reads it."""
    convolutions: list[tuple[ir.Node, Array]] = []
    for node, index in value.uses():
        weight = _constant(node.inputs[1]) if node.op_type == "Conv" else None
        own = [] if weight is None else [(node, weight)]
        inner = _convolutions(node.outputs[0]) if node.op_type in MOVES else own
        if not inner or index != 0:
            return []
        convolutions += inner
    return [] if value.is_graph_output() else convolutions


def _split(value: ir.Value) -> tuple[ir.Node, Product, slice] | None:
    """The product of which a value is one part, and its columns; None for any other value."""
    node, index = value.producer(), value.index()
    if node is None or index is None or node.op_type != "Split":
        return None
    whole = node.inputs[0]
    maker = None if whole is None or not _private(whole) else whole.producer()
    product = _product(maker)
    if maker is None or product is None or node.attributes.get_int("axis", 0) not in (-1, 1):
        return None
    ends = _ends(node, product.bias.size)
    return None if ends is None else (maker, product, slice(ends[index], ends[index + 1]))


def _ends(node: ir.Node, width: int) -> list[int] | None:
    """Where a Split cuts so many columns; None where that is not constant."""
    count = len(node.outputs)
    if len(node.inputs) > 1:
        sizes = _constant(node.inputs[1])
        return None if sizes is None else [0, *np.cumsum(sizes).tolist()]
    each = -(-width // node.attributes.get_int("num_outputs", count))
    return [min(each * i, width) for i in range(count + 1)]


def _write(node: ir.Node, product: Product, source: ir.Value | None) -> bool:
    """Make a Gemm compute a product of a value, with weights of its own."""
    node.attributes.clear()
    node.resize_inputs(3)
    node.replace_input_with(0, source)
    _store(node, 1, product.weight)
    _store(node, 2, product.bias)
    return True


def _store(node: ir.Node, index: int, array: Doubles) -> None:
    """Give a node a constant of its own as one of its inputs."""
    assert node.graph is not None
    name = f"val_{node.outputs[0].name}_{index}"
    node.graph.initializers.pop(name, None)
    tensor = ir.tensor(np.ascontiguousarray(array, dtype=np.float32), name=name)
    constant = ir.Value(name=name, const_value=tensor)
    node.graph.initializers.add(constant)
    node.replace_input_with(index, constant)


def _skip(node: ir.Node, source: ir.Value) -> bool:
    """Remove a node whose readers are to read what it reads."""
    ir.convenience.replace_all_uses_with(node.outputs[0], source)
    return _remove(node)


def _replace(old: ir.Value, new: ir.Value) -> None:
    """Put a value in the place of another, under its name; the node that made that one goes."""
    ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
    new.name, new.type, new.shape = old.name, old.type, old.shape
    maker = old.producer()
    assert maker is not None
    _remove(maker)


def _remove(node: ir.Node) -> bool:
    assert node.graph is not None
    node.graph.remove(node, safe=True)
    return True

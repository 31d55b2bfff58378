"""What nodes make of constants alone, which the engine computes while it opens a graph.

That is before any limit of a call holds, so how much it may be is bounded here, from above: by the
shapes that are known, and else by how many numbers go in.
"""

import math
from typing import Any

from ssdgm_runtime.bundle.graph import limits, tensors, wire

_WORDS = {
    "kept": "Abs Neg Sign Relu Clip Identity Cast Sqrt Exp Log Reciprocal Floor Ceil Round Sin Cos"
    " Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Erf LeakyRelu Elu Selu Celu Sigmoid"
    " HardSigmoid HardSwish Softplus Softsign ThresholdedRelu Mish Softmax LogSoftmax Hardmax Not"
    " IsNaN IsInf CastLike QuantizeLinear DequantizeLinear CumSum Trilu ScatterElements ScatterND",
    "fewer": "Reshape Transpose Split Slice Squeeze Unsqueeze Flatten DepthToSpace SpaceToDepth"
    " ReduceSum ReduceMax ReduceMin ReduceMean ReduceProd ReduceL1 ReduceL2 ReduceLogSum"
    " ReduceLogSumExp ReduceSumSquare ArgMax ArgMin TopK Shape Size BatchNormalization"
    " LpNormalization",
    "together": "Add Sub Mul Div Pow Min Max Sum Mean Where PRelu And Or Xor Equal Less Greater"
    " LessOrEqual GreaterOrEqual",
    "by value": "Expand Tile Range OneHot ConstantOfShape Pad Resize",
}
"""What an output is like: of the first input's shape; of at most as many numbers; of the shape to
which the inputs are broadcast; as large as an input says. Of others the numbers multiply."""
_WAYS = {name: way for way, names in _WORDS.items() for name in names.split()}

Shape = list[int] | int
"""A shape, or where it is not known how many numbers there are at most."""


class Constants:
    """The constants of a file, by name, in the order in which they are told of."""

    def __init__(self) -> None:
        self._shapes: dict[str, Shape] = {}

    def tensor(self, file: wire.File, name: str, tensor: wire.Message) -> None:
        """Note a tensor that is in the file."""
        self._shapes[name] = tensors.lengths(file, tensor.all(1))

    def literal(self, name: str, numbers: list[int | wire.Span]) -> None:
        """Note a constant whose numbers are an attribute's, or in spans of at most as many."""
        self._shapes[name] = sum(1 if isinstance(n, int) else n[1] - n[0] for n in numbers)

    def node(self, operator: str, inputs: list[str], outputs: list[str]) -> None:
        """Note what a node makes, if it is of constants alone.

        Raises:
            Odd: It may be more than `limits.FOLDED` numbers, or as many as a number says.
        """
        there = [self._shapes.get(name) for name in inputs if name]
        given: list[Any] = [shape for shape in there if shape is not None]
        if len(given) < len(there) or not given:
            return
        if _WAYS.get(operator) == "by value":
            raise wire.Odd(f"a node {operator} computes a constant, which the file should hold")
        shape = _made(operator, given)
        if _count(shape) > limits.FOLDED:
            raise wire.Odd(
                f"a node {operator[:80]} makes {_count(shape)} numbers of constants, "
                f"more than {limits.FOLDED}"
            )
        self._shapes.update(dict.fromkeys(outputs, shape))


def _made(operator: str, given: list[Shape]) -> Shape:
    way = _WAYS.get(operator)
    if way in ("kept", "fewer"):
        return given[0] if way == "kept" else _count(given[0])
    if operator == "Concat":
        return sum(map(_count, given))
    if way == "together" and all(isinstance(shape, list) for shape in given):
        return _broadcast(given)  # type: ignore[arg-type]
    return math.prod(max(1, _count(shape)) for shape in given)


def _broadcast(shapes: list[list[int]]) -> list[int]:
    rank = max(map(len, shapes))
    padded = [[1] * (rank - len(shape)) + shape for shape in shapes]
    return [max(lengths) for lengths in zip(*padded, strict=True)]


def _count(shape: Shape) -> int:
    return math.prod(shape) if isinstance(shape, list) else shape

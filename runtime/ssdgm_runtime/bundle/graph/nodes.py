"""Nodes of a graph: operators that are allowed, with attributes that the engine survives.

The engine divides whole numbers without a look at them: the smallest by -1, or any by 0, ends the
process, as soon as a session is made where both are constants. So what `Div` divides must be
floating point, which is followed from the inputs through the nodes.
"""

from typing import Any

from ssdgm_runtime.bundle.graph import constants, limits, operators, tensors, wire
from ssdgm_runtime.bundle.graph.operators import FLOAT, SAME, TRUTH, WHOLE

_CONSTANTS = ("Constant", "ConstantOfShape")
_HIGH = 1 << 63


class Forbidden(ValueError):
    """An operator that is not allowed: its name, as a caller would allow it."""


class Nodes:
    """A walk over the nodes of a file, from the first to the last.

    Args:
        file: The file.
        more: Operators that the caller allows beside ours.
    """

    def __init__(self, file: wire.File, more: tuple[str, ...]) -> None:
        self._file, self._more = file, more
        self._kinds: dict[str, str] = {}  # of values by name; those not known are not there
        self._constants = constants.Constants()
        self._count = self._tensors = 0

    def graph(self, graph: wire.Message) -> None:
        """Check a graph and those within it.

        Raises:
            Odd: It is too large, or a node is not as it should be.
            Forbidden: An operator is not allowed.
        """
        if graph.all(15):
            raise wire.Odd("it has sparse tensors, which take more memory than bytes")
        for tensor in graph.all(5):
            self._tensors += 1
            if self._tensors > limits.INITIALISERS:
                raise wire.Odd(f"it has more than {limits.INITIALISERS} initialisers")
            tensors.check(self._file, tensor)
            name = self._define(tensor.one(8), _kind(tensor.one(2)))
            self._constants.tensor(self._file, name, tensor)
        for value in graph.all(11):
            arrays = [array for typed in value.all(2) for array in typed.all(1)]
            self._define(value.one(1), _kind(arrays[0].one(1)) if arrays else "")
        for node in graph.all(1):
            self._node(node)

    def _node(self, node: wire.Message) -> None:
        self._count += 1
        if self._count > limits.NODES:
            raise wire.Odd(f"it has more than {limits.NODES} nodes")
        text = self._file.text
        name, domain = text(node.one(4)), text(node.one(7))
        if not operators.allowed(domain, name, self._more):
            raise Forbidden(name if domain in operators.DOMAINS else f"{domain}:{name}")
        inputs = [text(span) for span in node.all(1)]
        if name == "LayerNormalization" and not all(inputs):  # it would read past their end
            raise wire.Odd("a LayerNormalization has an input without a name")
        kinds = [self._kinds.get(source, "") for source in inputs]
        if name == "Div" and set(kinds) != {FLOAT}:
            raise wire.Odd("it divides what may be whole numbers, which can end the process")
        attributes = self._attributes(node, name)
        kind = _given(name, kinds, attributes)
        outputs = [
            self._define(span, WHOLE if place and name in operators.INDICES else kind)
            for place, span in enumerate(node.all(2))
        ]
        if name == "Constant":
            self._constant(outputs, list(attributes.values()))
        else:
            self._constants.node(name, inputs, outputs)

    def _constant(self, outputs: list[str], attributes: list[wire.Message]) -> None:
        for output, attribute in zip(outputs, attributes, strict=False):
            for tensor in attribute.all(5):
                self._constants.tensor(self._file, output, tensor)
            numbers = [n for field in (2, 3, 7, 8) for n in attribute.all(field)]
            if numbers:
                self._constants.literal(output, numbers)

    def _define(self, span: wire.Span, kind: str) -> str:
        """Note what a value holds; two of one name would be one to us and two to the engine."""
        name = self._file.text(span)
        if name and name in self._kinds:
            raise wire.Odd(f"it has two values of the name {name[:80]!r}")
        self._kinds[name] = kind
        return name

    def _attributes(self, node: wire.Message, operator: str) -> dict[str, wire.Message]:
        attributes: dict[str, wire.Message] = {}
        for attribute in node.all(5):
            name = self._file.text(attribute.one(1))
            if name in attributes:
                raise wire.Odd(f"a node {operator[:80]} has the attribute {name[:80]!r} twice")
            attributes[name] = attribute
            self._attribute(attribute, name, operator)
        return attributes

    def _attribute(self, attribute: wire.Message, name: str, operator: str) -> None:
        values = attribute.values
        if not values.keys().isdisjoint((10, 14, 15, 21, 22, 23)):
            raise wire.Odd(f"a node {operator[:80]} has an attribute {name[:80]!r} of an odd type")
        for tensor in attribute.all(5):
            tensors.check(self._file, tensor)
        for inner in (*attribute.all(6), *attribute.all(11)):
            if operator not in self._more:
                raise Forbidden(operator)
            self.graph(inner)
        if operator in _CONSTANTS:
            if attribute.all(4) or attribute.all(9):
                raise wire.Odd(f"a node {operator} gives text")
            return
        for entry in (*attribute.all(3), *attribute.all(8)):
            for number in self._numbers(entry):
                _check_whole(number, name, operator)

    def _numbers(self, entry: int | wire.Span) -> list[int]:
        if isinstance(entry, int):
            return [entry]
        return tensors.whole(self._file, entry, limits.WHOLE)


def _check_whole(number: int, name: str, operator: str) -> None:
    signed = number - 2 * _HIGH if number >= _HIGH else number
    least = 1 if name in operators.POSITIVE else 0 if name in operators.NATURAL else -limits.WHOLE
    if not least <= signed <= limits.WHOLE:
        raise wire.Odd(
            f"{name[:80]} of a node {operator[:80]} is {signed}, "
            f"and not from {least} to {limits.WHOLE}"
        )
    if operator == "Cast" and name == "to" and signed not in operators.TYPES:
        raise wire.Odd(f"a Cast gives type {signed}, which is neither numbers nor booleans")


def _given(name: str, kinds: list[str], attributes: dict[str, wire.Message]) -> str:
    """What a node gives, or nothing where that is not known."""
    kind = operators.GIVES.get(name, "")
    if kind == SAME:  # a variadic operator has inputs of one type; some of which may be unknown
        return kinds[0] if kinds else ""
    if kind == "to":
        return _kind(_integer(attributes.get("to")))
    if name in ("Where", "CastLike", "OneHot"):  # by their second, second and third input
        place = 2 if name == "OneHot" else 1
        return kinds[place] if len(kinds) > place else ""
    if name in _CONSTANTS:
        return _constant(name, attributes)
    return kind


def _constant(name: str, attributes: dict[str, wire.Message]) -> str:
    if {"value_float", "value_floats"} & attributes.keys():
        return FLOAT
    value = attributes.get("value")
    tensor: Any = value.one(5) if value else 0
    if tensor:
        return _kind(tensor.one(2))
    return FLOAT if name == "ConstantOfShape" else ""


def _integer(attribute: wire.Message | None) -> int:
    return int(attribute.one(3)) if attribute else 0


def _kind(type_: int) -> str:
    """One word for a type of TensorProto."""
    if type_ in operators.FLOATS:
        return FLOAT
    return TRUTH if type_ == 9 else WHOLE

"""The messages of onnx.proto up to IR version 10, as `wire` needs them.

A message has its fields as `number:type`. A type is a scalar's or the name of a message below;
`*` marks a field that may be there any number of times, `^` one of which a message has one at
most. `text` is a name or a sentence, `bytes` are anything. `external` and `location` are the two
fields that place a tensor's values in another file.
"""

from functools import cache

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; those of groups are not among them, so a group is no field."""

MESSAGES = {
    "model": "1:int64 2:text 3:text 4:text 5:int64 6:text 7:graph 8:opset* 14:entry*"
    " 20:training* 25:function*",
    "opset": "1:text 2:int64",
    "entry": "1:text 2:text",
    "training": "1:graph 2:graph 3:entry* 4:entry*",
    "function": "1:text 4:text* 5:text* 6:text* 7:node* 8:text 9:opset* 10:text"
    " 11:attribute* 12:value* 13:text 14:entry*",
    "graph": "1:node* 2:text 5:tensor* 10:text 11:value* 12:value* 13:value* 14:annotation*"
    " 15:sparse* 16:entry*",
    "node": "1:text* 2:text* 3:text 4:text 5:attribute* 6:text 7:text 8:text 9:entry*",
    "attribute": "1:text 2:float 3:int64 4:bytes 5:tensor 6:graph 7:float* 8:int64* 9:bytes*"
    " 10:tensor* 11:graph* 13:text 14:type 15:type* 20:int32 21:text 22:sparse 23:sparse*",
    "tensor": "1:int64* 2:int32 3:segment 4:float* 5:int32* 6:bytes* 7:int64* 8:text 9:bytes"
    " 10:double* 11:int64* 12:text 13:external* 14:location 16:entry*",
    "segment": "1:int64 2:int64",
    "sparse": "1:tensor 2:tensor 3:int64*",
    "annotation": "1:text 2:entry*",
    "value": "1:text 2:type 3:text 4:entry*",
    "type": "1:array^ 4:nested^ 5:map^ 6:text 7:opaque^ 8:array^ 9:nested^",
    "array": "1:int32 2:shape",
    "nested": "1:type",
    "map": "1:int32 2:type",
    "opaque": "1:text 2:text",
    "shape": "1:dimension*",
    "dimension": "1:int64^ 2:text^ 3:text",
}
_WIRES = {
    "int64": VARINT,
    "int32": VARINT,
    "location": VARINT,
    "float": FIXED32,
    "double": FIXED64,
}


class Field:
    """What may follow a tag.

    Attributes:
        wire: How its value is stored.
        type: The scalar's or message's name; several scalars in one go are `packed NAME`.
        inside: The type, if it is a message.
        once: A bit that no other field of the message has, but for those of which there is one at
            most; 0 where the field may be there again.
        number: The field's number.
    """

    __slots__ = ("inside", "number", "once", "type", "wire")

    def __init__(self, wire: int, type_: str, inside: str, once: int, number: int) -> None:
        self.wire, self.type, self.inside = wire, type_, inside
        self.once, self.number = once, number


@cache
def of(message: str) -> dict[int, Field]:
    """What may follow each tag of a message.

    Whatever is not here is no field: an engine may know what we do not.
    """
    fields = {}
    for bit, word in enumerate(MESSAGES[message].split(), 1):
        number, _, marked = word.partition(":")
        name = marked.rstrip("*^")
        once = {"*": 0, "^": 1}.get(marked[-1], 1 << bit)
        wire = _WIRES.get(name, BYTES)
        inside = name if name in MESSAGES else ""
        fields[int(number) << 3 | wire] = Field(wire, name, inside, once, int(number))
        if wire != BYTES and not once:  # repeated numbers are written in both ways
            fields[int(number) << 3 | BYTES] = Field(BYTES, f"packed {name}", "", 0, int(number))
    return fields

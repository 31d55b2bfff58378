"""Protobuf's wire format taken apart and put together again, also as no serialiser would write it.

It knows nothing of the reader's own walk: which fields hold messages it is told by onnx.
"""

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Kind = object
"""A message's descriptor, as onnx has it."""


def varint(value: int, more: int = 0) -> bytes:
    """A number, in so many bytes more than it takes."""
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    data.append(value)
    for _ in range(more):
        data[-1] |= 128
        data.append(0)
    return bytes(data)


def number(field: int, value: int) -> bytes:
    """A field with a number."""
    return varint(field << 3) + varint(value)


def message(field: int, body: bytes, high: int = 0) -> bytes:
    """A field with bytes, its tag with these bits above the 32 that a tag has."""
    return varint(field << 3 | BYTES | high << 32) + varint(len(body)) + body


@dataclass
class Field:
    """A field of a message.

    Attributes:
        tag: Its tag.
        value: A number, bytes, or the fields of a message.
        more: Needless bytes of the tag, and of the number or length.
    """

    tag: int
    value: "int | bytes | list[Field]"
    more: tuple[int, int] = (0, 0)

    @property
    def numbers(self) -> int:
        """How many varints it is written with, its message's own left out."""
        return 1 if self.tag & 7 in (FIXED32, FIXED64) else 2


def read(data: bytes, kind: Kind) -> list[Field]:
    """The fields of a message, down to the last."""
    found, at = [], 0
    while at < len(data):
        tag, at = _number(data, at)
        value: int | bytes | list[Field]
        if tag & 7 == VARINT:
            value, at = _number(data, at)
        else:
            size, at = (
                _number(data, at) if tag & 7 == BYTES else ({FIXED64: 8, FIXED32: 4}[tag & 7], at)
            )
            value, at = data[at : at + size], at + size
            inside = kind.fields_by_number[tag >> 3].message_type
            value = read(value, inside) if inside else value
        found.append(Field(tag, value))
    return found


def write(fields: list[Field]) -> bytes:
    """The bytes of a message."""
    return b"".join(_field(field) for field in fields)


def walk(fields: list[Field]) -> Iterator[Field]:
    """Every field, those of messages inside too."""
    for field in fields:
        yield field
        if isinstance(field.value, list):
            yield from walk(field.value)


def _field(field: Field) -> bytes:
    tag = varint(field.tag, field.more[0])
    if isinstance(field.value, int):
        return tag + varint(field.value, field.more[1])
    body = write(field.value) if isinstance(field.value, list) else field.value
    return tag + (varint(len(body), field.more[1]) if field.tag & 7 == BYTES else b"") + body


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            break
    return value, at

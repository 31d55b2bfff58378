"""The bytes of an ONNX file as a small tree, where there is one way to read them.

The engine has a protobuf parser of its own, which drops the high bits of a tag or of an enum,
joins messages that are given twice and passes over what it does not know. So that it cannot find
in the bytes what is not found here, only what a serialiser writes is accepted
(https://protobuf.dev/programming-guides/encoding): fields of `fields` in their own wire types,
varints without needless bytes that fit their type, lengths that fit, nothing twice that is there
once. Every message is read, whether it leads to anything or not.

Values stay where they are: the tree has whole numbers, and where in the file the bytes of
everything else are.
"""

from typing import Any

from ssdgm_runtime.bundle.graph import fields, limits

Span = tuple[int, int]
"""Where bytes begin and end."""

_INT32S = (1 << 31, (1 << 64) - (1 << 31))  # below, or from: negative ones take 64 bits
_PACKED = {
    "packed int64": rb"(?:[\x00-\x7f]|[\x80-\xff]{1,8}[\x01-\x7f]|[\x80-\xff]{9}\x01)*+",
    "packed int32": rb"(?:[\x00-\x7f]|[\x80-\xff]{1,3}[\x01-\x7f]|[\x80-\xff]{4}[\x01-\x07]"
    rb"|[\x80-\xff]{4}[\xf8-\xff]\xff{4}\x01)*+",
    "packed float": rb"(?s:.{4})*+",
    "packed double": rb"(?s:.{8})*+",
}
"""What stands for numbers in one go."""


class Odd(ValueError):
    """The bytes are not what a serialiser writes, or are too many."""


class Elsewhere(ValueError):
    """A tensor has its values in another file."""


class Message:
    """A message of a kind of `fields`.

    Attributes:
        kind: Which.
        values: By the number of a field what is there, in turn: a whole number as it is written,
            from 0 to below 2^64; a message; for all else its bytes' place.
    """

    __slots__ = ("kind", "values")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.values: dict[int, list[Any]] = {}

    def all(self, number: int) -> list[Any]:
        """What a field that may be repeated has."""
        return self.values.get(number, [])

    def one(self, number: int, default: int = 0) -> Any:  # noqa: ANN401  (as the field has it)
        """What a field has that is there once, or else the default."""
        return self.values.get(number, (default,))[0]


class File:
    """An ONNX file, read when it is made.

    Args:
        data: Its bytes.

    Raises:
        Odd: They are no canonical protobuf of ONNX, or more than `limits` has.
        Elsewhere: A tensor has its values in another file.
    """

    def __init__(self, data: bytes) -> None:
        if data[4:8] == b"ORTM":
            raise Odd("it is marked as onnxruntime's own format")
        self.data, self._left = data, limits.FIELDS
        try:
            self.model = self._message("model", 0, len(data), limits.NESTING)
        except IndexError:
            raise Odd("it is cut short") from None

    def text(self, span: Span | int) -> str:
        """What a field of text says; empty where there is none, which is 0."""
        return self.data[span[0] : span[1]].decode() if isinstance(span, tuple) else ""

    def _message(self, kind: str, at: int, end: int, depth: int) -> Message:
        if not depth:
            raise Odd(f"it is nested more than {limits.NESTING} levels deep at byte {at}")
        message, known, seen = Message(kind), fields.of(kind), 0
        data, values = self.data, message.values
        while at < end:
            self._left -= 1
            start, tag = at, data[at]
            tag, at = (tag, at + 1) if tag < 0x80 else _varint(data, at)
            entry = known.get(tag)
            if entry is None or seen & entry.once or self._left < 0:
                raise Odd(self._strange(kind, tag, start, twice=entry is not None))
            seen |= entry.once
            value: Any
            if entry.wire == fields.BYTES:
                value = start, at = _span(data, at, end)
                if entry.inside:
                    value = self._message(entry.inside, start, at, depth - 1)
                elif entry.type != "bytes":
                    _check_bytes(data, start, at, entry.type)
            elif entry.wire == fields.VARINT:
                value, at = _number(data, at, entry.type)
            else:
                value = at, at + (4 if entry.wire == fields.FIXED32 else 8)
                at = value[1]
            values.setdefault(entry.number, []).append(value)
        if at > end:
            raise Odd(f"a field runs over the end of its {kind} at byte {end}")
        return message

    def _strange(self, kind: str, tag: int, at: int, *, twice: bool) -> str:
        if self._left < 0:
            return f"it has more than {limits.FIELDS} fields"
        where = f"field {tag >> 3} of wire type {tag & 7} at byte {at}"
        return (
            f"{where} is there twice in one {kind}" if twice else f"{where} is none of a {kind}'s"
        )


def _span(data: bytes, at: int, end: int) -> Span:
    """Where the value is whose length is here."""
    size, at = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
    if at + size > end:
        raise Odd(f"a length of {size} at byte {at}, where {end - at} bytes are left")
    return at, at + size


def _check_bytes(data: bytes, at: int, stop: int, type_: str) -> None:
    if type_ == "external":
        raise Elsewhere
    if type_ == "text":
        if stop - at > limits.TEXT:
            raise Odd(f"a text of {stop - at} bytes at byte {at}, more than {limits.TEXT}")
        try:
            data[at:stop].decode()
        except UnicodeDecodeError:
            raise Odd(f"a text that is no UTF-8 at byte {at}") from None
    else:
        import re

        if not re.compile(_PACKED[type_]).fullmatch(data, at, stop):
            raise Odd(f"numbers that are not {type_} at byte {at}")


def _number(data: bytes, at: int, type_: str) -> tuple[int, int]:
    """A whole number, and where it ends."""
    value, stop = _varint(data, at)
    if type_ == "location" and value:
        raise Elsewhere  # 1 is EXTERNAL; no other number is anything that an engine should see
    if type_ == "int32" and _INT32S[0] <= value < _INT32S[1]:
        raise Odd(f"the number {value} at byte {at}, which takes more than 32 bits")
    return value, stop


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, start = 0, at
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64 or (shift and not byte):
                break
            return value, at
    raise Odd(f"a number at byte {start} with more bytes or bits than it takes")

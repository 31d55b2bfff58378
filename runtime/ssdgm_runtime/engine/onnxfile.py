"""Is an ONNX file whole in itself, and is there one way to read it? Answered without onnx.

A tensor of an ONNX file may name another file that holds its values (`external_data`, field 13,
and `data_location = EXTERNAL`, field 14 of TensorProto). A graph that is loaded from bytes would
look for that file in the current directory, so a bundle must not have any.

The engine has a protobuf parser of its own, which drops the high bits of a tag or of an enum,
joins messages that are given twice and passes over what it does not know. So that it cannot find
in the bytes what this walk did not, only what a serialiser writes is accepted
(https://protobuf.dev/programming-guides/encoding): fields of `onnxfields` in their own wire types,
varints without needless bytes that fit their type, lengths that fit, nothing twice that is there
once. Every message is walked, whether it leads to a tensor or not.
"""

from collections.abc import Iterator

from ssdgm_runtime import errors
from ssdgm_runtime.engine import onnxfields

_AGAIN = "Convert the run again."
_INT32S = (1 << 31, (1 << 64) - (1 << 31))  # below, or from: negative ones take 64 bits
_PACKED = {
    "packed int64": rb"(?:[\x00-\x7f]|[\x80-\xff]{1,8}[\x01-\x7f]|[\x80-\xff]{9}\x01)*+",
    "packed int32": rb"(?:[\x00-\x7f]|[\x80-\xff]{1,3}[\x01-\x7f]|[\x80-\xff]{4}[\x01-\x07]"
    rb"|[\x80-\xff]{4}[\xf8-\xff]\xff{4}\x01)*+",
    "packed float": rb"(?s:.{4})*+",
    "packed double": rb"(?s:.{8})*+",
}
"""What stands for numbers in one go."""


class _Odd(ValueError):
    """The bytes are not what a serialiser writes."""


class _Elsewhere(ValueError):
    """A tensor has its values in another file."""


def check(data: bytes, name: str) -> None:
    """Refuse a graph that is no ONNX file, that could be read in two ways, or names other files.

    Args:
        data: The file's bytes.
        name: What to call it in a message.

    Raises:
        FormatError: The bytes are no canonical protobuf of ONNX, have no graph, or keep weights
            elsewhere.
    """
    try:
        graphs = [kind for kind in _messages(data) if kind == "graph"]
    except _Elsewhere:
        raise errors.FormatError(
            f"{name} keeps its weights in another file",
            "one file a graph",
            "Save it with external_data=False.",
        ) from None
    except (_Odd, IndexError) as error:
        why = error if isinstance(error, _Odd) else "it is cut short"
        raise errors.FormatError(
            f"{name} is not an ONNX file as a serialiser writes it, IR version 10 or less: {why}",
            mend=_AGAIN,
        ) from None
    if not graphs:
        raise errors.FormatError(f"{name} has no graph", "an ONNX model", _AGAIN)


def _messages(data: bytes) -> Iterator[str]:
    """Walk all messages and name each; nothing of a message is passed over."""
    if data[4:8] == b"ORTM":
        raise _Odd("it is marked as onnxruntime's own format")
    waiting = [("model", 0, len(data))]
    while waiting:
        kind, at, end = waiting.pop()
        yield kind
        fields, seen = onnxfields.FIELDS[kind], 0
        while at < end:
            start, tag = at, data[at]
            tag, at = (tag, at + 1) if tag < 0x80 else _varint(data, at)
            field = fields.get(tag)
            if field is None or seen & field.once:
                raise _Odd(_strange(kind, tag, start, twice=field is not None))
            seen |= field.once
            start, at = _value(data, at, end, field)
            if field.inside:
                waiting.append((field.inside, start, at))
        if at > end:
            raise _Odd(f"a field runs over the end of its {kind} at byte {end}")


def _value(data: bytes, at: int, end: int, field: onnxfields.Field) -> tuple[int, int]:
    """Where the value that begins here begins in truth, behind a length, and where it ends."""
    wire = field.wire
    if wire == onnxfields.BYTES:
        size, at = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
        stop = at + size
        if stop > end:
            raise _Odd(f"a length of {size} at byte {at}, where {end - at} bytes are left")
        if not field.inside:
            _check_bytes(data, at, stop, field.type)
        return at, stop
    if wire == onnxfields.VARINT:
        value, stop = _varint(data, at)
        _check_number(value, at, field.type)
        return at, stop
    return at, at + (4 if wire == onnxfields.FIXED32 else 8)


def _check_bytes(data: bytes, at: int, stop: int, type_: str) -> None:
    if type_ == "external":
        raise _Elsewhere
    if type_ != "bytes":
        import re

        if not re.compile(_PACKED[type_]).fullmatch(data, at, stop):
            raise _Odd(f"numbers that are not {type_} at byte {at}")


def _check_number(value: int, at: int, type_: str) -> None:
    if type_ == "location" and value:
        raise _Elsewhere  # 1 is EXTERNAL; no other number is anything that an engine should see
    if type_ == "int32" and _INT32S[0] <= value < _INT32S[1]:
        raise _Odd(f"the number {value} at byte {at}, which takes more than 32 bits")


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
    raise _Odd(f"a number at byte {start} with more bytes or bits than it takes")


def _strange(kind: str, tag: int, at: int, *, twice: bool) -> str:
    where = f"field {tag >> 3} of wire type {tag & 7} at byte {at}"
    return f"{where} is there twice in one {kind}" if twice else f"{where} is none of a {kind}'s"

"""Does an ONNX file keep its weights elsewhere? Answered without the onnx package.

A tensor of an ONNX file may name another file that holds its values (`external_data`, field 13,
and `data_location = EXTERNAL`, field 14 of TensorProto). A graph that is loaded from bytes would
look for that file in the current directory, so a bundle must not have any. This module walks the
protobuf wire format (https://protobuf.dev/programming-guides/encoding) down the few fields of
onnx.proto that lead to tensors and skips everything else.
"""

from collections.abc import Iterator

from ssdgm_runtime import errors

# message -> field number -> message: every way from a model to a tensor
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_AGAIN = "Convert the run again."
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def check(data: bytes, name: str) -> None:
    """Refuse a graph that is no ONNX file or that names other files.

    Args:
        data: The file's bytes.
        name: What to call it in a message.

    Raises:
        FormatError: The bytes are no protobuf, have no graph, or keep weights elsewhere.
    """
    try:
        messages = list(_messages(memoryview(data)))
    except (ValueError, IndexError):
        raise errors.FormatError(
            f"{name} is no ONNX file", mend="Convert the run again."
        ) from None
    if not any(kind == "graph" for kind, _ in messages):
        raise errors.FormatError(f"{name} has no graph", "an ONNX model", _AGAIN)
    if any(kind == "tensor" and _is_external(view) for kind, view in messages):
        raise errors.FormatError(
            f"{name} keeps its weights in another file",
            "one file a graph",
            "Save it with external_data=False.",
        )


def _messages(model: memoryview) -> Iterator[tuple[str, memoryview]]:
    waiting = [("model", model)]
    while waiting:
        kind, view = waiting.pop()
        yield kind, view
        inside = _INSIDE[kind]
        for field, value in _fields(view):
            if field in inside and isinstance(value, memoryview):
                waiting.append((inside[field], value))


def _is_external(tensor: memoryview) -> bool:
    return any(
        (field == _EXTERNAL_DATA and isinstance(value, memoryview))
        or (field == _DATA_LOCATION and value == _EXTERNAL)
        for field, value in _fields(tensor)
    )


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at, end = 0, len(view)
    while at < end:
        key, at = _varint(view, at)
        field, wire = key >> 3, key & 7
        if field == 0:
            raise ValueError("not a protobuf message")
        if wire == _VARINT:
            value, at = _varint(view, at)
            yield field, value
            continue
        if wire == _BYTES:
            size, at = _varint(view, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire, end)
        if size > end - at:
            raise ValueError("not a protobuf message")
        yield field, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a varint without an end")

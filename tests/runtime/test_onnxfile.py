from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ssdgm_runtime import errors, onnxfile


def varint(value: object) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])


def number(field: int, value: object) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, body: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(body)) + body


OUTSIDE = number(14, 1)
ENTRY = message(13, message(1, b"location") + message(2, b"weights.bin"))
INSIDE = number(2, 1) + message(9, b"\0\0\0\0")

WAYS = {
    "initializer": (7, 5),
    "sparse initializer's values": (7, 15, 1),
    "sparse initializer's indices": (7, 15, 2),
    "attribute": (7, 1, 5, 5),
    "list of tensors": (7, 1, 5, 10),
    "sparse attribute": (7, 1, 5, 22, 1),
    "list of sparse": (7, 1, 5, 23, 2),
    "subgraph": (7, 1, 5, 6, 5),
    "list of subgraphs": (7, 1, 5, 11, 5),
    "subgraph of a subgraph": (7, 1, 5, 6, 1, 5, 6, 1, 5, 5),
    "function": (25, 7, 5, 5),
    "function's default": (25, 11, 5),
    "training": (20, 1, 5),
    "training step": (20, 2, 5),
}


def model(path: tuple[int, ...], tensor: bytes) -> bytes:
    for field in reversed(path):
        tensor = message(field, tensor)
    return number(1, 10) + message(7, b"") + tensor


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tensor", [OUTSIDE, ENTRY, INSIDE + ENTRY, ENTRY + OUTSIDE])
def test_weights_elsewhere_are_found_wherever_a_tensor_can_be(way: str, tensor: bytes) -> None:
    onnxfile.check(model(WAYS[way], INSIDE), "graph")
    with pytest.raises(errors.FormatError, match="keeps its weights in another file"):
        onnxfile.check(model(WAYS[way], tensor), "graph")


def test_a_graph_whose_weights_are_inside(data: Path) -> None:
    for path in data.rglob("model.onnx"):
        onnxfile.check(path.read_bytes(), path.name)


def test_what_onnx_itself_writes_elsewhere_is_found(build: ModuleType, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    whole = onnx.load_from_string(build.tiny()["models/classifier/fp32/model.onnx"])
    path = tmp_path / "m.onnx"
    onnx.save(whole, path, save_as_external_data=True, size_threshold=0, location="w.bin")
    with pytest.raises(errors.FormatError, match="another file"):
        onnxfile.check(path.read_bytes(), "graph")


@pytest.mark.parametrize(
    "data",
    [
        b"not a protobuf message at all",
        b"\x3a\xff\x01ab",
        b"\x3a",
        b"\xff" * 20,
        b"\x00\x00",
        b"\x3b",
        b"ORTM\x00",
    ],
)
def test_no_protobuf(data: bytes) -> None:
    with pytest.raises(errors.FormatError, match="is no ONNX file"):
        onnxfile.check(data, "graph")


def test_no_graph() -> None:
    for data in (b"", number(1, 10)):
        with pytest.raises(errors.FormatError, match="has no graph"):
            onnxfile.check(data, "graph")


def test_a_bundle_with_weights_elsewhere_is_refused(
    bundle: Path, reseal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ssdgm_runtime import model as runtime

    monkeypatch.chdir(tmp_path)
    place = bundle / "models/classifier/fp32/model.onnx"
    place.write_bytes(place.read_bytes() + model((7, 5), message(8, b"more") + ENTRY + OUTSIDE))
    (tmp_path / "weights.bin").write_bytes(bytes(64))
    with pytest.raises(errors.FormatError, match="another file"):
        runtime.load(reseal(bundle))

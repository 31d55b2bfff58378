"""A model repository: every config is one of Triton's schema and says what its graph says."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest
from google.protobuf import text_format

from ssdgm_export.deploy import triton
from ssdgm_runtime import errors
from ssdgm_runtime.bundle import contents

TESTS = Path(__file__).parents[2]
GOLDEN = TESTS / "golden/m2-tiny.ssdgm"
DATA = TESTS / "runtime/data"
Parse = Callable[[Path], Any]


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def parse() -> Parse:
    """Read a config by Triton's schema, which its client has; the client's gRPC is not needed."""
    client = pytest.importorskip("tritonclient", reason="a tool of the development set")
    path = Path(client.__path__[0]) / "grpc/model_config_pb2.py"
    schema = _module("model_config_pb2", path)

    def run(config: Path) -> Any:  # noqa: ANN401  (a message of the schema)
        return text_format.Parse(config.read_text(encoding="utf-8"), schema.ModelConfig())

    return run


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bundles of every kind of labels and rows."""
    build, place = (
        _module("runtime_build", TESTS / "runtime/build.py"),
        tmp_path_factory.mktemp("b"),
    )
    made = {path.stem: path for path in DATA.glob("*.ssdgm")} | {"m2-tiny": GOLDEN}
    for name in ("listed", "several"):
        made[name] = build.write(place / f"{name}.ssdgm", getattr(build, name)())
    return made


NAMES = ("m2-tiny", "noisy", "tagged", "measured", "watchful", "masked", "mixture", "adversary")
TYPES = {"UINT8": "UINT8", "FLOAT": "FP32", "INT64": "INT64"}
"""Triton's words for those of ONNX."""


@pytest.mark.parametrize("name", [*NAMES, "listed", "several"])
def test_every_config_is_of_the_schema_and_of_its_graph(
    name: str, bundles: dict[str, Path], parse: Parse, tmp_path: Path
) -> None:
    made = triton.deploy(bundles[name], tmp_path / "models", max_batch=32)
    about = contents.open_bundle(bundles[name]).manifest
    assert made.models == [f"{about.name}_{component}" for component in about.graphs]
    assert {path.name for path in (tmp_path / "models").iterdir()} == set(made.models)
    for component in about.graphs:
        folder = tmp_path / f"models/{about.name}_{component}"
        config = parse(folder / "config.pbtxt")
        assert config.name == folder.name
        assert config.backend == "onnxruntime"
        assert config.max_batch_size == 32
        assert config.HasField("dynamic_batching")
        assert config.parameters["ssdgm.bundle"].string_value == made.bundle
        graph = onnx.load(folder / "1/model.onnx").graph
        for given, tensors in ((config.input, graph.input), (config.output, graph.output)):
            assert {t.name for t in given} == {t.name for t in tensors}
            for known in given:
                own = next(t for t in tensors if t.name == known.name).type.tensor_type
                kind = onnx.TensorProto.DataType.Name(own.elem_type)
                words = type(config).DESCRIPTOR.file.enum_types_by_name["DataType"]
                assert words.values_by_number[known.data_type].name == f"TYPE_{TYPES[kind]}"
                sides = own.shape.dim[1:]
                assert len(known.dims) == len(sides)
                assert all(
                    side.dim_value == dim if dim > 0 else side.dim_param
                    for side, dim in zip(sides, known.dims, strict=True)
                )


def test_outputs_of_one_value_per_class_have_its_names(parse: Parse, tmp_path: Path) -> None:
    triton.deploy(GOLDEN, tmp_path / "models", name="my digits")
    folder = tmp_path / "models/my_digits_classifier"
    outputs = parse(folder / "config.pbtxt").output
    assert {out.name: out.label_filename for out in outputs} == {
        "logits": "labels.txt",
        "probs": "labels.txt",
    }
    assert (folder / "labels.txt").read_text().split() == [str(k) for k in range(10)]
    assert not (tmp_path / "models/my_digits_encoder/labels.txt").exists()


def test_numbers_have_no_names(tmp_path: Path) -> None:
    triton.deploy(DATA / "measured.ssdgm", tmp_path / "models")
    assert not list(tmp_path.rglob("labels.txt"))


def test_names_of_tensors_are_quoted() -> None:
    assert triton._quoted('a"b\\c\nd é') == '"a\\042b\\134c\\012d \\303\\251"'
    assert text_format.text_encoding.CUnescape(triton._quoted("é")[1:-1]) == "é".encode()


def test_a_variant_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.InputError, match="variant is 'int4'; expected one of"):
        triton.deploy(GOLDEN, tmp_path / "models", variant="int4")
    assert not (tmp_path / "models").exists()

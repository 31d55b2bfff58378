import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssdgm_runtime import errors, files, manifest


def text(data: Path, name: str = "tiny") -> str:
    return (data / f"{name}.ssdgm" / "manifest.json").read_text()


def changed(data: Path, *path: object, value: object = None, drop: bool = False) -> str:
    document = json.loads(text(data))
    table = document
    for key in path[:-1]:
        table = table[key]
    if drop:
        del table[path[-1]]
    else:
        table[path[-1]] = value
    return json.dumps(document)


OURS = ("additional_metadata", "ssdgm")


def test_reads_what_is_there(data: Path) -> None:
    found = manifest.loads(text(data))
    assert found.labels == ("zero", "one", "two")
    assert found.classes == (10, 20, 30)
    assert found.likelihood == manifest.Likelihood("binomial", 16, 0.0, 1.0)
    assert found.graphs["decoder"].noise == ("z",)
    x = found.graphs["classifier"].inputs[0]
    assert (x.name, x.dtype, x.row, x.width) == ("x", "uint8", (4, 4), 16)
    assert {v.path for v in found.variants if v.component == "encoder"} == {
        "models/encoder/fp32/model.onnx"
    }


def test_unknown_fields_survive_a_round_trip(data: Path) -> None:
    document = json.loads(changed(data, *OURS, "future", value={"a": [1]}))
    document["components"]["decoder"]["new"] = True
    again = manifest.loads(manifest.loads(json.dumps(document)).dumps())
    assert again.document == document
    assert again.section["future"] == {"a": [1]}


def test_a_newer_minor_version_is_read(data: Path) -> None:
    assert manifest.loads(changed(data, *OURS, "format", value="1.7")).format == (1, 7)


@pytest.mark.parametrize(("version", "mend"), [("2.0", "Update"), ("0.9", "Convert the run")])
def test_another_major_version_is_refused(data: Path, version: str, mend: str) -> None:
    with pytest.raises(errors.UnsupportedVersion, match=mend):
        manifest.loads(changed(data, *OURS, "format", value=version))
    with pytest.raises(errors.UnsupportedVersion, match="Update"):
        manifest.loads(changed(data, "schema_version", value="2.0"))


def test_a_bundle_of_a_newer_major_version_is_refused(edit: Callable[..., Path]) -> None:
    def change(document: object) -> None:
        document["additional_metadata"]["ssdgm"]["format"] = "2.0"

    with pytest.raises(errors.UnsupportedVersion, match=r"format 2\.0"):
        files.open_bundle(edit(change))


@pytest.mark.parametrize("bad", ["", "[]", "{", "null", "1", '{"schema_version": 1}', "[" * 9999])
def test_no_manifest(bad: str) -> None:
    with pytest.raises(errors.FormatError):
        manifest.loads(bad)


@pytest.mark.parametrize(
    "path",
    [
        ("schema_version",),
        ("package_name",),
        ("components",),
        ("additional_metadata",),
        OURS,
        (*OURS, "format"),
        (*OURS, "labels"),
        (*OURS, "classes"),
        (*OURS, "prior"),
        (*OURS, "io"),
        (*OURS, "io", "decoder"),
        (*OURS, "io", "decoder", "inputs"),
        ("components", "decoder"),
        ("components", "decoder", "variants"),
        ("components", "decoder", "variants", "cpu-fp32", "ep"),
        ("components", "decoder", "variants", "cpu-fp32", "executor_info"),
        ("components", "decoder", "variants", "cpu-fp32", "additional_metadata", "tolerance"),
    ],
)
def test_a_field_that_is_missing_or_of_another_type(data: Path, path: tuple[Any, ...]) -> None:
    with pytest.raises(errors.FormatError):
        manifest.loads(changed(data, *path, drop=True))
    with pytest.raises(errors.FormatError):
        manifest.loads(changed(data, *path, value=7))


def test_labels_classes_and_prior_must_agree(data: Path) -> None:
    with pytest.raises(errors.FormatError, match="as many of each"):
        manifest.loads(changed(data, *OURS, "prior", value=[1.0]))


@pytest.mark.parametrize("shape", [[], [3], ["batch", "n"], ["rows", 3], "batch"])
def test_a_shape_must_begin_with_batch(data: Path, shape: object) -> None:
    bad = changed(data, *OURS, "io", "decoder", "inputs", 0, "shape", value=shape)
    with pytest.raises(errors.FormatError):
        manifest.loads(bad)

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import contents, manifest
from ssdgm_runtime.labels.classes import Classes
from ssdgm_runtime.rows.tensor import DTYPES

if TYPE_CHECKING:
    import jsonschema


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
LABELS = (*OURS, "labels")


def test_reads_what_is_there(data: Path) -> None:
    found = manifest.loads(text(data))
    assert found.labels == ("zero", "one", "two")
    assert found.space == Classes(found.labels, (10, 20, 30), (0.5, 0.25, 0.25))
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
    document["additional_metadata"]["ssdgm"]["io"]["encoder"]["inputs"][0]["unit"] = "lux"
    again = manifest.loads(manifest.dumps(manifest.loads(json.dumps(document))))
    assert again.document == document
    assert again.section["future"] == {"a": [1]}


def test_a_newer_minor_version_is_read(data: Path) -> None:
    assert manifest.loads(changed(data, *OURS, "format", value="2.7")).format == (2, 7)


@pytest.mark.parametrize(("version", "mend"), [("3.0", "Update"), ("0.9", "Convert the run")])
def test_another_major_version_is_refused(data: Path, version: str, mend: str) -> None:
    with pytest.raises(errors.UnsupportedVersion, match=mend):
        manifest.loads(changed(data, *OURS, "format", value=version))
    with pytest.raises(errors.UnsupportedVersion, match="Update"):
        manifest.loads(changed(data, "schema_version", value="2.0"))


def test_a_bundle_of_a_newer_major_version_is_refused(edit: Callable[..., Path]) -> None:
    def change(document: object) -> None:
        document["additional_metadata"]["ssdgm"]["format"] = "3.0"

    with pytest.raises(errors.UnsupportedVersion, match=r"format 3\.0"):
        contents.open_bundle(edit(change))


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
        (*LABELS, "space"),
        (*LABELS, "names"),
        (*LABELS, "values"),
        (*LABELS, "prior"),
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
        manifest.loads(changed(data, *LABELS, "prior", value=[1.0]))


@pytest.mark.parametrize("shape", [[], [3], ["batch", "n"], ["rows", 3], "batch"])
def test_a_shape_must_begin_with_batch(data: Path, shape: object) -> None:
    bad = changed(data, *OURS, "io", "decoder", "inputs", 0, "shape", value=shape)
    with pytest.raises(errors.FormatError):
        manifest.loads(bad)


X = (*OURS, "io", "classifier", "inputs", 0)
VARIANT = ("components", "decoder", "variants", "cpu-fp32", "additional_metadata")
TOLERANCE = (*VARIANT, "tolerance")
BIG, INF, NAN = 10**400, float("inf"), float("nan")
TELLS: list[tuple[tuple[object, ...], Any]] = [
    *(((*X, "dtype"), v) for v in ("object", "str", "O", "uint64", "complex64", "<f4", "", 1)),
    *(((*X, "shape"), ["batch", v]) for v in (0, -1, 2.5, True, BIG, 2**31, "n")),
    *(((*LABELS, "prior"), v) for v in ([1.5, -0.25, -0.25], [0.5, 0.25, "a"], [True, 0, 0])),
    ((*LABELS, "names"), ["a", "b", "a"]),
    ((*LABELS, "values"), [1, 2, 1]),
    *(((*LABELS, "labelled"), v) for v in (-1, "1", True)),
    *(((*LABELS, "class_of"), v) for v in ([0, -1, None], ["zero", 1, 2], 3)),
    *(((*OURS, "classifier"), {"draws": v}) for v in (0, 1.5, "1", 2**31)),
    *(((*TOLERANCE, "atol"), v) for v in (-1e-9, "1", True, None)),
    ((*TOLERANCE, "rtol"), -1),
    *(((*TOLERANCE, "outputs"), {"x": {"atol": v, "rtol": 0}}) for v in ([], [-1])),
    ((*VARIANT, "default"), "yes"),
    ((*VARIANT, "gates"), {}),
    ((*VARIANT[:-1], "device"), 0),
    *(((*OURS, "likelihood", "total"), v) for v in (0, -1, 1.5, True, BIG, 65537)),
    *(((*OURS, "likelihood", key), "1") for key in ("low", "step")),
    ((*OURS, "io", "classifier", "outputs", 1, "name"), "logits"),
    ((*OURS, "io", "encoder", "outputs"), []),
    ((*OURS, "io", "decoder", "inputs"), []),
    ((*OURS, "io", "decoder", "noise"), ["z", "z"]),
    ((*OURS, "columns"), [{"name": "a", "kind": "category", "categories": []}]),
    ((*OURS, "columns"), [{"name": "a", "kind": "category"}]),
    ((*OURS, "columns"), [{"name": "a", "kind": "boolean", "categories": ["true", "false"]}]),
    ((*OURS, "columns"), [{"name": "a", "kind": "date"}]),
    ((*OURS, "series"), {"series": "id", "time": "t", "channels": ["a", "a"]}),
    ((*OURS, "series"), {"series": "id", "channels": []}),
    *(((*OURS, key), "no object") for key in ("model", "input", "requires", "training", "parity")),
    *(((*OURS, key), 7) for key in ("license", "created", "likelihood", "columns", "features")),
    *(((*OURS, "input", "range"), v) for v in ([1], ["a", 2])),
    *(((*OURS, "input", "resize"), v) for v in ("fold 4x4", "crop 04x4")),
    ((*OURS, "input", "kind"), 3),
    (("description",), ["a bundle"]),
]
"""What manifest.schema.json refuses."""

BEYOND: list[tuple[tuple[object, ...], Any]] = [
    *(((*LABELS, "prior"), v) for v in ([0.5, 0.5, 0.5], [0, 0, 0], [1.0])),  # sums and counts
    *(((*LABELS, "prior"), v) for v in ([NAN, 0.5, 0.5], [INF, 0, 0], [BIG, 0, 0])),  # not finite
    *(((*TOLERANCE, key), v) for key in ("atol", "rtol") for v in (NAN, INF, BIG)),
    *(((*OURS, "likelihood", key), v) for key in ("low", "step") for v in (NAN, INF, BIG)),
    *(((*OURS, "input", "range"), v) for v in ([0, BIG], [0, INF])),
    ((*OURS, "training"), {"error": NAN}),
    ((*LABELS, "names"), ["a", "b"]),
    ((*LABELS, "labelled"), 4),
    *(((*LABELS, "class_of"), v) for v in ([0, 1], [0, 1, 3])),
    ((*LABELS, "values"), [1.0, 2, 3]),  # JSON Schema takes 1.0 for a whole number
    ((*OURS, "input", "resize"), "pad 4x5"),  # what the graphs take
    ((*OURS, "features"), ["a", "b"]),
    ((*OURS, "columns"), [{"name": "a", "kind": "number"}]),
    ((*OURS, "series"), {"series": "id", "time": "t", "channels": ["a", "b"]}),
    ((*OURS, "series"), {"series": "id", "time": "id", "channels": []}),
    ((*OURS, "io", "classifier", "inputs", 0, "name"), "pixels"),
    ((*OURS, "io", "classifier", "outputs", 0, "shape"), ["batch", 4]),
    ((*OURS, "io", "classifier", "outputs", 0, "dtype"), "float64"),
    ((*OURS, "io", "encoder", "inputs", 1, "shape"), ["batch", 4]),
    ((*OURS, "io", "encoder", "inputs", 1, "name"), "x"),
    ((*OURS, "io", "decoder", "noise"), ["a"]),
    ((*TOLERANCE, "outputs"), {"x": {"atol": [1, 2], "rtol": 0}}),
]
"""What no schema can tell, and only the reader refuses."""


@pytest.mark.parametrize(("path", "value"), [*TELLS, *BEYOND])
def test_a_value_that_no_bundle_has(data: Path, path: tuple[Any, ...], value: object) -> None:
    with pytest.raises(errors.FormatError) as caught:
        manifest.loads(changed(data, *path, value=value))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("told", [True, False])
def test_what_a_schema_can_tell(
    data: Path, schema: "jsonschema.Draft202012Validator", told: bool
) -> None:
    for path, value in TELLS if told else BEYOND:
        bad = json.loads(changed(data, *path, value=value))
        assert schema.is_valid(bad) is not told, (path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*TOLERANCE, "atol"), 0),
        ((*TOLERANCE, "rtol"), 1),
        ((*LABELS, "prior"), [0.3333, 0.3333, 0.3333]),
        ((*LABELS, "prior"), [1, 0, 0]),
        ((*LABELS, "values"), [1, "1", 2]),
        ((*LABELS, "labelled"), 3),
        ((*LABELS, "labelled"), None),
        ((*LABELS, "class_of"), [2, None, 0]),
        ((*OURS, "classifier"), {"draws": 100, "of": "eps_a"}),
        ((*OURS, "likelihood"), None),
        ((*OURS, "likelihood"), {"name": "poisson", "rate": 3}),
        ((*OURS, "likelihood", "step"), -0.5),
        *(((*X, "dtype"), kind) for kind in DTYPES),
    ],
)
def test_a_value_that_a_bundle_may_have(data: Path, path: tuple[Any, ...], value: object) -> None:
    manifest.loads(changed(data, *path, value=value))


def test_an_unknown_space_of_labels_is_refused(data: Path) -> None:
    with pytest.raises(
        errors.UnsupportedVersion,
        match=r"'animals'; expected one of classes, tags, numbers, one-class, masks\. Update",
    ):
        manifest.loads(changed(data, *LABELS, "space", value="animals"))


def test_no_label_is_no_model(data: Path) -> None:
    document = json.loads(text(data))
    document["additional_metadata"]["ssdgm"]["labels"] |= {"names": [], "values": [], "prior": []}
    with pytest.raises(errors.FormatError, match="no label"):
        manifest.parse(document)


def test_a_component_of_the_future_may_be_anything(data: Path) -> None:
    document = json.loads(text(data))
    io, components = document["additional_metadata"]["ssdgm"]["io"], document["components"]
    tensor = {"name": "image", "dtype": "float32", "shape": ["batch", 2]}
    io["critic"] = {"inputs": [tensor], "outputs": [{**tensor, "name": "score"}]}
    components["critic"] = components["decoder"]
    assert "critic" in manifest.parse(document).graphs


def test_only_utf_8(data: Path) -> None:
    good = text(data).replace("A bundle", "Ein Bündel")
    assert manifest.loads(good.encode()).document["description"].startswith("Ein Bündel")
    for encoding in ("latin-1", "utf-16", "utf-8-sig"):
        with pytest.raises(errors.FormatError, match="not JSON"):
            manifest.loads(good.encode(encoding))
    with pytest.raises(errors.FormatError, match="surrogates"):
        manifest.loads(good.replace("Ein", "\\ud800"))


@pytest.mark.parametrize("depth", [70, 900, 100_000])
def test_too_deep(data: Path, depth: int) -> None:
    deep = f'"future": {"[" * depth}{"]" * depth}, "labels"'
    with pytest.raises(errors.FormatError, match=r"more than 64 nested levels|recursion"):
        manifest.loads(text(data).replace('"labels"', deep, 1))


def test_too_large(data: Path) -> None:
    with pytest.raises(errors.FormatError, match="bytes; expected at most"):
        manifest.loads(text(data) + " " * (16 << 20))


def test_a_number_of_too_many_digits(data: Path) -> None:
    with pytest.raises(errors.FormatError):
        manifest.loads(text(data).replace("16", "1" * 10_000))

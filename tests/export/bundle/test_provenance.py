"""The bill of materials inside a bundle."""

import dataclasses
import hashlib
import json
from importlib import metadata
from pathlib import Path

import pytest

from ssdgm_export.bundle import provenance
from ssdgm_runtime.bundle import manifest
from ssdgm_train.runs import directory, records


def materials(bundle: Path) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((bundle / provenance.FILE).read_text())
    return loaded


def test_it_is_cyclonedx(m2: Path) -> None:
    pytest.importorskip("cyclonedx", reason="a tool of the development set")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.V1_6)
    text = (m2 / "bundle.ssdgm" / provenance.FILE).read_text()
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"type": "library"', '"type": "thing"')) is not None
    assert validator.validate_str(text.replace('"version": 1,', '"version": "1",')) is not None


def test_it_has_the_packages_the_data_the_recipe_and_the_graphs(m2: Path) -> None:
    bundle, run = m2 / "bundle.ssdgm", directory.Run(m2 / "run").read()
    document = materials(bundle)
    section = manifest.loads((bundle / "manifest.json").read_bytes()).section
    parts = {part["bom-ref"]: part for part in document["components"]}  # type: ignore[attr-defined]
    found = {part["name"]: part["version"] for part in parts.values() if "purl" in part}
    for name in ("torch", "onnx", "onnxruntime", "numpy", "ssdgm-export", "ssdgm-runtime"):
        assert found[name] == metadata.version(name)
    assert parts["python@" + run.environment.python]["type"] == "platform"
    facts = {p["name"]: p["value"] for p in document["metadata"]["component"]["properties"]}  # type: ignore[index]
    text = json.dumps(run.recipe, sort_keys=True)
    assert facts["ssdgm:recipe.sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert facts["ssdgm:opset"] == str(section["requires"]["opset"])
    assert facts["ssdgm:seed"] == "1"
    digest = {"name": "ssdgm:digest", "value": run.data.digest}
    assert digest in parts["data"]["properties"]
    for path in bundle.rglob("*.onnx"):
        (listed,) = parts[path.relative_to(bundle).as_posix()]["hashes"]
        assert listed["content"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert document["dependencies"] == [{"ref": "model", "dependsOn": sorted(parts)}]


def test_it_names_no_place_of_the_machine(m2: Path) -> None:
    text = (m2 / "bundle.ssdgm" / provenance.FILE).read_text()
    assert str(m2.parent) not in text
    assert directory.Run(m2 / "run").read().data.source not in text
    assert str(Path.home()) not in text


def test_versions_of_training_and_of_conversion_stand_beside_one_another(m2: Path) -> None:
    about = manifest.loads((m2 / "bundle.ssdgm/manifest.json").read_bytes())
    record = directory.Run(m2 / "run").read()
    older = dataclasses.replace(record.environment, torch="2.0.1+cpu", python="")
    origin = records.Origin("/home/somebody/run", sha256="a" * 64)
    changed = dataclasses.replace(record, environment=older, init=origin)
    document = json.loads(provenance.materials(about, changed, ()))
    used = {
        (p["name"], p["version"]): p["properties"][0]["value"]
        for p in document["components"]
        if p["name"] in ("torch", "numpy")
    }
    assert used["torch", "2.0.1+cpu"] == "training"
    assert used["torch", metadata.version("torch")] == "conversion"
    assert used["numpy", metadata.version("numpy")] == "training, conversion"
    assert "pkg:pypi/torch@2.0.1%2Bcpu" in {p["bom-ref"] for p in document["components"]}
    assert "somebody" not in json.dumps(document)
    other = json.loads(provenance.materials(about, record, ()))
    assert other["serialNumber"] != document["serialNumber"]
    assert provenance.materials(about, record, ()) == provenance.materials(about, record, ())

"""What a bundle was made of, as a CycloneDX bill of materials: packages, data, recipe, graphs.

The form is CycloneDX 1.6 (ECMA-424). Nothing in it is of the machine or the time of conversion, so
the same run and the same packages give the same bytes.
"""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any
from urllib import parse

from ssdgm_export.bundle import variants
from ssdgm_runtime import jsonfile
from ssdgm_runtime.bundle import manifest
from ssdgm_train.runs import records

Json = dict[str, Any]

FILE = "sbom.cdx.json"
PACKAGES = (
    "numpy",
    "onnx",
    "onnx-ir",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxscript",
    "ssdgm-export",
    "ssdgm-runtime",
    "ssdgm-train",
    "torch",
)
"""What converts a run, where it is installed."""

_SPACE = uuid.UUID("5a6f0d0e-6d7b-5d0b-9f43-6f1d3a1c9c55")  # of serial numbers, drawn once


def materials(
    about: manifest.Manifest, record: records.RunRecord, shipped: Sequence[variants.Variant]
) -> str:
    """The bill of materials of a bundle, as JSON.

    Args:
        about: The bundle's manifest.
        record: The run that it was made from.
        shipped: Its graphs.
    """
    parts = [
        *_packages(record.environment),
        _data(record),
        *_weights(record),
        *(_graph(variant) for variant in shipped),
    ]
    model = _model(about, record)
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            **({"timestamp": about.created} if about.created else {}),
            "lifecycles": [{"phase": "build"}],
            "component": model,
        },
        "components": parts,
        "dependencies": [
            {"ref": model["bom-ref"], "dependsOn": sorted(part["bom-ref"] for part in parts)}
        ],
    }
    serial = uuid.uuid5(_SPACE, jsonfile.dumps(document))
    return jsonfile.dumps({**document, "serialNumber": f"urn:uuid:{serial}"})


def _model(about: manifest.Manifest, record: records.RunRecord) -> Json:
    """The bundle itself, and how it came about."""
    facts = {
        "method": record.plan.spec.name,
        "recipe.sha256": about.training["recipe_sha256"],
        "split.digest": record.split,
        "seed": record.seed,
        "steps": about.training["steps"],
        "device": record.environment.device,
        "opset": about.requires["opset"],
        "ir_version": about.requires["ir_version"],
        "format": ".".join(map(str, manifest.FORMAT)),
    }
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": about.name,
        "version": about.version,
        "description": about.description,
        **({"licenses": [{"expression": about.license}]} if about.license else {}),
        "properties": _properties(facts),
    }


def _packages(trained: records.Environment) -> Iterator[Json]:
    """The packages that trained and those that converted, each version once."""
    used: dict[tuple[str, str], list[str]] = {}
    before = {"numpy": trained.numpy, "ssdgm-train": trained.ssdgm_train, "torch": trained.torch}
    for name, version in before.items():
        if version:
            used.setdefault((name, version), []).append("training")
    for name in PACKAGES:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        used.setdefault((name, version), []).append("conversion")
    if trained.python:
        yield {
            "type": "platform",
            "bom-ref": f"python@{trained.python}",
            "name": "python",
            "version": trained.python,
            "properties": _properties({"used for": "training"}),
        }
    for (name, version), purposes in sorted(used.items()):
        link = f"pkg:pypi/{name}@{parse.quote(version)}"
        yield {
            "type": "library",
            "bom-ref": link,
            "name": name,
            "version": version,
            "purl": link,
            "properties": _properties({"used for": ", ".join(purposes)}),
        }


def _data(record: records.RunRecord) -> Json:
    counts = ("labelled", "unlabelled", "validation", "test")
    facts = {f"rows.{key}": getattr(record.data, key) for key in counts}
    return {
        "type": "data",
        "bom-ref": "data",
        "name": record.data.name,
        "properties": _properties({"digest": record.data.digest, **facts}),
    }


def _weights(record: records.RunRecord) -> Iterator[Json]:
    """The weights that a run began with, if it began with any."""
    if record.init is not None:
        yield {
            "type": "data",
            "bom-ref": "weights",
            "name": "weights that training began with",
            "properties": _properties({"digest": record.init.sha256}),
        }


def _graph(variant: variants.Variant) -> Json:
    name = f"models/{variant.component}/{variant.precision}/model.onnx"
    digest = hashlib.sha256(variant.data).hexdigest()
    return {
        "type": "file",
        "bom-ref": name,
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def _properties(facts: Json) -> list[Json]:
    return [{"name": f"ssdgm:{key}", "value": str(value)} for key, value in facts.items()]

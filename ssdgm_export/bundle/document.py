"""The manifest's document: what a run, its graphs and its reports say, in the bundle's words.

`runtime/FORMAT.md` specifies every field.
"""

import datetime
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

import numpy as np

from ssdgm_export.bundle import variants
from ssdgm_export.graphs import modules, trace
from ssdgm_export.proof import parity
from ssdgm_runtime import errors
from ssdgm_runtime.bundle import interface, manifest, tolerance
from ssdgm_runtime.rows import columns, series
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_train import likelihoods, method
from ssdgm_train.likelihoods import limits
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe

Json = dict[str, Any]

DEVICES = {
    "cpu": ("cpu", "CPUExecutionProvider", (variants.INT8, variants.FP32, variants.FP16)),
    "cuda": ("gpu", "CUDAExecutionProvider", (variants.FP32, variants.FP16)),
}
"""Each device: its name and provider in the manifest; the precisions it runs, the default first.

fp16 is nobody's default: no gate here has seen a GPU's own half precision.
"""


PLAIN = "flatten, subtract the shift, divide by the scale"
TABULAR = "standardise numbers, gaps as means and flags; categories one-hot, unknown ones as zeros"


def compose(
    name: str,
    run: Json,
    result: Json,
    problem: Problem,
    found: Mapping[str, modules.Graph],
    shipped: Sequence[variants.Variant],
    report: parity.Report,
    license: str | None,
) -> Json:
    """The whole document of `manifest.json`.

    Args:
        name: The package's name.
        run: The run's `run.json`.
        result: Its `result.json`.
        problem: Its problem.
        found: Its graphs.
        shipped: Their files.
        report: The parity report.
        license: An SPDX expression, or None.
    """
    spec = recipe.from_table(run["recipe"]).spec
    return {
        "schema_version": manifest.SCHEMA,
        "package_name": name,
        "package_version": "1.0.0",
        "layout": "portable",
        "description": f"{spec.name} on {run['data']['name']}: {spec.summary}",
        "components": {key: _component(key, shipped) for key in found},
        "additional_metadata": {
            "ssdgm": {
                "format": ".".join(map(str, manifest.FORMAT)),
                "model": _model(spec, run, result),
                "calibration": {"temperature": result["temperature"]},
                "labels": [str(value) for value in run["data"]["classes"]],
                "classes": run["data"]["classes"],
                "prior": list(problem.labels.prior),
                "likelihood": _likelihood(problem) if "decoder" in found else None,
                "input": _input(problem, run["recipe"]["data"].get("resize", "")),
                **({"columns": columns.described(problem.columns)} if problem.columns else {}),
                **({"features": list(problem.features)} if problem.features else {}),
                **({"series": series.described(problem.series)} if problem.series else {}),
                "io": {key: _io(graph.spec) for key, graph in found.items()},
                "requires": {
                    "opset": trace.OPSET,
                    "ir_version": trace.IR_VERSION,
                    "onnxruntime": ">=1.20",
                },
                "producer": _producer(),
                "training": _training(run, result),
                "parity": report.to_json(),
                "license": license,
                "created": created(result),
            }
        },
    }


def created(result: Json) -> str:
    """When the run ended, or SOURCE_DATE_EPOCH (seconds): never the time of conversion.

    Raises:
        InputError: SOURCE_DATE_EPOCH is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return str(result["ended"])
    try:
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        raise errors.InputError(
            "SOURCE_DATE_EPOCH", repr(epoch), "whole seconds since 1970", "Correct or unset it."
        ) from None


def _component(name: str, shipped: Sequence[variants.Variant]) -> Json:
    files = {v.precision: v for v in shipped if v.component == name}
    found: Json = {}
    for device in DEVICES:
        ranked = [p for p in DEVICES[device][2] if p in files]
        for precision in ranked:
            entry = _variant(files[precision], device, default=precision == ranked[0])
            found[f"{device}-{precision}"] = entry
    return {"variants": found}


def _variant(file: variants.Variant, device: str, *, default: bool) -> Json:
    kind, provider, _ = DEVICES[device]
    gates = {"gates": [gate.to_json() for gate in file.gates]} if file.gates else {}
    own = {k: {"atol": _bound(v), "rtol": float(file.rtol)} for k, v in file.own.items()}
    return {
        "variant_directory": f"models/{file.component}/{file.precision}",
        "ep": provider,
        "device": kind,
        "executor_info": {"ort": {"model_file": "model.onnx"}},
        "additional_metadata": {
            "precision": file.precision,
            "default": default,
            "tolerance": {
                **{"atol": float(file.atol), "rtol": float(file.rtol)},
                **({"outputs": own} if own else {}),
            },
            **gates,
        },
    }


def _bound(atol: tolerance.Bound) -> float | list[float]:
    """An absolute tolerance to three digits: one number, or one a value where they differ."""
    several = [float(f"{n:.3g}") for n in np.ravel(atol).tolist()]
    return several if len(set(several)) > 1 else several[0]


def _model(spec: method.Method, run: Json, result: Json) -> Json:
    return {
        "family": spec.name,
        "paper": asdict(spec.paper),
        "config": run["recipe"]["model"],
        "latents": result["latents"],
    }


def _likelihood(problem: Problem) -> Json:
    family = likelihoods.family_of(problem)
    return {"name": family.name, **family.described(problem)}


def _input(problem: Problem, resize: str) -> Json:
    return {
        "shape": list(problem.shape),
        "kind": problem.kind,
        "dtype": problem.dtype,
        "range": list(limits.value_range(problem)),
        "in_graph": TABULAR if problem.columns else PLAIN,
        **({"resize": resize} if resize else {}),
    }


def _io(spec: interface.Graph) -> Json:
    return {
        "inputs": [_tensor(t) for t in spec.inputs],
        "outputs": [_tensor(t) for t in spec.outputs],
        "noise": list(spec.noise),
    }


def _tensor(spec: Tensor) -> Json:
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)}


def _producer() -> Json:
    names = ("ssdgm-export", "torch", "onnx", "onnxscript")
    packages = {name.replace("-", "_"): metadata.version(name) for name in names}
    return {**packages, "exporter": "dynamo"}


def record(text: Json, compared: Json | None) -> None:
    """Add to a manifest what a run and its baseline came to, where the better one ships."""
    text["additional_metadata"]["ssdgm"]["training"]["baseline"] = compared


def _training(run: Json, result: Json) -> Json:
    counts = ("labelled", "unlabelled", "validation_labels_are_extra")
    text = json.dumps(run["recipe"], sort_keys=True)
    return {
        "dataset": run["data"]["name"],
        "data_digest": run["data"]["digest"],
        "split_digest": run["split"],
        "seed": run["seed"],
        **{key: run["data"][key] for key in counts},
        **{key: result[key] for key in ("steps", "select", "validation", "test")},
        "recipe_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }

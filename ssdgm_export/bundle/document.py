"""The manifest of a bundle: what a run, its graphs and its reports say, in the bundle's words.

`runtime/FORMAT.md` specifies every field, and the runtime's `manifest` writes it.
"""

import datetime
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

import numpy as np

from ssdgm_export.bundle import variants
from ssdgm_export.graphs import draws, modules, trace
from ssdgm_export.proof import parity
from ssdgm_runtime import errors
from ssdgm_runtime.bundle import manifest, scorer, tolerance
from ssdgm_runtime.labels import registry
from ssdgm_runtime.labels.space import Space
from ssdgm_runtime.rows import columns, resizing
from ssdgm_train import evaluation
from ssdgm_train.likelihoods import limits
from ssdgm_train.problems import Problem
from ssdgm_train.runs import records

Json = dict[str, Any]

DEVICES = {
    "cpu": ("cpu", "CPUExecutionProvider", (variants.INT8, variants.FP32, variants.FP16)),
    "cuda": ("gpu", "CUDAExecutionProvider", (variants.FP32, variants.FP16)),
}
"""Each device: its name and provider in the manifest; the precisions it runs, the default first.

fp16 is nobody's default: no gate here has seen a GPU's own half precision.
"""


VERSION = "1.0.0"
"""Of a bundle, where nobody says another."""

PLAIN = "flatten, subtract the shift, divide by the scale"
TABULAR = "standardise numbers, gaps as means and flags; categories one-hot, unknown ones as zeros"
ENDED = (
    "series flattened, subtract the shift, divide by the scale; what comes after an end as zeros"
)
SEVERAL = "every view subtract the shift, divide by the scale; a view that is NaN as zeros"


@dataclass(frozen=True)
class Identity:
    """What a bundle is called.

    Attributes:
        name: Its name; None for its method and its data.
        version: Its version.
        description: What it is; None for what its method does.
        license: An SPDX expression, or None.

    Raises:
        InputError: A name or a description is blank or has several lines, or a version has blanks.
    """

    name: str | None = None
    version: str = VERSION
    description: str | None = None
    license: str | None = None

    def __post_init__(self) -> None:
        for field, value in (("name", self.name), ("description", self.description)):
            if value is not None and (not value.strip() or not value.isprintable()):
                raise errors.InputError(field, repr(value), "one line of text")
        if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}", self.version):
            wanted = "letters, digits, points and dashes, such as 1.2.0"
            raise errors.InputError("version", repr(self.version), wanted)


def compose(
    record: records.RunRecord,
    result: records.Result,
    graphs: Mapping[str, modules.Graph],
    shipped: Sequence[variants.Variant],
    report: parity.Report,
    identity: Identity,
    beside: evaluation.Baseline | None = None,
    scored: scorer.Scores | None = None,
) -> manifest.Manifest:
    """The manifest.

    Args:
        record: The run's `run.json`.
        result: Its `result.json`.
        graphs: Its graphs.
        shipped: Their files.
        report: The parity report.
        identity: What the bundle is called.
        beside: What a run and its baseline came to, where the better one ships.
        scored: What the scores of validation rows are, where there is a scorer.
    """
    problem, spec = record.problem, record.plan.spec
    return manifest.Manifest(
        name=identity.name or f"{spec.name}-{record.data.name}",
        version=identity.version,
        description=identity.description or f"{spec.name} on {record.data.name}: {spec.summary}",
        space=space(record, result),
        likelihood=draws.likelihood(problem) if "decoder" in graphs else None,
        scorer=scored,
        input=_input(record),
        columns=problem.columns,
        features=tuple(columns.Column(name) for name in problem.features),
        series=problem.series,
        views=modules.views_of(problem),
        lengths=modules.lengths_of(problem),
        graphs={name: graph.spec for name, graph in graphs.items()},
        variants=tuple(v for name in graphs for v in _files(name, shipped)),
        model={
            "family": spec.name,
            "paper": asdict(spec.paper),
            "config": record.recipe["model"],
            "latents": records.plain(result.latents),
        },
        calibration={"temperature": result.temperature},
        requires=_requires(),
        producer=_producer(),
        training=_training(record, result, beside),
        parity=report.to_json(),
        license=identity.license,
        created=created(result),
    )


def space(record: records.RunRecord, result: records.Result) -> Space:
    """What a label is, with what validation rows have fitted, as the runtime has it."""
    labels = result.labels or record.problem.labels
    return registry.parse(labels.described(record.data.classes))


def created(result: records.Result) -> str:
    """When the run ended, or SOURCE_DATE_EPOCH (seconds): never the time of conversion.

    Raises:
        InputError: SOURCE_DATE_EPOCH is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return result.ended
    try:
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        raise errors.InputError(
            "SOURCE_DATE_EPOCH", repr(epoch), "whole seconds since 1970", "Correct or unset it."
        ) from None


def _files(component: str, shipped: Sequence[variants.Variant]) -> Iterator[manifest.Variant]:
    """A graph's files, for every device those precisions that it runs."""
    files = {v.precision: v for v in shipped if v.component == component}
    for device, (kind, provider, precisions) in DEVICES.items():
        ranked = [precision for precision in precisions if precision in files]
        for precision in ranked:
            file = files[precision]
            yield manifest.Variant(
                component=component,
                name=f"{device}-{precision}",
                folder=f"models/{component}/{precision}",
                provider=provider,
                device=kind,
                precision=precision,
                default=precision == ranked[0],
                atol=float(file.atol),
                rtol=float(file.rtol),
                tolerances={k: (_bound(v), float(file.rtol)) for k, v in file.own.items()},
                gates=[gate.to_json() for gate in file.gates],
            )


def _bound(atol: tolerance.Bound) -> tuple[float, ...]:
    """An absolute tolerance to three digits: one number, or one a value where they differ."""
    several = tuple(float(f"{n:.3g}") for n in np.ravel(atol).tolist())
    return several if len(set(several)) > 1 else several[:1]


def _input(record: records.RunRecord) -> manifest.Input:
    problem, resize = record.problem, record.plan.data.resize
    return manifest.Input(
        shape=problem.shape,
        kind=problem.kind,
        dtype=problem.dtype,
        range=limits.value_range(problem),
        in_graph=_in_graph(problem),
        resize=resizing.parse(resize) if resize else None,
    )


def _in_graph(problem: Problem) -> str:
    """What the graphs do to rows, in words."""
    if problem.padded:
        return ENDED
    return SEVERAL if problem.views else TABULAR if problem.columns else PLAIN


def _requires() -> Json:
    return {"opset": trace.OPSET, "ir_version": trace.IR_VERSION, "onnxruntime": ">=1.20"}


def _producer() -> Json:
    names = ("ssdgm-export", "torch", "onnx", "onnxscript")
    packages = {name.replace("-", "_"): metadata.version(name) for name in names}
    return {**packages, "exporter": "dynamo"}


def _learnt_from(record: records.RunRecord) -> bool:
    """Whether the unlabelled rows had a part in training beyond the scaling of rows.

    What a run began with may have learnt from them too.
    """
    plan = record.plan
    return plan.spec.unlabelled or plan.regularise.unlabelled or record.init is not None


def _training(
    record: records.RunRecord, result: records.Result, beside: evaluation.Baseline | None
) -> Json:
    counts = ("labelled", "unlabelled", "validation_labels_are_extra")
    scores = ("steps", "select", "validation", "test")
    text = json.dumps(record.recipe, sort_keys=True)
    return {
        "dataset": record.data.name,
        **({"label": record.data.label} if record.data.label else {}),
        "data_digest": record.data.digest,
        "split_digest": record.split,
        "seed": record.seed,
        **{key: getattr(record.data, key) for key in counts},
        **({} if _learnt_from(record) else {"unlabelled": 0}),
        **{key: records.plain(getattr(result, key)) for key in scores},
        "recipe_sha256": hashlib.sha256(text.encode()).hexdigest(),
        **({"baseline": records.plain(beside)} if beside else {}),
    }

"""The manifest: what a bundle says of itself, as JSON and as frozen dataclasses.

`manifest.json` is an ONNX Runtime model package (schema 1.0) whose
`additional_metadata.ssdgm` carries everything of ours; FORMAT.md specifies it. A `Manifest` keeps
the whole document beside its typed views, so fields that this version does not know survive a
round trip. A reader refuses another major version of the format and tolerates a newer minor one.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ssdgm_runtime import errors, jsonfile

FORMAT = (1, 0)
SCHEMA = "1.0"
PLAIN = "fp32"  # the precision that every provider computes
_INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "int64")
DTYPES = ("bool", *_INTEGERS, "float16", "float32", "float64")
_SURE = 1e-3  # how far from 1 the prior's sum may be
_MOST, _MOST_TOTAL, _DIGITS = 2**31 - 1, 2**16, 9

Json = jsonfile.Json
_KNOWN = {  # a component's inputs that must be there, those that may be, and its outputs
    "classifier": (("x",), ("x",), ("logits", "probs")),
    "encoder": (("x",), ("x", "y"), ("z_mean", "z_scale")),
    "decoder": (("z",), ("y", "z"), ("x",)),
}
_get, _typed, _tuple = jsonfile.get, jsonfile.typed, jsonfile.each


@dataclass(frozen=True)
class Tensor:
    """One input or output of a graph: name, numpy dtype and shape, whose first axis is "batch"."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @cached_property
    def row(self) -> tuple[int, ...]:
        """The shape of one row: every axis but the batch."""
        return tuple(int(n) for n in self.shape[1:])

    @property
    def width(self) -> int:
        """The number of values in one row."""
        return math.prod(self.row)


@dataclass(frozen=True)
class Graph:
    """What one graph eats and gives; `noise` names the inputs that take standard normal draws."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    noise: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variant:
    """One file of a component; `tolerances` is of those outputs that have their own."""

    component: str
    name: str
    path: str
    provider: str
    precision: str
    default: bool
    atol: float
    rtol: float
    tolerances: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def tolerance(self, output: str) -> tuple[float, float]:
        """Absolute and relative tolerance of an output's golden rows."""
        return self.tolerances.get(output, (self.atol, self.rtol))


@dataclass(frozen=True)
class Likelihood:
    """How `generate(sample=True)` draws x from the decoder's parameters.

    bernoulli: x = low + step * [u < probs]; binomial: x = low + step * Binomial(total, probs);
    gaussian: x = mean + scale * eps, already in the data's own units.
    """

    name: str
    total: int = 1
    low: float = 0.0
    step: float = 1.0


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest: the document itself and the views that the runtime reads."""

    document: Json
    name: str
    format: tuple[int, int]
    labels: tuple[str, ...]
    classes: tuple[int | str, ...]
    prior: tuple[float, ...]
    likelihood: Likelihood | None
    graphs: Mapping[str, Graph]
    variants: tuple[Variant, ...]

    @property
    def section(self) -> Json:
        """Everything of ours: `additional_metadata.ssdgm`."""
        found: Json = self.document["additional_metadata"]["ssdgm"]
        return found


def dumps(document: Json) -> str:
    """JSON as every file of a bundle has it: strict, two-space indent, a final newline."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str | bytes) -> Manifest:
    """Parse `manifest.json`.

    Raises:
        FormatError: It is no manifest, or a field is missing or has the wrong type.
        UnsupportedVersion: It has another major version than this reader.
    """
    return parse(jsonfile.loads(text, "manifest.json"))


def parse(document: object) -> Manifest:
    """Read a manifest from its JSON document; errors as in `loads`."""
    top = _typed(document, dict, "manifest.json")
    _check_schema(_get(top, "schema_version", str))
    section = _get(_get(top, "additional_metadata", dict), "ssdgm", dict)
    version = _version(_get(section, "format", str))
    labels = _tuple(section, "labels", str)
    classes = _tuple(section, "classes", (int, str))
    prior = tuple(jsonfile.number(p, "prior", 0) for p in _get(section, "prior", list))
    _check_classes(labels, classes, prior)
    graphs = {k: _graph(v, k) for k, v in _get(section, "io", dict).items()}
    for component, graph in graphs.items():
        _check_graph(component, graph, len(labels))
    components = _get(top, "components", dict)
    variants = tuple(v for name in components for v in _variants(name, components[name]))
    _check_components(graphs, variants)
    return Manifest(
        document=top,
        name=_get(top, "package_name", str),
        format=version,
        labels=labels,
        classes=classes,
        prior=prior,
        likelihood=_likelihood(section.get("likelihood")),
        graphs=graphs,
        variants=variants,
    )


def _check_schema(version: str) -> None:
    if version.split(".")[0] != SCHEMA.split(".")[0]:
        found = f"the model package has schema {version}"
        raise errors.UnsupportedVersion(found, SCHEMA, "Update ssdgm-runtime.")


def _version(text: str) -> tuple[int, int]:
    parts = text.split(".")
    digits = all(p.isascii() and p.isdigit() and len(p) <= _DIGITS for p in parts)
    if len(parts) != 2 or not digits:
        raise errors.FormatError(f"the bundle's format is {text[:40]!r}", '"<major>.<minor>"')
    major, minor = (int(p) for p in parts)
    if major != FORMAT[0]:
        raise errors.UnsupportedVersion(
            f"the bundle has format {text}",
            f"{FORMAT[0]}.x",
            "Update ssdgm-runtime." if major > FORMAT[0] else "Convert the run again.",
        )
    return major, minor


def _check_classes(labels: Sequence[str], classes: Sequence[Any], prior: Sequence[float]) -> None:
    sizes = (len(labels), len(classes), len(prior))
    if len(set(sizes)) != 1:
        raise errors.FormatError(
            f"the manifest has {sizes[0]} labels, {sizes[1]} classes and {sizes[2]} prior entries",
            "as many of each",
        )
    if not labels:
        raise errors.FormatError("the manifest has no label", "one at least", jsonfile.MEND)
    jsonfile.distinct(labels, "the label")
    jsonfile.distinct(classes, "the class")
    if abs(sum(prior) - 1) > _SURE:
        raise errors.FormatError(
            f"the prior of the manifest sums to {sum(prior):g}", "1", jsonfile.MEND
        )


def _tensor(value: object, where: str) -> Tensor:
    table = _typed(value, dict, where)
    shape = _tuple(table, "shape", (int, str))
    row = shape[1:]
    if shape[:1] != ("batch",) or not all(isinstance(n, int) and 0 < n <= _MOST for n in row):
        wanted = 'a shape ["batch", positive whole numbers]'
        shown = f"{list(shape)}"[:80]
        raise errors.FormatError(f"{where} has shape {shown}", wanted, jsonfile.MEND)
    dtype = _get(table, "dtype", str)
    if dtype not in DTYPES:
        wanted = f"one of {', '.join(DTYPES)}"
        raise errors.FormatError(f"{where} has dtype {dtype!r}", wanted, jsonfile.MEND)
    return Tensor(_get(table, "name", str), dtype, shape)


def _graph(value: object, name: str) -> Graph:
    table = _typed(value, dict, f"io.{name}")
    inputs, outputs = (
        tuple(_tensor(v, f"io.{name}.{key}") for v in _get(table, key, list))
        for key in ("inputs", "outputs")
    )
    for tensors, side in ((inputs, "input"), (outputs, "output")):
        jsonfile.distinct([t.name for t in tensors], f"the {side} of {name}")
    noise = _tuple(table, "noise", str) if "noise" in table else ()
    jsonfile.distinct(noise, f"the noise of {name}")
    return Graph(inputs, outputs, noise)


def _check_graph(component: str, graph: Graph, k: int) -> None:
    """Refuse a known component that lacks what every one has, or takes what nothing gives."""
    inputs, outputs = ({t.name for t in side} for side in (graph.inputs, graph.outputs))
    needs, may, gives = _KNOWN.get(component, ((), tuple(inputs), ()))
    lacking = sorted({*needs, *graph.noise} - inputs) + sorted(set(gives) - outputs)
    odd = sorted(inputs - set(may) - set(graph.noise))
    if lacking or odd or not inputs or not outputs:
        raise errors.FormatError(
            f"{component} of the manifest has inputs {sorted(inputs)}, noise {sorted(graph.noise)}"
            f" and outputs {sorted(outputs)}",
            f"inputs {list(needs)}, outputs {list(gives)}, and further inputs only for noise",
            jsonfile.MEND,
        )
    scores = [t for t in graph.outputs if component == "classifier" and t.name in gives]
    for tensor in (*scores, *(t for t in graph.inputs if t.name == "y")):
        if (tensor.dtype, tensor.row) != ("float32", (k,)):
            raise errors.FormatError(
                f"{tensor.name} of {component} is {tensor.dtype} {list(tensor.shape)}",
                f"float32 ['batch', {k}], as there are {k} labels",
                jsonfile.MEND,
            )


def _variants(component: str, value: object) -> list[Variant]:
    table = _get(_typed(value, dict, f"components.{component}"), "variants", dict)
    return [_variant(component, name, v) for name, v in table.items()]


def _variant(component: str, name: str, value: object) -> Variant:
    table = _typed(value, dict, f"components.{component}.{name}")
    engine = _get(_get(table, "executor_info", dict), "ort", dict)
    extra = _get(table, "additional_metadata", dict)
    tolerance = _get(extra, "tolerance", dict)
    bound, own = _bound(tolerance), _typed(tolerance.get("outputs", {}), dict, "tolerance.outputs")
    return Variant(
        component=component,
        name=name,
        path=f"{_get(table, 'variant_directory', str)}/{_get(engine, 'model_file', str)}",
        provider=_get(table, "ep", str),
        precision=_get(extra, "precision", str),
        default=_typed(extra.get("default", False), bool, "default"),
        atol=bound[0],
        rtol=bound[1],
        tolerances={name: _bound(value) for name, value in own.items()},
    )


def _bound(value: object) -> tuple[float, float]:
    table = _typed(value, dict, "tolerance")
    return jsonfile.get_number(table, "atol", 0), jsonfile.get_number(table, "rtol", 0)


def _likelihood(value: object) -> Likelihood | None:
    if value is None:
        return None
    table = _typed(value, dict, "likelihood")
    return Likelihood(
        name=_get(table, "name", str),
        total=jsonfile.whole(table.get("total", 1), "likelihood.total", 1, _MOST_TOTAL),
        low=jsonfile.number(table.get("low", 0), "likelihood.low"),
        step=jsonfile.number(table.get("step", 1), "likelihood.step"),
    )


def _check_components(graphs: Mapping[str, Graph], variants: Sequence[Variant]) -> None:
    found = {v.component for v in variants}
    if found != set(graphs):
        raise errors.FormatError(
            f"the manifest describes graphs {sorted(graphs)} and ships {sorted(found)}",
            "the same names in io and in components",
        )

"""The manifest: what a bundle says of itself, as JSON and as frozen dataclasses.

`manifest.json` is an ONNX Runtime model package (schema 1.0) whose
`additional_metadata.ssdgm` carries everything of ours; FORMAT.md specifies it. A `Manifest` keeps
the whole document beside its typed views, so fields that this version does not know survive a
round trip. A reader refuses another major version of the format and tolerates a newer minor one.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.bundle import variants as files
from ssdgm_runtime.bundle.interface import Graph as Graph
from ssdgm_runtime.bundle.variants import Variant as Variant
from ssdgm_runtime.rows.tensor import Tensor as Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.rows import columns as table
    from ssdgm_runtime.rows import resizing
    from ssdgm_runtime.rows import series as long
    from ssdgm_runtime.rows.row import Row

FORMAT = (1, 0)
SCHEMA = "1.0"
PLAIN = "fp32"  # the precision that every provider computes
_SURE = 1e-3  # how far from 1 the prior's sum may be
_MOST_TOTAL, _DIGITS = 2**16, 9

Json = jsonfile.Json
_get, _typed, _tuple = jsonfile.get, jsonfile.typed, jsonfile.each


@dataclass(frozen=True)
class Likelihood:
    """How `generate(sample=True)` draws x from the decoder's parameters.

    bernoulli: x = low + step * [u < probs]; binomial: x = low + step * Binomial(total, probs);
    gaussian: x = mean + scale * eps, already in the data's own units; logistic: the level nearest
    to mean + scale * log(u / (1 - u)), from 0 to total; columns: numbers as gaussian has them, and
    a code of `code_probs` for every category.
    """

    name: str
    total: int = 1
    low: float = 0.0
    step: float = 1.0
    blocks: tuple[int, ...] = ()
    """How many categories each categorical column has."""


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
    columns: "table.Columns" = ()
    resize: "resizing.Resize | None" = None
    series: "long.Series | None" = None
    features: "table.Columns" = ()

    def row(self, component: str) -> "Row":
        """What a component's rows are, as callers and files give them."""
        from ssdgm_runtime.rows.row import Row

        declared = interface.rows(self.graphs[component], self.columns)
        named = self.columns, self.features
        return Row(declared.row, declared.dtype, *named, self.resize, self.series)

    @cached_property
    def class_values(self) -> NDArray[Any]:
        """The training labels' own values, [K], read-only: integers, strings, or objects."""
        kinds = {type(c) for c in self.classes}
        values = np.array(self.classes, dtype=object if len(kinds) > 1 else None)
        values.flags.writeable = False
        return values

    @property
    def windows(self) -> bool:
        """Whether rows are windows of series [channels, time]."""
        told = self.section.get("input")
        return isinstance(told, dict) and told.get("kind") == "windows"

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
    columns: table.Columns = ()
    if section.get("columns", []) != []:
        from ssdgm_runtime.bundle import rowkinds

        columns = rowkinds.columns(section["columns"])
    graphs = {k: interface.graph(v, k) for k, v in _get(section, "io", dict).items()}
    for component, graph in graphs.items():
        interface.check(component, graph, len(labels), columns)
    components = _get(top, "components", dict)
    variants = tuple(v for name in components for v in files.parse(name, components[name]))
    _check_components(graphs, variants)
    files.check(graphs, variants)
    return Manifest(
        document=top,
        name=_get(top, "package_name", str),
        format=version,
        labels=labels,
        classes=classes,
        prior=prior,
        likelihood=_likelihood(section.get("likelihood"), columns),
        graphs=graphs,
        variants=variants,
        columns=columns,
        **_row_kind(section, graphs, columns),
    )


def _row_kind(section: Json, graphs: Mapping[str, Graph], columns: "table.Columns") -> Json:
    """What rows are beside tensors: the fields `resize`, `series` and `features`, if any."""
    described = section.get("input")
    resize = described.get("resize") if isinstance(described, dict) else None
    if resize is None and section.get("series") is None and "features" not in section:
        return {}
    from ssdgm_runtime.bundle import rowkinds

    return {
        "resize": rowkinds.resize(resize, graphs),
        "series": rowkinds.series(section.get("series"), graphs),
        "features": rowkinds.features(section, graphs, columns),
    }


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


def _likelihood(value: object, columns: "table.Columns") -> Likelihood | None:
    if value is None:
        return None
    told = _typed(value, dict, "likelihood")
    return Likelihood(
        name=_get(told, "name", str),
        total=jsonfile.whole(told.get("total", 1), "likelihood.total", 1, _MOST_TOTAL),
        low=jsonfile.number(told.get("low", 0), "likelihood.low"),
        step=jsonfile.number(told.get("step", 1), "likelihood.step"),
        blocks=tuple(len(c.categories) for c in columns if c.categories),
    )


def _check_components(graphs: Mapping[str, Graph], variants: Sequence[Variant]) -> None:
    found = {v.component for v in variants}
    if found != set(graphs):
        raise errors.FormatError(
            f"the manifest describes graphs {sorted(graphs)} and ships {sorted(found)}",
            "the same names in io and in components",
        )


def value_range(about: manifest.Manifest) -> tuple[float, float]:
    """The data's smallest and largest value, for hints and pictures.

    What `input.range` of the manifest says, else what the likelihood can draw, else [0, 1].
    """
    described = about.section.get("input")
    found = described.get("range") if isinstance(described, dict) else None
    if isinstance(found, list) and len(found) == 2:
        numeric = all(isinstance(v, (int, float)) for v in found)
        low, high = (jsonfile.number(v, "input.range") if numeric else math.nan for v in found)
        if low < high:
            return low, high
    drawn = about.likelihood
    if drawn and drawn.name != "gaussian":
        return drawn.low, drawn.low + drawn.step * drawn.total
    return 0.0, 1.0


def input_dtype(about: manifest.Manifest) -> str:
    """The dtype in which the bundle's graphs eat x; float32 where none does."""
    found = [t.dtype for g in about.graphs.values() for t in g.inputs if t.name == "x"]
    return found[0] if found else "float32"

"""The manifest: what a bundle says of itself, as JSON and as frozen dataclasses.

`manifest.json` is an ONNX Runtime model package (schema 1.0) whose
`additional_metadata.ssdgm` carries everything of ours; FORMAT.md specifies it, and
manifest.schema.json is the same for machines. Every part has `to_json` and a parser beside it, so
what is read and what is written cannot drift apart. A `Manifest` keeps the document that it was
read from, so fields that this version does not know survive a round trip. A reader refuses another
major version of the format and tolerates a newer minor one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.bundle import interface, sections
from ssdgm_runtime.bundle import variants as files
from ssdgm_runtime.bundle.interface import Graph as Graph
from ssdgm_runtime.bundle.sections import Input as Input
from ssdgm_runtime.bundle.sections import Likelihood as Likelihood
from ssdgm_runtime.bundle.variants import Variant as Variant
from ssdgm_runtime.labels import registry
from ssdgm_runtime.rows.tensor import Tensor as Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.bundle import scorer as scorers
    from ssdgm_runtime.labels.space import Space
    from ssdgm_runtime.rows import columns as table
    from ssdgm_runtime.rows import series as long
    from ssdgm_runtime.rows.views import view as several
    from ssdgm_runtime.rows.views.layout import Layout
    from ssdgm_runtime.rows.views.lengths import Lengths

FORMAT = (2, 0)
READ = (1, 2)
"""The major versions of the format that this reader reads."""
SCHEMA = "1.0"
PLAIN = "fp32"  # the precision that every provider computes
_DIGITS = 9
_MOST_DRAWS = 2**31 - 1
_TOLD = ("classifier", "model", "calibration", "requires", "producer", "training", "parity")

Json = jsonfile.Json
_get, _typed = jsonfile.get, jsonfile.typed


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Manifest:
    """What a bundle says of itself; FORMAT.md has each field.

    `space` is what a label is, the field `labels`. `format` is the one that was read; an older one
    is written as ours. `classifier`, `model`, `calibration`, `requires`, `producer`, `training`,
    `parity`, `license` and `created` are for people; `document` is what was read, brought up to
    our format, and empty for a manifest that is made.
    """

    name: str
    space: "Space"
    graphs: Mapping[str, Graph]
    variants: tuple[Variant, ...]
    format: tuple[int, int] = FORMAT
    schema: str = SCHEMA
    layout: str = "portable"
    version: str = "1.0.0"
    description: str = ""
    likelihood: Likelihood | None = None
    scorer: "scorers.Scores | None" = None
    input: Input = field(default_factory=Input)
    columns: "table.Columns" = ()
    features: "table.Columns" = ()
    series: "long.Series | None" = None
    views: "several.Views" = ()
    lengths: "tuple[Lengths, ...]" = ()
    classifier: Json = field(default_factory=dict)
    model: Json = field(default_factory=dict)
    calibration: Json = field(default_factory=dict)
    requires: Json = field(default_factory=dict)
    producer: Json = field(default_factory=dict)
    training: Json = field(default_factory=dict)
    parity: Json = field(default_factory=dict)
    license: str | None = None
    created: str = ""
    document: Json = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names that labels are made of."""
        return self.space.names

    @property
    def row_layout(self) -> "Layout":
        """How a row is laid out in several tensors; nothing where it is one."""
        return self.columns or self.views or self.lengths

    @property
    def section(self) -> Json:
        """Everything of ours: `additional_metadata.ssdgm`."""
        whole = self.document or self.to_json()
        section: Json = whole["additional_metadata"]["ssdgm"]
        return section

    def to_json(self) -> Json:
        """The whole document, with what the one that was read has beyond this version."""
        whole = {
            "schema_version": self.schema,
            "package_name": self.name,
            "package_version": self.version,
            "layout": self.layout,
            "description": self.description,
            "components": {name: {"variants": self._files(name)} for name in self.graphs},
            "additional_metadata": {"ssdgm": self._ours()},
        }
        return {**jsonfile.laid(whole, self.document)}  # type: ignore[dict-item]

    def _files(self, component: str) -> Json:
        return {v.name: v.to_json() for v in self.variants if v.component == component}

    def _ours(self) -> Json:
        fields = {
            "format": ".".join(map(str, max(self.format, FORMAT))),
            "model": self.model,
            "calibration": self.calibration,
            "labels": self.space.to_json(),
            "classifier": self.classifier,
            "likelihood": self.likelihood.to_json() if self.likelihood else None,
            "scorer": self.scorer.to_json() if self.scorer else {},
            "input": self.input.to_json(),
            "columns": [column.to_json() for column in self.columns],
            "features": [feature.name for feature in self.features],
            "series": self.series.to_json() if self.series else {},
            "views": [view.to_json() for view in self.views],
            "lengths": [end for each in self.lengths for end in each[1:]],
            "io": {name: graph.to_json() for name, graph in self.graphs.items()},
            "requires": self.requires,
            "producer": self.producer,
            "training": self.training,
            "parity": self.parity,
            "license": self.license,
            "created": self.created,
        }
        return {key: value for key, value in fields.items() if value or value is None}


def dumps(about: Manifest) -> str:
    """A manifest as `manifest.json`."""
    return jsonfile.dumps(about.to_json())


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
    schema = _schema(_get(top, "schema_version", str))
    section = _get(_get(top, "additional_metadata", dict), "ssdgm", dict)
    version = _version(_get(section, "format", str))
    if version < FORMAT:
        from ssdgm_runtime.bundle import upgrading

        section = upgrading.upgraded(section)
        top = {**top, "additional_metadata": {**top["additional_metadata"], "ssdgm": section}}
    columns, views, lengths = _layout(section)
    space = registry.parse(_get(section, "labels", dict))
    graphs = _graphs(section, columns or views or lengths, space)
    return Manifest(
        name=_get(top, "package_name", str),
        space=space,
        graphs=graphs,
        variants=_variants(top, graphs),
        format=version,
        schema=schema,
        layout=jsonfile.optional(top, "layout", str, ""),
        version=jsonfile.optional(top, "package_version", str, ""),
        description=jsonfile.optional(top, "description", str, ""),
        likelihood=sections.likelihood(section.get("likelihood"), columns),
        input=sections.described(section, graphs),
        columns=columns,
        views=views,
        lengths=lengths,
        **_row_kind(section, graphs, columns),
        **_scores(section),
        **_told(section),
        license=jsonfile.optional(section, "license", str, "") or None,
        created=jsonfile.optional(section, "created", str, ""),
        document=top,
    )


def _layout(section: Json) -> "tuple[table.Columns, several.Views, tuple[Lengths, ...]]":
    """How rows are laid out: the fields `columns`, `views` and `lengths`, if any."""
    if not any(jsonfile.optional(section, k, list, []) for k in ("columns", "views", "lengths")):
        return (), (), ()
    from ssdgm_runtime.bundle import rowkinds

    return rowkinds.layout(section)


def _scores(section: Json) -> Json:
    """What is stated of scores: the field `scorer`, if any."""
    if section.get("scorer") is None:
        return {}
    from ssdgm_runtime.bundle import scorer

    return {"scorer": scorer.scores(section["scorer"])}


def _row_kind(section: Json, graphs: Mapping[str, Graph], columns: "table.Columns") -> Json:
    """What rows are beside tensors: the fields `series` and `features`, if any."""
    if section.get("series") is None and section.get("features") is None:
        return {}
    from ssdgm_runtime.bundle import rowkinds

    return {
        "series": rowkinds.series(section.get("series"), graphs),
        "features": rowkinds.features(section, graphs, columns),
    }


def _schema(version: str) -> str:
    if version.split(".")[0] != SCHEMA.split(".")[0]:
        raise errors.UnsupportedVersion(
            f"The model package has schema {version[:40]}", SCHEMA, "Update ssdgm-runtime."
        )
    return version


def _version(text: str) -> tuple[int, int]:
    parts = text.split(".")
    digits = all(p.isascii() and p.isdigit() and len(p) <= _DIGITS for p in parts)
    if len(parts) != 2 or not digits:
        raise errors.FormatError(
            f"The bundle's format is {text[:40]!r}", '"<major>.<minor>"', jsonfile.MEND
        )
    major, minor = (int(p) for p in parts)
    if major not in READ:
        raise errors.UnsupportedVersion(
            f"The bundle has format {text}",
            " or ".join(f"{known}.x" for known in READ),
            "Update ssdgm-runtime." if major > FORMAT[0] else "Convert the run again.",
        )
    return major, minor


def _graphs(section: Json, layout: "Layout", space: "Space") -> dict[str, Graph]:
    graphs = {k: interface.parse(v, k) for k, v in _get(section, "io", dict).items()}
    for component, graph in graphs.items():
        interface.check(component, graph, space, layout)
    interface.check_shared(graphs)
    return graphs


def _variants(top: Json, graphs: Mapping[str, Graph]) -> tuple[Variant, ...]:
    components = _get(top, "components", dict)
    variants = tuple(v for name in components for v in files.parse(name, components[name]))
    shipped = {v.component for v in variants}
    if shipped != set(graphs):
        raise errors.FormatError(
            f"The manifest describes graphs {sorted(graphs)} and ships {sorted(shipped)}",
            "the same names in io and in components",
            jsonfile.MEND,
        )
    files.check(graphs, variants)
    return variants


def _told(section: Json) -> Json:
    """What is for people."""
    tables = {key: jsonfile.optional(section, key, dict, {}) for key in _TOLD}
    if (draws := tables["classifier"].get("draws")) is not None:
        jsonfile.whole(draws, "classifier.draws", 1, _MOST_DRAWS)
    return tables


def value_range(about: Manifest) -> tuple[float, float]:
    """The data's smallest and largest value, for hints and pictures.

    What `input.range` of the manifest says, else what the likelihood can draw, else [0, 1].
    """
    if about.input.range and about.input.range[0] < about.input.range[1]:
        return about.input.range[0], about.input.range[1]
    return (about.likelihood and about.likelihood.span) or (0.0, 1.0)


def input_dtype(about: Manifest) -> str:
    """The dtype in which the bundle's graphs eat x; float32 where none does."""
    dtypes = [t.dtype for g in about.graphs.values() for t in g.inputs if t.name == "x"]
    return dtypes[0] if dtypes else "float32"

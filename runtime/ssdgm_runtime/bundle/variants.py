"""Variants: the files that a manifest lists for a graph, a precision and a provider each."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.bundle import interface
from ssdgm_runtime.rows.tensor import Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.bundle import tolerance


class Variant(NamedTuple):
    """One file of a component.

    Attributes:
        component: The graph.
        name: The variant's own name.
        folder: Its folder in the bundle.
        provider: The execution provider that it is for.
        precision: Its precision.
        default: Whether it is what this provider takes if none is named.
        atol: The absolute tolerance of golden rows.
        rtol: The relative one.
        file: Its name in the folder.
        device: That provider's device, in words of ONNX Runtime.
        tolerances: Those of outputs that have their own: one absolute tolerance, or one for every
            value of a row; and the relative one.
        gates: What the precision cost on rows of the data; documentation.
    """

    component: str
    name: str
    folder: str
    provider: str
    precision: str
    default: bool
    atol: float
    rtol: float
    file: str = "model.onnx"
    device: str = ""
    tolerances: Mapping[str, tuple[tuple[float, ...], float]] = MappingProxyType({})
    gates: Sequence[Any] = ()

    @property
    def path(self) -> str:
        """The file, relative to the bundle."""
        return f"{self.folder}/{self.file}"

    def tolerance(self, output: Tensor) -> "tuple[tolerance.Bound, float]":
        """Absolute and relative tolerance of an output's golden rows."""
        atol, rtol = self.tolerances.get(output.name, ((self.atol,), self.rtol))
        return (atol[0] if len(atol) == 1 else np.reshape(atol, output.row)), rtol

    def to_json(self) -> dict[str, Any]:
        """As `components` of a manifest has it."""
        own = {
            output: {"atol": atol[0] if len(atol) == 1 else list(atol), "rtol": rtol}
            for output, (atol, rtol) in self.tolerances.items()
        }
        bounds = {"atol": self.atol, "rtol": self.rtol, **({"outputs": own} if own else {})}
        return {
            "variant_directory": self.folder,
            "ep": self.provider,
            **({"device": self.device} if self.device else {}),
            "executor_info": {"ort": {"model_file": self.file}},
            "additional_metadata": {
                "precision": self.precision,
                "default": self.default,
                "tolerance": bounds,
                **({"gates": list(self.gates)} if self.gates else {}),
            },
        }


def parse(component: str, value: object) -> list[Variant]:
    """The variants of an entry of `components`.

    Raises:
        FormatError: A field is missing or has another type or value.
    """
    table = jsonfile.get(jsonfile.typed(value, dict, f"components.{component}"), "variants", dict)
    return [_variant(component, name, v) for name, v in table.items()]


def _variant(component: str, name: str, value: object) -> Variant:
    table = jsonfile.typed(value, dict, f"components.{component}.{name}")
    engine = jsonfile.get(jsonfile.get(table, "executor_info", dict), "ort", dict)
    extra = jsonfile.get(table, "additional_metadata", dict)
    bounds = jsonfile.get(extra, "tolerance", dict)
    own = jsonfile.optional(bounds, "outputs", dict, {})
    return Variant(
        component=component,
        name=name,
        folder=jsonfile.get(table, "variant_directory", str),
        file=jsonfile.get(engine, "model_file", str),
        provider=jsonfile.get(table, "ep", str),
        device=jsonfile.optional(table, "device", str, ""),
        precision=jsonfile.get(extra, "precision", str),
        default=jsonfile.optional(extra, "default", bool, False),
        atol=jsonfile.get_number(bounds, "atol", 0),
        rtol=jsonfile.get_number(bounds, "rtol", 0),
        tolerances={output: _bound(value) for output, value in own.items()},
        gates=jsonfile.optional(extra, "gates", list, []),
    )


def _bound(value: object) -> tuple[tuple[float, ...], float]:
    table = jsonfile.typed(value, dict, "tolerance")
    atol = table.get("atol")
    several = atol if isinstance(atol, list) and atol else [jsonfile.get_number(table, "atol", 0)]
    rtol = jsonfile.get_number(table, "rtol", 0)
    return tuple(jsonfile.number(n, "atol", 0) for n in several), rtol


def check(graphs: Mapping[str, interface.Graph], variants: Sequence[Variant]) -> None:
    """Refuse tolerances that are neither one number nor one a value of their output's rows.

    Raises:
        FormatError: There are some.
    """
    widths = {(c, t.name): t.width for c, graph in graphs.items() for t in graph.outputs}
    for variant in variants:
        for output, (atol, _) in variant.tolerances.items():
            width = widths.get((variant.component, output), 1)
            if len(atol) not in (1, width):
                raise errors.FormatError(
                    f"The tolerance of {output} of {variant.component} has {len(atol)} numbers",
                    f"one, or {width}: one for every value of a row",
                    jsonfile.MEND,
                )

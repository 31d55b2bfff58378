"""Variants: the files that a manifest lists for a graph, a precision and a provider each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.bundle import interface
from ssdgm_runtime.rows.tensor import Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.bundle import tolerance


@dataclass(frozen=True)
class Variant:
    """One file of a component.

    `tolerances` is of those outputs that have their own: one absolute tolerance, or one for every
    value of a row; and the relative one.
    """

    component: str
    name: str
    path: str
    provider: str
    precision: str
    default: bool
    atol: float
    rtol: float
    tolerances: Mapping[str, tuple[tuple[float, ...], float]] = field(default_factory=dict)

    def tolerance(self, output: Tensor) -> "tuple[tolerance.Bound, float]":
        """Absolute and relative tolerance of an output's golden rows."""
        atol, rtol = self.tolerances.get(output.name, ((self.atol,), self.rtol))
        return (atol[0] if len(atol) == 1 else np.reshape(atol, output.row)), rtol


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
    tolerance = jsonfile.get(extra, "tolerance", dict)
    own = jsonfile.typed(tolerance.get("outputs", {}), dict, "tolerance.outputs")
    folder = jsonfile.get(table, "variant_directory", str)
    return Variant(
        component=component,
        name=name,
        path=f"{folder}/{jsonfile.get(engine, 'model_file', str)}",
        provider=jsonfile.get(table, "ep", str),
        precision=jsonfile.get(extra, "precision", str),
        default=jsonfile.typed(extra.get("default", False), bool, "default"),
        atol=jsonfile.get_number(tolerance, "atol", 0),
        rtol=jsonfile.get_number(tolerance, "rtol", 0),
        tolerances={name: _bound(value) for name, value in own.items()},
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
                    f"the tolerance of {output} of {variant.component} has {len(atol)} numbers",
                    f"one, or {width}: one for every value of a row",
                    jsonfile.MEND,
                )

"""Sections of a manifest beside its graphs: how x is drawn, and what rows are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.bundle.interface import Graph

if TYPE_CHECKING:
    from ssdgm_runtime.rows import columns as table
    from ssdgm_runtime.rows import resizing

Json = jsonfile.Json
_MOST_TOTAL = 2**16
_LEVELS = ("bernoulli", "binomial", "logistic")


class Likelihood(NamedTuple):
    """How `generate(sample=True)` draws x from the decoder's parameters.

    bernoulli: x = low + step * [u < probs]; binomial: x = low + step * Binomial(total, probs);
    gaussian: x = mean + scale * eps, already in the data's own units; logistic: the level nearest
    to mean + scale * log(u / (1 - u)), from 0 to total; columns: numbers as gaussian has them, and
    a code of `code_probs` for every category; views: every view as its own has it.
    """

    name: str
    total: int = 1
    low: float = 0.0
    step: float = 1.0
    blocks: tuple[int, ...] = ()
    """How many categories each categorical column has."""
    views: tuple[tuple[str, "Likelihood"], ...] = ()
    """That of each view, by its name, where a row has several."""

    @property
    def span(self) -> tuple[float, float] | None:
        """The least and the largest value that it draws, where there is one."""
        most = self.low + self.step * self.total
        return (self.low, most) if self.name in _LEVELS else None

    def to_json(self) -> Json:
        """As a manifest has it, whose `columns` tell the blocks."""
        levels = {"total": self.total, "low": self.low, "step": self.step}
        views = {"views": {name: each.to_json() for name, each in self.views}}
        more = levels if self.name in _LEVELS else views if self.views else {}
        return {"name": self.name, **more}


def likelihood(value: object, columns: "table.Columns") -> Likelihood | None:
    """The field `likelihood`.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    if value is None:
        return None
    drawn = jsonfile.typed(value, dict, "likelihood")
    views = jsonfile.optional(drawn, "views", dict, {})
    levels = {"total": 1, "low": 0, "step": 1}
    levels |= {key: drawn[key] for key in levels if drawn.get(key) is not None}
    return Likelihood(
        name=jsonfile.get(drawn, "name", str),
        total=jsonfile.whole(levels["total"], "likelihood.total", 1, _MOST_TOTAL),
        low=jsonfile.number(levels["low"], "likelihood.low"),
        step=jsonfile.number(levels["step"], "likelihood.step"),
        blocks=tuple(len(c.categories) for c in columns if c.categories),
        views=tuple((k, each) for k, v in views.items() if (each := likelihood(v, ()))),
    )


class Input(NamedTuple):
    """What rows are, as they come; but for `resize` this is documentation.

    Attributes:
        shape: Of a row.
        kind: Such as "image" and "windows".
        dtype: In numpy's words.
        range: The smallest and largest value.
        in_graph: What the graphs do to rows.
        resize: What becomes of images of another size.
    """

    shape: tuple[int, ...] = ()
    kind: str = ""
    dtype: str = ""
    range: tuple[float, ...] = ()
    in_graph: str = ""
    resize: "resizing.Resize | None" = None

    def to_json(self) -> Json:
        """As a manifest has it."""
        fields = {
            "shape": list(self.shape),
            "kind": self.kind,
            "dtype": self.dtype,
            "range": list(self.range),
            "in_graph": self.in_graph,
            "resize": str(self.resize or ""),
        }
        return {name: value for name, value in fields.items() if value}


def described(section: Json, graphs: Mapping[str, Graph]) -> Input:
    """The field `input`, whose `resize` must have the size of the graphs' x.

    Raises:
        FormatError: As `likelihood`, or it has another size.
    """
    given = jsonfile.optional(section, "input", dict, {})
    limits, resize = given.get("range"), given.get("resize")
    if limits is not None and len(jsonfile.typed(limits, list, "input.range")) != 2:
        raise errors.FormatError(
            f"input.range of the manifest has {len(limits)} entries", "two", jsonfile.MEND
        )
    policy = None
    if resize is not None:
        from ssdgm_runtime.bundle import rowkinds

        policy = rowkinds.resize(resize, graphs)
    return Input(
        shape=jsonfile.each(given, "shape", int) if given.get("shape") is not None else (),
        kind=jsonfile.optional(given, "kind", str, ""),
        dtype=jsonfile.optional(given, "dtype", str, ""),
        range=tuple(jsonfile.number(limit, "input.range") for limit in limits or ()),
        in_graph=jsonfile.optional(given, "in_graph", str, ""),
        resize=policy,
    )

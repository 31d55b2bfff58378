"""Sections of a manifest beside its graphs: how x is drawn, what rows are and are called."""

from collections.abc import Sequence
from dataclasses import dataclass

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import resizing
from ssdgm_runtime.rows import series as long
from ssdgm_runtime.rows.tensor import Tensor

Json = jsonfile.Json
_MOST_TOTAL = 2**16
_LEVELS = ("bernoulli", "binomial", "logistic")


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

    def to_json(self) -> Json:
        """As a manifest has it, whose `columns` tell the blocks."""
        levels = {"total": self.total, "low": self.low, "step": self.step}
        return {"name": self.name, **(levels if self.name in _LEVELS else {})}


def likelihood(value: object, columns: table.Columns) -> Likelihood | None:
    """The field `likelihood`.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed; so
            for all functions here.
    """
    if value is None:
        return None
    drawn = jsonfile.typed(value, dict, "likelihood")
    levels = {"total": 1, "low": 0, "step": 1}
    levels |= {key: drawn[key] for key in levels if drawn.get(key) is not None}
    return Likelihood(
        name=jsonfile.get(drawn, "name", str),
        total=jsonfile.whole(levels["total"], "likelihood.total", 1, _MOST_TOTAL),
        low=jsonfile.number(levels["low"], "likelihood.low"),
        step=jsonfile.number(levels["step"], "likelihood.step"),
        blocks=tuple(len(c.categories) for c in columns if c.categories),
    )


@dataclass(frozen=True)
class Input:
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
    resize: resizing.Resize | None = None

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


def described(section: Json, tensors: Sequence[Tensor]) -> Input:
    """The field `input`, whose `resize` must have the size of the graphs' x."""
    given = jsonfile.optional(section, "input", dict, {})
    limits = given.get("range")
    if limits is not None and len(jsonfile.typed(limits, list, "input.range")) != 2:
        raise errors.FormatError(
            f"input.range of the manifest has {len(limits)} entries", "two", jsonfile.MEND
        )
    return Input(
        shape=jsonfile.each(given, "shape", int) if given.get("shape") is not None else (),
        kind=jsonfile.optional(given, "kind", str, ""),
        dtype=jsonfile.optional(given, "dtype", str, ""),
        range=tuple(jsonfile.number(limit, "input.range") for limit in limits or ()),
        in_graph=jsonfile.optional(given, "in_graph", str, ""),
        resize=_resize(given.get("resize"), tensors),
    )


def _resize(value: object, tensors: Sequence[Tensor]) -> resizing.Resize | None:
    if value is None:
        return None
    try:
        policy = resizing.parse(jsonfile.typed(value, str, "input.resize"))
    except errors.DataError as error:
        raise errors.FormatError(error.found, error.expected, jsonfile.MEND) from None
    for tensor in tensors:
        if tensor.row[:2] != policy.shape:
            raise errors.FormatError(
                f"input.resize of the manifest is {policy} and x is {list(tensor.shape)}",
                "the height and width of x",
                jsonfile.MEND,
            )
    return policy


def series(value: object, tensors: Sequence[Tensor]) -> long.Series | None:
    """The field `series`, whose channels must be those of the graphs' x."""
    told = long.parse(value)
    if told is None:
        return None
    for tensor in tensors:
        sides = tensor.row[:1] if len(tensor.row) == 2 else ()
        if (tensor.dtype, *sides) != ("float32", len(told.channels)):
            raise errors.FormatError(
                f"series of the manifest has {len(told.channels)} channels and x is "
                f"{tensor.dtype} {list(tensor.shape)}",
                "x float32 ['batch', channels, time]",
                jsonfile.MEND,
            )
    return told


def features(section: Json, tensors: Sequence[Tensor], columns: table.Columns) -> table.Columns:
    """The field `features`, a name for every value of the graphs' x, as columns of numbers."""
    if section.get("features") is None:
        return ()
    names = jsonfile.each(section, "features", str)
    jsonfile.distinct(names, "the feature")
    widths = {tensor.width for tensor in tensors}
    if columns or not widths <= {len(names)}:
        raise errors.FormatError(
            f"the manifest has {len(names)} features and {len(columns)} columns, and rows of "
            f"{sorted(widths)} values",
            "one feature for every value of a row, and no columns",
            jsonfile.MEND,
        )
    return tuple(table.Column(name) for name in names)

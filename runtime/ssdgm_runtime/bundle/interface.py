"""What graphs eat and give: names, dtypes and shapes, read from a manifest and checked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.rows.tensor import DTYPES, Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.rows import columns

_MOST = 2**31 - 1


@dataclass(frozen=True)
class Graph:
    """What one graph eats and gives; `noise` names the inputs that take standard normal draws."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    noise: tuple[str, ...] = ()


def graph(value: object, name: str) -> Graph:
    """An entry of `io`.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    table = jsonfile.typed(value, dict, f"io.{name}")
    inputs, outputs = (
        tuple(_tensor(v, f"io.{name}.{key}") for v in jsonfile.get(table, key, list))
        for key in ("inputs", "outputs")
    )
    for tensors, side in ((inputs, "input"), (outputs, "output")):
        jsonfile.distinct([t.name for t in tensors], f"the {side} of {name}")
    noise = jsonfile.each(table, "noise", str) if "noise" in table else ()
    jsonfile.distinct(noise, f"the noise of {name}")
    return Graph(inputs, outputs, noise)


def _tensor(value: object, where: str) -> Tensor:
    table = jsonfile.typed(value, dict, where)
    shape = jsonfile.each(table, "shape", (int, str))
    row = shape[1:]
    if shape[:1] != ("batch",) or not all(isinstance(n, int) and 0 < n <= _MOST for n in row):
        wanted = 'a shape ["batch", positive whole numbers]'
        shown = f"{list(shape)}"[:80]
        raise errors.FormatError(f"{where} has shape {shown}", wanted, jsonfile.MEND)
    dtype = jsonfile.get(table, "dtype", str)
    if dtype not in DTYPES:
        wanted = f"one of {', '.join(DTYPES)}"
        raise errors.FormatError(f"{where} has dtype {dtype!r}", wanted, jsonfile.MEND)
    return Tensor(jsonfile.get(table, "name", str), dtype, shape)


def rows(graph: Graph, table: "columns.Columns") -> Tensor:
    """What callers give as x: a graph's own input, or the whole row of a table."""
    if table:
        return Tensor("x", "float32", ("batch", len(table)))
    return next(t for t in graph.inputs if t.name == "x")


def check(component: str, graph: Graph, k: int, table: "columns.Columns") -> None:
    """Refuse a known component that lacks what every one has, or takes what nothing gives.

    Args:
        component: Its name.
        graph: What the manifest says of it.
        k: How many labels there are.
        table: The columns, where rows are those of a table.

    Raises:
        FormatError: It does, or the tensors of rows or labels are not as they should be.
    """
    inputs, outputs = ({t.name for t in side} for side in (graph.inputs, graph.outputs))
    needs, may, gives = _known(component, table) or ((), tuple(inputs), ())
    lacking = sorted({*needs, *graph.noise} - inputs) + sorted(set(gives) - outputs)
    odd = sorted(inputs - set(may) - set(graph.noise))
    if lacking or odd or not inputs or not outputs:
        raise errors.FormatError(
            f"{component} of the manifest has inputs {sorted(inputs)}, noise {sorted(graph.noise)}"
            f" and outputs {sorted(outputs)}",
            f"inputs {list(needs)}, outputs {list(gives)}, and further inputs only for noise",
            jsonfile.MEND,
        )
    fixed = {"y": ("float32", k)} | ({"logits": ("float32", k)} if "logits" in gives else {})
    fixed |= {"probs": ("float32", k)} if "probs" in gives else {}
    fixed |= _typed(table)
    for tensor in (*graph.inputs, *(t for t in graph.outputs if t.name in gives)):
        _check_fixed(component, tensor, fixed)


def _known(
    component: str, table: "columns.Columns"
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None:
    """A component's inputs that must be there, those that may be, and its outputs."""
    rows = tuple(name for name in ("x", "codes") if name in _typed(table)) or ("x",)
    given = tuple("code_probs" if name == "codes" else name for name in rows)
    return {
        "classifier": (rows, rows, ("logits", "probs")),
        "encoder": (rows, (*rows, "y"), ("z_mean", "z_scale")),
        "decoder": (("z",), ("y", "z"), given),
    }.get(component)


def _typed(table: "columns.Columns") -> dict[str, tuple[str, int]]:
    """The dtypes and widths that columns give to the tensors of a table's rows."""
    if not table:
        return {}
    from ssdgm_runtime.rows import columns

    count, found = columns.numbers(table), dict[str, tuple[str, int]]()
    if count:
        found["x"] = ("float32", count)
    if count < len(table):
        found["codes"] = ("int64", len(table) - count)
        found["code_probs"] = ("float32", sum(len(c.categories) for c in table))
    return found


def _check_fixed(component: str, tensor: Tensor, fixed: dict[str, tuple[str, int]]) -> None:
    dtype, width = fixed.get(tensor.name, (tensor.dtype, 0))
    if tensor.name in fixed and (tensor.dtype, tensor.row) != (dtype, (width,)):
        raise errors.FormatError(
            f"{tensor.name} of {component} is {tensor.dtype} {list(tensor.shape)}",
            f"{dtype} ['batch', {width}], as the labels and columns of the manifest have it",
            jsonfile.MEND,
        )

"""What graphs eat and give: names, dtypes and shapes, read from a manifest and checked."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.rows import tensor
from ssdgm_runtime.rows.tensor import Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Space
    from ssdgm_runtime.rows.views.layout import Layout


class Graph(NamedTuple):
    """What one graph eats and gives; `noise` names the inputs that take standard normal draws."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    noise: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `io` of a manifest has it."""
        return {
            "inputs": [t.to_json() for t in self.inputs],
            "outputs": [t.to_json() for t in self.outputs],
            "noise": list(self.noise),
        }


def parse(value: object, name: str) -> Graph:
    """An entry of `io`.

    Raises:
        FormatError: A field is missing, or has another type or a value that is not allowed.
    """
    table = jsonfile.typed(value, dict, f"io.{name}")
    inputs, outputs = (
        tuple(tensor.parse(v, f"io.{name}.{key}") for v in jsonfile.get(table, key, list))
        for key in ("inputs", "outputs")
    )
    for tensors, side in ((inputs, "input"), (outputs, "output")):
        jsonfile.distinct([t.name for t in tensors], f"the {side} of {name}")
    noise = jsonfile.each(table, "noise", str) if table.get("noise") is not None else ()
    jsonfile.distinct(noise, f"the noise of {name}")
    return Graph(inputs, outputs, noise)


def rows(graph: Graph, layout: "Layout") -> Tensor:
    """What callers give as x: a graph's own input, or the whole row of several tensors."""
    if layout:
        from ssdgm_runtime.rows.views import layout as laid

        return Tensor("x", "float32", ("batch", *laid.row(layout)))
    return next(t for t in graph.inputs if t.name == "x")


def check(component: str, graph: Graph, space: "Space", layout: "Layout") -> None:
    """Refuse a known component that lacks what every one has, or takes what nothing gives.

    Args:
        component: Its name.
        graph: What the manifest says of it.
        space: What a label is.
        layout: How rows are laid out, where they are several tensors.

    Raises:
        FormatError: It does, or the tensors of rows or labels are not as they should be.
    """
    inputs, outputs = ({t.name for t in side} for side in (graph.inputs, graph.outputs))
    needs, may, gives = _known(component, space, layout) or ((), tuple(inputs), ())
    lacking = sorted({*needs, *graph.noise} - inputs) + sorted(set(gives) - outputs)
    odd = sorted(inputs - set(may) - set(graph.noise))
    if lacking or odd or not inputs or not outputs:
        raise errors.FormatError(
            f"{component} of the manifest has inputs {sorted(inputs)}, noise {sorted(graph.noise)}"
            f" and outputs {sorted(outputs)}",
            f"inputs {list(needs or may)}, outputs {list(gives)}, and other inputs only for noise",
            jsonfile.MEND,
        )
    fixed = {"y": ("float32", space.shape), **_typed(layout)}
    if component == "classifier":
        fixed |= {name: ("float32", row) for name, row in space.outputs.items()}
    if component == "scorer":
        fixed["score"] = ("float32", (1,))
    for known in (*graph.inputs, *(t for t in graph.outputs if t.name in gives)):
        _check_fixed(component, known, fixed)


def check_shared(graphs: Mapping[str, Graph]) -> None:
    """Refuse graphs whose common tensors differ: z, and noise of one name, which is one draw.

    Raises:
        FormatError: Two of one name have another dtype or shape, or z is noise although the prior
            gives it.
    """
    prior, decoder = graphs.get("prior"), graphs.get("decoder")
    shared = [t for graph in graphs.values() for t in graph.inputs if t.name in graph.noise]
    if prior and decoder:
        shared += [t for t in (*prior.outputs, *decoder.inputs) if t.name == "z"]
    first = {t.name: t for t in reversed(shared)}
    odd = next((t for t in shared if t != first[t.name]), None)
    if odd or (prior and decoder and "z" in decoder.noise):
        name = odd.name if odd else "z"
        raise errors.FormatError(
            f"The graphs of the manifest do not agree on {name}",
            "one dtype and shape for noise of one name, and z from the prior where there is one",
            jsonfile.MEND,
        )


def _known(
    component: str, space: "Space", layout: "Layout"
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None:
    """A component's inputs that must be there, those that may be, and its outputs."""
    rows = tuple(name for name in _typed(layout) if name != "code_probs") or ("x",)
    given = tuple("code_probs" if name == "codes" else name for name in rows)
    return {
        "classifier": (rows, rows, tuple(space.outputs)),
        "encoder": (rows, (*rows, "y"), ("z_mean", "z_scale")),
        "prior": ((), ("y",), ("z",)),
        "decoder": ((), ("y", "z"), given),
        "scorer": (rows, rows, ("score",)),
    }.get(component)


def _typed(layout: "Layout") -> dict[str, tuple[str, tuple[int, ...]]]:
    """The dtypes and shapes that a layout gives to the tensors of rows."""
    if not layout:
        return {}
    from ssdgm_runtime.rows.views import layout as laid

    return laid.fixed(layout)


def _check_fixed(
    component: str, known: Tensor, fixed: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    dtype, row = fixed.get(known.name, (known.dtype, known.row))
    if (known.dtype, known.row) != (dtype, row):
        raise errors.FormatError(
            f"{known.name} of {component} is {known.dtype} {list(known.shape)}",
            f"{dtype} {['batch', *row]}, as the labels, columns and views of the manifest have it",
            jsonfile.MEND,
        )

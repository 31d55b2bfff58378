"""Refuse a graph that is none, could be read in two ways, or could do more than compute.

A tensor of an ONNX file may name another file that holds its values (`external_data`, field 13,
and `data_location = EXTERNAL`, field 14 of TensorProto). A graph that is loaded from bytes would
look for that file in the current directory, so a bundle must not have any.
"""

from ssdgm_runtime import errors
from ssdgm_runtime.bundle.graph import limits, nodes, operators, wire

_AGAIN = "Convert the run again."
_TRUST = "Convert the run again; or, if you trust its maker, allow it: "


def check(data: bytes, name: str, more: tuple[str, ...] = ()) -> None:
    """Refuse a graph that a bundle may not have.

    Args:
        data: The file's bytes.
        name: What to call it in a message.
        more: Operators that the caller allows beside those of `operators`, as `Name` or
            `domain:Name`; one with graphs inside, such as `Loop`, may then have them.

    Raises:
        FormatError: The bytes are no canonical protobuf of ONNX, have no graph, keep weights
            elsewhere, pass one of `limits`, or have an operator that is not allowed.
    """
    try:
        file = wire.File(data)
        graph = _graph(file, more)
        if graph:
            nodes.Nodes(file, more).graph(graph)
    except wire.Elsewhere:
        raise errors.FormatError(
            f"{name} keeps its weights in another file",
            "one file a graph",
            "Save it with external_data=False.",
        ) from None
    except nodes.Forbidden as operator:
        shown = str(operator)[:80]
        raise errors.FormatError(
            f"{name} uses the operator {shown!r}",
            "those that FORMAT.md lists",
            f"{_TRUST}Options(operators=({shown!r},)).",
        ) from None
    except wire.Odd as error:
        raise errors.FormatError(
            f"{name} is not an ONNX file as FORMAT.md has it: {error}", mend=_AGAIN
        ) from None
    if not graph:
        raise errors.FormatError(f"{name} has no graph", "an ONNX model", _AGAIN)


def _graph(file: wire.File, more: tuple[str, ...]) -> wire.Message | None:
    """The graph of a file, whose versions are ours and which defines nothing else."""
    model = file.model
    if model.all(20):
        raise wire.Odd("it has graphs for training")
    if len(model.all(25)) > limits.FUNCTIONS:
        raise wire.Odd(f"it defines {len(model.all(25))} operators of its own")
    if model.one(1) > limits.IR:
        raise wire.Odd(f"it is of IR version {model.one(1)}, later than {limits.IR}")
    graph: wire.Message | None = model.one(7) or None
    domains = [file.text(opset.one(1)) for opset in model.all(8)]
    own = [opset.one(2) for opset in model.all(8) if file.text(opset.one(1)) in operators.DOMAINS]
    if graph and own != [limits.OPSET]:
        raise wire.Odd(f"it is of the opsets {own}, and not of opset {limits.OPSET}")
    known = operators.DOMAINS | {word.rpartition(":")[0] for word in more}
    strange = [domain for domain in domains if domain not in known]
    if graph and strange:
        raise wire.Odd(f"it uses operators of the domain {strange[0][:80]!r}")
    return graph

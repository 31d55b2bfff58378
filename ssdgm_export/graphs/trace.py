"""One `torch.onnx.export` call: names, dynamic batch, opset 18, one file, nothing of the machine.

The result has no random operator, no dropout, no external data, no custom domain, no source lines
and no paths, and the same model gives the same bytes.
"""

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import onnx
import torch
from onnxscript import opset18 as op

from ssdgm_export.graphs import folding, modules

OPSET = 18
IR_VERSION = 10
FORBIDDEN = ("Random", "Dropout", "Bernoulli", "Multinomial")
EXAMPLE_ROWS = 2
_NAMELESS = re.compile(r"val_|v\d+$")  # the exporter's names for constants, and ours


class ExportError(RuntimeError):
    """The exporter made a graph that a bundle may not hold; a defect of a method, not of data."""


def trace(graph: modules.Graph, properties: Mapping[str, str]) -> bytes:
    """A graph as the bytes of an .onnx file.

    Args:
        graph: The module and its tensors.
        properties: Written into the model's metadata, so that a lone file stays identifiable.

    Raises:
        ExportError: The graph holds what a bundle may not hold.
    """
    specs = graph.spec.inputs
    batch = torch.export.Dim(modules.BATCH, min=1)
    with quiet():
        program = torch.onnx.export(
            graph.module,
            tuple(modules.example(spec, EXAMPLE_ROWS) for spec in specs),
            input_names=[spec.name for spec in specs],
            output_names=[spec.name for spec in graph.spec.outputs],
            dynamic_shapes=_shapes(graph, batch),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
            custom_translation_table={torch.ops.aten.softplus.default: _softplus},
        )
    assert program is not None
    model = onnx.ModelProto()
    model.CopyFrom(program.model_proto)
    folding.fold(model)
    return finish(model, graph.name, properties)


def _shapes(graph: modules.Graph, batch: object) -> tuple[object, ...]:
    """The dynamic axis of every input, nested as the module's own signature is."""
    found = tuple({0: batch} for _ in graph.spec.inputs)
    return (found,) if isinstance(graph.module, modules.Tabular) else found


def finish(model: onnx.ModelProto, name: str, properties: Mapping[str, str]) -> bytes:
    """A model as the bytes of a file: stripped, its values numbered, checked; raises as `trace`.

    Args:
        model: Changed in place.
        name: The graph's name.
        properties: As for `trace`.
    """
    _strip(model, name)
    _number(model.graph)
    for key in sorted(properties):
        model.metadata_props.add(key=key, value=properties[key])
    _check(model, name)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:  # noqa: ANN401
    """Log(1 + e^x) = max(x, 0) - log sigmoid(|x|), as onnxruntime's own Softplus kernel is scalar.

    The logarithm is of a number between 0.5 and 1, so nothing overflows.
    """
    if beta != 1.0:
        raise ExportError(f"softplus has beta {beta}; only 1 is lowered")
    return op.Sub(op.Relu(x), op.Log(op.Sigmoid(op.Abs(x))))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep a tool's prints, log and warnings from the standard output, which may be JSON."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _strip(model: onnx.ModelProto, name: str) -> None:
    """Drop stack traces, scopes and every other text that the exporter adds."""
    graph = model.graph
    parts = [model, graph, *graph.node, *graph.initializer]
    for part in [*parts, *graph.input, *graph.output, *graph.value_info]:
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    graph.name = name
    model.producer_name, model.producer_version = "ssdgm-export", ""


def _number(graph: onnx.GraphProto) -> None:
    """Number nodes and inner values by place: the exporter's counters tell what else it met."""
    if any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return  # a branch may use any name of the graph around it
    constants = [t.name for t in graph.initializer if _NAMELESS.match(t.name)]
    inner = [*constants, *(name for node in graph.node for name in node.output)]
    kept = {"", *(value.name for value in graph.output)}
    names = {old: f"v{i}" for i, old in enumerate(n for n in inner if n not in kept)}
    for i, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{i}"
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.initializer, *graph.value_info):
        value.name = names.get(value.name, value.name)


def _check(model: onnx.ModelProto, name: str) -> None:
    onnx.checker.check_model(model, full_check=True)
    for complaint in filter(None, (rule(model) for rule in RULES)):
        raise ExportError(f"graph {name} {complaint}")


def _random(model: onnx.ModelProto) -> str:
    found = {n.op_type for n in model.graph.node if n.op_type.startswith(FORBIDDEN)}
    return f"holds {sorted(found)}: noise must be an input" if found else ""


def _foreign(model: onnx.ModelProto) -> str:
    found = {n.domain for n in model.graph.node} | {o.domain for o in model.opset_import}
    strange = found - {"", "ai.onnx"}
    return f"uses the domains {sorted(strange)}" if strange or model.functions else ""


def _external(model: onnx.ModelProto) -> str:
    found = [t.name for t in model.graph.initializer if t.external_data]
    return f"keeps {found} outside the file" if found else ""


def _old(model: onnx.ModelProto) -> str:
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    return "" if versions == [OPSET] else f"has opset {versions}"


def _new(model: onnx.ModelProto) -> str:
    found = model.ir_version
    return "" if found <= IR_VERSION else f"has IR version {found}, above {IR_VERSION}"


RULES: tuple[Callable[[onnx.ModelProto], str], ...] = (_random, _foreign, _external, _old, _new)
"""Each gives a complaint, or an empty string."""

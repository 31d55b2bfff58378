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
import onnx_ir as ir
import torch
from onnx_ir.passes import common
from onnxscript import opset18 as op

from ssdgm_export.graphs import folding, free, modules, translations
from ssdgm_runtime import errors
from ssdgm_runtime.bundle.graph import check

OPSET = 18
IR_VERSION = 10
FORBIDDEN = ("Random", "Dropout", "Bernoulli", "Multinomial")
EXAMPLE_ROWS = 2
_NAMELESS = re.compile(r"val_|v\d+$")  # the exporter's names for constants, and ours


class ExportError(RuntimeError):
    """The exporter made a graph that a bundle may not hold: a defect of a method, not of data."""


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
    with quiet(), translations.kept():
        program = torch.onnx.export(
            graph.module,
            tuple(modules.example(spec, EXAMPLE_ROWS, free.MORE) for spec in specs),
            input_names=[spec.name for spec in specs],
            output_names=[spec.name for spec in graph.spec.outputs],
            dynamic_shapes=_shapes(graph, batch),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
            custom_translation_table={torch.ops.aten.softplus.default: _softplus},
        )
    assert program is not None
    folding.fold(program.model)
    _name_sides(program.model, graph)
    return finish(program.model, graph.name, properties)


def _name_sides(model: ir.Model, graph: modules.Graph) -> None:
    """Call the axes of outputs what the manifest calls them, however torch wrote them."""
    for value, spec in zip(model.graph.outputs, graph.spec.outputs, strict=True):
        if any(isinstance(n, str) for n in spec.shape[1:]):
            value.shape = ir.Shape([modules.BATCH, *spec.shape[1:]])


def _shapes(graph: modules.Graph, batch: object) -> tuple[object, ...]:
    """The dynamic axis of every input, nested as the module takes them."""
    return (free.dynamic(graph.spec.inputs, batch),)


def finish(model: ir.Model, name: str, properties: Mapping[str, str]) -> bytes:
    """A model as the bytes of a file: stripped, its values numbered, checked; raises as `trace`.

    Args:
        model: Changed in place.
        name: The graph's name.
        properties: As for `trace`.
    """
    _strip(model)
    _number(model.graph)
    model.graph.name, model.producer_name, model.producer_version = name, "ssdgm-export", ""
    model.metadata_props.update(properties)
    for complaint in filter(None, (rule(model) for rule in RULES)):
        raise ExportError(f"graph {name} {complaint}")
    proto = ir.to_proto(model)
    onnx.checker.check_model(proto, full_check=True)
    data: bytes = proto.SerializeToString(deterministic=True)
    try:
        check.check(data, f"graph {name}")
    except errors.FormatError as error:  # what no reader would open must not be written
        raise ExportError(str(error)) from None
    return data


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:  # noqa: ANN401
    """Log(1 + e^x) = max(x, 0) - log sigmoid(|x|), as onnxruntime's own Softplus kernel is scalar.

    The logarithm is of a number between 0.5 and 1, so nothing overflows.
    """
    if beta != 1.0:
        raise ExportError(f"softplus has beta {beta}, and only beta 1 can be exported")
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


def _strip(model: ir.Model) -> None:
    """Drop stack traces, scopes and every other text that the exporter adds."""
    common.ClearMetadataAndDocStringPass()(model)
    graph = model.graph
    weights = graph.initializers.values()
    made = (value for node in graph.all_nodes() for value in node.outputs)
    parts: list[ir.Model | ir.Value] = [model, *graph.inputs, *weights, *made]
    for part in parts:
        part.metadata_props.clear()
        part.doc_string = None
    for weight in weights:
        weight.type = weight.shape = None  # its tensor says both


def _number(graph: ir.Graph) -> None:
    """Number nodes and inner values by place: the exporter's counters tell what else it met."""
    nodes = list(graph.all_nodes())
    for i, node in enumerate(nodes):
        node.name = f"{node.op_type}_{i}"
    constants = [v for name, v in graph.initializers.items() if _NAMELESS.match(name)]
    made = [value for node in nodes for value in node.outputs]
    inner = [*constants, *(v for v in made if v.name and not v.is_graph_output())]
    ir.convenience.rename_values(inner, [f"v{i}" for i in range(len(inner))])


def _random(model: ir.Model) -> str:
    kinds = {n.op_type for n in model.graph.all_nodes() if n.op_type.startswith(FORBIDDEN)}
    return f"holds {sorted(kinds)}: noise must be an input" if kinds else ""


def _foreign(model: ir.Model) -> str:
    domains = {n.domain for n in model.graph.all_nodes()} | model.opset_imports.keys()
    strange = domains - {"", "ai.onnx"}
    return f"uses the domains {sorted(strange)}" if strange or model.functions else ""


def _external(model: ir.Model) -> str:
    tensors = model.graph.initializers.tensors()
    outside = [t.name for t in tensors if isinstance(t, ir.ExternalTensor)]
    return f"keeps {outside} outside the file" if outside else ""


def _old(model: ir.Model) -> str:
    version = model.opset_imports.get("")
    return "" if version == OPSET else f"has opset {version}, not {OPSET}"


def _new(model: ir.Model) -> str:
    version = model.ir_version
    return "" if version <= IR_VERSION else f"has IR version {version}, above {IR_VERSION}"


RULES: tuple[Callable[[ir.Model], str], ...] = (_random, _foreign, _external, _old, _new)
"""Each gives a complaint, or an empty string."""

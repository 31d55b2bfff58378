"""Smaller and faster graphs that answer almost the same: static int8 and fp16.

int8 is static QDQ: every matrix product multiplies 8-bit integers, its scales fixed beforehand
from the run's own rows, so a row's answer never depends on who shares its batch. Weights have a
scale a column and 7 bits, since 8 overflow where a processor adds pairs of products in 16 bits.
What follows a product stays in floating point: rounding it once more costs time and accuracy.
So do convolutions: thin as they are, in 8 bits they took as long for one row and a tenth to a
quarter longer for 64, for one hundredth of the file; transposed ones have no integer kernel.

Reference:
    Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam, Kalenichenko (2018): Quantization and Training of
    Neural Networks for Efficient Integer-Arithmetic-Only Inference. Sections 2 and 3.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ssdgm_export.graphs import trace
from ssdgm_runtime.engine import session

Array = NDArray[Any]
Arrays = dict[str, Array]

PRODUCTS = ["Gemm", "MatMul"]


def int8(data: bytes, feeds: Iterable[Mapping[str, Array]]) -> bytes:
    """A graph whose matrix products multiply 8-bit integers.

    Args:
        data: The fp32 graph, as `trace.trace` gives it.
        feeds: Batches of its inputs, as they will come; they fix the scales.
    """
    session.engine()  # imports onnxruntime with its telemetry off
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._feeds: Iterator[Mapping[str, Array]] = iter(feeds)

        def get_next(self) -> Mapping[str, Array] | None:
            return next(self._feeds, None)

    model = onnx.load_model_from_string(data)
    with tempfile.TemporaryDirectory() as folder, trace.quiet():
        target = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            model,
            target,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=PRODUCTS,
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={
                "OpTypesToExcludeOutputQuantization": PRODUCTS,
                "TensorQuantOverrides": {name: [_exact()] for name in _bytes(model.graph)},
            },
        )
        found = onnx.load(target)
    _skip_casts(found.graph)
    return _finish(found, model)


def fp16(data: bytes) -> bytes:
    """A graph that computes in half precision; its inputs and outputs keep their types."""
    session.engine()
    from onnxruntime.transformers import float16, onnx_model

    model = onnx.load_model_from_string(data)
    with trace.quiet():
        found = float16.convert_float_to_float16(model, keep_io_types=True)
        onnx_model.OnnxModel(found).topological_sort()  # the casts were put at the end
    return _finish(found, model)


def _exact() -> dict[str, Any]:
    """The scale at which a byte stands for itself."""
    return {"scale": np.array(1, dtype=np.float32), "zero_point": np.array(0, dtype=np.uint8)}


def _bytes(graph: onnx.GraphProto) -> list[str]:
    """Values that are whole numbers from 0 to 255: bytes of the input, cast."""
    made = {v.name for v in graph.input if v.type.tensor_type.elem_type == onnx.TensorProto.UINT8}
    found = []
    for node in graph.node:
        if node.op_type in ("Reshape", "Flatten") and node.input[0] in made:
            made.add(node.output[0])
        elif node.op_type == "Cast" and node.input[0] in made:
            found.append(node.output[0])
    return found


def _skip_casts(graph: onnx.GraphProto) -> None:
    """Take bytes as the integers that they are, instead of casting and rounding them back."""
    makers = {name: node for node in graph.node for name in node.output}
    exact = _bytes(graph)
    for node in list(graph.node):
        rounding = makers.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        if rounding is not None and rounding.input[0] in exact:
            node.input[0] = makers[rounding.input[0]].input[0]
    for kind in ("QuantizeLinear", "Cast"):
        read = {name for node in graph.node for name in node.input}
        for node in [n for n in graph.node if n.op_type == kind and n.output[0] not in read]:
            if node.output[0] not in {value.name for value in graph.output}:
                graph.node.remove(node)


def _finish(found: onnx.ModelProto, origin: onnx.ModelProto) -> bytes:
    del found.graph.value_info[:]  # of values that are no more, under names that are taken anew
    return trace.finish(
        found, origin.graph.name, {entry.key: entry.value for entry in origin.metadata_props}
    )

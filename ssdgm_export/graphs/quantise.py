"""Smaller and faster graphs that answer almost the same: static int8 and fp16.

int8 is static QDQ: every matrix product multiplies 8-bit integers, its scales fixed beforehand
from the run's own rows, so a row's answer never depends on who shares its batch. Weights have a
scale a column and 7 bits, since 8 overflow where a processor adds pairs of products in 16 bits.
What follows a product stays in floating point: rounding it once more costs time and accuracy.
So do convolutions: thin as they are, in 8 bits they took as long for one row and a tenth to a
quarter longer for 64, for one hundredth of the file; transposed ones have no integer kernel, nor
have products of several matrices at once, such as those of periodic features.

Reference:
    Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam, Kalenichenko (2018): Quantization and Training of
    Neural Networks for Efficient Integer-Arithmetic-Only Inference. Sections 2 and 3.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes import common

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

    proto = onnx.load_model_from_string(data)
    origin = ir.from_proto(proto)
    with tempfile.TemporaryDirectory() as folder, trace.quiet():
        target = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            proto,
            target,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=PRODUCTS,
            nodes_to_exclude=[*_several(origin.graph)],
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={
                "OpTypesToExcludeOutputQuantization": PRODUCTS,
                "TensorQuantOverrides": {
                    node.outputs[0].name: [_exact()] for node in _casts(origin.graph)
                },
            },
        )
        return _finish(onnx.load(target), origin, _skip_casts)


def fp16(data: bytes) -> bytes:
    """A graph that computes in half precision; its inputs and outputs keep their types."""
    session.engine()
    from onnxruntime.transformers import float16

    proto = onnx.load_model_from_string(data)
    origin = ir.from_proto(proto)
    with trace.quiet():
        halved = float16.convert_float_to_float16(proto, keep_io_types=True)
    return _finish(halved, origin, common.TopologicalSortPass())  # the casts are at the end


def _several(graph: ir.Graph) -> Iterator[str]:
    """The products of several matrices at once, which have no integer kernel with a scale each."""
    for node in graph:
        given = (value for value in node.inputs if value is not None and value.is_initializer())
        if node.op_type in PRODUCTS and any(len(value.shape or ()) > 2 for value in given):
            yield str(node.name)


def _exact() -> dict[str, Any]:
    """The scale at which a byte stands for itself."""
    return {"scale": np.array(1, dtype=np.float32), "zero_point": np.array(0, dtype=np.uint8)}


def _casts(graph: ir.Graph) -> list[ir.Node]:
    """What makes floats of the input's bytes: whole numbers from 0 to 255."""
    whole = [value for value in graph.inputs if value.dtype == ir.DataType.UINT8]
    casts = []
    for value in whole:  # which grows on the way
        for node in value.consumers():
            if node.op_type in ("Reshape", "Flatten"):
                whole.append(node.outputs[0])
            elif node.op_type == "Cast":
                casts.append(node)
    return casts


def _skip_casts(model: ir.Model) -> None:
    """Take bytes as the integers that they are, instead of casting and rounding them back."""
    for cast in _casts(model.graph):
        (source,) = cast.inputs
        for reader in cast.outputs[0].consumers():
            if reader.op_type == "QuantizeLinear" and source is not None:
                ir.convenience.replace_all_uses_with(reader.outputs[0], source)
    common.RemoveUnusedNodesPass()(model)


def _finish(
    proto: onnx.ModelProto, origin: ir.Model, change: Callable[[ir.Model], object]
) -> bytes:
    """The file of what a tool made of a model, once it is changed as it still has to be."""
    del proto.graph.value_info[:]  # of values that are no more, under names that are taken anew
    model = ir.from_proto(proto)
    change(model)
    return trace.finish(model, str(origin.graph.name), origin.metadata_props)

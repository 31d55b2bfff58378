"""int8 and fp16 of every method's graphs: small, still right, and free of what a bundle bars."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exported
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from ssdgm_export.graphs import quantise
from ssdgm_export.proof import engines
from ssdgm_runtime.bundle import contents, golden

Arrays = dict[str, NDArray[Any]]
Graph = tuple[str, bytes, Arrays]
METHODS = pytest.mark.parametrize("case", exported.EVERY_METHOD)
PERIODIC = ("m2", "columns-float32", ("model.periodic=4",))
FLAT = ("m2", "bernoulli-uint8", ("model.network=mlp",))


@pytest.fixture
def each(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Graph]]:
    """The graphs of a method's bundle, with golden inputs."""

    def graphs(case: exported.Case) -> list[Graph]:
        path: Path = exported.folder(tmp_path_factory, *case) / "bundle.ssdgm"
        opened = contents.open_bundle(path)
        return [
            (key, opened.read(f"models/{key}/fp32/model.onnx"), golden.inputs(opened, key))
            for key, graph in opened.manifest.graphs.items()
            if "score" not in {t.name for t in graph.outputs}  # which is fp32 alone
        ]

    return graphs


def share(found: Arrays, wanted: Arrays) -> float:
    """The largest error of an output's mean square as a share of its variance."""
    return max(
        float(np.square(found[k] - wanted[k]).mean() / max(wanted[k].var(), 1e-6)) for k in wanted
    )


@pytest.mark.parametrize("case", [*exported.COVER, PERIODIC])
def test_int8_answers_almost_the_same_whoever_shares_the_batch(
    case: exported.Case, each: Callable[..., list[Graph]]
) -> None:
    for key, data, feeds in each(case):
        small = quantise.int8(data, [feeds])
        found, plain = engines.opened(key, small).run(feeds), engines.opened(key, data).run(feeds)
        assert share(found, plain) < 0.05, key
        one = engines.opened(key, small).run({k: v[3:4] for k, v in feeds.items()})
        for output in one:
            np.testing.assert_array_equal(one[output][0], found[output][3])


@METHODS
def test_every_product_multiplies_integers_and_its_result_is_not_rounded(
    case: exported.Case, each: Callable[..., list[Graph]]
) -> None:
    for _, data, feeds in each(case):
        graph = onnx.load_model_from_string(quantise.int8(data, [feeds])).graph
        makers = {out: node.op_type for node in graph.node for out in node.output}
        products = [node for node in graph.node if node.op_type in quantise.PRODUCTS]
        assert products
        for node in products:
            assert {makers[value] for value in node.input} == {"DequantizeLinear"}
            readers = {n.op_type for n in graph.node if node.output[0] in n.input}
            assert makers[node.input[0]] == "DequantizeLinear"
            assert readers != {"QuantizeLinear"} or _feeds_a_product(graph, node)


def _feeds_a_product(graph: onnx.GraphProto, node: onnx.NodeProto) -> bool:
    """Whether a result is rounded as the next product's input, with nothing in between."""
    name = node.output[0]
    for kind in ("QuantizeLinear", "DequantizeLinear"):
        name = next(n for n in graph.node if n.op_type == kind and name in n.input).output[0]
    return any(n.op_type in quantise.PRODUCTS and name in n.input for n in graph.node)


def test_bytes_are_taken_as_the_integers_they_are(each: Callable[..., list[Graph]]) -> None:
    data, feeds = next((d, f) for key, d, f in each(FLAT) if key == "classifier")
    dim = {**feeds, "x": feeds["x"] // 4}  # rows that do not fill the range
    graph = onnx.load_model_from_string(quantise.int8(data, [dim])).graph
    assert "Cast" not in {node.op_type for node in graph.node}
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    sources = {"x", *(n.output[0] for n in graph.node if n.op_type in ("Reshape", "Flatten"))}
    first = next(
        n for n in graph.node if n.op_type == "DequantizeLinear" and n.input[0] in sources
    )
    assert constants[first.input[1]] == 1
    assert constants[first.input[2]] == 0


@METHODS
def test_fp16_is_half_as_large_and_close(
    case: exported.Case, each: Callable[..., list[Graph]]
) -> None:
    for key, data, feeds in each(case):
        small = quantise.fp16(data)
        found, plain = engines.opened(key, small).run(feeds), engines.opened(key, data).run(feeds)
        assert share(found, plain) < 1e-4, key
        model = onnx.load_model_from_string(small)
        kinds = {t.data_type for t in model.graph.initializer if len(t.dims) > 1}
        assert kinds == {onnx.TensorProto.FLOAT16}
        wanted = onnx.load_model_from_string(data).graph
        for now, before in (
            (model.graph.input, wanted.input),
            (model.graph.output, wanted.output),
        ):
            assert [v.SerializeToString() for v in now] == [v.SerializeToString() for v in before]


@METHODS
def test_the_lone_file_stays_identifiable_and_tells_nothing_else(
    case: exported.Case, each: Callable[..., list[Graph]]
) -> None:
    for key, data, feeds in each(case):
        for small in (quantise.int8(data, [feeds]), quantise.fp16(data)):
            model = onnx.load_model_from_string(small)
            assert {p.key: p.value for p in model.metadata_props}["ssdgm.graph"] == key
            assert model.producer_name == "ssdgm-export"
            assert not any(node.doc_string or node.metadata_props for node in model.graph.node)

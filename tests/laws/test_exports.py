"""What holds for the bundle of every method: the graphs, what they compute, what they tell."""

import getpass
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cases
import exported
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from ssdgm_export.graphs import modules, trace
from ssdgm_export.proof import parity
from ssdgm_runtime import model
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.engine import session
from ssdgm_runtime.inference import likelihoods, noise
from ssdgm_train import methods
from ssdgm_train.problems import Problem

EACH = ("name", "kind", "changes")
CASES = [
    *exported.COVER,
    ("supervised", "bernoulli-uint8", ("model.activation=softplus",)),
    ("m2", "bernoulli-uint8", ("model.network=mlp",)),
    ("m2", "logistic-uint8", ("model.pooled=[4,6,6]", "regularise.consistency=1")),
    ("m2", "windows-float32", ("model.kernels=10",)),
    ("m2", "columns-float32", ("model.periodic=4",)),
    ("m1m2", "windows-float32", ()),  # one convolutional network's latents are another's rows
]
METHODS = pytest.mark.parametrize(EACH, exported.EVERY_METHOD)
DECODERS = pytest.mark.parametrize(
    EACH, [case for case in exported.COVER if "generate" in methods.METHODS[case[0]].tasks]
)
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """A bundle and the torch modules that it was made of."""

    folder: Path
    name: str
    modules: dict[str, modules.Graph]
    problem: Problem

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle.ssdgm"

    @property
    def about(self) -> manifest.Manifest:
        return manifest.loads((self.bundle / "manifest.json").read_bytes())

    def onnx(self) -> Iterator[tuple[str, onnx.ModelProto]]:
        for key in self.modules:
            yield key, onnx.load(self.bundle / f"models/{key}/fp32/model.onnx")


Opened = Callable[..., Case]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    def opened(name: str, kind: str, changes: tuple[str, ...]) -> Case:
        folder = exported.folder(tmp_path_factory, name, kind, changes)
        run = folder / "run"
        return Case(folder, name, exported.traced_modules(run), exported.problem(run))

    return opened


def rows(problem: Problem, batch: int) -> NDArray[Any]:
    """Rows over the whole range of the dtype, of another stream than parity's and golden rows'."""
    if problem.columns:
        return cases.rows("columns-float32", np.arange(batch), 77)
    found = np.random.default_rng(77).uniform(0, 255, (batch, *problem.shape))
    return found.astype(problem.dtype)


def feeds(graph: modules.Graph, problem: Problem, batch: int) -> Arrays:
    labels = np.random.default_rng(7).dirichlet(np.ones(problem.labels.width), batch)
    given = {**graph.taken(rows(problem, batch)), "y": labels.astype(np.float32)}
    return {
        t.name: given[t.name] if t.name in given else noise.draw(9, t.name, batch, t.width)
        for t in graph.spec.inputs
    }


@pytest.mark.parametrize(EACH, CASES)
def test_torch_and_the_engine_agree(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    ort, found = session.engine(), case(name, kind, changes)
    for key, graph in found.modules.items():
        path = found.bundle / f"models/{key}/fp32/model.onnx"
        engine = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        for batch in (1, 2, 5, *parity.BATCHES):
            given = feeds(graph, found.problem, batch)
            tensors = [torch.from_numpy(given[t.name]) for t in graph.spec.inputs]
            with torch.inference_mode():
                wanted = graph.module(*tensors)
            got = engine.run(None, given)
            for spec, a, b in zip(graph.spec.outputs, got, wanted, strict=True):
                np.testing.assert_allclose(
                    a, b.numpy(), rtol=1e-4, atol=1e-4, err_msg=f"{key}.{spec.name} at {batch}"
                )
                assert a.shape == (batch, *spec.row)


@pytest.mark.parametrize("kind", ["logistic-uint8", "windows-float32"])
def test_scaling_and_normalisation_are_in_the_convolutions_weights(
    case: Opened, kind: str
) -> None:
    for key, proto in case("m2", kind, exported.NORMALISED).onnx():
        operators = [node.op_type for node in proto.graph.node]
        assert "BatchNormalization" not in operators
        assert any("Conv" in operator for operator in operators), key
        before = operators[: operators.index("Conv")] if "Conv" in operators else []
        assert kind != "logistic-uint8" or not {"Div", "Mul"} & set(before)


@METHODS
def test_the_bundle_offers_what_the_method_declares(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    found, trained = case(name, kind, changes), cases.built(methods.METHODS[name], kind)
    graphs, prior = found.about.graphs, trained.conditional("prior")
    wanted = {each.name: {*each.given, *each.noise} for each in trained.conditionals}
    assert {key: {t.name for t in graph.inputs} for key, graph in graphs.items()} == wanted
    for each in trained.conditionals:
        latent = {"z"} & {*each.given} if each.name == "decoder" and prior is None else set()
        assert {*graphs[each.name].noise} == latent | {*each.noise}
        widths = {t.name: t.width for t in graphs[each.name].inputs if t.name in trained.widths}
        assert widths == {name: trained.widths[name] for name in widths}
    with model.load(found.bundle) as opened:
        assert set(opened.tasks) == set(methods.METHODS[name].tasks)


@METHODS
def test_every_tensor_has_one_dynamic_axis_named_batch(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    found = case(name, kind, changes)
    for key, proto in found.onnx():
        spec = found.about.graphs[key]
        for side, tensors in (("input", spec.inputs), ("output", spec.outputs)):
            declared = [(t.name, list(t.shape), t.dtype) for t in tensors]
            values = getattr(proto.graph, side)
            assert [(v.name, _shape(v), _dtype(v)) for v in values] == declared, f"{key} {side}"


def _shape(value: onnx.ValueInfoProto) -> list[int | str]:
    dims = value.type.tensor_type.shape.dim
    return [d.dim_param if d.HasField("dim_param") else d.dim_value for d in dims]


def _dtype(value: onnx.ValueInfoProto) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))


@pytest.mark.parametrize(EACH, CASES)
def test_a_graph_is_one_plain_file_without_randomness(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    found = case(name, kind, changes)
    requires = found.about.section["requires"]
    for key, proto in found.onnx():
        assert [p.name for p in (found.bundle / f"models/{key}/fp32").iterdir()] == ["model.onnx"]
        assert [(o.domain, o.version) for o in proto.opset_import] == [("", 18)]
        assert (requires["opset"], requires["ir_version"]) == (18, proto.ir_version)
        assert not proto.functions
        operators = {node.op_type for node in proto.graph.node}
        assert not [o for o in operators if o.startswith(trace.FORBIDDEN)]
        assert "Softplus" not in operators
        for tensor in proto.graph.initializer:
            assert tensor.data_location == onnx.TensorProto.DEFAULT
            assert not tensor.external_data


@METHODS
def test_a_lone_graph_says_what_it_is(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    for key, proto in case(name, kind, changes).onnx():
        told = {entry.key: entry.value for entry in proto.metadata_props}
        assert told == {"ssdgm.format": "2.0", "ssdgm.graph": key}
        assert proto.graph.name == key


@METHODS
def test_no_file_tells_of_the_machine_or_of_the_source(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    found = case(name, kind, changes)
    files = [path for path in found.bundle.rglob("*") if path.is_file()]
    assert len(files) > 5
    secrets = {str(Path.home()), tempfile.gettempdir(), str(Path.cwd()), str(found.folder)}
    secrets |= {f"/{getpass.getuser()}/", os.uname().nodename, "site-packages", "Traceback"}
    for path in files:
        content = path.read_bytes()
        for secret in (s for s in secrets if len(s) > 2):
            assert secret.encode() not in content, f"{path.name} holds {secret!r}"
    for key, proto in found.onnx():
        for tensor in proto.graph.initializer:
            tensor.ClearField("raw_data")
        text = proto.SerializeToString()
        for trail in (b".py", b"line ", b"stack_trace", b"ssdgm_train", b"torch"):
            assert trail not in text, f"{key} holds {trail!r}"


@METHODS
def test_every_variant_is_a_listed_file_with_the_tolerance_of_parity(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    found = case(name, kind, changes)
    listed = dict(reversed(line.split("  ")) for line in _lines(found.bundle / "SHA256SUMS"))
    report = json.loads((found.bundle / "reports/parity.json").read_text())
    assert report["passed"]
    for variant in found.about.variants:
        assert variant.path in listed
        assert (variant.atol, variant.rtol) == (report["atol"], report["rtol"])
    for key, spec in found.about.graphs.items():
        assert report["max_abs"][key].keys() == {t.name for t in spec.outputs}


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


@DECODERS
def test_what_is_generated_is_in_the_data_s_units_and_can_be_classified(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    found, like = case(name, kind, changes), cases.KINDS[kind]
    with model.load(found.bundle) as opened:
        labelled = "y" in {t.name for t in found.about.graphs["decoder"].inputs}
        y, n = ([0, 1, 2], 20) if labelled else (None, 60)
        means = opened.generate(y, n=n, seed=4)
        draws = opened.generate(y, n=n, seed=4, sample=True)
        for samples in (means, draws):
            again = samples.as_input()
            assert again.dtype == like.dtype
            assert again.shape == (60, *like.shape)
            assert len(opened.classify(again).names) == 60
    data = cases.rows(kind, np.arange(60) % cases.CLASSES, 3)
    low, high = float(np.nanmin(data)), float(np.nanmax(data))
    assert low - (high - low) < float(means.x.mean()) < high + (high - low)
    assert means.x.max() > 1
    if like.likelihood == "bernoulli":
        assert set(np.unique(draws.x)) == {0, 255}
    if like.likelihood == "binomial":
        assert set(np.unique(draws.x)) <= set(range(found.problem.total + 1))
        assert found.problem.total > 1


@DECODERS
def test_the_decoder_gives_its_likelihood_s_parameters(
    case: Opened, name: str, kind: str, changes: tuple[str, ...]
) -> None:
    found = case(name, kind, changes)
    spec, problem = found.about.graphs["decoder"], found.problem
    numbers = (problem.numbers,) if problem.columns else problem.shape
    assert found.about.likelihood is not None
    assert {t.name for t in spec.outputs} == {
        "x",
        *likelihoods.parameters(found.about.likelihood, found.problem.numbers),
    }
    own = {each.name: each for each in methods.METHODS[name].build.conditionals}
    latent = () if "prior" in own else ("z",)  # a prior gives z, and is what takes noise for it
    assert spec.noise == (*latent, *own["decoder"].noise)
    codes = sum(found.problem.blocks)
    shapes = {t.name: (codes,) if t.name == "code_probs" else numbers for t in spec.outputs}
    assert {t.name: t.row for t in spec.outputs} == shapes

"""What is traced of a model: its distributions, with a temperature, without what is not in use."""

import dataclasses
from pathlib import Path

import cases
import exported
import numpy as np
import onnx
import pytest
import torch

import ssdgm_export
from ssdgm_export.graphs import modules
from ssdgm_runtime import model as runtime
from ssdgm_train import METHODS
from ssdgm_train.labels import Classes
from ssdgm_train.runs import directory, loading

KIND = "bernoulli-uint8"
SETTINGS = ("model.features.latent=4",)
CLASSIFYING = [name for name, spec in METHODS.items() if spec.knows(Classes)]
"""The methods with probabilities, which have a temperature."""


@pytest.mark.parametrize("name", CLASSIFYING)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_logits_are_the_model_s_over_the_temperature(name: str, temperature: float) -> None:
    model, x = cases.built(METHODS[name], KIND).eval(), cases.batch(KIND).x
    graph = modules.of(model, cases.stated(KIND), temperature)["classifier"]
    with torch.inference_mode():
        logits, probs = graph.module(x)
        wanted = model.classify(x) / temperature
    torch.testing.assert_close(logits, wanted)
    torch.testing.assert_close(probs, wanted.softmax(-1))


@pytest.mark.parametrize("name", list(cases.METHODS))
def test_the_temperature_is_the_classifier_s_alone(name: str) -> None:
    model, problem = cases.built(METHODS[name], KIND), cases.stated(KIND)
    for key, graph in modules.of(model, problem, 3.0).items():
        given = [torch.ones_like(modules.example(spec, 4)) for spec in graph.spec.inputs]
        with torch.inference_mode():
            found, plain = (g.module(*given) for g in (graph, modules.of(model, problem)[key]))
        same = all(torch.equal(a, b) for a, b in zip(found, plain, strict=True))
        assert same == (key != "classifier" or name not in CLASSIFYING), key


def test_a_temperature_in_the_result_is_in_the_bundle(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = exported.folder(tmp_path_factory, "supervised")
    run = exported.copied(place / "run", tmp_path / "run")
    result = directory.Run(run).result
    assert result is not None
    directory.write_json(run / "result.json", dataclasses.replace(result, temperature=2.5))
    made = ssdgm_export.convert(run, tmp_path / "cool.ssdgm")
    x = cases.rows(KIND, np.arange(9) % cases.CLASSES)
    with torch.inference_mode():
        logits = loading.load_model(directory.Run(run)).classify(torch.from_numpy(x))
    with runtime.load(made.path) as model:
        found = model.classify(x)
        np.testing.assert_allclose(found.logits, logits / 2.5, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found.probs, (logits / 2.5).softmax(-1), rtol=1e-4, atol=1e-4)


def spreads(run: Path) -> list[float]:
    """How much the mean of each latent of M1 deviates over the training rows, sorted."""
    found = directory.Run(run)
    parts = found.split()
    x = loading.load_data(found).x[np.union1d(parts.labelled, parts.unlabelled)]
    posteriors = loading.load_model(found).features.posteriors(torch.from_numpy(x))
    return sorted(posteriors[:, 0].std(0).tolist())


def test_a_bundle_lacks_the_latents_that_are_dropped(tmp_path: Path) -> None:
    """The same run with half of its latents below the threshold, and with all above it."""
    sizes, bundles = {}, {}
    for kept in (4, 2):
        place = tmp_path / f"{kept}"
        place.mkdir()
        limit = 0.0 if kept == 4 else sum(spreads(tmp_path / "4/run")[1:3]) / 2
        threshold = f"model.features.threshold={limit}"
        run = exported.train(place, "m1m2", KIND, (*SETTINGS, threshold))
        model = loading.load_model(directory.Run(run))
        assert len(model.kept) == kept
        bundles[kept] = ssdgm_export.convert(run, place / "bundle.ssdgm").path
        sizes[kept] = {key: _weights(bundles[kept], key) for key in exported.traced_modules(run)}
    assert sizes[2].keys() == sizes[4].keys() == {"classifier", "encoder", "decoder"}
    assert all(sizes[2][key] < sizes[4][key] for key in sizes[2])
    x = cases.rows(KIND, np.arange(9) % cases.CLASSES)
    with torch.inference_mode(), runtime.load(bundles[2]) as opened:
        logits = model.classify(torch.from_numpy(x))
        np.testing.assert_allclose(opened.classify(x).logits, logits, rtol=1e-4, atol=1e-4)


def _weights(bundle: Path, key: str) -> int:
    """How many numbers the initialisers of a graph hold."""
    graph = onnx.load(bundle / f"models/{key}/fp32/model.onnx").graph
    return sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)

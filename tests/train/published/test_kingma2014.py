"""The authors' published weights: read into our models, they compute what they computed."""

import itertools
from pathlib import Path
from typing import Any

import cases
import noises
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssdgm_runtime.errors import DataError
from ssdgm_train.data import catalog
from ssdgm_train.labels import classes
from ssdgm_train.methods import m1, m2
from ssdgm_train.problems import Problem
from ssdgm_train.published import kingma2014

Array = NDArray[np.float64]
Arrays = dict[str, Array]
WIDTH, CLASSES, LATENT = 9, 3, 2
RANDOM = np.random.default_rng(5)
X = RANDOM.integers(0, 256, (4, 3, 3)).astype(np.uint8)
Y = np.eye(CLASSES)[[0, 2, 1, 0]]
Z = RANDOM.standard_normal((4, LATENT))


def column(rows: int) -> Array:
    return RANDOM.standard_normal((rows, 1))


def matrix(rows: int, columns: int) -> Array:
    return RANDOM.standard_normal((rows, columns))


def hidden(net: str, inputs: dict[str, int], widths: tuple[int, ...]) -> Arrays:
    """The hidden layers of a network, the first of them with an array for every input."""
    found = {f"{net}/{name}": matrix(widths[0], size) for name, size in inputs.items()}
    found |= {f"{net}/b{i}": column(width) for i, width in enumerate(widths)}
    pairs = itertools.pairwise(widths)
    return found | {f"{net}/w{i}": matrix(b, a) for i, (a, b) in enumerate(pairs, 1)}


def published(joint: bool) -> Arrays:
    """Made-up weights in the authors' form: M1, or the M2 that was trained with every label."""
    names = ("w0x", "w0z") if joint else ("w0", "w0")
    label = {"w0y": CLASSES} if joint else {}
    last = {
        **{f"q/{k}_w": matrix(LATENT, 6 if joint else 5) for k in ("mean", "logvar")},
        **{f"q/{k}_b": column(LATENT) for k in ("mean", "logvar")},
        "p/out_w": matrix(WIDTH, 6),
        "p/out_b": column(WIDTH),
    }
    widths = (6, 6) if joint else (6, 5)
    encoder = hidden("q", {names[0]: WIDTH, **label}, widths)
    return encoder | hidden("p", {names[1]: LATENT, **label}, widths[::-1]) | last


def forward(arrays: Arrays, net: str, inputs: dict[str, Array]) -> Array:
    """Their hidden layers in numpy, on column vectors."""
    state = sum(arrays[f"{net}/{name}"] @ value for name, value in inputs.items())
    found: Array = np.logaddexp(0, state + arrays[f"{net}/b0"])
    return np.logaddexp(0, arrays[f"{net}/w1"] @ found + arrays[f"{net}/b1"])


def posterior(arrays: Arrays, inputs: dict[str, Array]) -> tuple[Array, Array]:
    h = forward(arrays, "q", inputs)
    mean, log_variance = (arrays[f"q/{k}_w"] @ h + arrays[f"q/{k}_b"] for k in ("mean", "logvar"))
    return mean.T, np.exp(log_variance / 2).T


def pixels(arrays: Arrays, inputs: dict[str, Array]) -> Array:
    logits = arrays["p/out_w"] @ forward(arrays, "p", inputs) + arrays["p/out_b"]
    found: Array = 255 / (1 + np.exp(-logits.T))
    return found.reshape(-1, 3, 3)


def saved(path: Path, arrays: Arrays) -> Path:
    np.savez(path / "weights.npz", **{k: v.astype(np.float32) for k, v in arrays.items()})
    return path / "weights.npz"


def problem(likelihood: str = "bernoulli", shape: tuple[int, ...] = (3, 3)) -> Problem:
    return Problem(shape, "uint8", classes.uniform(CLASSES), likelihood, (0.0,), (255.0,))


def close(found: Tensor, wanted: Array) -> None:
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-4, atol=1e-4)


def test_an_m1_computes_what_the_authors_computed(tmp_path: Path) -> None:
    arrays = published(joint=False)
    model = kingma2014.load(saved(tmp_path, arrays), problem())
    assert isinstance(model, m1.Model)
    assert not model.training
    mean, scale = posterior(arrays, {"w0": (X / 255).reshape(4, -1).T})
    found = model.embed(torch.from_numpy(X))
    close(found.mean, mean)
    close(found.scale, scale)
    drawn = model.render(torch.from_numpy(Z.astype(np.float32)))["x"]
    close(drawn, pixels(arrays, {"w0": Z.T}))


def test_an_m2_computes_what_the_authors_computed(tmp_path: Path) -> None:
    arrays = published(joint=True)
    model = kingma2014.load(saved(tmp_path, arrays), problem())
    assert isinstance(model, m2.Model)
    y, z = (torch.from_numpy(a.astype(np.float32)) for a in (Y, Z))
    mean, scale = posterior(arrays, {"w0x": (X / 255).reshape(4, -1).T, "w0y": Y.T})
    found = model.encode(torch.from_numpy(X), y)
    close(found.mean, mean)
    close(found.scale, scale)
    close(model.decode(y, z)["x"], pixels(arrays, {"w0z": Z.T, "w0y": Y.T}))


def without(name: str) -> Any:  # noqa: ANN401
    return lambda arrays: {k: v for k, v in arrays.items() if k != name}


def misshapen(name: str) -> Any:  # noqa: ANN401
    return lambda arrays: {**arrays, name: arrays[name][:-1]}


BAD: dict[str, Any] = {
    "no arrays of this kind": lambda arrays: {"x": np.zeros(3)},
    "no mean": without("q/mean_b"),
    "no hidden bias": without("q/b0"),
    "no second layer": without("p/w1"),
    "no output": without("p/out_w"),
    "a short mean": misshapen("q/mean_w"),
    "a short first layer": misshapen("p/w0"),
    "a short bias": misshapen("p/out_b"),
    "a scalar": lambda arrays: {**arrays, "q/mean_b": np.float64(3)},
    "words": lambda arrays: {**arrays, "p/out_b": np.full((WIDTH, 1), "a")},
}


@pytest.mark.parametrize("name", list(BAD))
def test_arrays_that_are_missing_or_misshapen_are_an_error_that_names_the_file(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, **BAD[name](published(joint=False)))
    text = cases.message(DataError, lambda: kingma2014.load(path, problem()))
    assert f"{path} does not hold the weights of an M1 or M2 for 9 bernoulli pixels" in text
    assert "as the authors published them" in text
    assert "\n" not in text


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (problem(shape=(4, 3)), "for 12 bernoulli pixels"),
        (problem("gaussian"), "for 9 gaussian pixels (they are Bernoulli's logits)"),
        (problem("binomial"), "for 9 binomial pixels (they are Bernoulli's logits)"),
    ],
)
def test_rows_that_the_weights_are_not_for_are_an_error(
    wanted: Problem, text: str, joint: bool, tmp_path: Path
) -> None:
    path = saved(tmp_path, published(joint))
    found = cases.message(DataError, lambda: kingma2014.load(path, wanted))
    assert str(path) in found
    assert text in found


def test_an_m2_for_another_number_of_classes_is_an_error(tmp_path: Path) -> None:
    arrays = published(joint=True)
    arrays |= {f"{net}/w0y": arrays[f"{net}/w0y"][:, :2] for net in "qp"}
    path = saved(tmp_path, arrays)
    assert str(path) in cases.message(DataError, lambda: kingma2014.load(path, problem()))


@pytest.mark.parametrize(("bits", "nats"), [(True, 87.4), (False, 92.0)])
def test_the_authors_own_weights_bound_mnist_as_they_did(
    bits: bool, nats: float, data_dir: Path
) -> None:
    """The mean over the test rows, one draw of z; the encoder sees the bits it is asked for."""
    weights = data_dir / "kingma2014-m1/m1_mnist_50-500-500.npz"
    if not weights.is_file() or not (data_dir / "mnist").is_dir():
        pytest.skip("SSDGM_DATA_DIR has no folder kingma2014-m1 or mnist")
    data = catalog.load("mnist")
    assert data.x_test is not None
    stated = Problem(data.shape, "uint8", classes.uniform(10), "bernoulli", (0.0,), (255.0,))
    vae = kingma2014.load(weights, stated).features
    noise = noises.seeded()
    with torch.no_grad():
        x = vae.standardise(torch.from_numpy(data.x_test))
        x = vae.draw(x, noise) if bits else x
        found = -torch.cat([vae.bound(part, noise) for part in x.split(1000)]).mean()
    assert float(found) == pytest.approx(nats, abs=0.3)

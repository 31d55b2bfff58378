r"""Weights that the authors published with the paper, read into the models of this package.

Arrays of an .npz file, acting on column vectors (`W @ x + b`), hidden non-linearity softplus:

    q/w0 or q/w0x, q/w0y; q/b0; q/w1, q/b1; ...    hidden layers of q(z | x) or q(z | x, y)
    q/mean_w, q/mean_b, q/logvar_w, q/logvar_b     its mean and log-variance
    p/w0 or p/w0z, p/w0y; p/b0; p/w1, p/b1; ...    hidden layers of p(x | z) or p(x | y, z)
    p/out_w, p/out_b                               Bernoulli logits of the pixels

With a single `w0` it is their M1; with two it is their M2, trained with every label and so without
a classifier: that begins at random here.

References:
    https://github.com/dpkingma/nips14-ssl, files models/*.ndict.tar.gz (MIT licence).
"""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_runtime import errors
from ssdgm_runtime.readers import inputs
from ssdgm_train.methods import m1, m2
from ssdgm_train.models import autoencoder
from ssdgm_train.problems import Problem

Arrays = Mapping[str, NDArray[np.generic]]
ACTIVATION = "softplus"
JOINT = "q/w0x"
"""An array that M2 alone has."""


def method_of(path: Path) -> str:
    """The method whose weights a file holds, if it holds any."""
    return m2.METHOD.name if JOINT in inputs.read_npz(path) else m1.METHOD.name


def load(path: Path, problem: Problem) -> nn.Module:
    """The model whose weights a file holds: an `m1.Model` or an `m2.Model`.

    Args:
        path: The .npz file.
        problem: What the model is for; rows of Bernoulli pixels.

    Raises:
        DataError: The file holds no such arrays, or they are for other rows.
    """
    arrays = inputs.read_npz(path)
    joint = JOINT in arrays
    try:
        _check_numbers(arrays)
        _check_width(arrays, JOINT if joint else "q/w0", problem.width)
        if problem.likelihood != "bernoulli":
            raise ValueError("they are Bernoulli's logits")
        model = _m2(arrays, problem) if joint else _m1(arrays, problem)
        weights = {name: value.float() for name, value in _weights(arrays, joint).items()}
        part = model if joint else model.get_submodule("features")
        part.load_state_dict({**part.state_dict(), **weights})
    except (KeyError, IndexError, ValueError, TypeError, RuntimeError) as error:
        raise errors.DataError(
            f"{path} does not hold the weights of an M1 or M2 for {problem.width} "
            f"{problem.likelihood} pixels ({_reason(error)})",
            "arrays q/w0, q/b0, ..., q/mean_w, ..., p/out_b as the authors published them",
        ) from None
    return model.eval()


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]}"
    return " ".join(str(error).split())


def _check_numbers(arrays: Arrays) -> None:
    for name, value in arrays.items():
        with np.errstate(over="ignore"):
            real = value.dtype.kind == "f" and value.size and np.isfinite(value.astype("f4")).all()
        if not real:
            raise ValueError(f"{name} holds other than finite numbers that fit float32")


def _check_width(arrays: Arrays, name: str, width: int) -> None:
    if arrays[name].shape[1:] != (width,):
        raise ValueError(f"{name} is {list(arrays[name].shape)}, not [hidden, {width}]")


def _m1(arrays: Arrays, problem: Problem) -> nn.Module:
    features = autoencoder.Features(**_settings(arrays))
    return m1.Model(m1.Config(features=features), problem)


def _m2(arrays: Arrays, problem: Problem) -> nn.Module:
    return m2.Model(m2.Config(**_settings(arrays)), problem)


def _settings(arrays: Arrays) -> dict[str, Any]:
    return {
        "hidden": _widths(arrays, "q"),
        "network": "mlp",
        "latent": len(arrays["q/mean_b"]),
        "activation": ACTIVATION,
    }


def _widths(arrays: Arrays, net: str) -> tuple[int, ...]:
    """The widths of a network's hidden layers."""
    biases = itertools.takewhile(arrays.__contains__, (f"{net}/b{i}" for i in itertools.count()))
    return tuple(len(arrays[name]) for name in biases)


def _weights(arrays: Arrays, joint: bool) -> dict[str, Tensor]:
    """Our names to their arrays."""
    q, p = (("w0x", "w0y"), ("w0z", "w0y")) if joint else (("w0",), ("w0",))
    weight, bias = (
        np.concatenate([arrays[f"q/mean_{kind}"], arrays[f"q/logvar_{kind}"]]) for kind in "wb"
    )
    return {
        **_layers(arrays, "q", q, "encoder", weight, bias),
        **_layers(arrays, "p", p, "decoder", arrays["p/out_w"], arrays["p/out_b"]),
    }


def _layers(
    arrays: Arrays,
    net: str,
    first: tuple[str, ...],
    name: str,
    weight: NDArray[np.generic],
    bias: NDArray[np.generic],
) -> dict[str, Tensor]:
    """A network's first layer, the hidden ones after it and its head, by the names of `MLP`."""
    layers = {f"first.weights.{i}": arrays[f"{net}/{key}"] for i, key in enumerate(first)}
    layers["first.bias"] = arrays[f"{net}/b0"]
    depth = len(_widths(arrays, net))
    for i in range(1, depth):
        layers[f"rest.{2 * i - 1}.weight"] = arrays[f"{net}/w{i}"]
        layers[f"rest.{2 * i - 1}.bias"] = arrays[f"{net}/b{i}"]
    layers |= {f"rest.{2 * depth - 1}.weight": weight, f"rest.{2 * depth - 1}.bias": bias}
    return {
        f"{name}.{key}": torch.from_numpy(value.reshape(-1) if key.endswith("bias") else value)
        for key, value in layers.items()
    }

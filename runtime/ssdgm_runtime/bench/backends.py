"""What a model's graphs are measured beside: other ways to run the same file.

A backend is a name and a function that opens a graph: it gives a call on the graph's inputs for
as long as its context lasts, safe to use from many threads. Before it is measured, what it gives
is compared with what the model gives: a time of something else would say nothing.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import interface
from ssdgm_runtime.engine import session
from ssdgm_runtime.engine.options import Plan

Arrays = session.Arrays
Outputs = Sequence[session.Array] | Mapping[Any, session.Array]
"""In the order of the file's outputs; a mapping's values are."""
Run = Callable[[Arrays], Outputs]

RAW = "raw"
NONE = "none"
FROM_RUN = ("torch", "torch-compile", "litert", "executorch")
"""Those that need the run that a bundle was made from."""

_EXACT, _REDUCED, _TINY = 2e-3, 0.25, 0.05
"""How far from the model a backend may be; a reduced file is far from the run's modules."""


@dataclass(frozen=True, eq=False)
class Target:
    """A graph to open.

    Attributes:
        component: Its name.
        data: The bytes of its .onnx file.
        graph: What it eats and gives.
        plan: The provider in use, threads and options.
        precision: What the file computes in.
    """

    component: str
    data: bytes
    graph: interface.Graph
    plan: Plan
    precision: str


Opener = Callable[[Target], AbstractContextManager[Run]]


def select(names: Sequence[str], further: Mapping[str, Opener]) -> dict[str, Opener]:
    """The backends of these names; `none` stands for no backend.

    Args:
        names: What to measure against.
        further: Backends that the caller brings along.

    Raises:
        InputError: There is no such backend.
        MissingExtra: It needs what is not installed here, or the run.
    """
    openers = {**_OPENERS, **further}
    for name in names:
        if name in FROM_RUN and name not in openers:
            raise training_install(
                f"--against {name}", "the run that the bundle was made from", "--run RUN"
            )
        if name not in (NONE, *openers):
            words = ", ".join((NONE, *_OPENERS, *FROM_RUN))
            raise errors.InputError(
                "--against", repr(name), f"some of {words}, separated by commas"
            )
    return {name: openers[name] for name in names if name != NONE}


def training_install(what: str, needs: str, example: str) -> errors.MissingExtra:
    """The error for what needs ssdgm-export with the packages for training."""
    return errors.MissingExtra(
        f"{what} needs {needs}",
        mend="Run: pip install 'ssdgm-export[train,cpu]', then: "
        f"ssdgm-export bench BUNDLE {example}",
    )


def named(outputs: Outputs, names: Sequence[str]) -> Arrays:
    """A backend's outputs by name.

    Args:
        outputs: The outputs.
        names: The file's outputs, in its order; a backend may give fewer.
    """
    values = outputs.values() if isinstance(outputs, Mapping) else outputs
    return dict(zip(names, values, strict=False))


def check(name: str, target: Target, outputs: Arrays, wanted: Arrays) -> None:
    """Refuse a backend that computes something else than the model.

    The distance of each output is a root mean square, as a share of the output's own
    (0.05 where that is less).

    Raises:
        InputError: An output is missing, or has another shape or other values.
    """
    allowed = _EXACT if target.precision == "fp32" else _REDUCED
    for key, value in wanted.items():
        other = outputs.get(key)
        if other is None or np.shape(other) != value.shape:
            raise _other(name, target, f"no {key} of shape {list(value.shape)}")
        far = _size(np.subtract(other, value, dtype=np.float64)) / max(_size(value), _TINY)
        if not far <= allowed:
            raise _other(name, target, f"other values as {key}, {100 * far:.2g} % away")


def _size(values: session.Array) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0


def _other(name: str, target: Target, why: str) -> errors.InputError:
    mend = "Remove it from --against."
    if name in FROM_RUN:
        mend = "Pass the run that the bundle was made from as --run."
    got = f"{name}, whose {target.component} gives {why}"
    return errors.InputError("--against", got, "the same values as the model's", mend)


@contextmanager
def _raw(target: Target) -> Iterator[Run]:
    yield session.bare(target.data, target.plan)


@contextmanager
def _openvino(target: Target) -> Iterator[Run]:
    """The file compiled by OpenVINO itself, for the CPU, in float32; a request for each thread."""
    compiled = _compile(target)
    local = threading.local()

    def run(feeds: Arrays) -> Outputs:
        if not hasattr(local, "request"):
            local.request = compiled.create_infer_request()
        outputs: Outputs = local.request.infer(feeds, share_inputs=True)
        return outputs

    yield run


def _compile(target: Target) -> Any:  # noqa: ANN401  (the package's stubs are not at hand)
    try:
        import openvino
    except ImportError as error:
        raise errors.MissingEngine(
            f"The package openvino cannot be imported ({error})",
            mend="Install it with: pip install openvino",
        ) from None
    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": target.plan.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # which is not the default everywhere
    }
    return core.compile_model(core.read_model(model=target.data), "CPU", settings)


_OPENERS: dict[str, Opener] = {RAW: _raw, "openvino": _openvino}
NAMES = (*_OPENERS, *FROM_RUN)

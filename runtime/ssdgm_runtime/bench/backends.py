"""What a model's graphs are measured beside: other ways to run the same file.

A backend is a name and a function that opens a graph: it gives a call on the graph's inputs for
as long as its context lasts, safe to use from many threads.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from ssdgm_runtime import errors, manifest, plans, session

Arrays = session.Arrays
Run = Callable[[Arrays], object]

RAW = "raw"
NONE = "none"
WORKSHOP = ("torch", "torch-compile")
"""Those that need the run that a bundle was made of."""


@dataclass(frozen=True, eq=False)
class Target:
    """A graph to open.

    Attributes:
        component: Its name.
        data: The bytes of its .onnx file.
        graph: What it eats and gives.
        plan: The provider in use, threads and options.
    """

    component: str
    data: bytes
    graph: manifest.Graph
    plan: plans.Plan


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
    known = {**_OPENERS, **further}
    for name in names:
        if name in WORKSHOP and name not in known:
            raise workshop(f"--against {name}", "the run that the bundle was made of", "--run RUN")
        if name not in (NONE, *known):
            words = ", ".join((NONE, *_OPENERS, *WORKSHOP))
            raise errors.InputError("--against", repr(name), f"some of {words}, with commas")
    return {name: known[name] for name in names if name != NONE}


def workshop(what: str, needs: str, example: str) -> errors.MissingExtra:
    """The error for what only the workshop's command line can do."""
    return errors.MissingExtra(
        f"{what} needs {needs}",
        "ssdgm-export with its workshop's packages",
        f"pip install 'ssdgm-export[train,cpu]', then: ssdgm-export bench BUNDLE {example}",
    )


@contextmanager
def _raw(target: Target) -> Iterator[Run]:
    yield session.bare(target.data, target.plan)


@contextmanager
def _openvino(target: Target) -> Iterator[Run]:
    """The file compiled by OpenVINO itself, for the CPU; a request of its own for each thread."""
    compiled = _compile(target)
    local = threading.local()

    def run(feeds: Arrays) -> object:
        if not hasattr(local, "request"):
            local.request = compiled.create_infer_request()
        return local.request.infer(feeds)

    yield run


def _compile(target: Target) -> Any:  # noqa: ANN401  (the package's stubs are not at hand)
    try:
        import openvino
    except ImportError as error:
        raise errors.MissingEngine(
            f"openvino cannot be imported ({error})",
            "the package that --against openvino asks for",
            "pip install openvino",
        ) from None
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": target.plan.threads, "PERFORMANCE_HINT": "LATENCY"}
    return core.compile_model(core.read_model(model=target.data), "CPU", settings)


_OPENERS: dict[str, Opener] = {RAW: _raw, "openvino": _openvino}
NAMES = (*_OPENERS, *WORKSHOP)

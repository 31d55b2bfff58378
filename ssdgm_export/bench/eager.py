"""A run's own weights in other engines, as backends of `bench`: PyTorch, eager and compiled.

A bundle holds only ONNX, so the modules come from the run that it was made of. Whether they give
what the bundle gives is compared before they are measured, as of every backend.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ssdgm_export.bench import edge
from ssdgm_export.graphs import modules
from ssdgm_runtime import errors
from ssdgm_runtime.bench import backends
from ssdgm_runtime.engine import session
from ssdgm_train.runs import directory
from ssdgm_train.runs import loading as training

EAGER, COMPILED = backends.FROM_RUN[:2]
Arrays = session.Arrays
Modules = Callable[..., Mapping[str, modules.Graph]]
"""Makes a run's graphs, as `modules.of` with `fuse` left open."""


def openers(run: str | os.PathLike[str]) -> Mapping[str, backends.Opener]:
    """The backends of a finished run: torch in two ways, and engines for phones.

    Raises:
        RunError: The run has not ended or is damaged.
    """
    source = directory.Run(Path(run))
    record, result = source.read(), directory.ended(source)
    model = training.load_model(source)
    build = partial(modules.of, model, record.problem, result.temperature)
    own = {name: partial(_opened, name, build) for name in (EAGER, COMPILED)}
    makers = {edge.LITERT: edge.litert, edge.EXECUTORCH: edge.executorch}
    return {**own, **{name: partial(_elsewhere, make, build) for name, make in makers.items()}}


@contextmanager
def _opened(name: str, build: Modules, target: backends.Target) -> Iterator[backends.Run]:
    """A module with the target's number of threads, which is torch's own and for the process.

    Raises:
        InputError: The run's modules are not the bundle's.
        MissingEngine: torch.compile has no compiler here.
    """
    graph = _graph(build, target)
    order = [spec.name for spec in target.graph.inputs]
    before = torch.get_num_threads()
    torch.set_num_threads(target.plan.threads)
    try:
        module = graph.module.eval()
        if name == COMPILED:
            module = _compiled(module, order, target)
        yield partial(_call, module, order)
    finally:
        torch.set_num_threads(before)


@contextmanager
def _elsewhere(make: edge.Make, build: Modules, target: backends.Target) -> Iterator[backends.Run]:
    """An engine that is no torch, on the run's modules; errors as of `_opened`."""
    yield edge.run(make, _graph(build, target), target)


def _call(module: Any, order: list[str], feeds: Arrays) -> tuple[Any, ...]:  # noqa: ANN401
    """From numpy to numpy, as a caller of a bundle has it."""
    with torch.inference_mode():
        outputs = module(*(torch.from_numpy(feeds[name]) for name in order))
    return tuple(value.numpy() for value in outputs)


def _graph(build: Modules, target: backends.Target) -> modules.Graph:
    graph = build(fuse=target.component == modules.FUSED).get(target.component)
    if graph is None or graph.spec.inputs != target.graph.inputs:
        raise _other(f"it has no {target.component} of these inputs")
    return graph


def _compiled(module: nn.Module, order: list[str], target: backends.Target) -> Any:  # noqa: ANN401
    compiled = torch.compile(module)
    feeds = {spec.name: np.ones((2, *spec.row), dtype=spec.dtype) for spec in target.graph.inputs}
    try:
        _call(compiled, order, feeds)
    except Exception as error:  # the compiler's errors share no base class
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise errors.MissingEngine(
            f"torch.compile fails here: {why}",
            mend="Install a C++ compiler such as g++, or remove torch-compile from --against.",
        ) from None
    return compiled


def _other(why: str) -> errors.InputError:
    return errors.InputError(
        "--run", f"of another model: {why}", "the run that the bundle was made from"
    )

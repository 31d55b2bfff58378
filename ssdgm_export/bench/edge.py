"""Engines for phones on the same weights, as backends of `bench`: LiteRT and ExecuTorch.

Their files hold one batch size, so one is made at the first call of each size, which is not timed.
LiteRT computes a graph of int8 in its own int8, and everything else in float32; ExecuTorch
computes in float32, on the threads that it sees fit.
"""

import threading
from collections.abc import Callable
from typing import Any

import torch

from ssdgm_export import extras
from ssdgm_export.graphs import modules, trace
from ssdgm_export.lite import interpreter, program
from ssdgm_runtime import errors
from ssdgm_runtime.bench import backends
from ssdgm_runtime.engine import session

LITERT, EXECUTORCH = backends.FROM_RUN[2:]
Arrays = session.Arrays
Open = Callable[[], backends.Run]
"""Opens what was made for a batch size; a thread has an engine of its own."""
Make = Callable[[modules.Graph, backends.Target, int], Open]


def run(make: Make, graph: modules.Graph, target: backends.Target) -> backends.Run:
    """A call that makes what a batch size needs at its first use, by any number of threads.

    Args:
        make: `litert` or `executorch`.
        graph: The run's graph.
        target: The bundle's.
    """
    made: dict[int, Open] = {}
    lock, local = threading.Lock(), threading.local()

    def call(feeds: Arrays) -> backends.Outputs:
        rows = len(next(iter(feeds.values())))
        engines: dict[int, backends.Run] = local.__dict__.setdefault("engines", {})
        if rows not in engines:
            with lock:
                if rows not in made:
                    made[rows] = make(graph, target, rows)
                engines[rows] = made[rows]()
        return engines[rows](feeds)

    return call


def litert(graph: modules.Graph, target: backends.Target, rows: int) -> Open:
    """A file of LiteRT for so many rows, in the interpreter on its CPU kernels."""
    spec, data = graph.spec, program.program(graph, rows)
    data = program.int8(data) if target.precision == "int8" else data
    names = program.named((*spec.inputs, *spec.outputs))
    order = [tensor.name for tensor in spec.outputs]

    def opened() -> backends.Run:
        engine = interpreter.Interpreter(graph.name, data, names, target.plan.threads)

        def call(feeds: Arrays) -> backends.Outputs:
            answer = engine.call(feeds)
            return [answer[name] for name in order]

        return call

    return opened


def executorch(graph: modules.Graph, target: backends.Target, rows: int) -> Open:
    """A program of ExecuTorch for so many rows, on its XNNPACK backend."""
    data, runtime = _program(graph, rows), _package("executorch.runtime")
    order = [tensor.name for tensor in target.graph.inputs]

    def opened() -> backends.Run:
        method = runtime.Runtime.get().load_program(data).load_method("forward")

        def call(feeds: Arrays) -> backends.Outputs:
            outputs = method.execute([torch.from_numpy(feeds[name]) for name in order])
            return [value.numpy() for value in outputs]

        return call

    return opened


def _program(graph: modules.Graph, rows: int) -> bytes:
    exir, place = _package("executorch.exir"), "executorch.backends.xnnpack.partition"
    partitioner = _package(f"{place}.xnnpack_partitioner").XnnpackPartitioner()
    given = tuple(modules.example(spec, rows) for spec in graph.spec.inputs)
    with trace.quiet():
        exported = torch.export.export(graph.module, given)
        edge = exir.to_edge_transform_and_lower(exported, partitioner=[partitioner])
        data: bytes = edge.to_executorch().buffer
    return data


def _package(name: str) -> Any:  # noqa: ANN401  (it has no stubs)
    with trace.quiet():
        what = f"--against {EXECUTORCH}"
        return extras.package(name, what, EXECUTORCH, errors.MissingEngine)

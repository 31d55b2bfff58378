"""The wall: the only file that imports onnxruntime.

The engine is imported with its telemetry off, inside functions. A session never falls back to
another provider unless that was asked for, does not spin while it waits, and is safe to call from
many threads; a forked child opens its own.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.engine import forks, opening, providers
from ssdgm_runtime.engine.options import Options, Placement, Plan
from ssdgm_runtime.rows.tensor import DTYPES, Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.engine import plugins

Array = NDArray[Any]
Arrays = dict[str, Array]
Ort = Any  # the engine has no stubs
Call = Callable[[Mapping[str, Array], int, bool], Sequence[Array]]
_Declared = tuple[tuple[int, ...], "np.dtype[Any]"]

SMALL = 8
_PROBE = (
    b'\x08\x08:9\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x01gZ\x10\n\x01x\x12\x0b\n\t\x08\x01\x12'
    b"\x05\n\x03\x12\x01nb\x10\n\x01y\x12\x0b\n\t\x08\x01\x12\x05\n\x03\x12\x01nB\x04\n\x00\x10\r"
)
"""A model of one node, y = Identity(x)."""


class Session:
    """One graph on one provider.

    Args:
        name: What to call the graph in a message.
        source: Gives the graph's bytes; called again for a further pool and after a fork.
        plan: What to open it with.

    Raises:
        MissingEngine: No onnxruntime is installed.
        ProviderUnavailable: The provider was named and cannot be had.
        FormatError: The bytes are no graph, keep weights elsewhere, or the engine refuses them.
    """

    def __init__(self, name: str, source: Callable[[], bytes], plan: Plan) -> None:
        self._name, self._source, self._plan = name, source, plan
        self._engines: dict[tuple[int, int], Ort] = {}  # by process and threads
        self._closed = False
        self._pools = plan.threads, plan.threads
        self.provider = plan.provider
        self._placement: Placement | None = None
        self.inputs: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}
        self._declared: dict[str, _Declared] = {}
        self._open(plan.threads)

    @property
    def placement(self) -> Placement:
        """Where the graph runs."""
        assert self._placement is not None
        return self._placement

    def run(
        self, feeds: Mapping[str, Array], names: Sequence[str] = (), *, small: bool = False
    ) -> Arrays:
        """Compute outputs, by name; arguments and errors are those of `call` and what it gives.

        Args:
            feeds: Each input by name, all with the same first axis.
            names: The outputs to give; all, if none is named.
            small: Use the one-thread pool, which is faster for a few rows.
        """
        names = names or tuple(self.outputs)
        arrays = self.call(names)(feeds, len(next(iter(feeds.values()))), small)
        return dict(zip(names, arrays, strict=True))

    def call(self, names: Sequence[str]) -> Call:
        """How to compute these outputs: a function of feeds, their rows and whether they are few.

        It gives a list in the order of the names, and raises:

            FormatError: An output has not a row for each row of the feeds, or is not as declared.
            EngineError: The engine failed.
            DeadlineExceeded: It took longer than `Options.deadline_ms`.
            OutOfMemory: It wanted more memory than there is.
            InputError: The session is closed.
        """
        engines, pools = self._engines, self._pools
        given = [(i, *self._declared[n]) for i, n in enumerate(names) if n in self._declared]
        declared = [(i, row, (1, *row), dtype) for i, row, dtype in given]

        def call(feeds: Mapping[str, Array], rows: int, small: bool) -> Sequence[Array]:
            engine = engines.get((forks.pid, pools[small])) or self._open(pools[small])
            try:
                arrays: Sequence[Array] = engine.run(names, feeds, None)
            except Exception as error:  # the engine's errors share no base class of their own
                raise self._failure(error, feeds) from None
            for i, row, single, dtype in declared:
                array, shape = arrays[i], single if rows == 1 else (rows, *row)
                if array.shape != shape or (array.dtype is not dtype and array.dtype != dtype):
                    from ssdgm_runtime.engine import failures

                    raise failures.unlike(self._name, names[i], array, dtype, shape)
            return arrays

        return call

    def _failure(self, error: Exception, feeds: Mapping[str, Array]) -> Exception:
        if isinstance(error, errors.SsdgmError):
            return error
        from ssdgm_runtime.engine import failures

        return failures.of_run(self._name, error, feeds, self._plan.options.deadline_ms)

    def threads(self, *, small: bool) -> int:
        """How many threads compute a call; `small` as in `run`."""
        return self._pools[small]

    def close(self) -> None:
        """Drop this process's engines; the session cannot be used after that."""
        with forks.lock():
            self._closed = True
            for key in [k for k in self._engines if k[0] == forks.pid]:
                del self._engines[key]

    def _open(self, threads: int) -> Ort:
        key = (forks.pid, threads)
        with forks.lock():
            if self._closed:
                raise errors.InputError(
                    "This model", "closed", "", "Open it again with load(path)."
                )
            if key not in self._engines:
                from ssdgm_runtime.bundle.graph import check

                data = self._source()
                check.check(data, self._name, tuple(self._plan.options.operators))
                self._engines[key] = self._create(data, self._plan._replace(threads=threads))
            return self._engines[key]

    def _create(self, data: bytes, plan: Plan) -> Ort:
        ort = engine()
        if plan.isolated:
            from ssdgm_runtime.engine.isolation import process

            created, provider = process.Engine(self._name, data, plan), providers.CPU
            nodes = created.nodes
        else:
            created, provider = opening.create(ort, self._name, data, self.provider, plan)
            nodes = opening.nodes(created)
            opening.check_partial(self._name, provider, nodes, plan)
        self.inputs = {i.name: _tensor(i) for i in created.get_inputs()}
        self.outputs = {o.name: _tensor(o) for o in created.get_outputs()}
        self._declared = {  # those outputs that say their dtype and a row's shape
            t.name: (t.row, np.dtype(t.dtype))
            for t in self.outputs.values()
            if t.dtype in DTYPES and all(isinstance(n, int) for n in t.shape[1:])
        }
        self.provider = provider
        self._pools = self._plan.threads, 1 if provider == providers.CPU else self._plan.threads
        self._placement = Placement(self._plan.provider, provider, nodes)
        forks.guard(created)
        if plan.options.deadline_ms is not None and not plan.isolated:
            from ssdgm_runtime.engine.budgets import deadlines

            return deadlines.Watched(ort, created, plan.options.deadline_ms)
        if provider not in providers.NVIDIA:
            return opening.direct(created)
        from ssdgm_runtime.engine import binding

        return binding.wrap(ort, created, provider, plan.options.provider_options)


def engine() -> Ort:
    """The onnxruntime module, imported with its telemetry off.

    Raises:
        MissingEngine: It is not installed, or what is installed does not import.
    """
    allowed = bool(os.environ.get("SSDGM_ALLOW_ORT_TELEMETRY"))
    early = "onnxruntime" in sys.modules
    if not allowed:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise _missing(str(error)) from None
    if not hasattr(onnxruntime, "InferenceSession"):
        raise _missing("the installed onnxruntime is incomplete")
    if early and not allowed:
        opening.call(onnxruntime, "disable_telemetry_events")
    return onnxruntime


def bare(data: bytes, plan: Plan) -> Callable[[Mapping[str, Array]], Sequence[Array]]:
    """A plain onnxruntime session with the same settings, to measure `Session` against."""
    created, _ = opening.create(engine(), "graph", data, plan.provider, plan)
    names = [o.name for o in created.get_outputs()]
    return lambda feeds: created.run(names, feeds)


def preferred(word: str) -> str:
    """The provider that a word stands for with this engine; errors as in `Session`."""
    return next(iter(opening.candidates(engine(), word)), providers.CPU)


def available() -> tuple[str, ...]:
    """The providers that this engine offers, whether they can be used or not.

    Those of plug-ins are among them once these are registered.
    """
    return tuple(engine().get_available_providers())


def plugged() -> "list[tuple[plugins.Plugin, plugins.State]]":
    """The plug-ins that are installed, registered now, and what came of each."""
    from ssdgm_runtime.engine import plugins

    return [(plugin, plugins.register(engine(), plugin)) for plugin in plugins.installed()]


def probe(provider: str) -> str:
    """Why a provider cannot run the smallest of graphs; empty if it can."""
    opened, why = opening.attempt(engine(), _PROBE, provider, 1, Options())
    return "" if opened is not None and provider in opened.get_providers() else why


def version() -> str:
    """The engine's version."""
    return str(engine().__version__)


def _tensor(port: Ort) -> Tensor:
    """An input or output as a manifest has it: numpy's words, "batch" for a free first axis."""
    inner = port.type.removeprefix("tensor(").removesuffix(")")
    dtype = {"float": "float32", "double": "float64"}.get(inner, inner)
    shape = [n if isinstance(n, int) else str(n or "?") for n in port.shape]
    if shape and isinstance(shape[0], str):
        shape[0] = "batch"
    return Tensor(port.name, dtype, tuple(shape))


def _missing(why: str) -> errors.MissingEngine:
    return errors.MissingEngine(
        f"The engine, onnxruntime, cannot be imported ({why})",
        "",
        'pip install "ssdgm-runtime[cpu]" or pip install "ssdgm-runtime[gpu]"; where both builds'
        " are installed, pip uninstall -y onnxruntime onnxruntime-gpu first.",
    )

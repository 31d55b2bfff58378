"""The wall: the only file that imports onnxruntime.

The engine is imported with its telemetry off, inside functions. A session never falls back to
another provider unless that was asked for, does not spin while it waits, and is safe to call from
many threads; a forked child opens its own.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.engine import binding, forks, onnxfile, opening, providers
from ssdgm_runtime.engine.options import Options, Placement, Plan
from ssdgm_runtime.rows.tensor import DTYPES, Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.engine import plugins

Array = NDArray[Any]
Arrays = dict[str, Array]
Ort = Any  # the engine has no stubs
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
        self._engines: dict[tuple[int, int], Ort] = {}
        self.provider = plan.provider
        self._placement: Placement | None = None
        self.inputs: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}
        self._declared: dict[str, _Declared] = {}
        self._engine(plan.threads)

    @property
    def placement(self) -> Placement:
        """Where the graph runs."""
        assert self._placement is not None
        return self._placement

    def run(
        self, feeds: Mapping[str, Array], names: Sequence[str] = (), *, small: bool = False
    ) -> Arrays:
        """Compute outputs.

        Args:
            feeds: Each input by name, all with the same first axis.
            names: The outputs to give; all, if none is named.
            small: Use the one-thread pool, which is faster for a few rows.

        Raises:
            FormatError: An output has not a row for each row of the feeds, or is not as declared.
        """
        engine = self._engine(self.threads(small=small))
        names = names or tuple(self.outputs)
        found = dict(zip(names, engine.run(names, feeds), strict=True))
        rows, declared = (len(next(iter(feeds.values()))),), self._declared
        for name, array in found.items():
            wanted = declared.get(name)
            if wanted and (array.shape != rows + wanted[0] or array.dtype != wanted[1]):
                raise _other(self._name, name, array, wanted[1], rows + wanted[0])
        return found

    def threads(self, *, small: bool) -> int:
        """How many threads compute a call; `small` as in `run`."""
        return 1 if small and self.provider == providers.CPU else self._plan.threads

    def close(self) -> None:
        """Drop this process's engines."""
        for key in [k for k in self._engines if k[0] == os.getpid()]:
            self._engines.pop(key, None)

    def _engine(self, threads: int) -> Ort:
        key = (os.getpid(), threads)
        found = self._engines.get(key)
        return found if found is not None else self._open(key)

    def _open(self, key: tuple[int, int]) -> Ort:
        with forks.lock():
            if key not in self._engines:
                data = self._source()
                onnxfile.check(data, self._name)
                self._engines[key] = self._create(data, replace(self._plan, threads=key[1]))
            return self._engines[key]

    def _create(self, data: bytes, plan: Plan) -> Ort:
        ort = engine()
        found, provider = opening.create(ort, self._name, data, self.provider, plan)
        nodes = opening.nodes(found)
        opening.check_partial(self._name, provider, nodes, plan)
        self.inputs = {i.name: _tensor(i) for i in found.get_inputs()}
        self.outputs = {o.name: _tensor(o) for o in found.get_outputs()}
        self._declared = _declared(self.outputs.values())
        self.provider = provider
        self._placement = Placement(plan.provider, provider, nodes)
        forks.guard(found)
        return binding.wrap(ort, found, provider, plan.options.provider_options)


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
    found, _ = opening.create(engine(), "graph", data, plan.provider, plan)
    names = [o.name for o in found.get_outputs()]
    return lambda feeds: found.run(names, feeds)


def preferred(word: str) -> str:
    """The provider that a word stands for with this engine; errors as in `Session`."""
    found = opening.candidates(engine(), word)
    return found[0] if found else providers.CPU


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
    found, why = opening.attempt(engine(), _PROBE, provider, 1, Options())
    return "" if found is not None and provider in found.get_providers() else why


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


def _declared(outputs: Iterable[Tensor]) -> dict[str, _Declared]:
    """A row's shape and the dtype of those outputs that declare both, as all of a bundle do."""
    return {
        t.name: (t.row, np.dtype(t.dtype))
        for t in outputs
        if t.dtype in DTYPES and all(isinstance(n, int) for n in t.shape[1:])
    }


def _other(
    graph: str, output: str, array: Array, dtype: "np.dtype[Any]", shape: tuple[int, ...]
) -> errors.FormatError:
    return errors.FormatError(
        f"{graph} answers {shape[0]} rows with {output} {array.dtype} {list(array.shape)}",
        f"{dtype} {list(shape)}, as the manifest says",
        "Convert the run again.",
    )


def _missing(why: str) -> errors.MissingEngine:
    return errors.MissingEngine(
        f"onnxruntime cannot be imported ({why})",
        "an inference engine",
        'pip install "ssdgm-runtime[cpu]" or pip install "ssdgm-runtime[gpu]"; where both builds'
        " are installed, pip uninstall -y onnxruntime onnxruntime-gpu first.",
    )

"""The wall: the only file that imports onnxruntime.

The engine is imported with its telemetry off, inside functions. A session never falls back to
another provider unless that was asked for, does not spin while it waits, and is safe to call from
many threads; a forked child opens its own.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ssdgm_runtime import errors, forks, manifest, onnxfile, plans, providers

if TYPE_CHECKING:
    import logging

Array = NDArray[Any]
Arrays = dict[str, Array]
Ort = Any  # the engine has no stubs

SMALL = 8
_QUIET = 3
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

    def __init__(self, name: str, source: Callable[[], bytes], plan: plans.Plan) -> None:
        self._name, self._source, self._plan = name, source, plan
        self._engines: dict[tuple[int, int], Ort] = {}
        self.provider = plan.provider
        self._placement: plans.Placement | None = None
        first = self._engine(plan.threads)
        self.inputs = {i.name: _tensor(i) for i in first.get_inputs()}
        self.outputs = {o.name: _tensor(o) for o in first.get_outputs()}

    @property
    def placement(self) -> plans.Placement:
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
        """
        alone = small and self.provider == providers.CPU
        engine = self._engine(1 if alone else self._plan.threads)
        names = names or tuple(self.outputs)
        return dict(zip(names, engine.run(names, feeds), strict=True))

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
                engine, provider = _create(self._name, data, self.provider, key[1], self._plan)
                nodes = _nodes(engine)
                _check_partial(self._name, provider, nodes, self._plan)
                self.provider = provider
                self._placement = plans.Placement(self._plan.provider, provider, nodes)
                forks.guard(engine)
                self._engines[key] = engine
            return self._engines[key]


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
        _call(onnxruntime, "disable_telemetry_events")
    return onnxruntime


def bare(data: bytes, plan: plans.Plan) -> Callable[[Mapping[str, Array]], Sequence[Array]]:
    """A plain onnxruntime session with the same settings, to measure `Session` against."""
    found, _ = _create("graph", data, plan.provider, plan.threads, plan)
    names = [o.name for o in found.get_outputs()]
    return lambda feeds: found.run(names, feeds)


def preferred(word: str) -> str:
    """The provider that a word stands for with this engine; errors as in `Session`."""
    found = providers.candidates(word, engine().get_available_providers())
    return found[0] if found else providers.CPU


def available() -> tuple[str, ...]:
    """The providers that this engine offers, whether they can be used or not."""
    return tuple(engine().get_available_providers())


def probe(provider: str) -> str:
    """Why a provider cannot run the smallest of graphs; empty if it can."""
    found, why = _attempt(engine(), _PROBE, provider, 1, plans.Options())
    return "" if found is not None and provider in found.get_providers() else why


def version() -> str:
    """The engine's version."""
    return str(engine().__version__)


def _create(name: str, data: bytes, word: str, threads: int, plan: plans.Plan) -> tuple[Ort, str]:
    ort = engine()
    available = ort.get_available_providers()
    tried = ""
    for provider in providers.candidates(word, available):
        found, why = _attempt(ort, data, provider, threads, plan.options)
        if found is not None and provider in found.get_providers():
            if tried:
                _log().warning("%s runs on %s: %s", name, provider, tried)
            return found, provider
        if provider == providers.CPU:
            raise errors.FormatError(
                f"onnxruntime {ort.__version__} cannot load {name} ({why})",
                mend="Update onnxruntime, or convert the run again.",
            )
        tried = f"{provider} cannot be used ({why})"
        if word != providers.AUTO:
            raise providers.unavailable(provider, available, why)
    raise providers.unavailable(providers.CPU, available, "this engine was built without it")


def _attempt(
    ort: Ort,
    data: bytes,
    provider: str,
    threads: int,
    options: plans.Options,
) -> tuple[Ort, str]:
    if provider != providers.CPU:
        _preload(ort)
    given = {} if provider == providers.CPU else dict(options.provider_options)
    made = _settings(ort, threads, options)
    try:
        found = ort.InferenceSession(
            data, made, [(provider, given)], enable_fallback=0, read_config_from_model=0
        )
    except Exception as error:  # the engine's errors share no base class of their own
        return None, next(iter(str(error).strip().splitlines()), type(error).__name__)
    _call(found, "disable_fallback")
    return found, "its libraries did not load"


def settings(threads: int, options: plans.Options) -> tuple[dict[str, int], dict[str, str]]:
    """What a session is made with: the settings' attributes, and the entries of its configuration.

    The CPU's; a provider may have options of its own.
    """
    attributes = {
        "intra_op_num_threads": threads,
        "inter_op_num_threads": 1,
        "enable_cpu_mem_arena": options.arena,
        "log_severity_level": _QUIET,
    }
    entries = {
        "session.intra_op.allow_spinning": str(int(options.spinning)),
        "session.inter_op.allow_spinning": str(int(options.spinning)),
        "session.record_ep_graph_assignment_info": "1",
        **options.session_config,
    }
    return attributes, entries


def _settings(ort: Ort, threads: int, options: plans.Options) -> Ort:
    made = ort.SessionOptions()
    attributes, entries = settings(threads, options)
    for name, value in attributes.items():
        setattr(made, name, value)
    for key, entry in entries.items():
        made.add_session_config_entry(key, entry)
    return made


def _preload(ort: Ort) -> None:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as said:  # it prints what it cannot find
        _call(ort, "preload_dlls")
    if said.getvalue():
        _log().debug("onnxruntime: %s", said.getvalue().strip())


def _call(thing: Ort, name: str) -> Ort:
    """Call what only newer engines have; say so in the log where it is missing or fails."""
    method = getattr(thing, name, None)
    if method is None:
        _log().info("this onnxruntime has no %s", name)
        return None
    try:
        return method()
    except Exception as error:  # what is nice to have must not stop what is needed
        _log().info("onnxruntime's %s failed: %s", name, error)
        return None


def _nodes(found: Ort) -> dict[str, int]:
    parts = _call(found, "get_provider_graph_assignment_info") or ()
    counts: Counter[str] = Counter()
    for part in parts:
        counts[part.ep_name] += len(part.get_nodes())
    return dict(counts)


def _check_partial(name: str, provider: str, nodes: Mapping[str, int], plan: plans.Plan) -> None:
    strays = {p: n for p, n in nodes.items() if p != provider}
    if provider == providers.CPU or plan.allow_partial:
        return
    if not nodes:
        _log().warning("this onnxruntime cannot say whether all of %s runs on %s", name, provider)
    elif not strays:
        return
    elif plan.provider == providers.AUTO:
        _log().warning("%s runs only in part on %s: %s nodes elsewhere", name, provider, strays)
    else:
        raise errors.ProviderUnavailable(
            f"{name} runs only in part on {provider}: {strays} nodes elsewhere",
            f"every node on {provider}",
            "Pass allow_partial=True (--allow-partial), or provider='cpu'.",
        )


def _log() -> "logging.Logger":
    import logging

    return logging.getLogger("ssdgm_runtime")


def _tensor(port: Ort) -> manifest.Tensor:
    """An input or output as a manifest has it: numpy's words, "batch" for a free first axis."""
    inner = port.type.removeprefix("tensor(").removesuffix(")")
    dtype = {"float": "float32", "double": "float64"}.get(inner, inner)
    shape = [n if isinstance(n, int) else str(n or "?") for n in port.shape]
    if shape and isinstance(shape[0], str):
        shape[0] = "batch"
    return manifest.Tensor(port.name, dtype, tuple(shape))


def _missing(why: str) -> errors.MissingEngine:
    return errors.MissingEngine(
        f"onnxruntime cannot be imported ({why})",
        "an inference engine",
        'pip install "ssdgm-runtime[cpu]" or pip install "ssdgm-runtime[gpu]"; where both builds'
        " are installed, pip uninstall -y onnxruntime onnxruntime-gpu first.",
    )

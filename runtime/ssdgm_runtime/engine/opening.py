"""How an engine's session is made: its provider, its settings, and where the nodes went.

The engine is an argument, so that `session` stays the one file that imports it.
"""

import os
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ssdgm_runtime import errors
from ssdgm_runtime.engine import forks, providers
from ssdgm_runtime.engine.options import Options, Plan

if TYPE_CHECKING:
    import logging

Ort = Any  # the engine has no stubs

_QUIET = 3
_SILENT = "its libraries did not load"
_LOST = "the process that this one was forked from uses it, and no fork can"
_BYTES = {
    "session.load_model_format": "ONNX",
    "session.model_external_initializers_file_folder_path": os.devnull,
}
"""A graph is ONNX, whatever its bytes look like, and its folder is nothing that could hold a file.

`graph.check` refuses what could want either; this is a second wall behind it. Where no folder
is given, the engine takes the current one. Engines differ in what the folder keeps out:
onnxruntime 1.32 then reads no file (absolute names it refuses by itself), while 1.20 passes over
the folder and reads whatever is named, so that the check alone protects there.
"""
_SPAWN = "Start the workers with multiprocessing's spawn, or open models in the workers alone."


def create(ort: Ort, name: str, data: bytes, word: str, plan: Plan) -> tuple[Ort, str]:
    """Open a graph on the first provider of a word that takes it.

    Args:
        ort: The engine.
        name: What to call the graph in a message.
        data: The graph.
        word: As for `candidates`.
        plan: The threads and options.

    Returns:
        The engine's session and the provider in use.

    Raises:
        ProviderUnavailable: The provider was named and cannot be had.
        FormatError: The engine cannot load the graph.
    """
    tried = ""
    for provider in candidates(ort, word):
        session, why = attempt(ort, data, provider, plan.threads, plan.options)
        if session is not None and provider in session.get_providers():
            if provider not in providers.FORKED:
                forks.use(provider)
            if tried:
                log().warning("%s runs on %s: %s", name, provider, tried)
            return session, provider
        if provider == providers.CPU:
            raise errors.FormatError(
                f"The engine, onnxruntime {ort.__version__}, cannot load {name} ({why})",
                mend="Update onnxruntime, or convert the run again.",
            )
        tried = f"{provider} cannot be used ({why})"
        if word != providers.AUTO:
            mend = _SPAWN if why == _LOST else ""
            raise providers.unavailable(provider, ort.get_available_providers(), why, mend)
    without = "this engine was built without it"
    raise providers.unavailable(providers.CPU, ort.get_available_providers(), without)


def candidates(ort: Ort, word: str) -> tuple[str, ...]:
    """The providers to try, as `providers.candidates`; registers a plug-in that is asked for.

    Raises:
        InputError: The word is none.
        ProviderUnavailable: The provider is neither in this engine nor in a plug-in.
    """
    available = ort.get_available_providers()
    name = providers.named(word, available)
    if name not in (providers.AUTO, *available):
        from ssdgm_runtime.engine import plugins

        _preload(ort, name)  # it also registers what a build brings along as a plug-in
        if name not in ort.get_available_providers():
            plugins.seek(ort, name)
        available = ort.get_available_providers()
    return providers.candidates(name, available)


def attempt(
    ort: Ort, data: bytes, provider: str, threads: int, options: Options
) -> tuple[Ort, str]:
    """Open a graph on one provider; gives no session where that fails, and why.

    A session is no proof: the engine may have left the provider out without a word, so look at
    its `get_providers`. `why` then is the likely reason.

    Raises:
        InputError: A plug-in has no device of the kind that the options name.
    """
    if forks.lost(provider):
        return None, _LOST
    missing = _preload(ort, provider)
    made = configure(ort, threads, options)
    try:
        chain = _assign(ort, made, provider, threads, options.provider_options)
        own: dict[str, Any] = {"enable_fallback": 0, "read_config_from_model": 0}
        if options.deadline_ms is not None:  # what is constant is computed where a deadline holds
            own["disabled_optimizers"] = ["ConstantFolding"]
        session = ort.InferenceSession(data, made, chain, **own)
    except errors.SsdgmError:
        raise
    except Exception as error:  # the engine's errors share no base class of their own
        return None, next(iter(str(error).strip().splitlines()), type(error).__name__)
    call(session, "disable_fallback")
    return session, f"{_SILENT} ({missing})" if missing else _SILENT


def settings(threads: int, options: Options) -> tuple[dict[str, int], dict[str, str]]:
    """What a session is made with: the settings' attributes, and the entries of its configuration.

    The CPU's; a provider may have options of its own.
    """
    attributes = {
        "intra_op_num_threads": threads,
        "inter_op_num_threads": 1,
        "enable_cpu_mem_arena": options.arena or options.memory_mb is not None,
        "log_severity_level": _QUIET,
    }
    entries = {
        "session.intra_op.allow_spinning": str(int(options.spinning)),
        "session.inter_op.allow_spinning": str(int(options.spinning)),
        "session.record_ep_graph_assignment_info": "1",
        **_BYTES,
        **({"session.use_env_allocators": "1"} if options.memory_mb is not None else {}),
        **options.session_config,
    }
    return attributes, entries


def configure(ort: Ort, threads: int, options: Options) -> Ort:
    """The engine's own form of `settings`."""
    if options.memory_mb is not None:
        from ssdgm_runtime.engine.budgets import memory

        memory.limit(ort, options.memory_mb)
    made = ort.SessionOptions()
    attributes, entries = settings(threads, options)
    for name, value in attributes.items():
        setattr(made, name, value)
    for key, entry in entries.items():
        made.add_session_config_entry(key, entry)
    return made


def nodes(session: Ort) -> dict[str, int]:
    """How many of a graph's nodes each provider has, counted before a provider fuses its own."""
    parts = call(session, "get_provider_graph_assignment_info") or ()
    counts: Counter[str] = Counter()
    for part in parts:
        counts[part.ep_name] += len(part.get_nodes())
    return dict(counts)


def check_partial(name: str, provider: str, nodes: Mapping[str, int], plan: Plan) -> None:
    """Refuse a graph that a named provider has left in part to others, unless that is allowed.

    Raises:
        ProviderUnavailable: It has.
    """
    strays = {p: n for p, n in nodes.items() if p != provider}
    if provider == providers.CPU or plan.allow_partial:
        return
    if not nodes:
        log().warning("this onnxruntime cannot say whether all of %s runs on %s", name, provider)
    elif not strays:
        return
    elif plan.provider == providers.AUTO:
        log().warning("%s runs only in part on %s: %s nodes elsewhere", name, provider, strays)
    else:
        raise errors.ProviderUnavailable(
            f"{name} runs only in part on {provider}: {strays} nodes elsewhere",
            f"every node on {provider}",
            "Pass allow_partial=True (--allow-partial), or provider='cpu'.",
        )


def direct(session: Ort) -> Ort:
    """The session, without what its `run` checks of names, which costs as much as all done here.

    That is the engine's Python alone; one that is put together otherwise keeps it.
    """
    return session if getattr(session, "_sess", None) is None else _Direct(session)


class _Direct:
    """What a session's `run` calls in the end, of as many arguments; it keeps the session."""

    def __init__(self, session: Ort) -> None:
        self._session, self.run = session, session._sess.run


def call(thing: Ort, name: str) -> Ort:
    """Call what only newer engines have; say so in the log where it is missing or fails."""
    method = getattr(thing, name, None)
    if method is None:
        log().info("this onnxruntime has no %s", name)
        return None
    try:
        return method()
    except Exception as error:  # what is nice to have must not stop what is needed
        log().info("onnxruntime's %s failed: %s", name, error)
        return None


def log() -> "logging.Logger":
    """The runtime's logger."""
    import logging

    return logging.getLogger("ssdgm_runtime")


def _assign(
    ort: Ort, made: Ort, provider: str, threads: int, options: Mapping[str, str]
) -> list[tuple[str, dict[str, str]]] | None:
    """What to name when a session is made; nothing, where the settings have a plug-in's device."""
    if provider == providers.CPU:
        return [(provider, {})]
    from ssdgm_runtime.engine import plugins

    offered = plugins.devices(ort, provider)
    merged = {**providers.defaults(provider, threads, plugin=bool(offered)), **options}
    if not offered:
        return [(provider, merged)]
    kind = merged.pop("device_type", "")
    made.add_provider_for_devices(plugins.choose(offered, kind), merged)
    return None  # to name it too would put the device aside, and the CPU in its place


def _preload(ort: Ort, provider: str) -> str:
    """Load NVIDIA's libraries from their wheels; gives the first that could not be loaded."""
    import contextlib
    import io

    if provider not in providers.NVIDIA:
        return ""
    with contextlib.redirect_stdout(io.StringIO()) as said:  # it prints what it cannot find
        call(ort, "preload_dlls")
    log().debug("onnxruntime: %s", said.getvalue().strip() or "NVIDIA's libraries are loaded")
    return next(iter(said.getvalue().splitlines()), "")

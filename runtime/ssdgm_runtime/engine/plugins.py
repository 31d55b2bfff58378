"""Execution providers that come as wheels of their own, beside a plain onnxruntime.

Such a wheel is called onnxruntime-ep-NAME; the package in it has `get_library_path()` and
`get_ep_names()`, and importing it may load libraries. So that is done only for a provider that is
asked for and not built in, and its library is registered once a process.
"""

import os
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ssdgm_runtime import errors
from ssdgm_runtime.engine import forks, providers

Ort = Any  # the engine has no stubs

_LIBRARY = "library_path"
"""What the engine notes of a device that came with a library."""
_registered: "weakref.WeakKeyDictionary[Ort, set[str]]" = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Plugin:
    """An installed wheel: its name and version, and the package that tells of its library."""

    distribution: str
    package: str


@dataclass(frozen=True)
class State:
    """What came of a plug-in.

    Attributes:
        providers: The providers it is for; none where its package does not import.
        why: Why none of them can be used; empty if they can.
    """

    providers: tuple[str, ...]
    why: str = ""


def installed() -> list[Plugin]:
    """The plug-ins of this environment; nothing of theirs is imported."""
    from importlib import metadata

    named = ((d.metadata["Name"] or "", d) for d in metadata.distributions())
    ours = [(n, d) for n, d in named if n.lower().replace("_", "-").startswith(providers.PLUGIN)]
    plugins = {
        Plugin(f"{name} {distribution.version}", file.parts[0])
        for name, distribution in ours
        for file in distribution.files or ()
        if len(file.parts) == len(("package", "__init__.py")) and file.name == "__init__.py"
    }
    return sorted(plugins, key=lambda plugin: plugin.distribution)


def register(ort: Ort, plugin: Plugin) -> State:
    """Make a plug-in's providers known to the engine, once a process."""
    try:
        names, path = _ask(plugin.package)
    except (Exception, SystemExit) as error:  # whatever a stranger's package raises
        return State((), f"it does not import ({_first(error)})")
    if not hasattr(ort, "register_execution_provider_library"):
        return State(names, f"onnxruntime {ort.__version__} takes no plug-ins")
    with forks.lock():
        paths = _registered.setdefault(ort, set())
        if path not in paths and not _has(ort, path):
            try:
                ort.register_execution_provider_library(plugin.package, path)
            except Exception as error:  # the engine's errors share no base class of their own
                return State(names, f"its library does not load ({_first(error)})")
        paths.add(path)
    return State(names, "" if devices(ort, *names) else "it finds no device here to run on")


def seek(ort: Ort, provider: str) -> None:
    """Register the plug-in that a provider comes from, if there is one.

    Raises:
        ProviderUnavailable: There is, and it cannot be used here.
    """
    broken = []
    for plugin in installed():
        state = register(ort, plugin)
        if provider in state.providers and not state.why:
            return
        if provider in state.providers or not state.providers:
            broken.append(f"{plugin.distribution} is installed, and {state.why}")
    if broken:
        raise providers.unavailable(provider, ort.get_available_providers(), "; ".join(broken))


def devices(ort: Ort, *names: str) -> list[Ort]:
    """The devices that plug-ins offer for these providers: CPU, then GPU, then NPU."""
    offered = [d for d in _devices(ort) if d.ep_name in names]
    return sorted(offered, key=lambda device: str(device.device.type.name))


def choose(offered: Sequence[Ort], kind: str) -> list[Ort]:
    """The first device of a kind (`CPU`, `GPU`, `NPU`), or of any if none is named.

    Raises:
        InputError: There is none of that kind.
    """
    fitting = [d for d in offered if kind.upper() in ("", d.device.type.name)]
    if not fitting:
        kinds = ", ".join(d.device.type.name for d in offered)
        raise errors.InputError("provider_options['device_type']", repr(kind), f"one of {kinds}")
    return fitting[:1]


def _ask(package: str) -> tuple[tuple[str, ...], str]:
    """The providers that a package is for, and its library; what it prints is not for users."""
    import contextlib
    import importlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        module = importlib.import_module(package)
        names, path = module.get_ep_names(), os.fspath(module.get_library_path())
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"get_ep_names() gives {names!r:.80}, and no list of names")
    return tuple(names), os.fsdecode(path)


def _has(ort: Ort, path: str) -> bool:
    return any(dict(d.ep_metadata)[_LIBRARY] == path for d in _devices(ort))


def _devices(ort: Ort) -> Iterator[Ort]:
    """Those devices that came with a library; built-in providers have none."""
    if hasattr(ort, "get_ep_devices"):
        yield from (d for d in ort.get_ep_devices() if _LIBRARY in dict(d.ep_metadata))


def _first(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

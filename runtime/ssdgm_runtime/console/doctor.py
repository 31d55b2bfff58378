"""Whether bundles can run well on this machine, each problem with its fix.

A finding is "ok", a "note" (things run, and something is worth knowing) or "trouble" (something
does not run). Nothing is changed, and no bundle is needed.
"""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ssdgm_runtime import errors
from ssdgm_runtime.engine import machine, providers, session

OK, NOTE, TROUBLE = "ok", "note", "trouble"
_REMOTE = "AzureExecutionProvider"
_INT8 = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
"""Features by any of which a processor multiplies int8 faster than float32."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: What.
        level: "ok", "note" or "trouble".
        found: What it is like here.
        mend: What to do about it; empty where nothing is to be done.
    """

    topic: str
    level: str
    found: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at everything, in the order of `CHECKS`."""
    return [finding for check in CHECKS for finding in check()]


def _python() -> Iterator[Finding]:
    yield Finding(
        "python",
        OK,
        f"Python {platform.python_version()}, numpy {np.__version__}, {platform.platform()}",
    )


def _engine() -> Iterator[Finding]:
    installed = [d for d in providers.distributions() if not d.startswith(providers.PLUGIN)]
    names = ", ".join(installed) or "none"
    try:
        version = session.version()
    except errors.MissingEngine as error:
        yield Finding("engine", TROUBLE, f"{error.found}; installed: {names}", error.mend)
        return
    if len(installed) > 1:
        packages = " ".join(entry.split()[0] for entry in installed)
        yield Finding(
            "engine",
            TROUBLE,
            f"{names} overwrite each other; the one that is imported is {version}",
            f'pip uninstall -y {packages}; then pip install "ssdgm-runtime[cpu]" or "[gpu]"',
        )
    else:
        yield Finding("engine", OK, f"onnxruntime {version} ({names})")


def _providers() -> Iterator[Finding]:
    try:
        available = session.available()
    except errors.MissingEngine:
        return
    plugged = session.plugged()
    theirs = {name for _, state in plugged if not state.why for name in state.providers}
    for name in available:
        if name not in (_REMOTE, *theirs):
            yield _provider(name, available)
    for plugin, state in plugged:
        if state.why:
            name = next(iter(state.providers), plugin.package)
            mend = providers.unavailable(name, available, state.why).mend
            problem = f"the plug-in {plugin.distribution} cannot be used: {state.why}"
            yield Finding("provider", NOTE, problem, mend)
        for name in () if state.why else state.providers:
            yield _provider(name, available, f" (plug-in {plugin.distribution})")


def _provider(name: str, available: Sequence[str], origin: str = "") -> Finding:
    why = session.probe(name)
    if not why:
        return Finding("provider", OK, f"{name} runs{origin}")
    mend = providers.unavailable(name, available, why).mend
    return Finding("provider", NOTE, f"{name} is offered but cannot be used{origin}: {why}", mend)


def _processor() -> Iterator[Finding]:
    features = machine.features()
    names = ", ".join(f for f in (*_INT8, "avx2", "avx512f", "avx512_bf16") if f in features)
    yield Finding("processor", OK, f"{machine.cpu()}: {names or 'its features are not known'}")
    if features and not features.intersection(_INT8):
        yield Finding(
            "processor",
            NOTE,
            "it has no instructions to multiply int8",
            "Prefer fp32 variants, or measure with bench.",
        )


def _threads() -> Iterator[Finding]:
    quota, most = machine.quota(), machine.affinity()
    granted = f"{most} processors" + (f", of which the cgroup grants {quota:g}" if quota else "")
    named = [f"{name}={os.environ[name]}" for name in machine.VARIABLES if os.environ.get(name)]
    try:
        count = machine.threads()
    except errors.InputError as error:
        yield Finding("threads", TROUBLE, str(error), error.mend)
        return
    set_by = f" ({', '.join(named)})" if named else ""
    yield Finding("threads", OK, f"{count} for a session{set_by}; {granted}")
    if count > (quota or most):
        yield Finding(
            "threads",
            NOTE,
            f"{count} threads share {quota or most:g} processors",
            "export SSDGM_THREADS=1",
        )


def _memory() -> Iterator[Finding]:
    total, limit = machine.memory(), machine.memory_limit()
    parts = [f"{total / 1e9:.1f} GB"] if total else []
    if limit:
        parts.append(f"the cgroup grants {limit / 1e9:.1f} GB")
    yield Finding("memory", OK, ", ".join(parts) or "not known")


def _telemetry() -> Iterator[Finding]:
    if os.environ.get("SSDGM_ALLOW_ORT_TELEMETRY"):
        yield Finding(
            "telemetry",
            NOTE,
            "onnxruntime may send telemetry, because SSDGM_ALLOW_ORT_TELEMETRY is set",
            "unset SSDGM_ALLOW_ORT_TELEMETRY",
        )
    else:
        yield Finding(
            "telemetry",
            OK,
            "off in every process that imports ssdgm_runtime before onnxruntime",
        )


def _images() -> Iterator[Finding]:
    from importlib import util

    if util.find_spec("PIL"):
        yield Finding("images", OK, "Pillow reads image files")
    else:
        yield Finding(
            "images",
            NOTE,
            "image files cannot be read; other data can",
            'pip install "ssdgm-runtime[images]"',
        )


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _engine,
    _providers,
    _processor,
    _threads,
    _memory,
    _telemetry,
    _images,
)

"""Where a benchmark ran: the machine, the engine, the settings. Numbers mean nothing without."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ssdgm_runtime import model
from ssdgm_runtime.engine import machine, opening, providers, session

Json = dict[str, Any]

COMPARED = (
    *("cpu", "isa", "processors", "quota", "memory_limit", "governor", "system"),
    *("python", "numpy", "onnxruntime", "distributions", "variables"),
)
"""Fields that must be equal for two benchmarks to be compared without a second thought."""

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_ISA = re.compile(
    r"sse4_2|avx.*|fma|f16c|amx.*|asimd.*|neon|sve.*|sme\d*|i8mm|bf16|fphp|vfpv4|.*_vnni"
)
_VARIABLES = re.compile(
    r"(SSDGM|ORT|OMP|GOMP|KMP|MKL|OPENBLAS|BLIS|VECLIB|CUDA|NVIDIA|OPENVINO|MALLOC|GLIBC)_.*"
    r"|LD_PRELOAD|PYTHONMALLOC|PYTHONOPTIMIZE|PYTHON_GIL"
)


def environment() -> Json:
    """The machine and what is installed, JSON-ready; None stands for what it does not tell."""
    import platform

    return {
        "cpu": machine.cpu(),
        "isa": sorted(f for f in machine.features() if _ISA.fullmatch(f)),
        "machine": platform.machine(),
        "processors": machine.affinity(),
        "quota": machine.quota(),
        "memory": machine.memory(),
        "memory_limit": machine.memory_limit(),
        "governor": governor(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "onnxruntime": session.version(),
        "distributions": providers.distributions(),
        "available": list(session.available()),
        "variables": {k: v for k, v in sorted(os.environ.items()) if _VARIABLES.fullmatch(k)},
        "command": list(sys.orig_argv),
    }


def settings(opened: model.Model) -> Json:
    """What a model's sessions are made with, and where its graphs' nodes run."""
    plan = opened.graphs.plan
    attributes, entries = opening.settings(plan.threads, plan.options)
    placed = {
        name: {"requested": p.requested, "active": p.active, "nodes": dict(p.nodes)}
        for name, p in opened.placement().items()
    }
    return {
        "attributes": attributes,
        "entries": entries,
        "max_batch": plan.options.max_batch,
        "provider_options": dict(plan.options.provider_options),
        "placement": placed,
    }


def governor() -> str | None:
    """How the processor chooses its frequency, where Linux tells."""
    try:
        return _GOVERNOR.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None


def busy() -> list[float] | None:
    """The system's load averages over 1, 5 and 15 minutes, where it has them."""
    try:
        return list(os.getloadavg())
    except (AttributeError, OSError):
        return None

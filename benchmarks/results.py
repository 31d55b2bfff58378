"""Results on disk: `results/NAME.json`, with the machine they were measured on."""

import datetime
import json
import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("ssdgm-runtime", "numpy", "onnxruntime", "torch")


def write(
    name: str, claim: str, passed: bool, figures: Mapping[str, object], script: str = ""
) -> dict[str, object]:
    """Write a result and print it; `script` is the module's name where it is not `name`."""
    found = {
        "name": name,
        "claim": claim,
        "passed": passed,
        "figures": dict(figures),
        "command": f"python -m benchmarks.{script or name} {' '.join(sys.argv[1:])}".strip(),
        "measured": datetime.date.today().isoformat(),
        "machine": machine(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    return found


def machine() -> dict[str, object]:
    """Processor, cores and versions."""
    lines = (
        Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    )
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": cores,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in PACKAGES},
    }

"""How long a fresh process takes to its first answer, step by step, and what it holds then.

Each start is a new interpreter. Those with `ssdgm_runtime` and those with nothing but onnxruntime
take turns, on the same graph with the same settings; `child` is the program that they run. The
files are in the system's cache after the first start: what is timed is not the disk.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import ssdgm_runtime
from ssdgm_runtime import arguments, errors, model
from ssdgm_runtime.bench import cell
from ssdgm_runtime.bench.starts import child
from ssdgm_runtime.engine import opening, providers

Json = dict[str, Any]
STARTUP = ("interpreter", "numpy", "onnxruntime")
"""The steps that every program with onnxruntime takes, whatever it does then."""

_PATIENCE = 300


def measure(opened: model.Model, component: str, starts: int, variant: str = "auto") -> Json:
    """Start processes, `starts` of each kind.

    Args:
        opened: A model with the settings to start with.
        component: The graph that gives the first answer.
        starts: How many of each kind.
        variant: The word for the variant that the model was opened with.

    Returns:
        Medians in milliseconds a step (`model`, `bare`), the medians of their sums and of what
        comes after the imports (`load_ms`), bytes held, and the ratios of the model's to the
        bare session's: `ratio` of `load_ms`, `ratio_total` of all.

    Raises:
        SsdgmError: A process cannot be started, or fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        job = _job(opened, component, variant, file)
        runs: dict[bool, list[Json]] = {True: [], False: []}
        for turn in range(starts):
            for own in (True, False) if turn % 2 else (False, True):
                runs[own].append(_start({**job, "own": own}))
    house, plain = _medians(runs[True]), _medians(runs[False])
    return {
        "component": component,
        "starts": starts,
        "model": house,
        "bare": plain,
        "ratio": house["load_ms"] / plain["load_ms"],
        "ratio_total": house["total_ms"] / plain["total_ms"],
    }


def _job(opened: model.Model, component: str, variant: str, file: Path) -> Json:
    goal = cell.target(opened, component)
    file.write_bytes(goal.data)
    plan = opened.graphs.plan
    attributes, entries = opening.settings(plan.threads, plan.options)
    active = goal.plan.provider
    options = {
        **providers.defaults(active, plan.threads, plugin=False),
        **plan.options.provider_options,
    }
    return {
        "path": str(opened.graphs.bundle.path),
        "file": str(file),
        "component": component,
        "variant": variant,
        "provider": plan.provider,
        "active": active,
        "preload": active in providers.NVIDIA,
        "provider_options": {} if active == providers.CPU else options,
        "threads": plan.threads,
        "allow_partial": plan.allow_partial,
        "options": asdict(plan.options),
        "attributes": attributes,
        "entries": entries,
        "inputs": [(t.name, t.dtype, t.row) for t in goal.graph.inputs],
    }


def _start(job: Json) -> Json:
    # -P: the folder of child.py must not hide modules of the same names
    words = (sys.executable, "-P", child.__file__)
    home = str(Path(ssdgm_runtime.__file__).parents[1])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    text = json.dumps({**job, "started": time.monotonic()})
    try:
        done = subprocess.run(
            [*words, text], env=environment, capture_output=True, text=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(str(error)) from None
    if done.returncode:
        raise _failed(next(reversed(done.stderr.strip().splitlines()), "it died"))
    try:
        timings: Json = json.loads(done.stdout)
    except ValueError:
        raise _failed(f"it wrote {arguments.shown(done.stdout)}") from None
    return timings


def _failed(why: str) -> errors.SsdgmError:
    return errors.SsdgmError(
        f"A new process failed: {why}", mend="Skip this measurement with --cold 0."
    )


def _medians(runs: list[Json]) -> Json:
    steps = {s: median(one["steps_ms"][s] for one in runs) for s in runs[0]["steps_ms"]}
    loads = [sum(t for s, t in one["steps_ms"].items() if s not in STARTUP) for one in runs]
    held = ("rss_before", "rss_after", "rss_peak")
    return {
        "steps_ms": steps,
        "load_ms": median(loads),
        "total_ms": median(sum(one["steps_ms"].values()) for one in runs),
        **{name: _middle([one[name] for one in runs]) for name in held},
    }


def _middle(values: list[int | None]) -> int | None:
    numbers = [v for v in values if v is not None]
    return int(median(numbers)) if numbers else None

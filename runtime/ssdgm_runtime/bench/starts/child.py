"""One cold start, timed from inside: `coldstart` runs this file as a program of its own.

It takes one JSON object as its argument and writes one: the milliseconds of each step since the
parent began, and the bytes that the process holds. What it imports it imports where it is timed.
"""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

Job = dict[str, Any]
Timed = Callable[[str, Callable[[], Any]], Any]


def main(text: str, begun: float) -> None:
    """Do one cold start and write what it took.

    Args:
        text: The job as JSON; `coldstart` says what is in it.
        begun: When this program began, by the clock that the parent's `started` is of.
    """
    import json

    job = json.loads(text)
    resident = memory().get("VmRSS")
    steps = {"interpreter": 1e3 * (begun - job["started"])}

    def timed(name: str, step: Callable[[], Any]) -> Any:  # noqa: ANN401  (what the step gives)
        start = time.monotonic()
        result = step()
        steps[name] = 1e3 * (time.monotonic() - start)
        return result

    (own if job["own"] else bare)(job, timed)
    held = memory()
    table = {
        "steps_ms": steps,
        "rss_before": resident,
        "rss_after": held.get("VmRSS"),
        "rss_peak": held.get("VmHWM") or peak(),
    }
    sys.stdout.write(json.dumps(table))


def own(job: Job, timed: Timed) -> None:
    """From nothing to the first answer of a bundle's graph, as `Model` goes there."""
    timed("numpy", lambda: import_module("numpy"))
    timed("ssdgm_runtime", lambda: import_module("ssdgm_runtime.model"))
    from ssdgm_runtime.bundle import contents
    from ssdgm_runtime.engine import session
    from ssdgm_runtime.engine.options import Options, Plan
    from ssdgm_runtime.inference import graphs

    timed("onnxruntime", session.engine)
    bundle = timed("bundle", lambda: contents.open_bundle(job["path"], verify=False))
    options = Options(**job["options"])
    plan = Plan(job["provider"], job["threads"], options, job["allow_partial"])
    opened = graphs.Graphs(bundle, plan, job["variant"])
    timed("session", lambda: opened.open(job["component"]))
    feeds = zeros(job)
    timed("answer", lambda: opened.run(job["component"], feeds, 1))


def bare(job: Job, timed: Timed) -> None:
    """The same with nothing but numpy and onnxruntime, from the graph's file."""
    timed("numpy", lambda: import_module("numpy"))
    ort = timed("onnxruntime", lambda: import_module("onnxruntime"))
    session = timed("session", lambda: plain(ort, job))
    feeds = zeros(job)
    timed("answer", lambda: session.run(None, feeds))


def plain(ort: Any, job: Job) -> Any:  # noqa: ANN401  (the engine has no stubs)
    """A session of the engine's own, with NVIDIA's libraries and the options that `own` has."""
    if job["preload"] and hasattr(ort, "preload_dlls"):
        silence(ort.preload_dlls)
    settings = ort.SessionOptions()
    for name, value in job["attributes"].items():
        setattr(settings, name, value)
    for name, value in job["entries"].items():
        settings.add_session_config_entry(name, value)
    chain = [(job["active"], job["provider_options"])]
    session = ort.InferenceSession(job["file"], settings, providers=chain)
    if job["active"] not in session.get_providers():  # as where it is a plug-in's
        raise RuntimeError(f"onnxruntime alone does not open {job['active']} by its name")
    return session


def silence(step: Callable[[], Any]) -> None:
    """Take a step whose words must not come between ours."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
        step()


def zeros(job: Job) -> dict[str, Any]:
    """One row of zeros for every input."""
    make = import_module("numpy").zeros
    return {name: make((1, *row), dtype=dtype) for name, dtype, row in job["inputs"]}


def memory() -> dict[str, int]:
    """The bytes that this process holds (VmRSS) and their peak (VmHWM), where Linux tells."""
    try:
        with open("/proc/self/status", encoding="utf-8") as stream:
            lines = [line.split() for line in stream]
    except OSError:
        return {}
    wanted = ("VmRSS:", "VmHWM:")
    return {words[0][:-1]: int(words[1]) * 1024 for words in lines if words and words[0] in wanted}


def peak() -> int | None:
    """The most bytes that this process held, where the system counts them."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    main(sys.argv[1], time.monotonic())

"""How fast a bundle runs here: numbers, no printing.

Each graph is called through `Model` and through a bare onnxruntime session of the same settings,
in turn, so that whatever else the machine does falls on both. Latencies are percentiles over the
rounds; the ratio of the medians is what `Model` costs.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors, golden, machine, model, plans, session

Arrays = session.Arrays
BATCHES = (1, 8, 64, 256)
_WARMUP, _LEAST, _LOADS = 3, 5, 3
_MOST_ROWS = 1 << 16
_MEND = "Convert the run again."

_CALLS: dict[str, Callable[[model.Model, Arrays], object]] = {
    "classifier": lambda opened, feeds: opened.classify(feeds["x"]),
    "encoder": lambda opened, feeds: opened.encode(feeds["x"], feeds.get("y")),
    "decoder": lambda opened, feeds: opened.generate(feeds.get("y"), z=feeds["z"], seed=0),
}


@dataclass(frozen=True)
class Timing:
    """Latency of one call in milliseconds, and the rows a second that follow from its median."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    rows_per_s: float


@dataclass(frozen=True)
class Cell:
    """One graph at one batch size; `ratio` is the model's median over the bare session's."""

    component: str
    batch: int
    rounds: int
    model: Timing
    bare: Timing
    ratio: float


@dataclass(frozen=True)
class Report:
    """A benchmark: where it ran, how long opening takes, and a cell a graph and batch size.

    `load_ms` is the median time from a path to the first answer of every graph, files hashed and
    sessions made, in a process that has imported the engine already.
    """

    bundle: str
    id: str
    environment: Mapping[str, Any]
    load_ms: float
    cells: tuple[Cell, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-ready tables."""
        return asdict(self)


def run(opened: model.Model, *, batches: Sequence[int] = BATCHES, seconds: float = 0.5) -> Report:
    """Measure an open model.

    Args:
        opened: The model; its provider, variant, threads and options are what is measured.
        batches: The batch sizes.
        seconds: How long to measure each graph at each batch size, about.

    Raises:
        InputError: A batch size or the time is not positive, or a batch is beyond 65536 rows.
        FormatError: The golden rows are none.
        IntegrityError: The bundle has no golden rows to run on.
    """
    sizes = [arguments.count(batch, "batch", 1, _MOST_ROWS) for batch in batches]
    arguments.positive(seconds, "seconds")
    loads = [_load_ms(opened) for _ in range(_LOADS)]
    cells = [_cell(opened, c, n, seconds) for c in opened.graphs.components for n in sizes]
    bundle = opened.graphs.bundle
    return Report(
        bundle=bundle.manifest.name,
        id=bundle.id,
        environment=environment(opened),
        load_ms=float(np.median(loads)),
        cells=tuple(cells),
    )


def environment(opened: model.Model) -> dict[str, Any]:
    """What the numbers depend on, JSON-ready."""
    import platform

    return {
        "cpu": machine.cpu(),
        "processors": machine.affinity(),
        "quota": machine.quota(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": session.version(),
        "providers": {c: p.active for c, p in opened.placement().items()},
        "threads": opened.graphs.plan.threads,
        "options": asdict(opened.graphs.plan.options),
    }


def _load_ms(opened: model.Model) -> float:
    started = time.perf_counter()
    with opened.again() as fresh:
        fresh.warmup()
    return (time.perf_counter() - started) * 1e3


def _cell(opened: model.Model, component: str, batch: int, seconds: float) -> Cell:
    feeds = _feeds(opened, component, batch)
    call = _CALLS.get(component)
    bare = _bare(opened, component)

    def through() -> object:
        return call(opened, feeds) if call else opened.graphs.run(component, feeds, batch)

    own, plain = _interleave(through, lambda: bare(feeds), seconds)
    first, second = _timing(own, batch), _timing(plain, batch)
    return Cell(component, batch, len(own), first, second, first.p50_ms / second.p50_ms)


def _feeds(opened: model.Model, component: str, batch: int) -> Arrays:
    """Golden rows, over and over; noise but the latent is zero, as `Model` has it."""
    graph = opened.graphs.bundle.manifest.graphs[component]
    kept = golden.inputs(opened.graphs.bundle, component)
    if not all(map(len, kept.values())):
        raise errors.FormatError(
            f"golden/{component} has no rows", "one at least, to measure with", _MEND
        )
    quiet = [name for name in graph.noise if name != "z"]
    rows = {name: np.take(a, np.arange(batch), axis=0, mode="wrap") for name, a in kept.items()}
    return {name: np.zeros_like(a) if name in quiet else a for name, a in rows.items()}


def _bare(opened: model.Model, component: str) -> Callable[[Arrays], object]:
    plan, bundle = opened.graphs.plan, opened.graphs.bundle
    provider = opened.graphs.placement(component).active
    data = bundle.read(opened.graphs.variant(component).path)
    return session.bare(data, plans.Plan(provider, plan.threads, plan.options, True))


def _interleave(
    one: Callable[[], object], other: Callable[[], object], seconds: float
) -> tuple[list[float], list[float]]:
    for _ in range(_WARMUP):
        one(), other()
    times: tuple[list[float], list[float]] = ([], [])
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < _LEAST:
        order = ((0, one), (1, other)) if len(times[0]) % 2 else ((1, other), (0, one))
        for which, call in order:
            started = time.perf_counter()
            call()
            times[which].append(time.perf_counter() - started)
    return times


def _timing(seconds: Sequence[float], rows: int) -> Timing:
    found: NDArray[np.float64] = np.percentile(seconds, (50, 95, 99))
    p50, p95, p99 = (found * 1e3).tolist()
    return Timing(p50, p95, p99, rows / (p50 / 1e3))

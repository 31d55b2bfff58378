"""One graph at one batch size under one load: the model and other engines, in alternation.

Engines take turns from call to call, or from stretch to stretch where there are many callers or a
schedule, each time in the opposite order, so that whatever else the machine does falls on all.
What one leaves in the processor's caches is gone when its turn comes again, so each is a little
slower than alone, the more the more take part: ratios are fair, and times are only comparable
with those of another report that was measured against the same engines.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import backends, figures, load, request
from ssdgm_runtime.bundle import golden
from ssdgm_runtime.engine import session
from ssdgm_runtime.engine.options import Plan
from ssdgm_runtime.rows.views import layout

Arrays = backends.Arrays
Json = dict[str, Any]
MODEL = "model"
_MEND = "Convert the run again."
_WARMUP, _LEAST, _SHARE = 3, 5, 0.1

_CALLS: dict[str, Callable[[model.Model, Arrays], object]] = {
    "classifier": lambda opened, feeds: opened.classify(feeds["rows"]),
    "encoder": lambda opened, feeds: opened.encode(feeds["rows"], feeds.get("y")),
    "decoder": lambda opened, feeds: opened.generate(feeds.get("y"), z=feeds["z"], seed=0),
}


@dataclass(frozen=True)
class Place:
    """Which cell: a graph, rows a call, and how many callers."""

    component: str
    batch: int
    concurrency: int


def measure(
    opened: model.Model,
    place: Place,
    wanted: request.Request,
    rivals: Mapping[str, backends.Opener],
    clock: load.Clock | None = None,
) -> Json:
    """Measure one cell.

    Returns:
        The cell's key, the threads that compute, what a schedule costs by itself (ms), a timing
        of the model under `model` and of each rival under `against`, and the ratios of the
        model's median to theirs.

    Raises:
        FormatError: The golden rows are none.
        InputError: A rival computes something else.
        IntegrityError: The bundle has no golden rows to run on.
    """
    feeds, time = rows(opened, place.component, place.batch), clock or load.Clock()
    with ExitStack() as stack:
        own = stack.enter_context(_own(opened, place.component, feeds, wanted.batcher))
        calls = {MODEL: own, **_others(stack, opened, place, rivals, feeds)}
        seconds = wanted.seconds / len(calls)
        stretch = stack.enter_context(
            load.opened(wanted.arrival, place.concurrency, seconds, time)
        )
        warm = _warm(calls, wanted.seconds, time)
        stretches = alternate(calls, stretch, wanted, time)
    timings = {name: timing(parts, place.batch, warm) for name, parts in stretches.items()}
    latencies = {name: _latencies(parts) for name, parts in stretches.items()}
    return {
        **key(opened, place, wanted),
        "threads_used": threads(opened, place),
        "floor_ms": _floor(place, wanted, time),
        "model": timings.pop(MODEL),
        "against": timings,
        "ratios": {name: _ratio(latencies, name) for name in timings},
    }


def key(opened: model.Model, place: Place, wanted: request.Request) -> Json:
    """What tells a cell from others."""
    variant = opened.graphs.variant(place.component)
    return {
        "component": place.component,
        "variant": variant.name,
        "precision": variant.precision,
        "provider": opened.graphs.placement(place.component).active,
        "threads": opened.graphs.plan.threads,
        "batch": place.batch,
        "concurrency": place.concurrency,
        "arrival": str(wanted.arrival),
        "batcher": wanted.batcher,
    }


def rows(opened: model.Model, component: str, batch: int) -> Arrays:
    """Golden rows, over and over; noise but the latent is zero, as `Model` has it."""
    graph = opened.graphs.bundle.manifest.graphs[component]
    kept = golden.inputs(opened.graphs.bundle, component)
    if not all(map(len, kept.values())):
        raise errors.FormatError(f"golden/{component} has no rows to measure with", mend=_MEND)
    quiet = [name for name in graph.noise if name != "z"]
    repeated = {
        name: np.take(a, np.arange(batch), axis=0, mode="wrap") for name, a in kept.items()
    }
    return {name: np.zeros_like(a) if name in quiet else a for name, a in repeated.items()}


def threads(opened: model.Model, place: Place) -> int:
    """How many threads compute a cell's calls: one where there are few rows, on the CPU."""
    return opened.graphs.open(place.component).threads(small=place.batch <= session.SMALL)


def target(opened: model.Model, component: str, threads: int | None = None) -> backends.Target:
    """A component's file, to be opened by another engine with the same settings.

    Args:
        opened: The model.
        component: Its graph.
        threads: How many; those of the model's settings by default.
    """
    plan, bundle = opened.graphs.plan, opened.graphs.bundle
    provider = opened.graphs.placement(component).active
    variant = opened.graphs.variant(component)
    return backends.Target(
        component,
        bundle.read(variant.path),
        bundle.manifest.graphs[component],
        Plan(provider, threads or plan.threads, plan.options, True),
        variant.precision,
    )


def alternate(
    calls: Mapping[str, load.Call],
    stretch: load.Stretcher,
    wanted: request.Request,
    clock: load.Clock,
) -> dict[str, list[load.Stretch]]:
    """Stretches of each engine's calls, in turn: so many seconds, or the slices of a schedule."""
    stretches: dict[str, list[load.Stretch]] = {name: [] for name in calls}
    end, rounds = clock.now() + wanted.seconds, 0
    scheduled = wanted.arrival.kind != load.CLOSED
    while rounds < load.SLICES if scheduled else clock.now() < end or rounds < _LEAST:
        for name in calls if rounds % 2 else reversed(list(calls)):
            stretches[name].append(stretch(calls[name], rounds))
        rounds += 1
    return stretches


def timing(parts: list[load.Stretch], batch: int, warm: int) -> Json:
    """The figures of one engine's stretches, JSON-ready."""
    latencies = _latencies(parts)
    wall, cpu, n = sum(p.wall for p in parts), sum(p.cpu for p in parts), len(latencies)
    return {
        "n": n,
        "rounds": len(parts),
        "warmup": warm,
        **figures.summary(latencies),
        "rows_per_s": n * batch / wall,
        "cpu_s_per_1000_rows": cpu / (n * batch) * 1e3,
        "cores": cpu / wall,
        "queue": _queue(parts, wall) if parts[0].offered else None,
    }


def _queue(parts: list[load.Stretch], wall: float) -> Json:
    waits = np.concatenate([p.waits for p in parts])
    service = float(np.median(_latencies(parts) - waits))
    offered, n = sum(p.offered for p in parts), len(waits)
    middle, tail = (np.quantile(waits, (0.5, 0.95)) * 1e3).tolist()
    return {
        "offered": offered,
        "unserved": offered - n,
        "achieved_per_s": n / wall,
        "wait_p50_ms": middle,
        "wait_p95_ms": tail,
        "growing": offered > n or any(figures.growing(p.waits, service) for p in parts),
    }


def _latencies(parts: list[load.Stretch]) -> figures.Floats:
    return np.concatenate([p.latencies for p in parts])


def _ratio(latencies: Mapping[str, figures.Floats], name: str) -> Json:
    value, interval = figures.ratio(latencies[MODEL], latencies[name])
    return {"value": value, "interval": None if interval is None else list(interval)}


def _warm(calls: Mapping[str, load.Call], seconds: float, clock: load.Clock) -> int:
    """Call each a few times, for a tenth of the time that will be measured; how often."""
    end, done = clock.now() + _SHARE * seconds, 0
    while done < _WARMUP or clock.now() < end:
        for call in calls.values():
            call()
        done += 1
    return done


def _others(
    stack: ExitStack,
    opened: model.Model,
    place: Place,
    rivals: Mapping[str, backends.Opener],
    feeds: Arrays,
) -> dict[str, load.Call]:
    """The rivals' calls, each of which gives what the model gives."""
    if not rivals:
        return {}
    goal = target(opened, place.component, threads(opened, place))
    names = tuple(opened.graphs.open(place.component).outputs)
    wanted = opened.graphs.run(place.component, feeds, place.batch)
    calls: dict[str, load.Call] = {}
    for name, opener in rivals.items():
        run = stack.enter_context(opener(goal))
        backends.check(name, goal, backends.named(run(feeds), names), wanted)
        calls[name] = _bound(run, feeds)
    return calls


def _floor(place: Place, wanted: request.Request, clock: load.Clock) -> float | None:
    """The median latency of a call that does nothing, in ms, under the same kind of schedule."""
    if wanted.arrival.kind == load.CLOSED:
        return None
    seconds = _SHARE * wanted.seconds * load.SLICES
    with load.opened(wanted.arrival, place.concurrency, seconds, clock) as stretch:
        return float(np.median(stretch(lambda: None, 0).latencies)) * 1e3


def _bound(run: backends.Run, feeds: Arrays) -> load.Call:
    return lambda: run(feeds)


@contextmanager
def _own(opened: model.Model, component: str, feeds: Arrays, batcher: bool) -> Iterator[load.Call]:
    if batcher:
        with opened.batcher() as collecting:
            row = _given(opened, feeds)["rows"][0]
            yield lambda: collecting.submit(row).result()
        return
    call = _CALLS.get(component)
    batch = len(next(iter(feeds.values())))
    if call is None:
        yield lambda: opened.graphs.run(component, feeds, batch)
    else:
        arguments = _given(opened, feeds)
        yield lambda: call(opened, arguments)


def _given(opened: model.Model, feeds: Arrays) -> Arrays:
    """What a caller gives: `rows` for the tensors that hold rows."""
    rows = opened.graphs.bundle.manifest.row_layout
    if rows and not layout.fixed(rows).keys().isdisjoint(feeds):
        return {**feeds, "rows": layout.whole(feeds, rows)}
    return {**feeds, "rows": feeds["x"]} if "x" in feeds else feeds

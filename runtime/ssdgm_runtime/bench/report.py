"""A whole benchmark: every cell of a request, what surrounds it, and where it was. JSON-ready."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from statistics import median
from time import perf_counter
from typing import Any

from ssdgm_runtime import errors, model
from ssdgm_runtime.bench import (
    accuracy,
    backends,
    cell,
    compare,
    fingerprint,
    labelled,
    request,
)
from ssdgm_runtime.bench.starts import coldstart
from ssdgm_runtime.bundle import contents
from ssdgm_runtime.engine import session

Json = dict[str, Any]
Watch = Callable[[int, int, str], object]
"""Told how many steps are done, of how many, and what was found."""

_LOADS = 3


@dataclass(frozen=True, eq=False)
class Setup:
    """A model as it is measured, and the words that it was opened with."""

    provider: str
    variant: str
    opened: model.Model


def measure(
    path: request.PathLike,
    wanted: request.Request,
    *,
    engines: Mapping[str, backends.Opener] | None = None,
    watch: Watch = lambda done, total, text: None,
) -> Json:
    """Measure a bundle.

    Args:
        path: The bundle.
        wanted: What to measure.
        engines: Backends to measure against besides those that are known here.
        watch: Told of progress.

    Raises:
        SsdgmError: As of `Model`, `Request`, `cell.measure` and `labelled`. A cold start that
            fails is told in the report.
    """
    rivals = backends.select(wanted.against, engines or {})
    started, busy = _now(), fingerprint.busy()
    rows = None
    if wanted.rows is not None:
        space = contents.open_bundle(path, verify=False).manifest.space
        rows = labelled.read(wanted.rows, space.traits.unknown)
    with ExitStack() as stack:
        setups = []
        for setup in _setups(path, wanted):  # all of them now: what is not there shows first
            stack.enter_context(setup.opened)
            setups.append(setup)
        places = list(_places(setups, wanted))
        variants = [_variant(*place, rows) for place in _each_variant(places)]
        sessions = [_session(setup) for setup in setups]
        cells, total = [], len(places) + bool(wanted.cold)
        for done, (setup, place) in enumerate(places):
            cells.append(cell.measure(setup.opened, place, wanted, rivals))
            watch(done + 1, total, _line(cells[-1]))
        cold = _cold(setups[0], places[0][1].component, wanted.cold)
        if wanted.cold:
            ending = "failed" if "failed" in (cold or {}) else "of each kind"
            watch(total, total, f"{wanted.cold} cold starts {ending}")
        about = setups[0].opened.graphs.bundle
    return {
        "schema_version": compare.SCHEMA,
        "bundle": about.manifest.name,
        "id": about.id,
        "started": started,
        "ended": _now(),
        "environment": {
            **fingerprint.environment(),
            "load_average": {"start": busy, "end": fingerprint.busy()},
        },
        "settings": _told(wanted),
        "sessions": sessions,
        "variants": variants,
        "cells": cells,
        "cold_start": cold,
    }


def _setups(path: request.PathLike, wanted: request.Request) -> Iterator[Setup]:
    """Models with every combination of provider, variant and threads."""
    about = contents.open_bundle(path, verify=False).manifest
    for provider in wanted.providers:
        words: list[str] = []
        for word in wanted.variants:
            active = session.preferred(provider) if word == request.ALL else ""
            fitting = [v.name for v in about.variants if v.provider == active] or ["auto"]
            words += fitting if word == request.ALL else [word]
        for word, threads in product(dict.fromkeys(words), wanted.threads):
            opened = model.load(
                path,
                provider=provider,
                variant=word,
                threads=threads,
                allow_partial=wanted.allow_partial,
            )
            yield Setup(provider, word, opened)


Placed = tuple[Setup, cell.Place]


def _places(setups: list[Setup], wanted: request.Request) -> Iterator[Placed]:
    """Every cell once: setups may share a variant that another has as its default.

    Raises:
        InputError: The bundle has no graph of that name.
    """
    components = setups[0].opened.graphs.components
    strange = [c for c in wanted.components if c not in components]
    if strange:
        want = f"some of {', '.join(components)}, separated by commas"
        raise errors.InputError("--component", repr(strange[0]), want)
    chosen, seen = wanted.components or components, set()
    for setup, component in product(setups, chosen):
        for batch, callers in product(wanted.batches, wanted.concurrency):
            place = cell.Place(component, batch, callers)
            key = tuple(cell.key(setup.opened, place, wanted).values())
            if key not in seen:
                seen.add(key)
                yield setup, place


def _each_variant(places: list[Placed]) -> list[tuple[Setup, str]]:
    distinct: dict[tuple[str, ...], tuple[Setup, str]] = {}
    for setup, place in places:
        graphs = setup.opened.graphs
        component = place.component
        key = (graphs.variant(component).name, graphs.placement(component).active, component)
        distinct.setdefault(key, (setup, component))
    return list(distinct.values())


def _variant(
    setup: Setup, component: str, rows: tuple[labelled.Array, labelled.Array] | None
) -> Json:
    return accuracy.of(setup.opened, component, rows)


def _session(setup: Setup) -> Json:
    """How a model is opened, and the median time from its path to the first answer of each graph.

    In this process, which has imported the engine already: files hashed, sessions made.
    """
    loads = [_load_ms(setup.opened) for _ in range(_LOADS)]
    return {
        "requested": setup.provider,
        "variant": setup.variant,
        "threads": setup.opened.graphs.plan.threads,
        "load_ms": median(loads),
        **fingerprint.settings(setup.opened),
    }


def _load_ms(opened: model.Model) -> float:
    started = perf_counter()
    with opened.again() as fresh:
        fresh.warmup()
    return (perf_counter() - started) * 1e3


def _cold(setup: Setup, component: str, starts: int) -> Json | None:
    """Cold starts, or why there are none: what was measured before is kept."""
    if not starts:
        return None
    try:
        return coldstart.measure(setup.opened, component, starts, setup.variant)
    except (errors.SsdgmError, OSError) as error:
        return {"failed": str(error)}


def _told(wanted: request.Request) -> Json:
    """The request as JSON has it."""
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(wanted).items()}
    rows = None if wanted.rows is None else str(wanted.rows)
    return {**plain, "arrival": str(wanted.arrival), "rows": rows}


def _line(measured: Json) -> str:
    words = (measured[k] for k in ("component", "variant", "batch", "threads", "concurrency"))
    component, variant, batch, threads, callers = words
    p50 = measured["model"]["p50_ms"]
    return (
        f"{component} {variant}, batch {batch}, threads {threads}, callers {callers}: "
        f"p50 {p50:.3f} ms"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""A bundle's graphs, each opened when it is first needed and run in chunks of rows."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle import contents, interface, manifest
from ssdgm_runtime.engine import binding, forks, providers, session
from ssdgm_runtime.engine.options import Placement, Plan
from ssdgm_runtime.inference import conditionals, finite
from ssdgm_runtime.rows.tensor import Tensor

Arrays = session.Arrays
Given = Mapping[str, session.Array] | None

TASKS: dict[str, frozenset[str]] = {
    "classify": frozenset({"classifier"}),
    "encode": frozenset({"encoder"}),
    "reconstruct": frozenset({"encoder", "decoder"}),
    "generate": frozenset({"decoder"}),
}


def tasks(about: manifest.Manifest) -> tuple[str, ...]:
    """Which of classify, encode, reconstruct and generate there are graphs for."""
    return tuple(task for task, needs in TASKS.items() if needs <= set(about.graphs))


class Graphs:
    """The sessions of one bundle.

    Args:
        bundle: The open bundle.
        plan: What every session is opened with.
        variant: `auto`, or a variant's name or precision; a component without it has its default.

    Raises:
        InputError: No component has this variant.
    """

    def __init__(self, bundle: contents.Bundle, plan: Plan, variant: str = providers.AUTO) -> None:
        self.bundle, self.plan = bundle, plan
        self._next = plan  # `auto` is settled by the first session, and holds for the others
        self._sessions: dict[str, session.Session] = {}
        self._used: dict[str, manifest.Variant] = {}
        self._closed = False
        variants = bundle.manifest.variants
        known = {word for v in variants for word in (v.name, v.precision)}
        if not isinstance(variant, str) or variant not in {providers.AUTO, *known}:
            raise errors.InputError(
                "variant", arguments.shown(variant), f"auto or one of {sorted(known)}"
            )
        self._wanted = variant

    @property
    def components(self) -> tuple[str, ...]:
        """The graphs' names."""
        return tuple(self.bundle.manifest.graphs)

    def graph(self, component: str, task: str) -> interface.Graph:
        """What a graph eats and gives.

        Raises:
            TaskUnavailable: The bundle has no such graph.
        """
        return conditionals.need(self.bundle.manifest.graphs, component, task)

    def variant(self, component: str) -> manifest.Variant:
        """The variant of a component that is open, or that would be opened now."""
        found = self._used.get(component)
        return found or self._choice(component, session.preferred(self._next.provider))

    def open(self, component: str) -> session.Session:
        """A component's session, opened now if it is not open yet.

        Raises:
            FormatError: The graph is not what the manifest says.
            IntegrityError: Its file has changed.
            ProviderUnavailable: The provider cannot be had.
        """
        if self._closed:
            raise errors.InputError("the model", "closed", "an open one", "load(path)")
        found = self._sessions.get(component)
        if found is not None:
            return found
        with forks.lock():
            if component not in self._sessions:
                self._sessions[component] = self._open(component)
            return self._sessions[component]

    def run(
        self,
        component: str,
        feeds: Mapping[str, session.Array],
        size: int,
        *names: str,
        out: Given = None,
    ) -> Arrays:
        """Compute outputs for all rows, `size` of them at once.

        Args:
            component: The graph.
            feeds: Inputs by name, [n, ...]; noise that is not given is zero, the mean path.
            size: The most rows that are computed at once.
            names: The outputs to give; all, if none is named.
            out: Arrays to write outputs into, by name, of their shape and dtype.

        Returns:
            The outputs, [n, ...].
        """
        n = len(next(iter(feeds.values())))
        if 0 < n <= size and out is None:  # one piece: nothing to slice, nothing to join
            return self._piece(component, feeds, names, small=n <= session.SMALL)
        outputs = self.bundle.manifest.graphs[component].outputs
        given = out or {}
        found = {
            t.name: given[t.name] if t.name in given else np.empty((n, *t.row), dtype=t.dtype)
            for t in outputs
            if not names or t.name in names
        }
        pieces = self.chunks(component, feeds, size, *names)
        for start, piece in zip(range(0, n, size), pieces, strict=True):
            for name, rows in piece.items():
                found[name][start : start + size] = rows
        return found

    def answer(
        self,
        component: str,
        feeds: Mapping[str, session.Array],
        size: int,
        *names: str,
        out: Given = None,
    ) -> Arrays:
        """Compute outputs as `run` does, and give only finite ones.

        The rows of a table go in and come out as `columns` has them.

        Raises:
            InputError: An output is not finite; it says in which row.
        """

        def run(given: Mapping[str, session.Array], *wanted: str, out: Given = None) -> Arrays:
            return self.run(component, given, size, *wanted, out=out)

        about = self.bundle.manifest
        if about.columns:
            there = conditionals.Table(about.columns, about.graphs[component])
            found = there.answer(run, feeds, names, out)
        else:
            found = run(feeds, *names, out=out)
        if "logits" in found:  # the probabilities are theirs, and one look costs less than two
            finite.check({"logits": found["logits"]}, feeds)
        else:
            finite.check(found, feeds)
        return found

    def answering(self, size: int) -> conditionals.Run:
        """A component and its inputs to its output of `GIVES`, `size` rows at once."""

        def run(component: str, feeds: Arrays) -> Arrays:
            return self.answer(component, feeds, size, conditionals.GIVES[component])

        return run

    def chunks(
        self, component: str, feeds: Mapping[str, session.Array], size: int, *names: str
    ) -> Iterator[Arrays]:
        """Compute outputs chunk by chunk; arguments as in `run`."""
        n = len(next(iter(feeds.values())))
        small = n <= session.SMALL  # by the whole call: how it is chunked must not change the pool
        for start in range(0, n, size):
            part = {name: array[start : start + size] for name, array in feeds.items()}
            yield self._piece(component, part, names, small=small)

    def kept(self) -> AbstractContextManager[None]:
        """Within it, what several graphs share is copied to a GPU once; see `binding.kept`."""
        opened = next(iter(self._sessions.values()), None)
        return binding.kept(opened.provider if opened else providers.CPU)

    def described(self) -> dict[str, Any]:
        """What is open, ready for JSON."""
        about, used = self.bundle.manifest, {c: self.variant(c) for c in self.components}
        return {
            "name": about.name,
            "id": self.bundle.id,
            "path": str(self.bundle.path),
            "format": ".".join(map(str, about.format)),
            "tasks": list(tasks(about)),
            "labels": list(about.labels),
            "provider": self.plan.provider,
            "threads": self.plan.threads,
            "variants": {c: {"name": v.name, "precision": v.precision} for c, v in used.items()},
        }

    def warmup(self) -> None:
        """Open every graph and run it once."""
        for component in self.components:
            inputs = self.graph(component, "warm up").inputs
            self.run(component, {t.name: np.zeros((1, *t.row), dtype=t.dtype) for t in inputs}, 1)

    def placement(self, component: str) -> Placement:
        """Where a graph runs; opens and raises as `open`."""
        return replace(self.open(component).placement, requested=self.plan.provider)

    def close(self) -> None:
        """Close every session; the graphs cannot be used after that."""
        self._closed = True
        for opened in self._sessions.values():
            opened.close()

    def _piece(
        self,
        component: str,
        feeds: Mapping[str, session.Array],
        names: tuple[str, ...],
        *,
        small: bool,
    ) -> Arrays:
        opened, graph = self.open(component), self.bundle.manifest.graphs[component]
        if graph.noise:
            feeds = {**_zeros(graph, feeds), **feeds}
        return opened.run(feeds, names or tuple(t.name for t in graph.outputs), small=small)

    def _open(self, component: str) -> session.Session:
        wanted = session.preferred(self._next.provider)
        chosen = self._choice(component, wanted)
        opened = self._session(chosen, self._next)
        if self.plan.provider == providers.AUTO:
            self._next = replace(self.plan, provider=opened.provider, allow_partial=True)
            better = self._choice(component, opened.provider)
            if better.path != chosen.path:  # chosen for a provider that then could not be had
                opened.close()
                opened = self._session(better, self._next)
            chosen = better
        self._used[component] = chosen
        return opened

    def _session(self, chosen: manifest.Variant, plan: Plan) -> session.Session:
        path = chosen.path
        opened = session.Session(path, partial(self.bundle.read, path), plan)
        _compare(path, opened, self.bundle.manifest.graphs[chosen.component])
        return opened

    def _choice(self, component: str, provider: str) -> manifest.Variant:
        """The variant for a provider; fp32, if there is none for it and none was named."""
        rivals = [v for v in self.bundle.manifest.variants if v.component == component]
        named = [v for v in rivals if self._wanted in (v.name, v.precision)]
        fitting = [v for v in named or rivals if v.provider == provider]
        plain = [v for v in rivals if v.precision == manifest.PLAIN]
        return next((v for v in fitting if v.default), (fitting or named or plain or rivals)[0])


def _zeros(graph: interface.Graph, given: Mapping[str, session.Array]) -> Arrays:
    n = len(next(iter(given.values())))
    missing = [t for t in graph.inputs if t.name in graph.noise and t.name not in given]
    return {t.name: np.zeros((n, *t.row), dtype=t.dtype) for t in missing}


def _compare(name: str, opened: session.Session, graph: interface.Graph) -> None:
    """Refuse a graph whose inputs and outputs are not the declared ones; more outputs may be."""
    known = {t.name for t in graph.outputs}
    given = [t for t in opened.outputs.values() if t.name in known]
    for found, wanted in ((opened.inputs.values(), graph.inputs), (given, graph.outputs)):
        if {t.name: t for t in found} != {t.name: t for t in wanted}:
            raise errors.FormatError(
                f"{name} has {_listed(found)}",
                f"{_listed(wanted)}, as the manifest says",
                "Convert the run again.",
            )


def _listed(tensors: Iterable[Tensor]) -> str:
    told = (f"{t.name} {t.dtype} [{', '.join(map(str, t.shape))}]" for t in tensors)
    return ", ".join(sorted(told)) or "nothing"

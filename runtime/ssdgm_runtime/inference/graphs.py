"""A bundle's graphs, each opened when it is first needed and run in chunks of rows."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle import contents, interface, manifest
from ssdgm_runtime.engine import forks, providers, session
from ssdgm_runtime.engine.options import Placement, Plan
from ssdgm_runtime.inference import calls, parts
from ssdgm_runtime.rows import intake
from ssdgm_runtime.rows.tensor import Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.inference import tables

_NOTHING = nullcontext()
_TRAINED = ("dataset", "labelled", "unlabelled", "validation", "test")
"""What is told of a bundle's training: rows, and scores on held-out ones."""

Read = Callable[[intake.PathLike, manifest.Manifest, str], intake.Array]
"""A path, what the bundle says, and which graph rows are for, to the rows."""


def tasks(about: manifest.Manifest) -> tuple[str, ...]:
    """Which tasks there are graphs for, such as classify (of numbers predict) and generate."""
    own = about.space.traits.task
    return tuple(own if task == "classify" else task for task in parts.tasks(about.graphs))


class Graphs:
    """The sessions of one bundle.

    Args:
        bundle: The open bundle.
        plan: What every session is opened with.
        variant: `auto`, or a variant's name or precision; a component without it has its default.
        read: Reads rows at a path; None, where paths are no rows.

    Raises:
        InputError: No component has this variant.
    """

    def __init__(
        self,
        bundle: contents.Bundle,
        plan: Plan,
        variant: str = providers.AUTO,
        read: Read | None = None,
    ) -> None:
        self.bundle, self.plan, self._read = bundle, plan, read
        self._next = plan  # `auto` is settled by the first session, and holds for the others
        self._sessions: dict[str, session.Session] = {}
        self._calls: dict[tuple[str, tuple[str, ...]], calls.Call] = {}
        self._used: dict[str, manifest.Variant] = {}
        self._closed = False
        variants = bundle.manifest.variants
        words = {word for v in variants for word in (v.name, v.precision)}
        if not isinstance(variant, str) or variant not in {providers.AUTO, *words}:
            raise errors.InputError(
                "variant", arguments.shown(variant), f"auto or one of {sorted(words)}"
            )
        self._wanted = variant
        self.high = manifest.value_range(bundle.manifest)[1]

    @property
    def components(self) -> tuple[str, ...]:
        """The graphs' names."""
        return tuple(self.bundle.manifest.graphs)

    def graph(self, component: str, task: str) -> interface.Graph:
        """What a graph eats and gives.

        Raises:
            TaskUnavailable: The bundle has no such graph.
        """
        return parts.need(self.bundle.manifest.graphs, component, task)

    def variant(self, component: str) -> manifest.Variant:
        """The variant of a component that is open, or that would be opened now."""
        used = self._used.get(component)
        return used or self._choice(component, session.preferred(self._next.provider))

    def open(self, component: str) -> session.Session:
        """A component's session, opened now if it is not open yet.

        Raises:
            FormatError: The graph is not what the manifest says.
            IntegrityError: Its file has changed.
            ProviderUnavailable: The provider cannot be had.
        """
        if self._closed:
            raise errors.InputError("This model", "closed", "", "Open it again with load(path).")
        opened = self._sessions.get(component)
        if opened is not None:
            return opened
        with forks.lock():
            if component not in self._sessions:
                self._sessions[component] = self._open(component)
            return self._sessions[component]

    def call(self, component: str, task: str, *names: str) -> "calls.Call | tables.TableCall":
        """How to compute these outputs of a component; all of them, if none is named.

        Rows of several tensors go in and come out whole. Opens and raises as `open`.

        Raises:
            TaskUnavailable: The bundle has no such graph.
        """
        graph, layout = self.graph(component, task), self.bundle.manifest.row_layout
        if not layout:
            return self._call(component, names)
        from ssdgm_runtime.inference import tables

        joined = "x" in names
        if joined:
            names = tables.means(graph, layout)
        return tables.TableCall(self._call(component, names), layout, joined=joined)

    def shown(self, rows: Any) -> Any:  # noqa: ANN401  (an array, or a dict of them)
        """Whole rows as callers get them: where they have several views, these by their names."""
        if not (views := self.bundle.manifest.views):
            return rows
        from ssdgm_runtime.rows.views import view

        return view.cut(rows, views)

    def reader(self, component: str) -> intake.Read | None:
        """What reads rows of a component at a path."""
        read, about = self._read, self.bundle.manifest
        return read and (lambda path: read(path, about, component))

    def intake(self, component: str, task: str) -> intake.Intake:
        """What takes the rows of a component; TaskUnavailable as of `call`."""
        graph, about = self.graph(component, task), self.bundle.manifest
        declared = interface.rows(graph, about.row_layout)
        named = about.row_layout, about.features
        span = about.likelihood and about.likelihood.span
        return intake.Intake(declared, self.high, *named, self.reader(component), span)

    def of_rows(self, component: str, task: str, *names: str) -> calls.OfRows:
        """The same as `call`, of x as a caller has it and nothing else."""
        return self.call(component, task, *names).of_rows(self.intake(component, task))

    def run(
        self, component: str, feeds: calls.Feeds, size: int, *names: str
    ) -> dict[str, calls.Array]:
        """Compute a graph's own outputs, by name; arguments as of `call` and `Call.run`."""
        call = self._call(component, names)
        return dict(zip(call.names, call.run(feeds, size), strict=True))

    def pieces(
        self, component: str, feeds: calls.Feeds, size: int, *names: str
    ) -> Iterator[dict[str, calls.Array]]:
        """Compute a graph's own outputs piece by piece, proper ones; arguments as of `run`."""
        call, done = self._call(component, names), 0
        for arrays in call.pieces(feeds, size):
            call.check(arrays, feeds, done)
            done += len(arrays[0])
            yield dict(zip(call.names, arrays, strict=True))

    def kept(self) -> AbstractContextManager[None]:
        """Within it, what several graphs share is copied to a GPU once; see `binding.kept`."""
        opened = next(iter(self._sessions.values()), None)
        if opened is None or opened.provider not in providers.NVIDIA:
            return _NOTHING
        from ssdgm_runtime.engine import binding

        return binding.kept(opened.provider)

    def described(self) -> dict[str, Any]:
        """What is open, ready for JSON."""
        about, used = self.bundle.manifest, {c: self.variant(c) for c in self.components}
        return {
            "name": about.name,
            "version": about.version,
            "description": about.description,
            "created": about.created,
            "method": about.model.get("family", ""),
            "trained": {k: about.training[k] for k in _TRAINED if k in about.training},
            "id": self.bundle.id,
            "signer": self.bundle.signer,
            "path": str(self.bundle.path),
            "format": ".".join(map(str, about.format)),
            "tasks": list(tasks(about)),
            "space": about.space.space,
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
        return self.open(component).placement._replace(requested=self.plan.provider)

    def close(self) -> None:
        """Close every session; the graphs cannot be used after that."""
        self._closed = True
        for opened in self._sessions.values():
            opened.close()

    def _call(self, component: str, names: tuple[str, ...]) -> calls.Call:
        call = self._calls.get((component, names))
        if call is None:
            about, most = self.bundle.manifest, self.plan.options.max_batch
            graph = about.graphs[component]
            every = names or tuple(t.name for t in graph.outputs)
            kinds = parts.kinds(component, about.space)
            call = calls.Call(self.open(component), graph, every, most, kinds)
            self._calls[component, names] = call
        return call

    def _open(self, component: str) -> session.Session:
        wanted = session.preferred(self._next.provider)
        chosen = self._choice(component, wanted)
        opened = self._session(chosen, self._next)
        if self.plan.provider == providers.AUTO:
            self._next = self.plan._replace(provider=opened.provider, allow_partial=True)
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


def _compare(name: str, opened: session.Session, graph: interface.Graph) -> None:
    """Refuse a graph whose inputs and outputs are not the declared ones; more outputs may be."""
    declared = {t.name for t in graph.outputs}
    outputs = [t for t in opened.outputs.values() if t.name in declared]
    for actual, wanted in ((opened.inputs.values(), graph.inputs), (outputs, graph.outputs)):
        if {t.name: t for t in actual} != {t.name: t for t in wanted}:
            raise errors.FormatError(
                f"{name} has {_listed(actual)}",
                f"{_listed(wanted)}, as the manifest says",
                "Convert the run again.",
            )


def _listed(tensors: Iterable[Tensor]) -> str:
    lines = (f"{t.name} {t.dtype} [{', '.join(map(str, t.shape))}]" for t in tensors)
    return ", ".join(sorted(lines)) or "nothing"

"""The parts of a model, which of them a task needs, and what is said where one lacks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ssdgm_runtime import errors
from ssdgm_runtime.bundle.interface import Graph
from ssdgm_runtime.rows import proper

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Space

TASKS: dict[str, frozenset[str]] = {
    "classify": frozenset({"classifier"}),
    "encode": frozenset({"encoder"}),
    "reconstruct": frozenset({"encoder", "decoder"}),
    "generate": frozenset({"decoder"}),
    "score": frozenset({"scorer"}),
}


def tasks(graphs: Mapping[str, Graph]) -> tuple[str, ...]:
    """Which of `TASKS` there are graphs for."""
    parts = {*graphs, *(["scorer"] if scorer(graphs) in graphs else [])}
    return tuple(task for task, needs in TASKS.items() if needs <= parts)


def scorer(graphs: Mapping[str, Graph]) -> str:
    """The part that scores rows: of one-class the classifier, which gives nothing else."""
    own = "scorer" not in graphs and "classifier" in graphs
    outputs = graphs["classifier"].outputs if own else ()
    return "classifier" if any(t.name == "score" for t in outputs) else "scorer"


def need(graphs: Mapping[str, Graph], component: str, task: str) -> Graph:
    """What a graph eats and gives.

    Raises:
        TaskUnavailable: There is no such graph.
    """
    if component not in graphs:
        if component == "scorer":
            raise errors.TaskUnavailable(
                f"This bundle cannot {task}: it has no scorer",
                mend="Convert its run again with --score; methods that generate have scores.",
            )
        raise errors.TaskUnavailable(
            f"This bundle cannot {task}: it has no {component}",
            mend=f"It has {', '.join(graphs) or 'no graph'}; convert a run of a method that can.",
        )
    return graphs[component]


def labelled(graphs: Mapping[str, Graph]) -> bool:
    """Whether what is generated depends on a label: the decoder takes it, or the prior does."""
    parts = [graphs[name] for name in ("prior", "decoder") if name in graphs]
    return any(t.name == "y" for part in parts for t in part.inputs)


def kinds(component: str, space: "Space") -> Mapping[str, str | proper.Look]:
    """What outputs of a part are more than finite numbers, as `proper` has it."""
    if component == "decoder":
        from ssdgm_runtime.inference import likelihoods

        return likelihoods.KINDS
    if component == "classifier":
        return getattr(space, "kinds", {})
    return {"z_scale": proper.SCALE}

"""What the speed of a variant is worth: what reports say of it, and what it gives here."""

from typing import Any

from ssdgm_runtime import jsonfile, model
from ssdgm_runtime.bench import labelled
from ssdgm_runtime.bundle import golden, tolerance

Json = dict[str, Any]
REFERENCE = "fp32"


def of(
    opened: model.Model,
    component: str,
    rows: tuple[labelled.Array, labelled.Array] | None = None,
) -> Json:
    """A component's variant: its size, what is reported of it, and what it computes here.

    Args:
        opened: The model.
        component: The graph.
        rows: x and y to count errors on; only for a classifier.

    Raises:
        InputError: The rows are not what the model takes.
        DataError: Their labels are unknown to it.
    """
    variant, bundle = opened.graphs.variant(component), opened.graphs.bundle
    measured = None
    if rows is not None and component == "classifier":
        measured = {"rows": len(rows[0]), "error": labelled.error(opened, *rows)}
    return {
        "component": component,
        "measure": opened.space.traits.measure,
        "variant": variant.name,
        "precision": variant.precision,
        "provider": opened.graphs.placement(component).active,
        "threads": opened.graphs.plan.threads,
        "bytes": len(bundle.read(variant.path)),
        "reported": reported(bundle.manifest.document, component, variant.name),
        "golden": _golden(opened, component),
        "measured": measured,
    }


def reported(document: Json, component: str, variant: str) -> Json:
    """What the manifest says: the trained model's test error, and the variant's own gate."""
    test = _at(document, "additional_metadata", "ssdgm", "training", "test", "error")
    path = ("components", component, "variants", variant, "additional_metadata", "gate")
    gate = _at(document, *path)
    numeric = isinstance(test, (int, float)) and not isinstance(test, bool)
    return {
        "test_error": jsonfile.number(test, "training.test.error") if numeric else None,
        "gate": gate if isinstance(gate, dict) else None,
    }


def _golden(opened: model.Model, component: str) -> Json | None:
    """How far the graph is from the golden rows of fp32; None where there are none."""
    bundle = opened.graphs.bundle
    outputs = bundle.manifest.graphs[component].outputs
    kept = [f"golden/{component}/{REFERENCE}/{t.name}.npy" for t in outputs]
    if not set(kept) <= set(bundle.paths):
        return None
    feeds = golden.inputs(bundle, component)
    wanted = golden.outputs(bundle, component, REFERENCE)
    answers = opened.graphs.run(component, feeds, opened.graphs.plan.options.max_batch)
    gaps = [tolerance.gaps(answers[name], wanted[name], 1.0, 0.0)[0] for name in wanted]
    same = None
    if component == "classifier" and opened.space.traits.measure == "error":
        space = bundle.manifest.space
        same = 1 - float(space.wrong(answers, space.answer(wanted).labels).mean())
    rows = len(next(iter(feeds.values())))
    return {"reference": REFERENCE, "rows": rows, "max_abs": max(gaps), "agreement": same}


def _at(document: object, *path: str) -> object:
    value = document
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value

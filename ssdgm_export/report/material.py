"""What a report is made of: a run's files, its data, and its model as the parts of a bundle."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import document, graphs, parity
from ssdgm_runtime import columns, parts
from ssdgm_train import baseline, checkpoint, evaluation, metrics, patterns, recipe
from ssdgm_train import document as training
from ssdgm_train.data import dataset, store
from ssdgm_train.data.split import Split

Json = dict[str, Any]
ROWS = 1000
"""Rows a pass."""


@dataclass(frozen=True, eq=False)
class Held:
    """Rows that the model is looked at with.

    Attributes:
        kind: "test", "validation" or "labelled training".
        x: [n, *shape], raw.
        y: Their class indices, int64 [n].
        logits: Of q(y | x), float32 [n, K], divided by the run's temperature as in its bundle.
        probs: Their softmax, float32 [n, K].
    """

    kind: str
    x: NDArray[Any]
    y: NDArray[np.int64]
    logits: NDArray[np.float32]
    probs: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Material:
    """Everything a section may show.

    Attributes:
        run: `run.json`.
        result: `result.json`.
        baseline: The comparison with the supervised baseline, if there is one.
        evidence: `evaluation.json`; empty where there is none.
        records: The lines of `metrics.jsonl`.
        recipe: The run's recipe.
        parts: Its model.
        rows: The first rows that were trained on, raw, whatever is known of their labels.
        held: The rows that are classified and shown.
        low: The value that pictures show as black.
        high: The value that they show as white.
    """

    run: Json
    result: Json
    baseline: Json | None
    evidence: Json
    records: list[Json]
    recipe: recipe.Recipe
    parts: parts.Parts
    rows: NDArray[Any]
    held: Held
    low: float
    high: float

    @property
    def classes(self) -> tuple[str, ...]:
        """The K labels' names."""
        return self.parts.labels


def gather(place: Path, data: str | None) -> Material:
    """Read a finished run.

    Raises:
        RunError: It has not ended, is damaged, or its data has changed.
    """
    run = checkpoint.Run(place)
    described, result = run.read(), checkpoint.ended(run)
    with checkpoint.reading(run):
        problem, plan = training.load_problem(described), recipe.from_table(described["recipe"])
        model = training.load_model(run)
    found = graphs.of(model, problem, result["temperature"])

    def compute(name: str, feeds: parity.Arrays) -> parity.Arrays:
        given = {**feeds, **found[name].taken(feeds["x"])} if "x" in feeds else feeds
        answer = parity.reference(found[name], given)
        joined = name == "decoder" and problem.columns
        return {"x": columns.joined(answer, problem.columns)} if joined else answer

    labels = tuple(map(str, described["data"]["classes"]))
    model_parts = parts.Parts(
        {key: graph.spec for key, graph in found.items()}, labels, compute, columns=problem.columns
    )
    rows, (low, high) = training.load_data(run, data), document.value_range(problem)
    split = run.split()
    seen = split.training[:ROWS]
    return Material(
        run=described,
        result=result,
        baseline=baseline.read(run),
        evidence=evaluation.read(run) if (place / evaluation.NAME).exists() else {},
        records=_records(place),
        recipe=plan,
        parts=model_parts,
        rows=store.take(rows.x, seen),
        held=_held(rows, split, model_parts),
        low=low,
        high=high,
    )


def _records(place: Path) -> list[Json]:
    found = metrics.read(place)
    for missing in filter(None, (patterns.misfit(record, patterns.RECORD) for record in found)):
        raise checkpoint.RunError(
            f"{place / metrics.NAME} is damaged ({missing} is missing or of another kind)",
            "records as this ssdgm-train writes them",
            "Remove it to go on without its history.",
        )
    return found


def _held(data: dataset.Dataset, split: Split, model: parts.Parts) -> Held:
    """The test rows; or the validation rows, or else the labelled ones; a sample of very many."""
    chosen: store.Indices
    if data.x_test is not None and data.y_test is not None and len(data.x_test):
        kind, whole, labels, chosen = "test", data.x_test, data.y_test, np.arange(len(data.x_test))
    else:
        kind, whole, labels, chosen = "validation", data.x, data.y, split.validation
        if not len(chosen):
            kind, chosen = "labelled training", split.labelled
    few = store.few(whole, chosen)
    x, y = store.take(whole, few), store.take(labels, few)
    with parity.one_thread():
        passes = [
            model.run("classifier", {"x": x[begin : begin + ROWS]})
            for begin in range(0, len(x), ROWS)
        ]
    logits, probs = (np.concatenate([p[name] for p in passes]) for name in ("logits", "probs"))
    return Held(kind, x, y, logits, probs)

"""What a report is made of: a run's files, its data, and its model as the parts of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.bundle import document
from ssdgm_export.graphs import draws, modules
from ssdgm_export.proof import parity
from ssdgm_runtime.inference import conditionals
from ssdgm_runtime.pictures import png
from ssdgm_runtime.rows.views import layout as laid
from ssdgm_train import evaluation, seeds
from ssdgm_train import problems as kinds
from ssdgm_train.data import dataset, store
from ssdgm_train.data.split import Split
from ssdgm_train.labels import Space
from ssdgm_train.likelihoods import limits
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory, evidence, metrics, records
from ssdgm_train.runs import loading as training

ROWS = 1000
"""Rows a pass."""


@dataclass(frozen=True, eq=False)
class Held:
    """Rows that the model is looked at with.

    Attributes:
        kind: "test", "validation" or "labelled training".
        x: [n, *shape], raw.
        y: Their class indices, int64 [n], or tags or numbers [n, K].
        outputs: What the classifier gives, by name, at the run's temperature as in its bundle.
    """

    kind: str
    x: NDArray[Any]
    y: NDArray[Any]
    outputs: dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Material:
    """Everything a section may show.

    Attributes:
        run: `run.json`.
        result: `result.json`.
        evaluation: `evaluation.json`, if there is one.
        records: The lines of `metrics.jsonl`.
        recipe: The run's recipe.
        parts: Its model.
        rows: The first rows that were trained on, raw, whatever is known of their labels.
        held: The rows that are classified and shown.
        drawn: Rows of columns drawn from the model; None where rows have an order, as pixels and
            series do, or where nothing can be drawn.
        low: The value that pictures show as black, or lowest.
        high: The value that they show as white, or highest.
        kind: What a row is, by which it is drawn.
    names: tuple[str, ...] = ()
        names: Those of the labels that rows may have, in the order of their numbers.
    """

    run: records.RunRecord
    result: records.Result
    evaluation: records.Evaluation | None
    records: list[records.Metrics]
    recipe: recipe.Recipe
    parts: conditionals.Conditionals
    rows: NDArray[Any]
    held: Held
    drawn: NDArray[Any] | None
    low: float
    high: float
    kind: str = kinds.IMAGE
    names: tuple[str, ...] = ()

    def images(self, x: NDArray[Any], least: int = plates.CELL) -> png.Bytes:
        """Rows as images of which a side has `least` pixels at least."""
        draw = plates.curved if self.kind == kinds.WINDOWS else plates.sized
        return draw(x, self.low, self.high, least)

    @property
    def labels(self) -> Space:
        """The label space."""
        return self.run.problem.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """The K labels' names."""
        return self.parts.space.names


def gather(place: Path, data: str | None) -> Material:
    """Read a finished run.

    Raises:
        RunError: It has not ended, is damaged, or its data has changed.
    """
    run = directory.Run(place)
    record, result = run.read(), directory.ended(run)
    with directory.reading(run):
        problem, plan = record.problem, record.plan
        model = training.load_model(run)
    graphs = modules.of(model, problem, result.temperature)
    layout = modules.layout_of(problem)

    def compute(name: str, feeds: parity.Arrays) -> parity.Arrays:
        given = {**feeds, **graphs[name].taken(feeds["x"])} if "x" in feeds else feeds
        still = graphs[name].still(len(next(iter(feeds.values()))))
        answer = parity.reference(graphs[name], {**still, **given})
        whole = name == "decoder" and layout
        return {"x": laid.joined(answer, layout)} if whole else answer

    space = document.space(record, result)
    model_parts = conditionals.Conditionals(
        {key: graph.spec for key, graph in graphs.items()},
        space,
        compute,
        layout=layout,
    )
    rows, (low, high) = training.load_data(run, data), limits.value_range(problem)
    split = run.split()
    seen = split.training[:ROWS]
    return Material(
        run=record,
        result=result,
        evaluation=evidence.read(run) if (place / evidence.NAME).exists() else None,
        records=metrics.read(place),
        recipe=plan,
        parts=model_parts,
        rows=store.take(rows.x, seen),
        held=_held(rows, split, model_parts),
        drawn=_drawn(graphs, problem, record.seed),
        low=low,
        high=high,
        kind=problem.kind,
        names=tuple(map(str, (*rows.classes, *rows.others))),
    )


def _drawn(
    graphs: Mapping[str, modules.Graph], problem: Problem, seed: int
) -> NDArray[Any] | None:
    """Rows of p(x), labels and latents from their priors."""
    if "decoder" not in graphs or problem.kind not in (kinds.ROWS, kinds.TABLE):
        return None
    labels = problem.labels.drawn(seeds.generator(seed, seeds.REPORT), ROWS)
    outputs = draws.decoded(
        graphs, labels, seed, lambda name, feeds: parity.reference(graphs[name], feeds)
    )
    return draws.rows(outputs, problem, seed)


def _held(data: dataset.Dataset, split: Split, model: conditionals.Conditionals) -> Held:
    """The test rows; or the validation rows, or else the labelled ones; a sample of very many."""
    chosen: store.Indices
    if data.x_test is not None and data.y_test is not None and len(data.x_test):
        kind, whole, labels, chosen = "test", data.x_test, data.y_test, np.arange(len(data.x_test))
    else:
        kind, whole, labels, chosen = "validation", data.x, data.y, split.validation
        if not len(chosen):
            kind, chosen = "labelled training", split.labelled
    few = store.sampled(whole, chosen)
    x, y = store.take(whole, few), store.take(labels, few)
    size = evaluation.few(x[:1].size)
    with parity.one_thread():
        passes = [
            model.run("classifier", {"x": x[begin : begin + size]})
            for begin in range(0, len(x), size)
        ]
    names = model.space.outputs
    return Held(kind, x, y, {k: np.concatenate([part[k] for part in passes]) for k in names})

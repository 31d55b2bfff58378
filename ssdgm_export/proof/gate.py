"""Whether a graph of lower precision may ship, measured on the run's own rows.

A classifier may err on a few rows more than the fp32 graph, or, where no labels are held out,
answer a few otherwise; where labels are numbers, their root mean squared error may rise by a small
part of their deviation. An encoder or decoder may make the squared error of reconstructions from
posterior means grow by a little, the other graphs being fp32. Probabilities, posterior scales and
draws from the prior are not looked at. What computes with integers must also give each of some
rows the same answer alone and in a batch.

A CPU computes half precision in single: the gate of fp16 shows what rounded weights cost, and says
nothing about the arithmetic of a GPU. The standard error says how sure an estimate is.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export.proof import engines
from ssdgm_export.proof.allowance import Limits
from ssdgm_export.proof.units import units
from ssdgm_runtime.bundle import tolerance
from ssdgm_runtime.labels.space import Space
from ssdgm_runtime.rows.views import layout as laid
from ssdgm_train import evaluation

Array = NDArray[Any]
Arrays = dict[str, Array]
Measure = Callable[[Arrays], Array]

BATCH, ALONE = 256, 64
RMSE = "rmse"
"""The measure of labels that are numbers, as `Traits.measure` names it."""

INVARIANT = ("int8",)
"""Precisions whose answers must not depend on the batch, to the bit."""


@dataclass(frozen=True)
class Rows:
    """Rows to measure on.

    Attributes:
        x: [n, *shape] in the data's own dtype.
        y: Their labels as numbers, [n, ...]; `Traits.unknown` what is not known.
        kind: `validation`, or `training` where too few were held out.
        space: What a label is.
        layout: The columns or views by which x is split.
    """

    x: Array
    y: Array
    kind: str
    space: Space
    layout: laid.Layout = ()

    @property
    def tensors(self) -> Arrays:
        """X as graphs take it."""
        return laid.split(self.x, self.layout) if self.layout else {"x": self.x}


@dataclass(frozen=True)
class Gate:
    """The outcome for one graph in one precision, by one measure.

    Attributes:
        component: The graph.
        precision: Its precision.
        measure: `error`, the share of wrong rows; `rmse`, the root mean squared error of numbers
            in deviations of the training labels; `change`, the share that is answered otherwise
            than by fp32, where no label is known, of numbers the mean change in deviations;
            `distortion`, the mean squared error of reconstructions in the data's own units;
            `nothing`, where none can be measured. The columns of a table have no common unit:
            there it is the squared error as a share of the column's variance, and for categories
            1 - the probability of the right one.
        rows: How many rows it was measured on.
        kind: What rows these are.
        fp32: The measure for the fp32 graph.
        found: The measure for this one; `tolerance.HUGE` if an output is not finite.
        cost: found - fp32, for a distortion found / fp32 - 1.
        deviation: The standard error of the cost, from the rows' own differences.
        allowed: The most that the cost may be.
        batch_gap: The largest difference between an output of a row alone and in a batch.
        passed: Whether it may ship by this measure; never by fewer than `evaluation.ENOUGH` rows.
    """

    component: str
    precision: str
    measure: str
    rows: int = 0
    kind: str = ""
    fp32: float = 0.0
    found: float = 0.0
    cost: float = 0.0
    deviation: float = 0.0
    allowed: float = 0.0
    batch_gap: float = 0.0
    passed: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the bundle stores it."""
        return asdict(self)


class Judge:
    """Measures one graph at a time on rows, with the fp32 graphs in all other places.

    Args:
        models: The fp32 graphs' files, by component.
        inputs: The names of each component's inputs.
        rows: Rows of the data.
        limits: What is allowed.
        opener: Opens a file.
    """

    def __init__(
        self,
        models: Mapping[str, bytes],
        inputs: Mapping[str, tuple[str, ...]],
        rows: Rows,
        limits: Limits,
        opener: engines.Opener = engines.opened,
    ) -> None:
        self._inputs, self._rows, self._limits, self._open = inputs, rows, limits, opener
        self._fp32 = {name: opener(name, data) for name, data in models.items()}
        self._kept: dict[tuple[str, str], Array] = {}
        self._feeds: Arrays = rows.tensors
        self._units = units(rows.tensors, rows.layout)
        self._size = min(BATCH, evaluation.few(rows.x[:1].size))
        first = (("classifier", rows.space.mean, "y"), ("encoder", "z_mean", "z"))
        for component, given, wanted in first:
            if component in models:
                self._feeds[wanted] = self._answer(component, self._fp32[component])[given]

    def judge(
        self, component: str, precision: str, data: bytes, golden: Arrays | None = None
    ) -> list[Gate]:
        """Measure a graph in every way there is; its answers to `golden` must be finite too."""
        measures = self._measures(component)
        if not measures:
            return [Gate(component, precision, "nothing")]
        engine = self._open(component, data)
        answer, gap = self._answer(component, engine), self._gap(component, engine)
        gates = [
            self._gate(Gate(component, precision, name, batch_gap=gap), measure, answer)
            for name, measure in measures.items()
        ]
        answers = (*answer.values(), *(engine.run(golden).values() if golden else ()))
        if all(np.isfinite(array).all() for array in answers):
            return gates
        worst = tolerance.HUGE
        return [replace(gate, found=worst, cost=worst, passed=False) for gate in gates]

    def _gate(self, blank: Gate, measure: Measure, answer: Arrays) -> Gate:
        key = (blank.component, blank.measure)
        if key not in self._kept:
            plain = self._answer(blank.component, self._fp32[blank.component])
            self._kept[key] = measure(plain)
        before, error = self._kept[key], blank.measure != "distortion"
        with np.errstate(over="ignore", invalid="ignore"):  # `_finite` below sees what overflows
            after = measure(answer)
            spread = (after - before).std() / math.sqrt(len(after))
        fp32, measured = float(before.mean()), _finite(after.mean())
        if blank.measure == RMSE:  # the spread of a root, to first order
            fp32, measured = math.sqrt(fp32), math.sqrt(measured)
            spread /= max(2 * fp32, float(np.finfo(np.float64).tiny))
        unit = 1.0 if error else max(fp32, float(np.finfo(np.float64).tiny))
        cost = _finite((measured - fp32) / unit)
        allowed = self._limits.drop if error else self._limits.distortion
        exact = blank.batch_gap == 0 or blank.precision not in INVARIANT
        return replace(
            blank,
            rows=len(after),
            kind=self._rows.kind,
            fp32=fp32,
            found=measured,
            cost=cost,
            deviation=_finite(spread / unit),
            allowed=allowed,
            passed=cost <= allowed and exact and len(after) >= evaluation.ENOUGH,
        )

    def _measures(self, component: str) -> dict[str, Measure]:
        """The measures of a component: from its answers to one number for each row."""
        graph, measures = self._fp32[component], dict[str, Measure]()
        takes_rows = not self._rows.tensors.keys().isdisjoint(graph.inputs)
        answers = self._rows.space.outputs.keys() <= graph.outputs.keys()
        if answers and takes_rows:
            known = self._labelled
            measure = self._rows.space.traits.measure if known else "change"
            measures[measure] = self._errors if known else self._changes
        if component == "decoder" and "encoder" in self._fp32:
            measures["distortion"] = self._distances
        if "z_mean" in graph.outputs and "decoder" in self._fp32:
            measures["distortion"] = self._distortions
        return measures

    @property
    def _labelled(self) -> bool:
        """Whether any label is known."""
        y, unknown = self._rows.y, self._rows.space.traits.unknown
        return bool((~np.isnan(y) if math.isnan(unknown) else y != unknown).any())

    def _errors(self, answer: Arrays) -> Array:
        """The share of each row's label that is wrong, of rows whose label is known.

        Of numbers it is their mean squared error.
        """
        wrong: Array = self._rows.space.wrong(answer, self._rows.y)
        return wrong[~np.isnan(wrong)]

    def _changes(self, answer: Arrays) -> Array:
        """The share of each row's label that is another than that of fp32.

        Of numbers it is how far they are from it, in deviations.
        """
        plain, space = self._answer("classifier", self._fp32["classifier"]), self._rows.space
        wrong: Array = space.wrong(answer, space.answer(plain).labels)
        return np.sqrt(wrong) if space.traits.measure == RMSE else wrong

    def _distortions(self, answer: Arrays) -> Array:
        feeds = {**self._feeds, "z": answer["z_mean"]}
        return self._distances(self._answer("decoder", self._fp32["decoder"], feeds))

    def _distances(self, answer: Arrays) -> Array:
        """How far each row is from its reconstruction, averaged over the values that it has."""
        parts = []
        for name in answer.keys() & self._units.keys():
            x = self._feeds[name].astype(np.float64)
            parts.append((np.square(answer[name] - x) / self._units[name], ~np.isnan(x)))
        if "code_probs" in answer:
            codes = self._feeds["codes"]
            parts.append((self._missed(answer["code_probs"], codes), codes >= 0))
        flat = [[array.reshape(len(array), -1) for array in part] for part in parts]
        lost, known = (np.concatenate(arrays, axis=1) for arrays in zip(*flat, strict=True))
        mean: Array = np.where(known, lost, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return mean

    def _missed(self, probs: Array, codes: Array) -> Array:
        """How far the probability of each code that a row has is from 1."""
        sizes = [
            len(column.categories)
            for column in laid.columns_of(self._rows.layout)
            if column.categories
        ]
        starts = np.cumsum([0, *sizes[:-1]])
        missed: Array = 1 - np.take_along_axis(probs, starts + np.maximum(codes, 0), axis=1)
        return missed

    def _answer(
        self, component: str, engine: engines.Engine, feeds: Arrays | None = None
    ) -> Arrays:
        given = self._given(component, self._feeds if feeds is None else feeds)
        parts = [
            engine.run({k: v[start : start + self._size] for k, v in given.items()})
            for start in range(0, len(self._rows.x), self._size)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _given(self, component: str, feeds: Arrays) -> Arrays:
        """A component's inputs; noise is zero."""
        width = {t.name: t.row for t in self._fp32[component].inputs.values()}
        n = len(self._rows.x)
        return {
            name: feeds[name] if name in feeds else np.zeros((n, *width[name]), dtype=np.float32)
            for name in self._inputs[component]
        }

    def _gap(self, component: str, engine: engines.Engine) -> float:
        """How far the answers for a row alone are from those in a batch."""
        given = self._given(component, self._feeds)
        together = engine.run({k: v[: self._size] for k, v in given.items()})
        gaps = [0.0]
        for i in range(min(ALONE, self._size, len(self._rows.x))):
            alone = engine.run({k: v[i : i + 1] for k, v in given.items()})
            with np.errstate(invalid="ignore"):
                gaps += [np.abs(alone[k][0] - together[k][i]).max(initial=0) for k in alone]
        return _finite(np.max(gaps))


def _finite(value: float) -> float:
    """The value; `tolerance.HUGE` where it is not finite, as JSON has no word for that."""
    return float(value) if math.isfinite(value) else tolerance.HUGE

"""torch against the engine, on the same rows and the same noise.

A graph passes when its values agree at every batch size, and the classifier's predictions on every
distinct row; `tolerance` has the rule. On some rows, such as one a thousand deviations from the
mean, torch itself is further than that from the same computation in double precision. They say
nothing about the export: there the engine may be off as far as single precision makes torch be.
Both sides run on one thread, so that the figures come out the same again.
"""

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ssdgm_export.graphs import modules
from ssdgm_export.proof import engines, pictures
from ssdgm_runtime import errors
from ssdgm_runtime.bundle import tolerance
from ssdgm_runtime.inference import noise
from ssdgm_runtime.labels.space import Space
from ssdgm_runtime.rows.tensor import Tensor

BATCHES = (1, 2, 3, 17, 64, 257)
SLACK = 4.0
"""How much further off than torch's own rounding the engine may be, where that is what limits."""

ATOL, RTOL = tolerance.ATOL, tolerance.RTOL
SEED = 20140620

Array = NDArray[Any]
Arrays = dict[str, Array]


class ParityError(errors.SsdgmError, ArithmeticError):
    """An exported graph does not compute what its model computes."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True)
class Report:
    """How far the engine is from torch.

    Attributes:
        atol: Absolute tolerance.
        rtol: Relative tolerance.
        batches: The batch sizes compared.
        rows: Distinct real rows among them: all of these are in the largest batch.
        max_abs: The largest difference of each output, by graph.
        worst: The largest |a - b| / (atol + rtol * |b|), atol in the output's units, over all
            rows but those that single precision limits; at most 1 passes.
        where: The graph and output that this is of.
        limited: Rows that single precision limits, over all batches and outputs.
        compared: Rows whose predictions were compared, each once; none without a classifier.
        close_calls: Rows of them too close to tell, whose predictions may differ.
        disagreements: Indices of rows predicted otherwise although they were not close.
    """

    atol: float
    rtol: float
    batches: tuple[int, ...]
    rows: int
    max_abs: Mapping[str, Mapping[str, float]]
    worst: float
    where: str
    limited: int
    compared: int
    close_calls: int
    disagreements: tuple[int, ...]

    @property
    def passed(self) -> bool:
        """Whether the bundle may be written."""
        return self.worst <= 1 and not self.disagreements

    def to_json(self) -> dict[str, Any]:
        """As the bundle stores it."""
        return {**asdict(self), "passed": self.passed}


def compare(
    graphs: Mapping[str, modules.Graph],
    files: Mapping[str, bytes],
    x: Array,
    space: Space,
    atol: float = ATOL,
    rtol: float = RTOL,
    batches: Sequence[int] = BATCHES,
    opener: engines.Opener = engines.opened,
) -> Report:
    """Run every graph on both sides, batch by batch.

    Args:
        graphs: The traced modules.
        files: Their files.
        x: Real rows [n, *shape]; taken in turn, over and over.
        space: What a label is.
        atol: Absolute tolerance.
        rtol: Relative tolerance.
        batches: Batch sizes.
        opener: Opens a file.

    Raises:
        ParityError: A difference is above the tolerance.
    """
    tally, distinct = _Tally(atol, rtol), min(len(x), max(batches))
    with one_thread():
        for name, graph in graphs.items():
            engine = opener(name, files[name])
            doubled = replace(graph, module=copy.deepcopy(graph.module).double())
            for batch in batches:
                rows = np.take(x, np.arange(batch), axis=0, mode="wrap")
                feeds = feed(graph, graphs, rows, batch, space)
                want, got = reference(graph, feeds), engine.run(feeds)
                limits = tally.values(graph, want, reference(doubled, feeds), got)
                if name == "classifier" and batch == max(batches):
                    kept = np.flatnonzero(limits[space.mean][:distinct] <= 1)
                    tally.predictions(kept, space, want, got)
    report = tally.report(tuple(batches), distinct)
    if not report.passed:
        raise ParityError(*_complaint(report), "Nothing was written. " + _MEND)
    return report


_MEND = "Raise --atol or --rtol if this is close enough; if it is not, please report it."


def _complaint(report: Report) -> tuple[str, str]:
    """What differs, and what was expected."""
    graph, _, output = report.where.partition(".")
    differences, wanted = [], []
    if report.worst > 1:
        gap = report.max_abs[graph][output]
        differences.append(
            f"{output} of the exported {graph} differs from torch by up to {gap:.3g}, "
            f"{report.worst:.3g} times what is allowed"
        )
        wanted.append(f"|a - b| <= {report.atol:g} + {report.rtol:g} * |b|")
    if report.disagreements:
        count, first = len(report.disagreements), report.disagreements[0]
        differences.append(
            f"the exported classifier predicts otherwise on {count} rows (first: row {first})"
        )
        wanted.append("the same predictions")
    return " and ".join(differences), " and ".join(wanted)


def feed(
    graph: modules.Graph,
    graphs: Mapping[str, modules.Graph],
    x: Array,
    seed: int,
    space: Space,
) -> Arrays:
    """Inputs of a graph for rows x: a y of q(y | x) or a definite one, normal z and noise."""

    def normal(spec: Tensor) -> Array:
        return noise.draw(SEED + seed, spec.name, len(x), spec.width)

    given = graph.taken(x)
    return {
        spec.name: given[spec.name]
        if spec.name in given
        else _labels(graphs, x, space)
        if spec.name == "y"
        else normal(spec)
        for spec in graph.spec.inputs
    }


def reference(graph: modules.Graph, feeds: Arrays) -> Arrays:
    """What torch computes for these inputs, in its weights' own precision."""
    precision = next((p.dtype for p in graph.module.parameters()), torch.float32)
    given = [torch.tensor(feeds[spec.name]) for spec in graph.spec.inputs]
    tensors = [t.to(precision) if t.is_floating_point() else t for t in given]
    with torch.inference_mode():
        outputs = graph.module(*tensors)
    pairs = zip(graph.spec.outputs, outputs, strict=True)
    return {spec.name: np.asarray(value) for spec, value in pairs}


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread, so that figures and golden rows come out the same again."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _labels(graphs: Mapping[str, modules.Graph], x: Array, space: Space) -> Array:
    """Alternately the mean of q(y | x) and definite labels: callers give both."""
    shown = pictures.shown(space, x)
    labels = np.take(shown, np.arange(len(x)), axis=0, mode="wrap")
    if "classifier" not in graphs:
        return labels
    classifier = graphs["classifier"]
    guess = reference(classifier, feed(classifier, graphs, x, 0, space))[space.mean]
    labels[::2] = guess[::2]
    return labels


class _Tally:
    """Differences, gathered batch by batch."""

    def __init__(self, atol: float, rtol: float) -> None:
        self.atol, self.rtol = atol, rtol
        self.max_abs: dict[str, dict[str, float]] = {}
        self.worst, self.where, self.limited = 0.0, "", 0
        self.compared, self.close_calls = 0, 0
        self.disagreements: tuple[int, ...] = ()

    def values(self, graph: modules.Graph, want: Arrays, exact: Arrays, got: Arrays) -> Arrays:
        """Compare every output of one batch of one graph.

        Args:
            graph: The graph.
            want: What torch computes, by output.
            exact: The same in double precision.
            got: What the engine computes.

        Returns:
            How far torch itself is off in each row, by output, as a share of what is allowed.
        """
        row, limits = self.max_abs.setdefault(graph.name, {}), dict[str, Array]()
        for name, b in want.items():
            atol = graph.atol(name, self.atol)
            row[name] = max(row.get(name, 0.0), tolerance.gaps(got[name], b, atol, self.rtol)[0])
            limits[name] = _by_row(tolerance.shares(b, exact[name], atol, self.rtol))
            share = _by_row(tolerance.shares(got[name], b, atol, self.rtol))
            limited = (share > 1) & (share < tolerance.HUGE) & (share / SLACK <= limits[name])
            self.limited += int(limited.sum())
            if (worst := share[~limited].max(initial=0.0)) > self.worst or not self.where:
                self.worst, self.where = float(worst), f"{graph.name}.{name}"
        return limits

    def predictions(
        self, rows: NDArray[np.int64], space: Space, want: Arrays, got: Arrays
    ) -> None:
        """Compare the predictions of some rows, each of them once."""
        want, got = ({k: v[rows] for k, v in each.items()} for each in (want, got))
        self.compared = len(rows)
        self.close_calls = int((~space.clear(want, self.atol, self.rtol)).sum())
        differ = space.differs(got, want, self.atol, self.rtol)
        self.disagreements = tuple(rows[list(differ)].tolist())

    def report(self, batches: tuple[int, ...], rows: int) -> Report:
        """The tally as a report."""
        return Report(batches=batches, rows=rows, **vars(self))


def _by_row(shares: Array) -> Array:
    """The largest share of each row, [n]."""
    largest: Array = shares.reshape(len(shares), -1).max(1, initial=0.0)
    return largest

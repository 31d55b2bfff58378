"""torch against the engine, on the same rows and the same noise.

A graph passes when its values agree at every batch size, and the classifier's predictions on every
distinct row; `ssdgm_runtime.agreement` has the rule. Both sides run on one thread, so that the
figures come out the same again.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ssdgm_export import graphs
from ssdgm_runtime import agreement, errors, manifest, noise, plans, session

BATCHES = (1, 2, 3, 17, 64, 257)
ATOL, RTOL = agreement.ATOL, agreement.RTOL
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
        worst: The largest |a - b| / (atol + rtol * |b|) of all; at most 1 passes.
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
    found: Mapping[str, graphs.Graph],
    files: Mapping[str, bytes],
    x: Array,
    atol: float = ATOL,
    rtol: float = RTOL,
    batches: Sequence[int] = BATCHES,
) -> Report:
    """Run every graph on both sides, batch by batch.

    Args:
        found: The traced modules.
        files: Their .onnx bytes.
        x: Real rows [n, *shape]; taken in turn, over and over.
        atol: Absolute tolerance.
        rtol: Relative tolerance.
        batches: Batch sizes.

    Raises:
        ParityError: A difference is above the tolerance.
    """
    tally, distinct = _Tally(atol, rtol), min(len(x), max(batches))
    with one_thread():
        for name, graph in found.items():
            plan = plans.Plan(provider="cpu")
            engine = session.Session(name, partial(files.__getitem__, name), plan)
            for batch in batches:
                rows = np.take(x, np.arange(batch), axis=0, mode="wrap")
                feeds = feed(graph, found, rows, batch)
                want, got = reference(graph, feeds), engine.run(feeds)
                tally.values(name, want, got)
                if name == "classifier" and batch == max(batches):
                    tally.predictions(want["probs"][:distinct], got["probs"][:distinct])
    report = tally.report(tuple(batches), distinct)
    if not report.passed:
        raise ParityError(
            f"the engine differs from torch by {report.worst:.3g} times the tolerance, and "
            f"predicts otherwise on {len(report.disagreements)} rows: {dict(report.max_abs)}",
            f"|a - b| <= {atol:g} + {rtol:g} * |b| and the same predictions",
            "Nothing was written. Raise --atol or --rtol if this is good enough for you.",
        )
    return report


def feed(graph: graphs.Graph, found: Mapping[str, graphs.Graph], x: Array, seed: int) -> Arrays:
    """Inputs of a graph for rows x: q(y | x) or a one-hot y, standard normal z and noise."""

    def normal(spec: manifest.Tensor) -> Array:
        return noise.draw(SEED + seed, spec.name, len(x), spec.width)

    given = graph.taken(x)
    return {
        spec.name: given[spec.name]
        if spec.name in given
        else _labels(graph, found, x)
        if spec.name == "y"
        else normal(spec)
        for spec in graph.spec.inputs
    }


def reference(graph: graphs.Graph, feeds: Arrays) -> Arrays:
    """What torch computes for these inputs."""
    tensors = [torch.tensor(feeds[spec.name]) for spec in graph.spec.inputs]
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


def _labels(graph: graphs.Graph, found: Mapping[str, graphs.Graph], x: Array) -> Array:
    """Alternately q(y | x) and one-hot labels: callers give both."""
    width = next(spec.width for spec in graph.spec.inputs if spec.name == "y")
    one_hot = np.eye(width, dtype=np.float32)[np.arange(len(x)) % width]
    if "classifier" not in found:
        return one_hot
    classifier = found["classifier"]
    probs = reference(classifier, classifier.taken(x))["probs"]
    even = (np.arange(len(x)) % 2 == 0)[:, None]
    return np.where(even, probs, one_hot)


class _Tally:
    """Differences, gathered batch by batch."""

    def __init__(self, atol: float, rtol: float) -> None:
        self.atol, self.rtol = atol, rtol
        self.max_abs: dict[str, dict[str, float]] = {}
        self.worst, self.compared, self.close_calls = 0.0, 0, 0
        self.disagreements: tuple[int, ...] = ()

    def values(self, graph: str, want: Arrays, got: Arrays) -> None:
        """Compare every output of one batch of one graph."""
        row = self.max_abs.setdefault(graph, {})
        for name, b in want.items():
            gap, share = agreement.gaps(got[name], b, self.atol, self.rtol)
            row[name] = max(row.get(name, 0.0), gap)
            self.worst = max(self.worst, share)

    def predictions(self, want: Array, got: Array) -> None:
        """Compare the predictions of rows, each of them once."""
        self.compared = len(want)
        self.close_calls = int((~agreement.clear(want, self.atol, self.rtol)).sum())
        self.disagreements = agreement.disagreements(got, want, self.atol, self.rtol)

    def report(self, batches: tuple[int, ...], rows: int) -> Report:
        """The tally as a report."""
        return Report(batches=batches, rows=rows, **vars(self))

"""The files of each graph: one a precision, those of lower precision behind a gate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ssdgm_export.graphs import modules, quantise
from ssdgm_export.proof import allowance, engines, gate, parity
from ssdgm_runtime import arguments, errors
from ssdgm_runtime.bundle import tolerance
from ssdgm_runtime.labels.space import Space
from ssdgm_train.model import CLASSIFIER, SCORER

FP32, INT8, FP16 = PRECISIONS = ("fp32", "int8", "fp16")
CALIBRATION, CHUNK = 1024, 64
"""Rows that fix int8's scales, and how many are run at once."""

TOLERATED = {INT8: 0.25, FP16: 2.0}
"""What golden rows allow, as a share of the largest difference that the precision itself makes.

Integer products are the same everywhere, and only what lies between them may be rounded otherwise;
half precision is added up in other orders and widths. The fp32 file would fail as int8.
"""


class GateError(errors.SsdgmError, ArithmeticError):
    """No file of a graph is good enough to ship."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, eq=False)
class Variant:
    """A graph in one precision, and what holds it to that.

    Attributes:
        component: The graph.
        precision: Its precision.
        data: The file.
        golden: Its outputs for the golden rows.
        atol: Absolute tolerance for them.
        rtol: Relative tolerance.
        own: Absolute tolerances of outputs that have their own, one number or one a value.
        gates: How it passed; none for fp32, which parity holds.
    """

    component: str
    precision: str
    data: bytes
    golden: parity.Arrays
    atol: float
    rtol: float
    own: Mapping[str, tolerance.Bound] = field(default_factory=dict)
    gates: tuple[gate.Gate, ...] = ()


def reduced(source: "Source", component: str, precision: str, train: parity.Array) -> bytes:
    """The .onnx file of a component in int8 or fp16."""
    data = source.models[component]
    if precision == FP16:
        return quantise.fp16(data)
    return quantise.int8(data, _feeds(source, component, train))


Reduce = Callable[["Source", str, str, parity.Array], bytes]
"""Makes the file of a component in a lower precision, with training rows at hand."""


@dataclass(frozen=True, eq=False)
class Source:
    """What variants are made of.

    Attributes:
        graphs: The traced modules.
        models: Their fp32 files.
        golden: The golden rows' inputs, by graph.
        report: The parity report.
        space: What a label is.
        opener: Opens a file.
        reduce: Makes the file of a component in a lower precision.
    """

    graphs: Mapping[str, modules.Graph]
    models: Mapping[str, bytes]
    golden: Mapping[str, parity.Arrays]
    report: parity.Report
    space: Space
    opener: engines.Opener = engines.opened
    reduce: Reduce = reduced


def precisions(words: object) -> tuple[str, ...]:
    """Precisions from their names, in a list or with commas, each once.

    Raises:
        InputError: One is unknown, or there is none.
    """
    given = words.split(",") if isinstance(words, str) else words
    if not isinstance(given, Sequence) or not all(isinstance(word, str) for word in given):
        raise _unknown(arguments.shown(words))
    names = tuple(dict.fromkeys(word.strip() for word in given))
    unknown = [word for word in names if word not in PRECISIONS]
    if unknown or not names:
        raise _unknown(arguments.shown(unknown[0]) if unknown else "empty")
    return names


def _unknown(got: str) -> errors.InputError:
    return errors.InputError("precision", got, f"some of {', '.join(PRECISIONS)}")


def make(
    source: Source,
    wanted: Sequence[str],
    train: parity.Array,
    rows: gate.Rows,
    limits: allowance.Limits,
) -> tuple[list[Variant], list[gate.Gate]]:
    """Every variant that may ship, and how each was judged; what gives scores is fp32 alone.

    Args:
        source: The graphs.
        wanted: Precisions.
        train: Training rows, for int8's scales.
        rows: Held-out rows, for the gates.
        limits: What lower precision may cost.

    Raises:
        GateError: A graph is left without any file.
    """
    scores = _scorers(source)
    plain = [name for name in source.models if FP32 in wanted or name in scores]
    shipped = [exact(source, name) for name in plain]
    gates: list[gate.Gate] = []
    lower = [precision for precision in wanted if precision != FP32]
    names = {k: tuple(t.name for t in g.spec.inputs) for k, g in source.graphs.items()}
    with parity.one_thread():
        judge = gate.Judge(source.models, names, rows, limits, source.opener) if lower else None
        lowered = [name for name in source.models if name not in scores]
        for component, precision in ((c, p) for c in lowered for p in lower):
            assert judge is not None
            data = source.reduce(source, component, precision, train)
            verdicts = judge.judge(component, precision, data, source.golden[component])
            gates += verdicts
            if all(verdict.passed for verdict in verdicts):
                shipped.append(_variant(source, component, data, tuple(verdicts)))
    _check(source, shipped, gates)
    return shipped, gates


def _scorers(source: Source) -> set[str]:
    """The graphs that give scores, which are ranked to the last digits."""
    return {SCORER, CLASSIFIER, modules.FUSED} if "score" in source.space.outputs else {SCORER}


def exact(source: Source, component: str) -> Variant:
    """A graph's fp32 file; its golden outputs are torch's."""
    graph = source.graphs[component]
    with parity.one_thread():
        outputs = parity.reference(graph, source.golden[component])
    data, report = source.models[component], source.report
    own = {name: graph.atol(name, report.atol) for name in graph.units}
    return Variant(component, FP32, data, outputs, report.atol, report.rtol, own)


def _variant(source: Source, component: str, data: bytes, gates: tuple[gate.Gate, ...]) -> Variant:
    """A variant, held to answer on other devices within a share of what its precision costs."""
    feeds, precision, report = source.golden[component], gates[0].precision, source.report
    outputs = source.opener(component, data).run(feeds)
    plain = source.opener(component, source.models[component]).run(feeds)
    graph = source.graphs[component]
    costs = {k: np.abs(outputs[k].astype(np.float64) - plain[k]) for k in outputs}
    own = {
        k: np.asarray(
            np.maximum(
                np.float32(TOLERATED[precision] * cost.max(0 if k in graph.units else None)),
                graph.atol(k, report.atol),
            )
        )
        for k, cost in costs.items()
    }
    return Variant(component, precision, data, outputs, report.atol, report.rtol, own, gates)


def _feeds(source: Source, component: str, train: parity.Array) -> Iterator[parity.Arrays]:
    """Inputs as they will come: a decoder's latents from the prior and from the posterior."""
    graphs, graph = source.graphs, source.graphs[component]
    rows = train[np.linspace(0, len(train) - 1, min(len(train), CALIBRATION)).astype(int)]
    for seed, start in enumerate(range(0, len(rows), CHUNK)):
        x = rows[start : start + CHUNK]
        yield parity.feed(graph, graphs, x, seed, source.space)
        if component == "decoder" and "encoder" in graphs:
            yield _posterior(source, x, seed)


def _posterior(source: Source, x: parity.Array, seed: int) -> parity.Arrays:
    feeds, given = (
        parity.feed(source.graphs[name], source.graphs, x, seed, source.space)
        for name in ("decoder", "encoder")
    )
    latent = parity.reference(source.graphs["encoder"], given)
    return {**feeds, "z": latent["z_mean"] + latent["z_scale"] * feeds["z"]}


def _check(source: Source, shipped: Sequence[Variant], gates: Sequence[gate.Gate]) -> None:
    bare = [name for name in source.models if name not in {v.component for v in shipped}]
    if not bare:
        return
    failed = [
        f"{g.component} in {g.precision}: {g.measure} {g.fp32:.4g} became {g.found:.4g}"
        if g.rows
        else f"{g.component} in {g.precision}: nothing to measure it by"
        for g in gates
        if g.component in bare and not g.passed
    ]
    raise GateError(
        f"No file of {', '.join(bare)} may ship ({'; '.join(failed)})",
        mend="Nothing was written. Add fp32 to --precision, or raise --max-drop or "
        "--max-distortion.",
    )

"""The files of each graph: one a precision, those of lower precision behind a gate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ssdgm_export import gate, graphs, parity, quantise
from ssdgm_runtime import agreement, arguments, errors

FP32, INT8, FP16 = PRECISIONS = ("fp32", "int8", "fp16")
CALIBRATION, CHUNK = 1024, 64
"""Rows that fix int8's scales, and how many are run at once."""


class GateError(errors.SsdgmError, ArithmeticError):
    """No file of a graph is good enough to ship."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, eq=False)
class Variant:
    """A graph in one precision, and what holds it to that.

    Attributes:
        component: The graph.
        precision: Its precision.
        data: The .onnx file.
        golden: Its outputs for the golden rows.
        atol: Absolute tolerance for them.
        rtol: Relative tolerance.
        verdict: How it passed its gate; None for fp32, which parity holds.
    """

    component: str
    precision: str
    data: bytes
    golden: parity.Arrays
    atol: float
    rtol: float
    verdict: gate.Gate | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """What variants are made of.

    Attributes:
        found: The traced modules.
        models: Their fp32 files.
        golden: The golden rows' inputs, by graph.
        report: The parity report.
    """

    found: Mapping[str, graphs.Graph]
    models: Mapping[str, bytes]
    golden: Mapping[str, parity.Arrays]
    report: parity.Report


def precisions(words: str | Sequence[str]) -> tuple[str, ...]:
    """Precisions from their names, in a list or with commas, each once.

    Raises:
        InputError: One is unknown, or there is none.
    """
    given = words.split(",") if isinstance(words, str) else words
    if not isinstance(given, Sequence) or not all(isinstance(word, str) for word in given):
        raise _unknown(arguments.shown(words))
    found = tuple(dict.fromkeys(word.strip() for word in given))
    unknown = [word for word in found if word not in PRECISIONS]
    if unknown or not found:
        raise _unknown(arguments.shown(unknown[0]) if unknown else "empty")
    return found


def _unknown(got: str) -> errors.InputError:
    return errors.InputError("precision", got, f"some of {', '.join(PRECISIONS)}")


def make(
    source: Source,
    wanted: Sequence[str],
    train: parity.Array,
    rows: gate.Rows,
    limits: gate.Limits,
) -> tuple[list[Variant], list[gate.Gate]]:
    """Every variant that may ship, and how each was judged.

    Args:
        source: The graphs.
        wanted: Precisions.
        train: Training rows, for int8's scales.
        rows: Held-out rows, for the gates.
        limits: What lower precision may cost.

    Raises:
        GateError: A graph is left without any file.
    """
    shipped = [exact(source, name) for name in source.models] if FP32 in wanted else []
    gates = []
    lower = [precision for precision in wanted if precision != FP32]
    if lower:
        names = {k: tuple(t.name for t in g.spec.inputs) for k, g in source.found.items()}
        judge = gate.Judge(source.models, names, rows, limits)
        with parity.one_thread():
            for component, precision in ((c, p) for c in source.models for p in lower):
                data = _convert(source, component, precision, train)
                verdict = judge.judge(component, precision, data)
                gates += [verdict] if verdict else []
                if verdict and verdict.passed:
                    shipped.append(_variant(source, component, data, verdict))
    _check(source, shipped, gates)
    return shipped, gates


def exact(source: Source, component: str) -> Variant:
    """A graph's fp32 file; its golden outputs are torch's."""
    with parity.one_thread():
        outputs = parity.reference(source.found[component], source.golden[component])
    data, report = source.models[component], source.report
    return Variant(component, FP32, data, outputs, report.atol, report.rtol)


def _variant(source: Source, component: str, data: bytes, verdict: gate.Gate) -> Variant:
    """A variant, held to answer on other devices within what its precision costs here."""
    feeds = source.golden[component]
    outputs = gate.opened(component, data).run(feeds)
    plain = gate.opened(component, source.models[component]).run(feeds)
    cost = max(agreement.gaps(outputs[k], plain[k], 0, 1)[0] for k in outputs)
    atol = max(float(np.float32(cost)), source.report.atol)
    return Variant(component, verdict.precision, data, outputs, atol, source.report.rtol, verdict)


def _convert(source: Source, component: str, precision: str, train: parity.Array) -> bytes:
    data = source.models[component]
    if precision == FP16:
        return quantise.fp16(data)
    return quantise.int8(data, _feeds(source, component, train))


def _feeds(source: Source, component: str, train: parity.Array) -> Iterator[parity.Arrays]:
    """Inputs as they will come: a decoder's latents from the prior and from the posterior."""
    found, graph = source.found, source.found[component]
    rows = train[np.linspace(0, len(train) - 1, min(len(train), CALIBRATION)).astype(int)]
    for seed, start in enumerate(range(0, len(rows), CHUNK)):
        x = rows[start : start + CHUNK]
        yield parity.feed(graph, found, x, seed)
        if component == "decoder" and "encoder" in found:
            yield _posterior(found, x, seed)


def _posterior(found: Mapping[str, graphs.Graph], x: parity.Array, seed: int) -> parity.Arrays:
    feeds = parity.feed(found["decoder"], found, x, seed)
    latent = parity.reference(found["encoder"], parity.feed(found["encoder"], found, x, seed))
    return {**feeds, "z": latent["z_mean"] + latent["z_scale"] * feeds["z"]}


def _check(source: Source, shipped: Sequence[Variant], gates: Sequence[gate.Gate]) -> None:
    bare = [name for name in source.models if name not in {v.component for v in shipped}]
    if not bare:
        return
    told = [
        f"{g.component} in {g.precision}: {g.measure} {g.fp32:.4g} became {g.found:.4g}"
        for g in gates
        if g.component in bare
    ]
    raise GateError(
        f"no file of {', '.join(bare)} may ship ({'; '.join(told) or 'nothing to measure it by'})",
        "every graph in one precision at least",
        "Nothing was written. Add fp32 to --precision, or raise --max-drop or --max-distortion.",
    )

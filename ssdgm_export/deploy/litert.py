"""The graphs of a run as .tflite files for LiteRT, on phones and microcontrollers.

They are made from the run's own modules and pass what a bundle's graphs pass: parity with torch on
its rows, the gates of lower precision, golden rows. LiteRT's interpreter computes all of these
before anything is written. A file takes one number of rows.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ssdgm_export.bundle import convert, golden, variants
from ssdgm_export.deploy import folders, litert_guide
from ssdgm_export.graphs import modules, trace
from ssdgm_export.lite import interpreter, program
from ssdgm_export.proof import allowance, engines, gate, parity
from ssdgm_runtime import arguments, atomic, errors, replacing
from ssdgm_runtime.bench import cell, load, request
from ssdgm_runtime.bundle import tolerance
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_train import data as sources
from ssdgm_train.model import SCORER
from ssdgm_train.runs import directory, records
from ssdgm_train.runs import loading as training

PRECISIONS = (variants.FP32, variants.INT8)
ABOUT, README, LABELS = "litert.json", "README.md", "labels.txt"
FORMAT = "1.0"
SECONDS = 0.5
"""Of calls, by which a file's speed is told."""

Json = dict[str, Any]
_LIMITS = allowance.Limits()


@dataclass(frozen=True)
class File:
    """A .tflite file, beside the .onnx file of the same graph and precision.

    Attributes:
        graph: The graph.
        precision: fp32 or int8.
        path: Where it lies in the folder.
        bytes: Its size.
        sha256: Of its bytes.
        microseconds: Of a call with the file's number of rows, on one thread of this machine.
        onnx_bytes: The size of the .onnx file.
        onnx_microseconds: Of the same call of onnxruntime.
    """

    graph: str
    precision: str
    path: str
    bytes: int
    sha256: str
    microseconds: float
    onnx_bytes: int
    onnx_microseconds: float


@dataclass(frozen=True)
class Folder:
    """A folder that was written.

    Attributes:
        folder: Where it is.
        method: The method whose model it holds.
        batch: The rows that a file takes.
        files: The files.
        parity: How far they are from torch.
        gates: How those of lower precision were judged, those that may not ship too.
    """

    folder: str
    method: str
    batch: int
    files: list[File]
    parity: parity.Report
    gates: list[gate.Gate]

    def to_json(self) -> Json:
        """The same as JSON-ready tables."""
        return {**asdict(self), "parity": self.parity.to_json()}


def deploy(
    run: atomic.PathLike,
    out: atomic.PathLike,
    *,
    graphs: Sequence[str] = (),
    precision: str | Sequence[str] = variants.FP32,
    batch: int = 1,
    data: str | None = None,
    atol: float = parity.ATOL,
    rtol: float = parity.RTOL,
    limits: allowance.Limits = _LIMITS,
    force: bool = False,
) -> Folder:
    """Write the graphs of a finished run as .tflite files.

    Args:
        run: The run directory.
        out: A new folder; the folder that holds it must be there.
        graphs: Which graphs; by default those that `convert` writes. `scorer` and
            `encoder_classifier` may be among them.
        precision: fp32, int8 or both, in a list or with commas. A graph is written in int8 only
            where it passes its gates.
        batch: The rows that every file takes at once.
        data: Where the run's data lies now, if it has moved; its validation rows are needed.
        atol: Absolute tolerance of the comparison with torch.
        rtol: Relative tolerance.
        limits: What lower precision may cost.
        force: Replace a folder that is there.

    Raises:
        InputError: A graph or a precision is unknown, `out` is in the run or the data, or rows
            have many sizes.
        MissingExtra: litert-torch is not installed.
        LiteError: LiteRT cannot have a graph.
        OutputExists, DataNotFound, NotWritable: `out` cannot be made.
        RunError: The run has not ended, or its data has changed.
        ParityError: A graph differs from torch; nothing is written.
        GateError: A graph may ship in none of the precisions; nothing is written.
    """
    arguments.count(batch, "batch", 1)
    wanted = _precisions(precision)
    program.package("litert_torch")
    source = directory.Run(Path(run))
    atomic.apart(out, run=source.path)
    with replacing.folder(out, force=force) as partial:  # refused before any work, if it must be
        with directory.reading(source):
            record, result = source.read(), directory.ended(source)
            model = training.load_model(source)
            held, train = convert.material(source, data)
        lies_at = training.place(record.data.source, source.path) if data is None else data
        sources.check_outside(Path(out), sources.locate(lies_at))
        more = {"fuse": modules.FUSED in graphs, "score": SCORER in graphs}
        chosen = _chosen(modules.of(model, record.problem, result.temperature, **more), graphs)
        origin = _origin(chosen, held, record, batch, (atol, rtol))
        shipped, gates = variants.make(origin, wanted, train, convert.judging(held, train), limits)
        _check_golden(origin, shipped)
        twins = _twins(origin, shipped, train)
        files = [_file(one, twins[one.component, one.precision], origin, batch) for one in shipped]
        written = Folder(str(out), record.plan.spec.name, batch, files, origin.report, gates)
        folders.fill(partial, _parts(written, origin, shipped))
    return written


def _check_golden(origin: variants.Source, shipped: Sequence[variants.Variant]) -> None:
    """Compare what LiteRT gives for golden rows with what ships; raises ParityError."""
    for one in shipped:
        answers = origin.opener(one.component, one.data).run(origin.golden[one.component])
        for name, wanted in one.golden.items():
            bound = one.own.get(name, one.atol)
            gap, worst = tolerance.gaps(answers[name], wanted, bound, one.rtol)
            if worst > 1:
                raise parity.ParityError(
                    f"{name} of {path(one.component, one.precision)} differs from its golden rows "
                    f"by up to {gap:.3g}, {worst:.3g} times what is allowed",
                    mend="Nothing was written. Raise --atol or --rtol if this is close enough; "
                    "if not, please report it.",
                )


def _precisions(given: str | Sequence[str]) -> tuple[str, ...]:
    wanted = variants.precisions(given)
    for word in wanted:
        if word not in PRECISIONS:
            raise errors.InputError("precision", word, f"some of {', '.join(PRECISIONS)}")
    return wanted


def _chosen(
    every: Mapping[str, modules.Graph], names: Sequence[str]
) -> Mapping[str, modules.Graph]:
    """The graphs of these names, all of one size."""
    for name in names:
        if name not in every:
            words = ", ".join(dict.fromkeys((*every, modules.FUSED, SCORER)))
            raise errors.InputError("graphs", repr(name), f"some of {words}")
    for name in names or every:
        program.check(every[name])
    return every if not names else {name: every[name] for name in every if name in names}


def _origin(
    graphs: Mapping[str, modules.Graph],
    held: gate.Rows,
    record: records.RunRecord,
    batch: int,
    tolerances: tuple[float, float],
) -> variants.Source:
    """The files in float32, compared with torch, and what those of int8 are made of."""
    files = {name: program.program(graph, batch) for name, graph in graphs.items()}
    opener = partial(_open, graphs)
    report = parity.compare(graphs, files, held.x, held.space, *tolerances, opener=opener)
    given = golden.inputs(graphs, golden.chosen(graphs, record, None), held.space)
    return variants.Source(graphs, files, given, report, held.space, opener, _reduced)


def _open(graphs: Mapping[str, modules.Graph], name: str, data: bytes) -> engines.Engine:
    spec = graphs[name].spec
    return interpreter.Interpreter(name, data, program.named((*spec.inputs, *spec.outputs)))


def _reduced(source: variants.Source, component: str, _: str, train: parity.Array) -> bytes:
    return program.int8(source.models[component])


def _twins(
    origin: variants.Source, shipped: Sequence[variants.Variant], train: parity.Array
) -> dict[tuple[str, str], bytes]:
    """The .onnx file of each graph and precision."""
    plain = {one.component: trace.trace(origin.graphs[one.component], {}) for one in shipped}
    onnx = replace(origin, models=plain, opener=engines.opened)
    return {
        (one.component, one.precision): plain[one.component]
        if one.precision == variants.FP32
        else variants.reduced(onnx, one.component, one.precision, train)
        for one in shipped
    }


def _file(one: variants.Variant, twin: bytes, origin: variants.Source, batch: int) -> File:
    """What there is to say of a file, its speed beside that of its twin too."""
    given = origin.golden[one.component]
    some = np.arange(batch) % len(next(iter(given.values())))
    feeds = {name: array[some] for name, array in given.items()}
    openers = (origin.opener, one.data), (engines.opened, twin)
    own, other = _medians(
        [partial(open_(one.component, data).run, feeds) for open_, data in openers]
    )
    sha, name = hashlib.sha256(one.data).hexdigest(), path(one.component, one.precision)
    size = len(one.data)
    return File(one.component, one.precision, name, size, sha, own, len(twin), other)


def _medians(calls: Sequence[load.Call]) -> list[float]:
    """The median time of each call in microseconds, in turns, as `bench` takes them."""
    wanted, clock = request.Request(seconds=SECONDS), load.Clock()
    named = {str(i): call for i, call in enumerate(calls)}
    for call in calls:
        call()
    with load.opened(wanted.arrival, 1, SECONDS, clock) as stretch:
        parts = cell.alternate(named, stretch, wanted, clock)
    return [1e3 * cell.timing(parts[name], 1, 1)["p50_ms"] for name in named]


def path(component: str, precision: str) -> str:
    """The name of a file."""
    word = "" if precision == variants.FP32 else f".{precision}"
    return f"{component}{word}.tflite"


def _parts(
    written: Folder, origin: variants.Source, shipped: Sequence[variants.Variant]
) -> dict[str, bytes]:
    """Every file of the folder by its name."""
    names = list(origin.space.names)
    about = _about(written, origin, names)
    return {
        **{path(one.component, one.precision): one.data for one in shipped},
        **golden.files(origin.golden, shipped),
        ABOUT: (json.dumps(about, indent=2) + "\n").encode(),
        LABELS: "".join(f"{' '.join(name.split())}\n" for name in names).encode(),
        README: _guide(written, origin).encode(),
    }


def _guide(written: Folder, origin: variants.Source) -> str:
    specs = {name: graph.spec for name, graph in origin.graphs.items()}
    return litert_guide.text(written.method, written.batch, ABOUT, specs, written.files)


def _about(written: Folder, origin: variants.Source, names: list[str]) -> Json:
    """What `litert.json` says: tensors, labels, files, and what they passed."""
    graphs = {
        name: {
            "inputs": list(_tensors(graph.spec.inputs, written.batch)),
            "outputs": list(_tensors(graph.spec.outputs, written.batch)),
            "noise": list(graph.spec.noise),
        }
        for name, graph in origin.graphs.items()
    }
    facts = {key: value for key, value in written.to_json().items() if key != "folder"}
    labels = {"space": origin.space.space, "names": names}
    return {"format": FORMAT, **facts, "labels": labels, "graphs": graphs}


def _tensors(specs: Sequence[Tensor], batch: int) -> Iterator[Json]:
    for spec in specs:
        shape, own = [batch, *spec.row], program.own(spec.name)
        yield {"name": own, "of": spec.name, "dtype": program.dtype(spec), "shape": shape}

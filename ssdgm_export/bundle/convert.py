"""From a finished run to a bundle: trace, compare, compose, write whole or not at all, open again.

The same run gives the same bytes, in a folder as in a zip.
"""

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ssdgm_export.bundle import archive, card, document, golden, provenance, scoring, variants
from ssdgm_export.graphs import modules, trace
from ssdgm_export.proof import allowance, gate, parity, pictures
from ssdgm_runtime import atomic, errors, jsonfile
from ssdgm_runtime import model as runtime
from ssdgm_runtime.bundle import manifest
from ssdgm_train import data as sources
from ssdgm_train import evaluation
from ssdgm_train.data import store
from ssdgm_train.model import SCORER
from ssdgm_train.runs import baseline, directory, records
from ssdgm_train.runs import loading as training

SUFFIX = ".ssdgm"
_LIMITS = allowance.Limits()
Json = dict[str, Any]


@dataclass(frozen=True)
class Converted:
    """A bundle that was written.

    Attributes:
        path: Where it is.
        id: The SHA-256 of its SHA256SUMS.
        bytes: The size of its files together.
        parity: How far its graphs are from torch.
        gates: How its graphs of lower precision were judged, those that may not ship too.
        method: The method whose model ships.
        note: Why this of a run and its baseline ships, where that was asked; or empty.
        unranked: Why scores have no rank among validation rows; empty where they have one.
    """

    path: Path
    id: str
    bytes: int
    parity: parity.Report
    gates: tuple[gate.Gate, ...] = ()
    method: str = ""
    note: str = ""
    unranked: str = ""

    def to_json(self) -> Json:
        """As a command line prints it."""
        return {
            "bundle": str(self.path),
            "method": self.method,
            "id": self.id,
            "bytes": self.bytes,
            "parity": self.parity.to_json(),
            "gates": [verdict.to_json() for verdict in self.gates],
            **({"note": self.note} if self.note else {}),
            **({"unranked": self.unranked} if self.unranked else {}),
        }


def convert(
    run: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    data: str | None = None,
    golden_from: str | os.PathLike[str] | None = None,
    atol: float = parity.ATOL,
    rtol: float = parity.RTOL,
    name: str | None = None,
    version: str = document.VERSION,
    description: str | None = None,
    license: str | None = None,
    precision: str | Sequence[str] = variants.FP32,
    limits: allowance.Limits = _LIMITS,
    fuse: bool = False,
    score: bool = False,
    if_better: bool = False,
) -> Converted:
    """Convert a finished run into a bundle.

    Args:
        run: The run directory.
        out: A new `NAME.ssdgm` folder, or `NAME.ssdgm.zip` for the same files in one.
        data: Where the run's data lies now, if it has moved; its validation rows are needed.
        golden_from: A file of rows that may ship inside the bundle as golden rows; by default they
            are drawn from the model's own decoder and at random.
        atol: Absolute tolerance of parity and of golden rows.
        rtol: Relative tolerance.
        name: What the bundle is called; by default its method and its data.
        version: Its version, such as 1.2.0.
        description: What it is, in a sentence.
        license: An SPDX expression for the manifest and the card.
        precision: Some of fp32, int8 and fp16, in a list or with commas. A graph ships in a lower
            precision only where it passes its gates. int8 is then what `auto` takes on a CPU.
        limits: What lower precision may cost.
        fuse: Add the graph `encoder_classifier`, for hosts that want everything in one call.
        score: Add the graph `scorer`, by which `Model.score` bounds log p(x); always fp32.
        if_better: Ship the baseline's network instead where it erred less on 30 validation rows or
            more, or else by cross-validation; if neither can tell, the run ships.

    Raises:
        OutputExists: Something lies at `out`.
        InputError: A precision is unknown, a name or a version cannot be used, there is no encoder
            to fuse or p(x) to score by, or `out` is inside the data.
        RunError: The run has not ended, its data has changed, or it has no baseline to compare.
        ParityError: A graph differs from torch; nothing is written.
        GateError: A graph may ship in none of the precisions; nothing is written.
    """
    wanted = variants.precisions(precision)
    identity = document.Identity(name, version, description, license)
    given_run, target = directory.Run(Path(run)), _target(Path(out))
    with directory.reading(given_run):
        decision = baseline.better(given_run) if if_better else None
        source = decision.run if decision else given_run
        record, result = source.read(), directory.ended(source)
        golden.check(record, golden_from)
        model = training.load_model(source)
        held, train = material(source, data)
    graphs = modules.of(model, record.problem, result.temperature, fuse=fuse, score=score)
    properties = {"ssdgm.format": ".".join(map(str, manifest.FORMAT))}
    models = {
        key: trace.trace(graph, {**properties, "ssdgm.graph": key})
        for key, graph in graphs.items()
    }
    lies_at = training.place(record.data.source, source.path)
    _check_apart(target, lies_at if data is None else data, golden_from)
    batches = pictures.BATCHES if pictures.are_cut(held.space) else parity.BATCHES
    cut = pictures.cut(held.x, held.space)
    report = parity.compare(graphs, models, cut, held.space, atol, rtol, batches)
    given = golden.inputs(graphs, golden.chosen(graphs, record, golden_from), held.space)
    origin = variants.Source(graphs, models, given, report, held.space)
    shipped, gates = variants.make(origin, wanted, train, judging(held, train), limits)
    beside = directory.ended(given_run).baseline if if_better else None
    note = _note(decision, beside)
    remarks = [*model.remarks, *baseline.remarks(beside), *([f"{note}."] if note else [])]
    scored = scoring.scores(models, held) if SCORER in models else None
    about = document.compose(record, result, graphs, shipped, report, identity, beside, scored)
    files = {
        **{f"models/{v.component}/{v.precision}/model.onnx": v.data for v in shipped},
        **golden.files(given, shipped),
        **_texts(about, record, result, gates, remarks, source.read().portfolio),
        provenance.FILE: provenance.materials(about, record, shipped).encode(),
    }
    size, key = _write(target, files, [p for p in wanted if p in {v.precision for v in shipped}])
    unranked = scoring.unranked(held) if scored and not scored.levels else ""
    own = record.plan.spec.name
    return Converted(target, key, size, report, tuple(gates), own, note, unranked)


def _note(decision: baseline.Decision | None, beside: evaluation.Baseline | None) -> str:
    """Why this of a run and its baseline ships, and what erred less than both."""
    if decision is None or beside is None:
        return ""
    also = baseline.unshipped(beside)
    return f"{decision.reason}{f'; {also}' if also else ''}"


def material(run: directory.Run, data: str | None = None) -> tuple[gate.Rows, parity.Array]:
    """The run's validation rows, its labelled rows if none were held out; and training rows.

    Where no row has a label they are unlabelled ones; where they are very many, `store.sample`
    stands for them.
    """
    dataset, split = training.load_data(run, data), run.split()
    kinds = ("validation", "labelled", "unlabelled")
    kind = next(kind for kind in kinds if len(getattr(split, kind)))
    held = getattr(split, kind)
    few = store.sampled(dataset.x, held)
    x, y = (store.take(array, few) for array in (dataset.x, dataset.y))
    record = run.read()
    layout = modules.layout_of(record.problem)
    rows = gate.Rows(x, y, kind, document.space(record, directory.ended(run)), layout)
    return rows, pictures.cut(store.sample(dataset.x, split.training), rows.space)


def judging(held: gate.Rows, train: parity.Array) -> gate.Rows:
    """The rows that lower precision is judged by: training rows, unless enough are held out."""
    if held.kind == "validation" and len(held.x) >= evaluation.ENOUGH:
        return held
    unknown = np.full((len(train), *held.y.shape[1:]), held.space.traits.unknown)
    return dataclasses.replace(held, x=train, y=unknown, kind="training")


def _target(out: Path) -> Path:
    if not out.name.removesuffix(".zip").endswith(SUFFIX):
        raise errors.InputError("out", str(out), f"a name that ends in {SUFFIX} or {SUFFIX}.zip")
    if os.path.lexists(out):
        raise errors.OutputExists(f"{out} already exists", mend="Give another name with -o.")
    if not out.parent.is_dir():
        raise errors.DataNotFound(
            f"There is no folder {out.parent}", mend="Make it first, or give another -o."
        )
    return out


def _check_apart(target: Path, data: str, golden_from: str | os.PathLike[str] | None) -> None:
    """Refuse a bundle among the data, which would then no longer be what it was."""
    sources.check_outside(target, sources.locate(data))
    atomic.apart(target, data=golden_from)


def _texts(
    about: manifest.Manifest,
    record: records.RunRecord,
    result: records.Result,
    gates: Sequence[gate.Gate],
    remarks: Sequence[str],
    trials: evaluation.Trials | None,
) -> dict[str, bytes]:
    """The manifest, the card and the reports."""
    judged = {"gates": [verdict.to_json() for verdict in gates]}
    outcome = records.plain(result)
    pages = {
        "manifest.json": manifest.dumps(about),
        "README.md": card.card(about, judged["gates"], remarks, trials),
        "reports/parity.json": jsonfile.dumps(about.parity),
        "reports/training.json": jsonfile.dumps(
            {
                "recipe": record.recipe,
                "seed": record.seed,
                "result": outcome,
                **({"portfolio": records.plain(trials)} if trials else {}),
            }
        ),
        **({"reports/precision.json": jsonfile.dumps(judged)} if gates else {}),
    }
    return {name: page.encode() for name, page in pages.items()}


def _write(target: Path, files: Mapping[str, bytes], ships: Iterable[str]) -> tuple[int, str]:
    """Write beside the target, open and check what was written, then rename; its size and id."""
    sums = "".join(f"{hashlib.sha256(files[k]).hexdigest()}  {k}\n" for k in sorted(files))
    whole = {**files, "SHA256SUMS": sums.encode()}
    writer = archive.write if target.suffix == ".zip" else _write_folder
    with atomic.draft(target) as partial:
        writer(partial, whole)
        for precision in ships:
            _verify(partial, precision)
    return sum(map(len, whole.values())), hashlib.sha256(sums.encode()).hexdigest()


def _verify(path: Path, precision: str) -> None:
    with runtime.load(path, provider="cpu", variant=precision) as model:
        answer = model.verify()
    for check in answer.checks:
        if not check.passed:
            raise parity.ParityError(
                f"{check.output} of the written {check.component} ({check.precision}) differs "
                f"from its golden rows by up to {check.max_abs:.3g}, {check.worst:.3g} times what "
                f"is allowed, and {len(check.disagreements)} rows are predicted otherwise",
                mend="Nothing was written. Raise --atol or --rtol if this is close enough; if "
                "not, please report it.",
            )


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    for name in sorted(files):
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(files[name])

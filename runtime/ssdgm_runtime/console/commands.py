"""What a command line does with a bundle: each function takes paths and gives a JSON-ready table.

Nothing here prints, parses or exits, so that every command line says the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ssdgm_runtime import arguments, atomic, errors, model
from ssdgm_runtime.bundle import contents, rowfiles
from ssdgm_runtime.bundle.trust import policy as trust
from ssdgm_runtime.console import doctor, drawing, drift, generated, outputs
from ssdgm_runtime.inference import graphs, parts
from ssdgm_runtime.readers import inputs

if TYPE_CHECKING:
    from ssdgm_runtime.bench import backends, outcome, report, request

Json = dict[str, Any]
PathLike = atomic.PathLike
Setting = Any
"""An argument of `model.load`."""

_FAILED, _INTERNAL, _INTERRUPTED = 1, 70, 130


def inspect(bundle: PathLike) -> Json:
    """What a bundle contains, with its files' digests checked; needs no engine."""
    opened = contents.open_bundle(bundle)
    about, section = opened.manifest, opened.manifest.section
    first = ("classifier", "model", "calibration", "input", "requires", "training", "parity")
    copied = (*first, "producer", "license", "created")
    return {
        "name": about.name,
        "description": str(about.document.get("description", "")),
        "version": about.version,
        "path": str(opened.path),
        "id": opened.id,
        "format": ".".join(map(str, about.format)),
        "tasks": list(graphs.tasks(about)),
        "labels": list(about.labels),
        "space": about.space.to_json(),
        "likelihood": section.get("likelihood"),
        "columns": section.get("columns", []),
        **({"views": section["views"]} if about.views else {}),
        "graphs": section["io"],
        "resize": str(about.input.resize) if about.input.resize else None,
        "series": section.get("series"),
        "variants": [
            {"component": v.component, "name": v.name, "ep": v.provider, "precision": v.precision}
            for v in about.variants
        ],
        "files": {name: len(opened.read(name)) for name in opened.paths},
        **{key: section.get(key) for key in copied},
    }


def verify(bundle: PathLike, key: Sequence[PathLike] | None = None, **engine: Setting) -> Json:
    """Hash a bundle's files and run its golden rows here; `passed` is the outcome.

    With public keys, one of them must have signed it; `signer` is that key's fingerprint.
    """
    trusted: Json = {"policy": trust.Policy(keys=key)} if key else {}
    with model.load(bundle, **trusted, **engine) as opened:
        return {**opened.verify().to_json(), "signer": opened.info["signer"]}


def classify(
    bundle: PathLike,
    rows: PathLike,
    out: PathLike | None = None,
    *,
    top: int = 1,
    keep: str | None = None,
    probabilities: bool = False,
    batch_size: int | None = None,
    force: bool = False,
    task: str = "classify",
    **engine: Setting,
) -> Json:
    """Classify a file or folder of rows; see `inputs.read_rows` for what is read.

    Args:
        bundle: The bundle.
        rows: The rows.
        out: A .csv, .parquet, .jsonl or .npy (probabilities) file to write; without it the table
            has a record a row under `predictions`.
        top: How many labels to list for a row.
        keep: Columns of the rows' table to repeat, separated by commas.
        probabilities: Add a column of probabilities for each label.
        batch_size: The most rows computed at once.
        force: Replace `out` if it is there.
        task: `predict` takes bundles of any labels, `classify` none that predict numbers.
        engine: As for `Model`.
    """
    arguments.count(top, "top", 1)
    read = {"bundle": bundle, "data": rows}
    suffix = "" if out is None else atomic.check_output(out, outputs.CLASSIFY, force=force, **read)
    with model.load(bundle, **engine) as opened:
        about = opened.graphs.bundle.manifest
        opened.graphs.graph("classifier", task)
        if task not in ("predict", about.space.traits.task):
            labels = ", ".join(about.labels)
            raise errors.TaskUnavailable(
                f"This bundle cannot {task}: it predicts {about.space.space} ({labels})",
                mend=f"Use the command {about.space.traits.task}.",
            )
        if probabilities:
            about.space.traits.need_probable("Leave --probabilities out.")
        table = inputs.read_rows(rows, rowfiles.row(about, "classifier"))
        kept, differing = drift.beside(rows, table.x, about, keep)
        answer = opened.classify(table.x, batch_size=batch_size)
        familiar = drift.familiarity(opened, table.x)
        name, key = about.name, opened.graphs.bundle.id
        active = opened.graphs.placement("classifier").active
    more = {"counts": answer.counts(), "drift": differing, "familiarity": familiar}
    label = outputs.label_of(about.training)
    space, names = about.space, table.names
    listed = outputs.Predictions(answer, space, names, top, kept, label, probabilities)
    result = {
        "bundle": name,
        "id": key,
        "provider": active,
        "rows": len(answer),
        "space": about.space.space,
        **{key: value for key, value in more.items() if value},
    }
    if out is None:
        more = {"columns": listed.more} if listed.more else {}
        return {**result, **more, "predictions": listed.records()}
    atomic.write(out, outputs.CLASSIFY[suffix](listed), force=force)
    return {**result, "output": str(out)}


def score(
    bundle: PathLike,
    rows: PathLike,
    out: PathLike | None = None,
    *,
    batch_size: int | None = None,
    force: bool = False,
    **engine: Setting,
) -> Json:
    """Score a file or folder of rows; arguments as of `classify`."""
    read = {"bundle": bundle, "data": rows}
    suffix = "" if out is None else atomic.check_output(out, outputs.SCORE, force=force, **read)
    with model.load(bundle, **engine) as opened:
        about = opened.graphs.bundle.manifest
        opened.graphs.graph(scorer := parts.scorer(about.graphs), "score")
        table = inputs.read_rows(rows, rowfiles.row(about, scorer))
        _, differing = drift.beside(rows, table.x, about, None)
        listed = outputs.Scored(opened.score(table.x, batch_size=batch_size), table.names)
        active = opened.graphs.placement(scorer).active
    result = {
        "bundle": about.name,
        "id": opened.graphs.bundle.id,
        "provider": active,
        "rows": len(listed.scores),
        "unit": listed.scores.unit,
        **({"drift": differing} if differing else {}),
    }
    if out is None:
        return {**result, "scores": listed.records()}
    atomic.write(out, outputs.SCORE[suffix](listed), force=force)
    return {**result, "output": str(out)}


def generate(
    bundle: PathLike,
    out: PathLike,
    *,
    picture: str | None = None,
    rows: PathLike | None = None,
    classes: Sequence[str | int] = (),
    n: int = 8,
    seed: int | None = None,
    sample: bool = False,
    temperature: float = 1.0,
    force: bool = False,
    **engine: Setting,
) -> Json:
    """Generate rows by class, or one of the pictures, and write them.

    Args:
        bundle: The bundle.
        out: A .png grid, one line a class (one class alone fills a square), an .npz file, or for
            the rows of a table a .csv file.
        picture: `styles`, `analogies` or `walk`, laid out as `pictures` documents them.
        rows: A file or folder of data, read as by `classify`: the rows to draw analogies of, or
            those whose latents give the plane to walk in, which Z = 2 does without.
        classes: Names or indices; every class by default. Of tags each the names of one row,
            joined by semicolons; by default every tag alone.
        n: Rows a class; lines of styles; how many of the first rows to draw analogies of; lines
            and columns a class of a walk.
        seed: Of the draws; a fresh one by default, which is returned.
        sample: Draw from the likelihood instead of giving expected values.
        temperature: What the noise of the latent is multiplied by.
        force: Replace `out` if it is there.
        engine: As for `Model`.
    """
    request = drawing.Request(picture, rows, n, seed, sample, temperature)
    drawing.check(request)
    suffix = atomic.check_output(out, generated.FILES, force=force, bundle=bundle, data=rows)
    with model.load(bundle, **engine) as opened:
        about, space = opened.graphs.bundle.manifest, opened.space
        opened.graphs.graph("decoder", "generate")
        chosen = drawing.labels(opened, classes)
        drawn = drawing.draw(opened, request, chosen)
        active, key = opened.graphs.placement("decoder").active, opened.graphs.bundle.id
    samples = drawn.samples
    atomic.write(out, generated.FILES[suffix](drawn), force=force)
    return {
        "bundle": about.name,
        "id": key,
        "provider": active,
        "picture": picture,
        "rows": len(samples),
        "columns": drawn.columns,
        "classes": space.captions(chosen) if chosen is not None else [],
        "n": n,
        "seed": samples.seed,
        "sample": sample,
        "output": str(out),
    }


def bench(
    path: PathLike,
    wanted: "request.Request | None" = None,
    result: "outcome.Result | None" = None,
    *,
    engines: "Mapping[str, backends.Opener] | None" = None,
    watch: "report.Watch | None" = None,
) -> Json:
    """Measure a bundle here; `passed` says whether no condition failed.

    Args:
        path: The bundle.
        wanted: What to measure; `request.parse` reads it from a command line's words.
        result: What becomes of the report: files, a baseline, conditions.
        engines: Backends to measure against besides those that the runtime knows.
        watch: Told how many steps are done, of how many, and what was found.
    """
    from ssdgm_runtime.bench import outcome, request

    settled = result or outcome.Result(), wanted or request.Request()
    return outcome.run(path, *settled, engines=engines or {}, watch=watch)


def examine() -> Json:
    """Check whether bundles can run here; `passed` says whether there is no trouble."""
    findings = doctor.examine()
    return {
        "findings": [asdict(finding) for finding in findings],
        "passed": all(finding.level != doctor.TROUBLE for finding in findings),
    }


def exit_code(table: Json) -> int:
    """The exit code of a result: whether what was to be checked has passed."""
    if table.get("passed", True):
        return 0
    return errors.MissingEngine.exit_code if "findings" in table else _FAILED


def failure(error: BaseException) -> tuple[Json, int]:
    """An error as the one JSON object that stands for it, and the exit code."""
    table = {"type": type(error).__name__, "found": "", "expected": "", "mend": ""}
    message, code = str(error), _INTERNAL
    if isinstance(error, errors.SsdgmError):
        table |= {"found": error.found, "expected": error.expected, "mend": error.mend}
        code = error.exit_code
    elif isinstance(error, KeyboardInterrupt):
        message, code = "Interrupted", _INTERRUPTED
    elif isinstance(error, MemoryError):
        message = "Not enough memory. Use fewer rows or smaller batches."
        code = errors.SsdgmError.exit_code
    elif isinstance(error, OSError):
        table["found"] = ": ".join(filter(None, [_place(error), error.strerror or str(error)]))
        table["mend"] = "Check the path, its permissions and the free space."
        message, code = f"{table['found']}. {table['mend']}", errors.SsdgmError.exit_code
    else:
        message = f"Internal error, please report it: {type(error).__name__}: {error}"
    return {"error": {**table, "message": message}}, code


def _place(error: OSError) -> str:
    """The path in an error, without the hidden name under which it was being made."""
    import re

    return re.sub(r"\.([^/\\]+)\.\d+-[0-9a-f]{8}\.part", r"\1", str(error.filename or ""))

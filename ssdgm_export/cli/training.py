"""`methods` and `train`."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, reports
from ssdgm_export.cli.options import AsJson, Quiet
from ssdgm_runtime import errors, terminal
from ssdgm_runtime.rows import columns

Json = dict[str, Any]

PLURALS = {"number": "numbers", "category": "categories", "boolean": "booleans"}


def methods(as_json: AsJson = False) -> None:
    """List the methods, the tasks of their bundles, and the recipes."""
    from ssdgm_train import METHODS
    from ssdgm_train.recipes import shelf

    rows = [
        {
            "method": spec.name,
            "year": spec.paper.year,
            "paper": f"{spec.paper.authors}: {spec.paper.title}",
            "link": spec.paper.link,
            "summary": spec.summary,
            "tasks": list(spec.tasks),
        }
        for spec in METHODS.values()
    ]
    console.emit({"methods": rows, "recipes": shelf.names()}, as_json, _method_table)


def train(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="A folder, an archive, a file (.npz, .csv, .parquet), or a name."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="Method, as listed by `methods`. [default: the recipe's, or m2]"),
    ] = None,
    labels: Annotated[
        int | None, typer.Option(help="Number of labelled training rows. [default: all]")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column of a table that holds the labels.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Random seed of the split, weights, batches and noise. [default: 0]", min=0
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory to create.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of named data sets. [default: $SSDGM_DATA_DIR]")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A TOML file, or the name of a recipe listed by `methods`.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting, for example train.steps=1000; repeatable.",
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Device: auto, cpu or cuda. [default: auto]")
    ] = None,
    init_from: Annotated[
        Path | None,
        typer.Option(
            help="A run to start from, or .npz weights that the paper's authors published."
        ),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Continue this run with its own settings.")
    ] = None,
    no_baseline: Annotated[
        bool,
        typer.Option("--no-baseline", help="Do not train a supervised baseline to compare with."),
    ] = False,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Do not write report.html into the run.")
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a method on DATA, or continue a run."""
    session: Any
    if resume is not None:
        without = no_baseline or None
        _check_alone(
            data,
            method,
            labels,
            label,
            seed,
            out,
            data_dir,
            recipe,
            change,
            device,
            init_from,
            without,
        )
        session = _resume(resume)
    else:
        plan = recipe, method, [*(change or []), *_said(label, no_baseline)]
        session = _begin(
            data,
            plan,
            out,
            labels,
            seed or 0,
            device or "auto",
            init_from,
            data_dir,
            console.downloads(quiet),
        )
    _run(session, quiet)
    told = None if no_report else reports.after(session.run.path)
    console.emit({**_summary(session), "report": told}, as_json, _summary_lines)


def _said(label: str | None, no_baseline: bool) -> Iterator[str]:
    """Options that are settings of the recipe."""
    if label is not None:
        yield f"data.label={json.dumps(label)}"
    if no_baseline:
        yield "run.baseline=0"


def _begin(
    data: str | None,
    plan: tuple[str | None, str | None, list[str]],
    out: Path | None,
    labels: int | None,
    seed: int,
    device: str,
    init_from: Path | None,
    data_dir: Path | None,
    tell: Callable[[int, int, str], None],
) -> Any:  # noqa: ANN401
    if data is None or out is None:
        missing = "argument DATA" if data is None else "option --out"
        example = "Example: ssdgm-export train digits --labels 100 --out runs/a"
        raise errors.UsageError(f"Missing {missing}", mend=example)
    from ssdgm_train.recipes import recipe
    from ssdgm_train.runs import session

    place = None if data_dir is None else str(data_dir)
    return session.begin(
        data, partial(recipe.load, *plan), out, labels, seed, device, init_from, place, tell
    )


def _resume(path: Path) -> Any:  # noqa: ANN401
    from ssdgm_train.runs import session

    return session.resume(path)


def _check_alone(*others: object) -> None:
    if any(value is not None for value in others):
        reason = "a resumed run keeps its settings."
        raise errors.UsageError("--resume takes no other options", mend=reason)


def _run(session: Any, quiet: bool) -> None:  # noqa: ANN401
    from ssdgm_train.runs import training

    total, done = session.steps, session.state.step
    try:
        for _ in console.track(training.train(session), total, done, quiet):
            pass
    except KeyboardInterrupt:
        again = errors.command("ssdgm-export", "train", "--resume", session.run.path)
        console.note(f"stopped; continue with: {again}")
        raise


def _summary(session: Any) -> Json:  # noqa: ANN401
    described, result = session.run.read(), session.run.result
    counts = {k: described["data"][k] for k in ("labelled", "unlabelled", "validation", "test")}
    return {
        "run": str(session.run.path),
        "method": session.recipe.method,
        "dataset": described["data"]["name"],
        "rows": counts,
        "columns": {
            kind: [column.name for column in session.data.columns if column.kind == kind]
            for kind in columns.KINDS
        },
        "validation_labels_are_extra": described["data"]["validation_labels_are_extra"],
        "seed": session.seed,
        "init": described.get("init"),
        **{key: value for key, value in result.items() if key != "ended"},
    }


def _summary_lines(found: Json) -> str:
    rows = found["rows"]
    bundle = f"{Path(found['run']).name}.ssdgm"
    extra = "extra labels" if found["validation_labels_are_extra"] else "labels of the budget"
    lines = {
        "run": found["run"],
        **_init(found["init"]),
        "rows": f"{rows['labelled']} labelled, {rows['unlabelled']} unlabelled, "
        f"{rows['validation']} for validation ({extra})",
        **_columns(found["columns"]),
        **{part: _score(found[part]) for part in ("validation", "test")},
        "unlabelled": _score(found["unlabelled"], "no labels known"),
        **_baseline(found.get("baseline")),
        "temperature": _temperature(found),
        **_encoder(found),
        "report": found["report"] or "none",
        "next": errors.command("ssdgm-export", "convert", found["run"], "-o", bundle),
    }
    return terminal.fields(lines)


def _columns(kinds: Json) -> Json:
    """A line for what the columns of a table were taken for."""
    told = {PLURALS[kind]: names for kind, names in kinds.items() if names}
    numbers = [f"{len(names)} {what}" for what, names in told.items() if what == "numbers"]
    others = [f"{what} {columns.some(names)}" for what, names in told.items() if what != "numbers"]
    return {"columns": "; ".join([*numbers, *others])} if told else {}


def _init(init: Json | None) -> Json:
    """A line for the model that the run began with, and for what came with it."""
    if init is None:
        return {}
    done = f"; done already: {', '.join(init['done'])}" if init["done"] else ""
    taken = ", ".join(f"{name}={json.dumps(value)}" for name, value in init["settings"].items())
    return {"init": init["source"] + (f", whose {taken} are taken" if taken else "") + done}


def _score(score: Json | None, missing: str = "no rows") -> str:
    if score is None:
        return missing
    return (
        f"error {100 * score['error']:.2f} % of {score['rows']} rows, "
        f"NLL {score['nll']:.3f} nats, ECE {score['ece']:.3f}"
    )


def _baseline(found: Json | None) -> Json:
    """A line for the supervised baseline, where there are held-out rows to compare on."""
    from ssdgm_train.runs import baseline

    compared = found and (found["validation"] or found["test"])
    return {"baseline": baseline.sentence(compared)} if compared else {}


def _temperature(found: Json) -> str:
    before, after = found["uncalibrated"]["validation"], found["validation"]
    if before is None or found["temperature"] == 1:
        return f"{found['temperature']:.2f}"
    return (
        f"{found['temperature']:.2f}, for which validation NLL went "
        f"from {before['nll']:.3f} to {after['nll']:.3f} nats"
    )


def _encoder(found: Json) -> Json:
    """Lines for what the encoder has learnt, where there is one."""
    lines, latents, vote = {}, found["latents"], found["neighbours"]
    if latents:
        lines["latents"] = f"{len(latents['active'])} of {latents['size']} active"
        if "kept" in latents:
            lines["latents"] += f", on {len(latents['kept'])} features"
    if vote:
        lines["neighbours"] = f"error {100 * vote['error']:.2f} % by the {vote['k']} nearest"
    return lines


def _method_table(found: Json) -> str:
    rows = [
        (m["method"], m["year"], ", ".join(m["tasks"]), m["summary"]) for m in found["methods"]
    ]
    table = terminal.table(rows, ("method", "year", "its bundle offers", "what it is"))
    return f"{table}\n\nrecipes for train --recipe: {', '.join(found['recipes'])}"

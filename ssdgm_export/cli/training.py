"""`methods` and `train`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, reports, research, starting
from ssdgm_export.cli.options import AsJson, Quiet
from ssdgm_export.cli.text import training
from ssdgm_runtime import errors, terminal
from ssdgm_runtime.rows import columns

Json = dict[str, Any]


def methods(as_json: AsJson = False) -> None:
    """List the methods, the tasks of their bundles, and the recipes."""
    from ssdgm_train.recipes import lookup, shelf

    rows = [
        {
            "method": spec.name,
            "year": spec.paper.year,
            "paper": f"{spec.paper.authors}: {spec.paper.title}",
            "link": spec.paper.link,
            "summary": spec.summary,
            "tasks": list(spec.tasks),
        }
        for spec in map(lookup.find, lookup.names())
    ]
    console.emit({"methods": rows, "recipes": shelf.names()}, as_json, _method_table)


def train(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A folder, an archive, a file (.npz, .csv, .parquet), or a name.",
            autocompletion=research.data,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Method, as listed by `methods`, or file.py:METHOD for one of your own; auto "
            "compares a few recipes and trains the best. [default: auto; with --recipe the "
            "recipe's, with --init-from m2]",
            autocompletion=research.methods,
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            help="Minutes that comparing and training may take with auto, roughly. [default: 10]",
        ),
    ] = None,
    labels: Annotated[
        int | None, typer.Option(help="Number of labelled training rows. [default: all]")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="Column of a table or a labels.csv that holds the labels; several, as a,b,c or "
            "'*_x', hold a tag or, with --labels-as numbers, a number each."
        ),
    ] = None,
    labels_as: Annotated[
        str | None,
        typer.Option(
            help="What labels are: numbers to predict measurements; classes if each is a class, "
            "although they look like measurements; tags for several yes/no labels; "
            "one-class for normal rows and outliers; masks, a class for every place, and points "
            "in pictures."
        ),
    ] = None,
    class_weight: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTS",
            help="Weights of classes: balanced, for classes that count alike, or such as "
            "spam=3,ham=1. [default: rows count alike]",
        ),
    ] = None,
    extra_classes: Annotated[
        int | None,
        typer.Option(help="Number of classes without any label to look for, in methods that can."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Random seed of the split, weights, batches and noise. [default: 0]", min=0
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run directory to create.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of named data sets. [default: $SSDGM_DATA_DIR]")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A TOML file, a recipe listed by `methods`, or none for bare settings. "
            "[default: the recommended one]",
            autocompletion=research.recipes,
        ),
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
        str | None,
        typer.Option(help="Device: auto, cpu, cuda, or one GPU as cuda:1. [default: auto]"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="Number of threads. [default: 1 for small networks, else all]", min=1),
    ] = None,
    init_from: Annotated[
        Path | None,
        typer.Option(
            help="A run to start from, or .npz weights that the paper's authors published."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Continue this run with its own settings; DATA, if given, is its data's place."
        ),
    ] = None,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="With --resume: take run.json as it is, though edited."),
    ] = False,
    no_baseline: Annotated[
        bool,
        typer.Option("--no-baseline", help="Do not compare with a baseline on the labels alone."),
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
            method,
            budget,
            labels,
            label,
            labels_as,
            class_weight,
            extra_classes,
            seed,
            out,
            data_dir,
            recipe,
            change,
            device,
            threads,
            init_from,
            without,
        )
        session = _resume(resume, adopt, data)
        for remark in session.remarks:
            console.note(remark)
    else:
        if adopt:
            raise errors.UsageError("--adopt goes with --resume", mend="Leave it out.")
        changes = (
            *(change or []),
            *starting.settings(label, labels_as, class_weight, extra_classes, no_baseline),
        )
        said = starting.Said(method, recipe, changes, init_from, budget)
        place = None if data_dir is None else str(data_dir)
        tell = console.downloads(quiet)
        machine = device or "auto", place, tell, threads
        session = starting.begin(data, said, out, labels, seed or 0, *machine)
        starting.tell(session, quiet)
    _run(session, quiet)
    page = None if no_report else reports.after(session.run.path)
    console.emit({**_summary(session), "report": page}, as_json, training.summary)


def _resume(path: Path, adopt: bool, source: str | None) -> Any:  # noqa: ANN401
    from ssdgm_train.portfolio import search

    return search.resume(path, adopt=adopt, source=source)


def _check_alone(*others: object) -> None:
    if any(value is not None for value in others):
        reason = "a resumed run keeps its settings."
        raise errors.UsageError("--resume takes no other options", mend=reason)


def _run(session: Any, quiet: bool) -> None:  # noqa: ANN401
    from ssdgm_train.portfolio import search

    try:
        if not quiet and session.run.read().searching:
            for remark in search.prepare(session):
                console.note(remark)
        for _ in console.track(
            search.train(session, every=True), session.steps, session.state.step, quiet
        ):
            pass
    except KeyboardInterrupt:
        again = errors.command("ssdgm-export", "train", "--resume", session.run.path)
        console.note(f"stopped; continue with: {again}")
        raise


def _summary(session: Any) -> Json:  # noqa: ANN401
    from ssdgm_train.runs import records

    described, result = (records.plain(r) for r in (session.run.read(), session.run.result))
    counts = {k: described["data"][k] for k in ("labelled", "unlabelled", "validation", "test")}
    return {
        "run": str(session.run.path),
        "method": session.recipe.method,
        "recipe": described.get("taken"),
        "portfolio": described.get("portfolio"),
        "dataset": described["data"]["name"],
        "rows": counts,
        "columns": {
            kind: [column.name for column in session.data.columns if column.kind == kind]
            for kind in columns.KINDS
        },
        "left": list(session.data.left),
        "validation_labels_are_extra": described["data"]["validation_labels_are_extra"],
        "seed": session.seed,
        "init": described.get("init"),
        **{key: value for key, value in result.items() if key != "ended"},
    }


def _method_table(listing: Json) -> str:
    rows = [
        (m["method"], m["year"], ", ".join(m["tasks"]), m["summary"]) for m in listing["methods"]
    ]
    table = terminal.table(rows, ("method", "year", "its bundle offers", "what it is"))
    return f"{table}\n\nrecipes for train --recipe: {', '.join(listing['recipes'])}, or none"

"""`methods` and `train`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, reports
from ssdgm_export.cli.options import AsJson, Quiet
from ssdgm_export.cli.text import training
from ssdgm_runtime import errors, terminal
from ssdgm_runtime.rows import columns

Json = dict[str, Any]
AUTO, MINUTES = "auto", 10.0
"""The method for which recipes are tried, and the minutes of its budget."""


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
        typer.Option(
            help="Method, as listed by `methods`, or file.py:METHOD for one of your own; auto "
            "tries a few recipes and takes the best. [default: the recipe's, or m2]"
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            help="Minutes that --method auto may take, roughly. [default: 10]",
        ),
    ] = None,
    labels: Annotated[
        int | None, typer.Option(help="Number of labelled training rows. [default: all]")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="Column of a table that holds the labels; several, as a,b,c, hold a tag each."
        ),
    ] = None,
    labels_as: Annotated[
        str | None,
        typer.Option(
            help="Set to classes if each label is a class, although labels look like "
            "measurements, or to tags if rows must have several yes/no labels."
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
    out: Annotated[Path | None, typer.Option(help="Run directory to create.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of named data sets. [default: $SSDGM_DATA_DIR]")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A TOML file, a recipe listed by `methods`, or none for bare settings. "
            "[default: the recommended one]"
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
            data,
            method,
            budget,
            labels,
            label,
            labels_as,
            extra_classes,
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
        said = _said(label, labels_as, extra_classes, no_baseline)
        plan = recipe, method, (*(change or []), *said)
        session = _begin(
            data,
            plan,
            _minutes(budget, method, recipe, init_from),
            out,
            labels,
            seed or 0,
            device or "auto",
            init_from,
            data_dir,
            console.downloads(quiet),
        )
        _tell_recipe(session, quiet)
    _run(session, quiet)
    page = None if no_report else reports.after(session.run.path)
    console.emit({**_summary(session), "report": page}, as_json, training.summary)


def _said(
    label: str | None, labels_as: str | None, extra_classes: int | None, no_baseline: bool
) -> Iterator[str]:
    """Options that are settings of the recipe."""
    if label is not None:
        yield f"data.label={json.dumps(label)}"
    if labels_as is not None:
        yield f"data.labels_as={json.dumps(labels_as)}"
    if extra_classes is not None:
        yield f"data.extra_classes={extra_classes}"
    if no_baseline:
        yield "run.baseline=0"


def _begin(
    data: str | None,
    plan: tuple[str | None, str | None, tuple[str, ...]],
    minutes: float | None,
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
    from ssdgm_train.recipes import recommended
    from ssdgm_train.runs import session

    place = None if data_dir is None else str(data_dir)
    if minutes is not None:
        from ssdgm_train.portfolio import search

        asked = search.asked(plan[2])
        return search.begin(data, asked, out, minutes, labels, seed, device, place, tell)
    return session.begin(
        data, recommended.Asked(*plan), out, labels, seed, device, init_from, place, tell
    )


def _minutes(
    budget: float | None, method: str | None, recipe: str | None, init_from: Path | None
) -> float | None:
    """The minutes of a search among recipes; None where there is to be none."""
    if method != AUTO:
        if budget is not None:
            raise errors.UsageError("--budget is for --method auto", mend="Leave it out.")
        return None
    for name, value in {"--recipe": recipe, "--init-from": init_from}.items():
        if value is not None:
            raise errors.UsageError(f"--method auto takes no {name}", mend="Leave it out.")
    return MINUTES if budget is None else budget


def _tell_recipe(session: Any, quiet: bool) -> None:  # noqa: ANN401
    """Say which recipe is taken, before hours are spent on it."""
    from ssdgm_train.runs import records

    if not quiet:
        record = session.run.read()
        length = f"{session.steps:,} steps"
        if record.searching:
            length = f"others are tried, in {record.portfolio.budget:g} minutes"
        console.note(f"recipe {training.taken(records.plain(record.taken))}; {length}")


def _resume(path: Path) -> Any:  # noqa: ANN401
    from ssdgm_train.portfolio import search

    return search.resume(path)


def _check_alone(*others: object) -> None:
    if any(value is not None for value in others):
        reason = "a resumed run keeps its settings."
        raise errors.UsageError("--resume takes no other options", mend=reason)


def _run(session: Any, quiet: bool) -> None:  # noqa: ANN401
    from ssdgm_train.portfolio import search

    try:
        for _ in console.track(search.train(session), session.steps, session.state.step, quiet):
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

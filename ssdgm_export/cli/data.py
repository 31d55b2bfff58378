"""`data inspect`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, machine, shared
from ssdgm_export.cli.options import AsJson, Force, Quiet
from ssdgm_export.cli.text import data as text
from ssdgm_runtime import atomic

app = typer.Typer(
    help="Look at data before training.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    pass


@app.command(cls=shared.Once)
def inspect(
    data: Annotated[
        str,
        typer.Argument(
            metavar="PATH", help="As for `train`: a folder, an archive, a file, or a name."
        ),
    ],
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of named data sets. [default: $SSDGM_DATA_DIR]")
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
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting, for example data.ignore=id; repeatable.",
        ),
    ] = None,
    labels: Annotated[
        int | None, typer.Option(help="Number of labelled training rows. [default: all]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of the split.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw rows or columns to this .png file.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Number of threads. [default: all]", min=1)
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Show what PATH contains, what looks wrong, and what `train` would do."""
    if out is not None:
        atomic.check_output(out, (".png",), force=force)
    draw = _draw() if out is not None else None
    from ssdgm_train import data as sources
    from ssdgm_train import inspection
    from ssdgm_train.portfolio import default, search
    from ssdgm_train.recipes import recommended

    said = {"data.label": label, "data.labels_as": labels_as}
    changes = [
        *(change or []),
        *(f"{k}={json.dumps(v)}" for k, v in said.items() if v is not None),
    ]
    place = None if data_dir is None else str(data_dir)
    comparing = default.compared(None, (), changes)
    plan = search.asked(tuple(changes)) if comparing else recommended.Asked(changes=tuple(changes))
    downloading = console.downloads(quiet or as_json)
    if out is not None:
        sources.check_outside(out, sources.locate(data, place, downloading))
    with machine.limited(threads), console.watch(quiet or as_json) as tell:
        location, report = inspection.look(
            data, plan, labels, seed, place, downloading, tell, comparing
        )
    if out is not None and draw is not None:
        atomic.write(out, draw(report), force=force)
    given = {"data-dir": place, "label": label, "labels-as": labels_as, "labels": labels}
    given["seed"] = seed or None
    result = {
        "path": location.path,
        "files": {"count": location.files, "bytes": location.bytes, "names": list(location.names)},
        **report.to_json(),
        "command": text.command(data, given, change or []),
        "sheet": None if out is None else str(out),
    }
    console.emit(result, as_json, text.inspect)


def _draw() -> Callable[[Any], bytes]:
    from ssdgm_export import sheet

    return sheet.png

"""`classify` and `generate`: the runtime's own use cases, with no torch behind them."""

from pathlib import Path
from typing import Annotated

import typer

from ssdgm_export.cli import console
from ssdgm_export.cli.options import (
    AllowPartial,
    AsJson,
    Bundle,
    Force,
    Provider,
    Threads,
    Variant,
)
from ssdgm_runtime import errors
from ssdgm_runtime.console import commands, summaries


def classify(
    bundle: Bundle,
    source: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="npz, npy, IDX, CSV, Parquet, an image or a folder."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write a .csv, .jsonl or .npy file.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many labels a row.", min=1)] = 1,
    batch_size: Annotated[
        int | None, typer.Option(help="The most rows computed at once.", min=1)
    ] = None,
    provider: Provider = "auto",
    variant: Variant = "auto",
    threads: Threads = None,
    allow_partial: AllowPartial = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Classify the rows of INPUT."""
    found = commands.classify(
        bundle,
        source,
        out,
        top=top,
        batch_size=batch_size,
        provider=provider,
        variant=variant,
        threads=threads,
        allow_partial=allow_partial,
        force=force,
    )
    console.emit(found, as_json, summaries.classify)


def generate(
    bundle: Bundle,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A .png grid, an .npz file, or a table's .csv.")
    ],
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", help="A name or an index; repeatable; every class, if left out."),
    ] = None,
    styles: Annotated[
        bool, typer.Option("--styles", help="A picture: a style a line, a class a column.")
    ] = False,
    analogies: Annotated[
        bool, typer.Option("--analogies", help="A picture: the style of each of ROWS by class.")
    ] = False,
    walk: Annotated[
        bool, typer.Option("--walk", help="A picture: a walk through the latent plane.")
    ] = False,
    rows: Annotated[
        Path | None, typer.Option(help="Data for analogies, or for a walk unless Z is 2.")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="Rows a class, or lines of a picture.", min=1)] = 8,
    seed: Annotated[
        int | None, typer.Option(help="Of the draws; a fresh one is reported.", min=0)
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Draw x instead of its expected value.")
    ] = False,
    temperature: Annotated[float, typer.Option(help="What the latent is multiplied by.")] = 1.0,
    provider: Provider = "auto",
    variant: Variant = "auto",
    threads: Threads = None,
    allow_partial: AllowPartial = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Generate rows by class and write them."""
    found = commands.generate(
        bundle,
        out,
        picture=_picture(styles=styles, analogies=analogies, walk=walk),
        rows=rows,
        classes=classes or (),
        n=n,
        seed=seed,
        sample=sample,
        temperature=temperature,
        provider=provider,
        variant=variant,
        threads=threads,
        allow_partial=allow_partial,
        force=force,
    )
    console.emit(found, as_json, summaries.generate)


def _picture(**wanted: bool) -> str | None:
    names = [name for name, given in wanted.items() if given]
    if len(names) > 1:
        raise errors.InputError(
            f"--{names[1]}", f"given beside --{names[0]}", "one picture a time"
        )
    return names[0] if names else None

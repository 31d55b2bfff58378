"""`bench`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console
from ssdgm_export.cli.options import AllowPartial, AsJson, Bundle, Force, Quiet
from ssdgm_runtime.bench import backends, request, summary
from ssdgm_runtime.console import commands

Json = dict[str, Any]
TOLD = request.HELP


def bench(
    bundle: Bundle,
    batch: Annotated[str | None, typer.Option(help=TOLD["batch"])] = None,
    threads: Annotated[str | None, typer.Option(help=TOLD["threads"])] = None,
    component: Annotated[str | None, typer.Option(help=TOLD["component"])] = None,
    provider: Annotated[str, typer.Option(help=TOLD["provider"])] = "auto",
    variant: Annotated[str, typer.Option(help=TOLD["variant"])] = "auto",
    concurrency: Annotated[str, typer.Option(help=TOLD["concurrency"])] = "1",
    arrival: Annotated[str, typer.Option(help=TOLD["arrival"])] = "closed",
    against: Annotated[str, typer.Option(help=TOLD["against"])] = backends.RAW,
    batcher: Annotated[bool, typer.Option("--batcher", help=TOLD["batcher"])] = False,
    run: Annotated[Path | None, typer.Option(help=TOLD["run"])] = None,
    seconds: Annotated[float, typer.Option(help=TOLD["seconds"], min=0.01)] = request.SECONDS,
    cold: Annotated[int, typer.Option(help=TOLD["cold"], min=0)] = request.COLD,
    rows: Annotated[Path | None, typer.Option(metavar="INPUT", help=TOLD["rows"])] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help=TOLD["out"])] = None,
    plot: Annotated[Path | None, typer.Option(help=TOLD["plot"])] = None,
    baseline: Annotated[Path | None, typer.Option(help=TOLD["baseline"])] = None,
    fail_if: Annotated[
        list[str] | None, typer.Option(metavar="CONDITION", help=TOLD["fail_if"])
    ] = None,
    force: Force = False,
    allow_partial: AllowPartial = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Time every graph beside a bare onnxruntime session."""
    given = locals()
    from ssdgm_runtime.bench import outcome

    wanted = request.parse(**{key: given[key] for key in request.OPTIONS})
    conditions = fail_if or ()
    result = outcome.Result(out, plot, baseline, conditions, force, _draw() if plot else None)
    with console.watch(quiet or as_json) as watch:
        found = commands.bench(bundle, wanted, result, engines=_engines(run), watch=watch)
    console.emit(found, as_json, summary.bench)
    return commands.exit_code(found)


def _draw() -> Callable[[Json], bytes]:
    from ssdgm_export.bench import chart

    return chart.png


def _engines(run: Path | None) -> Mapping[str, backends.Opener]:
    if run is None:
        return {}
    from ssdgm_export.bench import eager

    return eager.openers(run)

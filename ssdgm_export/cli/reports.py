"""`report`, and what `train` writes at the end."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from ssdgm_export.cli import console
from ssdgm_export.cli.options import AsJson
from ssdgm_runtime import errors, terminal


def report(
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
    data: Annotated[
        str | None, typer.Option(help="Where the run's data lies now, if it has moved.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write RUN/report.html and RUN/figures: curves, errors, pictures."""
    from ssdgm_export import report as pages

    console.emit({"report": str(pages.write(run, data))}, as_json, terminal.fields)


def after(run: Path) -> str | None:
    """Write the report of a run that has just ended; its path, or None where nothing can draw."""
    if importlib.util.find_spec("matplotlib") is None:
        console.note(
            "no report: matplotlib is not installed. Install it with: pip install "
            f"'ssdgm-export[train]', then: {errors.command('ssdgm-export', 'report', run)}"
        )
        return None
    from ssdgm_export import report as pages

    return str(pages.write(run))

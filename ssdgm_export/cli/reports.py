"""`report`, and what `train` writes at the end."""

import importlib.util
from pathlib import Path

from ssdgm_export.cli import console, machine
from ssdgm_export.cli.options import AsJson, MovedData, Run, Threads
from ssdgm_runtime import errors, terminal

DRAWING = "drawing the report"


def report(
    run: Run, data: MovedData = None, threads: Threads = None, as_json: AsJson = False
) -> None:
    """Write RUN/report.html and RUN/figures: curves, errors, pictures."""
    from ssdgm_export import report as pages

    with machine.computing(run, threads, DRAWING):
        page = pages.write(run, data)
    console.emit({"report": str(page)}, as_json, terminal.fields)


def after(run: Path) -> str | None:
    """Write the report of a run that has just ended; its path, or None where nothing can draw."""
    if importlib.util.find_spec("matplotlib") is None:
        console.note(
            "no report: matplotlib is not installed. Run: pip install 'ssdgm-export[train]', "
            f"then: {errors.command('ssdgm-export', 'report', run)}"
        )
        return None
    from ssdgm_export import report as pages

    with machine.computing(run, None, DRAWING):
        return str(pages.write(run))

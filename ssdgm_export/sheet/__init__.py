"""A sheet of pictures to look at before a training: one PNG file of rows or of columns."""

from collections.abc import Callable

from ssdgm_export.sheet import columns, pictures, series, views
from ssdgm_train import inspection, problems

__all__ = ["png"]

Draw = Callable[[inspection.Report], bytes]

DRAWINGS: dict[str, Draw] = {
    problems.ROWS: columns.draw,
    problems.TABLE: columns.draw,
    problems.IMAGE: pictures.draw,
    problems.WINDOWS: series.draw,
    problems.VIEWS: views.draw,
}
"""How rows of a kind are drawn."""


def png(report: inspection.Report) -> bytes:
    """Images and windows by class, of other rows the values of each column; of views one."""
    return DRAWINGS[report.data.kind](report)

"""A row as a bundle or a data set has it: all that a reader of files needs to know of it."""

from dataclasses import dataclass

from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import resizing
from ssdgm_runtime.rows import series as long
from ssdgm_runtime.rows.views import view


@dataclass(frozen=True)
class Row:
    """What one row is.

    Attributes:
        shape: Its shape; None takes any.
        dtype: Its numpy dtype; empty takes any.
        columns: The columns, where it is that of a table.
        features: The names of its values as columns of numbers, where they have names.
        resize: What becomes of image files of another size; None refuses them.
        series: The columns of the long tables that windows are cut of.
        views: The arrays that it is made of, where it is several.
    """

    shape: tuple[int, ...] | None = None
    dtype: str = ""
    columns: table.Columns = ()
    features: table.Columns = ()
    resize: resizing.Resize | None = None
    series: long.Series | None = None
    views: view.Views = ()

"""What a bundle's rows are, for readers of files."""

from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.rows.row import Row


def row(about: manifest.Manifest, component: str) -> Row:
    """What a component's rows are, as files have them."""
    declared = interface.rows(about.graphs[component], about.row_layout)
    shape = declared.row if declared.row == declared.shape[1:] else None  # of sides that are free
    named = about.columns, about.features
    series, resize = about.series, about.input.resize
    return Row(shape, declared.dtype, *named, resize, series, about.views)

"""What a bundle's rows are, for readers of files."""

from ssdgm_runtime.bundle import interface, manifest
from ssdgm_runtime.rows.row import Row


def row(about: manifest.Manifest, component: str) -> Row:
    """What a component's rows are, as files have them."""
    declared = interface.rows(about.graphs[component], about.row_layout)
    named = about.columns, about.features
    series, resize = about.series, about.input.resize
    return Row(declared.row, declared.dtype, *named, resize, series, about.views)

"""What the rows of a bundle are beside tensors: a table's columns, windows, images, named values.

Loaded for the bundles that say so in their manifest.
"""

from collections.abc import Mapping

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.bundle.interface import Graph
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows import resizing
from ssdgm_runtime.rows import series as long
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_runtime.rows.views import lengths, view


def layout(
    section: jsonfile.Json,
) -> tuple[table.Columns, view.Views, tuple[lengths.Lengths, ...]]:
    """`columns`, `views` and `lengths`, of which there is one at most; raises as they do."""
    about = jsonfile.optional(section, "input", dict, {})
    shape = jsonfile.each(about, "shape", int) if about.get("shape") is not None else ()
    columns, views = table.parse(section.get("columns") or []), view.parse(section.get("views"))
    series = lengths.parse(section.get("lengths"), shape)
    if sum(map(bool, (columns, views, series))) > 1:
        raise errors.FormatError(
            "The manifest has more than one of columns, views and lengths", "one", jsonfile.MEND
        )
    return columns, views, series


def resize(value: object, graphs: Mapping[str, Graph]) -> resizing.Resize | None:
    """`input.resize`, whose size must be that of the graphs' rows."""
    if value is None:
        return None
    try:
        size = resizing.parse(jsonfile.typed(value, str, "input.resize"))
    except errors.DataError as error:
        raise errors.FormatError(error.found, error.expected, jsonfile.MEND) from None
    for tensor in _rows(graphs):
        if tensor.row[:2] != size.shape:
            raise errors.FormatError(
                f"input.resize of the manifest is {size} and x is {list(tensor.shape)}",
                "the height and width of x",
                jsonfile.MEND,
            )
    return size


def series(value: object, graphs: Mapping[str, Graph]) -> long.Series | None:
    """`series`, whose channels must be those of the graphs' rows."""
    windows = long.parse(value)
    if windows is None:
        return None
    for tensor in _rows(graphs):
        sides = tensor.row[:1] if len(tensor.row) == 2 else ()
        if (tensor.dtype, *sides) != ("float32", len(windows.channels)):
            raise errors.FormatError(
                f"The field series of the manifest has {len(windows.channels)} channels and x is "
                f"{tensor.dtype} {list(tensor.shape)}",
                "x float32 ['batch', channels, time]",
                jsonfile.MEND,
            )
    return windows


def features(
    section: jsonfile.Json, graphs: Mapping[str, Graph], known: table.Columns
) -> table.Columns:
    """`features`, one name for every value of the graphs' rows, as columns of numbers."""
    if section.get("features") is None:
        return ()
    names = jsonfile.each(section, "features", str)
    jsonfile.distinct(names, "the feature")
    widths = {tensor.width for tensor in _rows(graphs)}
    if known or not widths <= {len(names)}:
        raise errors.FormatError(
            f"The manifest has {len(names)} features and {len(known)} columns, and rows of "
            f"{sorted(widths)} values",
            "one feature for every value of a row, and no columns",
            jsonfile.MEND,
        )
    return tuple(table.Column(name) for name in names)


def _rows(graphs: Mapping[str, Graph]) -> list[Tensor]:
    return [t for graph in graphs.values() for t in graph.inputs if t.name == "x"]

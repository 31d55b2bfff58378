"""Generated rows as files: an npz of arrays, a grid of pictures, the rows of a table."""

import io
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.console import outputs
from ssdgm_runtime.inference import answers
from ssdgm_runtime.pictures import latent, png, traces
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.views import view

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Space

Floats = NDArray[np.float32]
_PIXELS = 48


@dataclass(frozen=True, eq=False)
class Drawn:
    """Generated rows with what a picture of them needs.

    Attributes:
        samples: The rows, in the order of the grid.
        columns: How many stand beside one another in a grid.
        low: The value that is black.
        high: The value that is white.
        known: The columns of a table's rows.
        views: The views of rows that have several; `samples` then has whole rows or a dict.
        space: What a label is.
        windows: Whether rows are windows of series.
        label: What the column of labels is called; "label" where nobody says.
    """

    samples: answers.Samples | latent.Picture
    columns: int
    low: float
    high: float
    known: table.Columns = ()
    space: "Space | None" = None
    windows: bool = False
    label: str = ""
    views: view.Views = ()


def npz(drawn: Drawn) -> bytes:
    """Arrays x, y, z, label where there are labels, seed if one was used, columns of a picture.

    Of rows with several views x is an array for each, x.NAME.
    """
    samples, stream = drawn.samples, io.BytesIO()
    arrays = {**_arrays(samples.x, drawn.views), "y": samples.y, "z": samples.z}
    seed = {} if samples.seed is None else {"seed": np.array(samples.seed)}
    label = {"label": samples.labels} if samples.y.shape[1] else {}
    laid = {"columns": np.array(drawn.columns)} if isinstance(samples, latent.Picture) else {}
    np.savez(stream, allow_pickle=False, **arrays, **seed, **label, **laid)
    return stream.getvalue()


def picture(drawn: Drawn) -> bytes:
    """A PNG grid of the rows, small images enlarged by whole pixels, windows as lines.

    Raises:
        DataError: There are no rows, or they are not images.
    """
    shown = _shown(drawn.samples.x, drawn.views)
    x, low, high, windows = shown or (drawn.samples.x, drawn.low, drawn.high, drawn.windows)
    if windows and len(x):
        lines = traces.images(x, low, high, _PIXELS)
        return png.encode_png(png.grid(lines, drawn.columns, pad=4))
    if isinstance(x, dict) or not len(x) or not png.is_image(x.shape[1:]):
        raise errors.DataError(
            f"Generated values of {_sizes(x)} are not images",
            "[n, height, width] or [n, height, width, 3]",
            "Write an .npz file instead.",
        )
    images = png.to_images(x, low, high)
    zoom = max(1, math.ceil(_PIXELS / max(images.shape[1:3])))
    large = images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    return png.encode_png(png.grid(large, drawn.columns, pad=2))


def csv(drawn: Drawn) -> bytes:
    """A table's rows under its header, the label asked for in the last column.

    Raises:
        DataError: They are not rows of a table.
    """
    if not drawn.known:
        raise errors.DataError(
            f"Generated values of {_sizes(drawn.samples.x)} are not rows of a table",
            mend="Write an .npz file instead.",
        )
    cells = {name: [*map(_cell, values)] for name, values in columns(drawn).items()}
    return outputs.comma_separated(cells)


def columns(drawn: Drawn) -> dict[str, Any]:
    """The columns of a table, or x or x.NAME with an array a row; after them the label."""
    known, x, named = drawn.known, drawn.samples.x, dict[str, Any]()
    named.update(table.named(x, known) if known else _arrays(x, drawn.views))
    if labels := captions(drawn):
        named[free((drawn.label if known else "") or "label", named)] = labels
    return named


def captions(drawn: Drawn) -> Sequence[str]:
    """The label that each row was generated for, in words; none where there are no labels."""
    space, y = drawn.space, drawn.samples.y
    return space.captions(y) if space and y.shape[1] else ()


def _cell(value: object) -> object:
    if isinstance(value, float):
        return str(np.float32(value))
    return str(value).lower() if isinstance(value, bool) else value


def free(name: str, taken: Collection[str]) -> str:
    """A name that no other column has: with as many underscores as it takes."""
    return name if name not in taken else free(f"{name}_", taken)


def _arrays(x: Any, views: view.Views) -> dict[str, Floats]:  # noqa: ANN401  (a dict, or whole rows)
    """Rows by the names that a file has for them: x, or x.NAME of every view."""
    if not views:
        return {"x": x}
    parts = x if isinstance(x, dict) else view.cut(x, views)
    return {v.tensor.name: parts[v.name] for v in views}


def _shown(x: Any, views: view.Views) -> tuple[Floats, float, float, bool] | None:  # noqa: ANN401
    """The first view that a picture can show, its range and whether it is windows."""
    for known in views:
        windows = known.kind == "windows"
        if windows or png.is_image(known.shape):
            low, high = known.range or (0.0, 1.0)
            return _arrays(x, views)[known.tensor.name], low, high, windows
    return None


def _sizes(x: Any) -> str:  # noqa: ANN401
    """The shape of rows, or those of their views, for a message."""
    parts = x if isinstance(x, dict) else {"": x}
    return " and ".join(f"shape {list(part.shape)}" for part in parts.values())


FILES: dict[str, Callable[[Drawn], bytes]] = {".png": picture, ".npz": npz, ".csv": csv}
"""What writes each kind of file."""

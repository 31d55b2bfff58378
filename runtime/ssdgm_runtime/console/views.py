"""Generated rows that have several views, as files and pictures take them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.pictures import png
from ssdgm_runtime.rows.views import view

Floats = NDArray[np.float32]


def arrays(x: Any, views: view.Views) -> dict[str, Floats]:  # noqa: ANN401  (a dict, or whole rows)
    """Rows by the names that a file has for them: x, or x.NAME of every view."""
    if not views:
        return {"x": x}
    parts = x if isinstance(x, dict) else view.cut(x, views)
    return {v.tensor.name: parts[v.name] for v in views}


def shown(x: Any, views: view.Views) -> tuple[Floats, float, float, bool] | None:  # noqa: ANN401
    """The first view that a picture can show, its range and whether it is windows."""
    for known in views:
        windows = known.kind == "windows"
        if windows or png.is_image(known.shape):
            low, high = known.range or (0.0, 1.0)
            return arrays(x, views)[known.tensor.name], low, high, windows
    return None


def sizes(x: Any) -> str:  # noqa: ANN401
    """The shape of rows, or those of their views, for a message."""
    parts = x if isinstance(x, dict) else {"": x}
    return " and ".join(f"shape {list(part.shape)}" for part in parts.values())

"""What a model of columns generates: each column of training rows beside that of drawn rows."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_runtime.rows import columns
from ssdgm_runtime.rows.views import layout as laid

MOST = 24
"""Columns that are shown."""

ACROSS = 4
BINS = 40
CATEGORIES = 12
GIVEN, DRAWN = "0.75", "black"
Values = NDArray[np.float64]


def of(material: Material) -> list[plates.Plate]:
    """One plate; none where rows are pictures or series, or nothing is generated."""
    if material.drawn is None:
        return []
    x, drawn = (rows.astype(np.float64) for rows in (material.rows, material.drawn))
    shown = min(x.shape[1], MOST)
    lines = -(-shown // ACROSS)
    figure = plates.figure(8.0, 0.4 + 1.5 * lines)
    places = list(figure.subplots(lines, ACROSS, squeeze=False).flat)
    for i, axes in enumerate(places):
        if i < shown:
            _panel(axes, _column(material, i), x[:, i], drawn[:, i])
        else:
            axes.remove()
    more = f" The first {MOST} of {x.shape[1]} columns." if x.shape[1] > MOST else ""
    return [
        plates.Plate(
            "columns",
            "Column by column",
            f"Grey: {len(x)} training rows, without what is missing. Black: {len(drawn)} rows "
            f"drawn from the model, its latents and labels from their priors.{more}",
            f"{shown} histograms of training rows and of generated rows.",
            plates.encode(figure),
        )
    ]


def _column(material: Material, i: int) -> columns.Column:
    known = laid.columns_of(material.parts.layout)
    return known[i] if known else columns.Column(f"{i}")


def _panel(axes: Axes, column: columns.Column, given: Values, drawn: Values) -> None:
    given, drawn = given[np.isfinite(given)], drawn[np.isfinite(drawn)]
    axes.set_title(plates.short(column.name), fontsize=8, parse_math=False)
    axes.tick_params(labelsize=6)
    axes.set_yticks([])
    if column.kind == columns.NUMBER:
        _histograms(axes, given, drawn)
    else:
        _bars(axes, column.categories, given, drawn)


def _histograms(axes: Axes, given: Values, drawn: Values) -> None:
    both = np.concatenate([given, drawn])
    low, high = np.percentile(both, [0.5, 99.5]) if len(both) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    for values, look in ((given, {"color": GIVEN, "fill": True}), (drawn, {"color": DRAWN})):
        share = np.histogram(values, edges)[0] / max(len(values), 1)
        axes.stairs(share, edges, **look)


def _bars(axes: Axes, names: tuple[str, ...], given: Values, drawn: Values) -> None:
    """The categories that training rows have most of."""
    counts = np.array([[(x == k).sum() for k in range(len(names))] for x in (given, drawn)])
    order = np.argsort(-counts[0], kind="stable")[:CATEGORIES]
    shares = counts[:, order] / np.maximum(counts.sum(1, keepdims=True), 1)
    at = np.arange(len(order))
    axes.bar(at, shares[0], color=GIVEN)
    axes.stairs(shares[1], np.arange(len(order) + 1) - 0.5, color=DRAWN)
    shown = [plates.short(names[k]) for k in order]
    axes.set_xticks(at, shown, rotation=30 if len(shown) > 4 else 0, parse_math=False)

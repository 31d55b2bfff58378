"""Learning curves: every term of every phase, and the validation error."""

from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes

from ssdgm_export.report import plates
from ssdgm_export.report.material import Json, Material
from ssdgm_export.report.plates import Plate

COLUMNS = 2
Line = list[tuple[int, float]]


def of(material: Material) -> list[Plate]:
    """One plate of small axes; none where the run's records are gone."""
    records = material.records
    if not records:
        return []
    panels = _panels(records)
    lines = -(-len(panels) // COLUMNS)
    drawn = plates.figure(8, 0.4 + 2.2 * lines)
    axes = list(drawn.subplots(lines, COLUMNS, squeeze=False).flat)
    for place, (title, curves) in zip(axes, panels.items(), strict=False):
        _draw(place, title, curves, records)
    for place in axes[len(panels) :]:
        place.remove()
    return [
        Plate(
            "curves",
            "Every term, step by step",
            _caption(records),
            f"Learning curves of {', '.join(panels)} over {records[-1]['step']} steps.",
            plates.encode(drawn),
        )
    ]

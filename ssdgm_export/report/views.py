"""What a model of rows with views generates: every view by class, and from the others.

Views that are pictures or windows are drawn as such, the values of others as a line.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_runtime.pictures import latent, png
from ssdgm_runtime.rows.views import layout, view
from ssdgm_train import problems
from ssdgm_train.labels import Classes

CLASSES, STYLES, ROWS = 10, 6, 10
"""The most classes of a picture, the draws of each, and the rows that a view is generated for."""

Array = NDArray[Any]


def of(material: Material) -> list[plates.Plate]:
    """Plates of each view: by class, and as it follows from the others; none without views."""
    views, graphs = layout.views_of(material.parts.layout), material.parts.graphs
    if not views or "decoder" not in graphs or not isinstance(material.labels, Classes):
        return []
    made = [*_samples(material, views)] if material.parts.takes("decoder", "y", "draw") else []
    return [*made, *(plate for known in views for plate in _from_others(material, views, known))]


def _samples(material: Material, views: view.Views) -> Iterator[plates.Plate]:
    """Each view, class by class."""
    shown = [*range(min(len(material.classes), CLASSES))]
    grid = latent.styles(material.parts, STYLES, material.run.seed, shown)
    names, parts = [plates.short(material.classes[k]) for k in shown], view.cut(grid.x, views)
    for known in views:
        yield plates.Plate(
            f"samples_{known.name}",
            f"Class by class: {known.name}",
            f"Expected values of the view {known.name}. Each line has one style z, drawn from its "
            "prior, which is that of all views; each column one class, named above. Source: the "
            f"decoder, z of seed {material.run.seed}.",
            f"A grid of the view {known.name}, {STYLES} styles in each of {len(names)} classes.",
            plates.grid(_images(known, parts[known.name]), grid.columns, above=names),
        )


def _from_others(
    material: Material, views: view.Views, known: view.View
) -> Iterator[plates.Plate]:
    """A view as it is and as it follows from the others, in rows that have it and another."""
    held, places = material.held, dict(view.spans(views))[known]
    there = view.present(held.x, views)
    chosen = np.flatnonzero(there[:, views.index(known)] & (there.sum(1) > 1))[:ROWS]
    if not len(chosen) or "encoder" not in material.parts.graphs:
        return
    x = held.x[chosen].copy()
    given = x[:, places].copy()
    x[:, places] = np.nan
    posterior = material.parts.posterior("reconstruct", x, None, "decoder")
    made = material.parts.answer("decoder", {"z": posterior.z, **posterior.y})[:, places]
    both = np.concatenate([given, made]).reshape(-1, *known.shape)
    yield plates.Plate(
        f"from_others_{known.name}",
        f"{known.name} from the other views",
        f"Above, the view {known.name} of {held.kind} rows; below, what the model makes of it "
        "from their other views alone, for the label that it gives them by these.",
        f"The view {known.name} of {len(chosen)} rows above what is generated from the others.",
        plates.grid(_images(known, both), len(chosen), left=["given", "generated"]),
    )


def _images(known: view.View, x: Array) -> png.Bytes:
    """A view as pictures: images as they are, windows and values as lines."""
    low, high = known.range or (float(x.min()), float(x.max()))
    if known.kind == problems.IMAGE and png.is_image(known.shape):
        return plates.sized(x, low, high, plates.CELL)
    lines = x if known.kind == problems.WINDOWS else x.reshape(len(x), 1, -1)
    return plates.curved(lines, low, high, plates.CELL)

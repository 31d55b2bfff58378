"""Points drawn over pictures, true ones beside predicted ones, and how many of each are right."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_runtime.pictures import overlays, png
from ssdgm_train.labels import points

COLUMNS, LINES = 4, 3
NEAR = np.linspace(0, 0.3, 31)
"""How near points are asked to be, in longer sides of the box around those of a picture."""

Floats = NDArray[np.float64]


def of(material: Material) -> list[plates.Plate]:
    """Pictures from the worst to the best, and the share of correct points by their distance."""
    held = material.held
    said, y = held.outputs["mean"].astype(np.float64), held.y.astype(np.float64)
    return [_pictures(material, said, y), _shares(material, said, y)]


def _pictures(material: Material, said: Floats, y: Floats) -> plates.Plate:
    off = distances(said, y)
    known = np.flatnonzero(~np.isnan(off))
    order = known[np.argsort(off[known], kind="stable")[::-1]]
    count = min(COLUMNS * LINES, len(order))
    chosen = order[np.linspace(0, len(order) - 1, count).astype(int)]
    images = overlays.coloured(png.to_images(material.held.x[chosen], material.low, material.high))
    drawn = plates.figure(8.0, 2.3 * -(-count // COLUMNS))
    all_axes = drawn.subplots(-(-count // COLUMNS), COLUMNS, squeeze=False).ravel()
    for axes in all_axes:
        axes.set_axis_off()
    for axes, row, image in zip(all_axes, chosen, images, strict=False):
        _over(axes, image, said[row], y[row])
        axes.set_title(f"{off[row]:.1f} pixels", fontsize=plates.SIZE)
    return plates.Plate(
        "points",
        "Points from the worst picture to the best",
        f"{count} {material.held.kind} pictures. Circles are where points are, crosses where they "
        "are predicted, and a line joins both; above, the mean distance of the two.",
        f"{count} pictures with true and predicted points.",
        plates.encode(drawn),
    )


def _over(axes: Axes, image: NDArray[np.uint8], said: Floats, y: Floats) -> None:
    """A picture with its points; pixels are as wide as one, so that the first begins at 0."""
    high, wide = image.shape[:2]
    axes.imshow(image, extent=(0, wide, high, 0), interpolation="nearest")
    for (x, down), (true_x, true_down) in zip(said.reshape(-1, 2), y.reshape(-1, 2), strict=True):
        if not np.isnan(true_x):
            axes.plot([x, true_x], [down, true_down], color="white", linewidth=0.7)
            axes.plot(true_x, true_down, "o", markersize=4, color="tab:cyan")
        axes.plot(x, down, "x", markersize=4, color="tab:red")
    axes.set(xlim=(0, wide), ylim=(high, 0))


def _shares(material: Material, said: Floats, y: Floats) -> plates.Plate:
    """The share of correct points by how near they must be, of all and of the extreme ones."""
    names = [name.removesuffix("_x") for name in material.classes[::2]]
    curves = np.stack([_of_each(said, y, near) for near in NEAR])
    own = _of_each(said, y, points.NEAR)
    drawn = plates.figure(8.0, 3.6)
    left, right = drawn.subplots(1, 2, width_ratios=(1, 1.2))
    left.plot(NEAR, 100 * np.nanmean(curves, 1), color="tab:blue")
    left.axvline(points.NEAR, color="grey", linewidth=0.8, linestyle=":")
    left.set(xlabel="distance, in sides of the box", ylabel="correct points, %", ylim=(0, 100))
    places = np.arange(len(names))
    right.barh(places, 100 * np.nan_to_num(own), 0.8, color="tab:blue")
    right.set_yticks(places, [plates.short(name) for name in names])
    right.invert_yaxis()
    right.set(xlabel=f"correct within {points.NEAR:g} of the box, %", xlim=(0, 100))
    right.tick_params(labelsize=plates.SIZE)
    share = float(np.nanmean(points.correct(said, y)))
    return plates.Plate(
        "correct",
        "Correct points",
        f"A point is correct within a share of the longer side of the box around all known points "
        f"of its {material.held.kind} picture (PCK): at the left by that share, on average over "
        "points, at the right for each.",
        f"{100 * share:.1f} % of points are within {points.NEAR:g} of their box.",
        plates.encode(drawn),
    )


def _of_each(said: Floats, y: Floats, near: float) -> Floats:
    """The share of correct ones of each point, [K]; NaN where none is known."""
    right = points.correct(said, y, near)
    known = ~np.isnan(right)
    with np.errstate(invalid="ignore"):
        shares: Floats = np.nansum(right, 0) / known.sum(0)
    return shares


def distances(said: Floats, y: Floats) -> Floats:
    """The mean distance of a row's points from where they are, in pixels, [n]; NaN without any."""
    off = np.linalg.norm((said - y).reshape(len(y), -1, 2), axis=-1)
    known = ~np.isnan(off)
    with np.errstate(invalid="ignore"):
        means: Floats = np.nansum(off, 1) / known.sum(1)
    return means
